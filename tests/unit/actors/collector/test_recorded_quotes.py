"""Recorded FX files against what was computed of them independently, and against each other."""

import gzip
import json
import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.aggregator.bars import BarBuilder
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.collector.news.decode import NewsDecoder
from actors.collector.recorded.quotes import FxDecoder
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Bar, Quote
from protocol.sessions import session_named
from tests.support import data

TICKS = [
    "fx/histdata_eurusd_ticks_20200101.csv.gz",
    "fx/lean_fxcm_eurusd_tick_20140508_quote.zip",
    "fx/lean_oanda_eurusd_tick_20140506_quote.zip",
]
FXCM_MINUTES = ["fx/fxcm_gbpusd-m1-ask-2012.csv.gz", "fx/fxcm_gbpusd-m1-bid-2012.csv.gz"]
LEAN_MINUTES = {
    "fx/lean_fxcm_eurusd_minute_20140508_quote.zip": "fx/lean_fxcm_eurusd_tick_20140508_quote.zip",
    "fx/lean_oanda_eurusd_minute_20140506_quote.zip": "fx/lean_oanda_eurusd_tick_20140506_quote.zip",
}
"""Minutes to the ticks of the same day: the truth is in the other file."""
NEWS = {
    "news/cointelegraph_20260815.xml": (2, 1786804824000000000, 1786814803000000000),
    "news/cryptopanic_post_2018.json": (1, 1519938044575689000, 1519938044575689000),
    "news/cryptopanic_posts_2026_shape.json": (1, 1779330725000000000, 1779330725000000000),
}
"""Headlines, and the times of the oldest and the newest one."""
RAW_WORDS = {"time_zone", "ticks_to_minute_bars_against_lean", "indicators", "first", "last"}


@pytest.mark.recording
def test_no_file_is_left_out():
    folder = data.data_dir()
    assert folder is not None
    files = {f"{part}/{path.name}" for part in ("fx", "news") for path in (folder / part).iterdir()}
    assert files == {*TICKS, *FXCM_MINUTES, *LEAN_MINUTES, *NEWS}


def summary_of(name: str) -> dict[str, Any]:
    decoder = FxDecoder()
    count = sum(1 for _ in decoder.messages(data.recording(name)))
    summary = decoder.summary.to_dict()
    assert sum(summary["by_kind"].values()) == count
    return json.loads(json.dumps(summary))


def near(value: Any) -> Any:
    """Sums stand as text in the tables."""
    return pytest.approx(float(value) if isinstance(value, str) else value, rel=1e-11)


@pytest.mark.recording
@pytest.mark.parametrize("name", TICKS)
def test_ticks_equal_their_truth(name):
    truth, summary = data.truth(name, "fx_ticks"), summary_of(name)
    ours = summary["symbols"]["EUR_USD"]["quotes"]
    words = set(truth) - RAW_WORDS
    assert words
    assert {word: ours[word] for word in words} == {word: near(truth[word]) for word in words}
    assert (ours["first"], ours["last"]) == (truth["first"], truth["last"])


@pytest.mark.recording
@pytest.mark.parametrize("name", FXCM_MINUTES)
def test_minutes_equal_their_truth(name):
    truth, summary = data.truth(name, "bars"), summary_of(name)
    side = "ask" if "ask" in name else "bid"
    ours = summary["symbols"]["GBP_USD"]["bars_1m"][side]
    words = set(truth) - RAW_WORDS
    assert words
    assert {word: ours[word] for word in words} == {word: near(truth[word]) for word in words}
    for word in ("first", "last"):
        assert ours[f"{word}_open_ns"] == datetime.fromisoformat(truth[word]).timestamp() * 1e9


def candles(quotes: list[Quote], timeframe: str = "1m") -> dict[int, Bar]:
    """Candles of the aggregator, of the mid prices of these quotes."""
    settings = AggregatorSettings(timeframes=[timeframe], keep_bars={timeframe: 5000}, indicators=[])
    builder = BarBuilder("fxcm", "EUR_USD", "quote", rules_of(settings), session_named("crypto"), Counter())
    builder.add_quotes(quotes)
    return {bar.ts_open_ns: bar for bar in builder.bars(timeframe)}


def prices(bar: Bar) -> tuple[float, ...]:
    return bar.open, bar.high, bar.low, bar.close


@pytest.mark.recording
@pytest.mark.parametrize("name", LEAN_MINUTES)
def test_candles_of_the_ticks_equal_leans_minutes(name):
    ticks = list(FxDecoder().messages(data.recording(LEAN_MINUTES[name])))
    theirs: dict[str, dict[int, Bar]] = {"bid": {}, "ask": {}}
    for bar in FxDecoder().messages(data.recording(name)):
        theirs[bar.source][bar.ts_open_ns] = bar
    truth = data.truth(LEAN_MINUTES[name], "fx_ticks")["ticks_to_minute_bars_against_lean"]

    for side, expected in theirs.items():
        # a quote with the same price on both sides has that price as its mid: the aggregator builds one side
        one_side = [replace(tick, bid=getattr(tick, side), ask=getattr(tick, side)) for tick in ticks]
        ours = {at: bar for at, bar in candles(one_side).items() if bar.count}
        assert len(expected) == len(ours) == truth["equal"]
        assert {at: prices(bar) for at, bar in ours.items()} == {
            at: prices(bar) for at, bar in expected.items()
        }
    mid = {at: bar for at, bar in candles(ticks).items() if bar.count}
    assert sum(bar.count for bar in mid.values()) == len(ticks)
    for at, bar in mid.items():
        bid, ask = theirs["bid"][at], theirs["ask"][at]
        assert bar.close == pytest.approx((bid.close + ask.close) / 2, rel=1e-12)
        assert min(bid.low, ask.low) <= bar.low <= bar.high <= max(bid.high, ask.high)


@pytest.mark.recording
@pytest.mark.parametrize("name", NEWS)
def test_news_files_hold_what_they_hold(name):
    decoder = NewsDecoder()
    headlines = list(decoder.messages(data.recording(name)))
    count, oldest_ns, newest_ns = NEWS[name]
    summary = decoder.summary.to_dict()
    assert len(headlines) == summary["by_kind"]["news"] == count
    assert (summary["first_event_ns"], summary["last_event_ns"]) == (oldest_ns, newest_ns)
    assert summary["rejects"] == {}
    assert summary["ignored"] == ({"sponsored": 1} if "2026_shape" in name else {})
    assert all(news.title and news.url.startswith("https://") and news.news_id for news in headlines)


# small files of our own


def written(folder: Path, name: str, text: str, member: str = "") -> Path:
    path = folder / name
    if member:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, text)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_crossed_quotes_and_time_that_goes_back_are_kept_and_counted(tmp_path):
    text = "5,1.2,1.1\n5,1.2,1.2\n4,1.2,1.2\n"
    decoder = FxDecoder()
    path = written(tmp_path, "lean_oanda_x.zip", text, "20140508_eurusd_tick_quote.csv")
    quotes = list(decoder.messages(path))
    ours = decoder.summary.to_dict()["symbols"]["EUR_USD"]["quotes"]
    assert len(quotes) == 3
    assert quotes[0] == Quote(
        "EUR_USD", "oanda", quotes[0].ts_event_ns, quotes[0].ts_event_ns, 1.2, 1.1, 0.0, 0.0
    )
    assert (ours["crossed"], ours["locked"], ours["going_back"], ours["same_ms"], ours["repeated_quote"]) == (
        1,
        2,
        1,
        1,
        1,
    )


def test_histdata_is_new_york_winter_time_in_summer_too(tmp_path):
    path = written(tmp_path, "DAT_ASCII_EURUSD_T_202007.csv", "20200701 230000001,1.1,1.2,0\n")
    (quote,) = FxDecoder().messages(path)
    assert (
        quote.ts_event_ns
        == round(datetime.fromisoformat("2020-07-02T04:00:00+00:00").timestamp()) * 10**9 + 10**6
    )
    assert quote.venue == "histdata"


GOOD = {
    "lean_fxcm.zip": ("0,1.1,1.2\n", "20140508_eurusd_tick_quote.csv"),
    "histdata_eurusd.csv.gz": ("20200101 170000065,1.1,1.2,0\n", ""),
    "fxcm_gbpusd-m1-ask.csv": (
        "timestamp,open,high,low,close\n2012-02-01 00:00:00+00:00,1.1,1.3,1.0,1.2\n",
        "",
    ),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "bad",
    ["x,1.1,1.2", "1,2", "86400000,1.1,1.2", "-1,1,1", "5,nan,1.2", "5,0,1.2", "5,inf,1", "20200101 250000000,1,1,0",
     "20201301 000000000,1,1,0", "2012-02-01 00:00:30+00:00,1,1,1,1", "2012-02-01 00:00:00+01:00,1,1,1,1",
     "2012-02-01 00:00:00+00:00,1,1,1", "\xff\xfe", "," * 5000, "<rss>"],
)  # fmt: skip
def test_a_bad_line_is_told_with_its_number_after_the_good_ones(tmp_path, name, bad):
    text, member = GOOD[name]
    path = written(tmp_path, name, text + bad + "\n", member)
    messages = FxDecoder().messages(path)
    assert next(messages) is not None
    with pytest.raises(UnreadableRecording, match=rf"{name}:{text.count(chr(10)) + 1}: "):
        list(messages)


@pytest.mark.parametrize(
    ("name", "text", "member"),
    [
        ("eurusd.csv", "", ""), ("eurusd.csv", "a,b\n", ""), ("nothing.csv", "20200101 170000065,1,1,0\n", ""),
        ("gbpusd.csv", "timestamp,open,high,low,close\n", ""), ("gbpusd-bid-ask.csv", "timestamp,open,high,low,close\n", ""),
        ("x.zip", "0,1,1\n", "whatever.csv"), ("x.zip", "0,1,1\n", "20141308_eurusd_tick_quote.csv"),
        ("x.zip", "0,1,1\n", "20140508_abcdef_tick_quote.csv"), ("eurusd.json", '{"results": []}', ""),
    ],
)  # fmt: skip
def test_another_format_is_refused(tmp_path, name, text, member):
    with pytest.raises(UnreadableRecording, match=rf"{name}:1: "):
        list(FxDecoder().messages(written(tmp_path, name, text, member)))


def test_cut_off_and_missing_files_are_refused(tmp_path):
    whole = written(tmp_path, "histdata_eurusd.csv.gz", "20200101 170000065,1.1,1.2,0\n" * 1000).read_bytes()
    for size in (3, 20, len(whole) - 5):
        (tmp_path / "histdata_eurusd.csv.gz").write_bytes(whole[:size])
        with pytest.raises(UnreadableRecording):
            list(FxDecoder().messages(tmp_path / "histdata_eurusd.csv.gz"))
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UnreadableRecording):
            list(FxDecoder().messages(path))


@given(st.binary(max_size=200) | st.text("0123456789,. \n:-+", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory, body):
    path = tmp_path_factory.getbasetemp() / "fxcm_eurusd_bid.csv"
    path.write_bytes(body)
    try:
        messages = list(FxDecoder().messages(path))
    except UnreadableRecording:
        pass
    else:
        assert all(not message.validate() for message in messages if isinstance(message, Quote))
