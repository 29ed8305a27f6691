"""Our closed minutes against the venue's own candles and those of providers: in any order, and only where that is fair."""

import csv
import gzip
import json
import statistics
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.detector.rules.candle_divergence import HELD, MAX_SERIES, CandleDivergenceState
from tests.unit.actors.detector.rig import REPAIRED, Publisher, Rig, minute_ns

MINUTE_NS = 60_000_000_000
KLINE = "BTC_USDT binance kline"
YAHOO = "BTC_USDT binance yahoo"


def rig_of(**thresholds):
    texts = {name: str(value) for name, value in thresholds.items()}
    rig = Rig({"rules": {"candle_divergence": {"cool_down_s": "0", **texts}}}, only=["candle_divergence"])
    rig.rest = Publisher("collector.rest.1", venue="rest")
    return rig


def provided(rig, minute, close=100.0, source="yahoo", **bar):
    return rig.rest.bar(minute, close=close, source=source, **{"volume": 0.0, "count": 0, **bar})


def rows(rig):
    return rig.fold.rows()["candle_divergence"]


def state(rig, venue="binance"):
    (rule,) = (
        rule for rule in rig.fold._watches[venue, "BTC_USDT"]._rules if rule.name == "candle_divergence"
    )
    return rule.state


def test_detector_candle_divergence_of_equal_candles_is_none():
    rig = rig_of()
    for minute in range(5):
        assert rig.take(rig.bars.bar(minute), rig.feed.reference(minute)) == []
    assert rows(rig) == {KLINE: {"bp": 0.0, "median_bp": 0.0, "max_bp": 0.0, "compared": 5, "beyond": 0}}
    assert rig.counters == {"candles_compared": 5}


@pytest.mark.parametrize("ours_first", [True, False])
def test_detector_candle_divergence_from_the_venue_in_either_order(ours_first):
    rig = rig_of()
    found = []
    for minute in range(2):
        frames = [rig.bars.bar(minute, close=100.02), rig.feed.reference(minute)]
        found += rig.take(*(frames if ours_first else reversed(frames)))
    (alert,) = found
    assert (alert.rule, alert.venue, alert.severity) == ("candle_divergence", "binance", "warning")
    assert alert.ts_event_ns == minute_ns(1) // MINUTE_NS * MINUTE_NS
    assert "is 2.00 bp from the venue's own candle, 2 in a row: close 100.02 against 100" in alert.text
    expected = {
        "bp": 2.0,
        "band_bp": 0.5,
        "close_bp": 2.0,
        "high_bp": 0.0,
        "minutes": 2.0,
        "minutes_threshold": 2.0,
    }
    expected |= {
        "close": 100.02,
        "other_close": 100.0,
        "volume": 10.0,
        "volume_difference": 0.0,
        "beyond": 2.0,
    }
    assert {name: alert.values[name] for name in expected} == pytest.approx(expected)
    assert rows(rig)[KLINE] == {"bp": 2.0, "median_bp": 2.0, "max_bp": 2.0, "compared": 2, "beyond": 2}


def test_detector_candle_divergence_of_a_volume_that_is_missing_in_part():
    rig = rig_of(kline_minutes=1)
    assert rig.take(rig.bars.bar(0, volume=9.995), rig.feed.reference(0)) == []
    (alert,) = rig.take(rig.bars.bar(1, volume=9.98), rig.feed.reference(1))
    assert "0.00 bp from the venue's own candle" in alert.text
    assert "volume 9.98 and 10" in alert.text
    assert alert.values["volume_difference"] == pytest.approx(0.002)


def test_detector_candle_divergence_of_a_minute_in_which_we_saw_nothing():
    rig = rig_of(kline_minutes=1)
    quiet = {"status": "quiet", "volume": 0.0, "count": 0}
    frames = rig.bars.bar(0, close=100.02, **quiet), rig.feed.reference(0, **quiet)
    assert rig.take(*frames) == [], "what they repeat is of another minute"
    (alert,) = rig.take(rig.bars.bar(1, **quiet), rig.feed.reference(1))
    assert alert.values["volume_difference"] == 1.0
    assert rows(rig)[KLINE]["compared"] == 2


def test_detector_candle_divergence_of_one_minute_alone_is_counted_and_not_told():
    rig = rig_of()
    for minute, close in enumerate([100.0, 101.0, 100.0, 101.0, 100.0]):
        assert rig.take(rig.bars.bar(minute, close=close), rig.feed.reference(minute)) == []
    assert rows(rig)[KLINE] == {"bp": 0.0, "median_bp": 0.0, "max_bp": 100.0, "compared": 5, "beyond": 2}
    (alert,) = rig.take(rig.bars.bar(2, close=101.0, revision=2))
    assert alert.values["minutes"] == 3.0, "the one between was revised: now it is a run"


@pytest.mark.parametrize(
    "ours",
    [
        {"status": "gap", "coverage": 0.7},
        {"coverage": 0.9999},
        {"status": "stale"},
        {"revision": 0, "status": "open"},
        {"source": "binance", "revision": 2},  # the venue's own, taken in place of trades that were lost
        {"source": "quote"},  # not made of what the venue's candle is made of
        {"close": float("nan")},
        {"volume": float("inf")},
        {"timeframe": "5m"},
        {"flags": REPAIRED},
    ],
)
def test_detector_candle_divergence_does_not_look_at_what_we_have_not_seen_whole(ours):
    rig = rig_of(kline_minutes=1)
    assert (
        rig.take(rig.feed.reference(0), rig.bars.bar(0, **{"close": 101.0, **ours}), rig.feed.reference(0))
        == []
    )
    assert rows(rig) == {}


@pytest.mark.parametrize("theirs", [{"status": "gap"}, {"close": 0.0}, {"volume": float("nan")}])
def test_detector_candle_divergence_does_not_believe_every_candle_of_a_venue(theirs):
    rig = rig_of(kline_minutes=1)
    assert rig.take(rig.bars.bar(0), rig.feed.reference(0, **theirs)) == []
    assert rows(rig) == {}


def test_detector_candle_divergence_ends_with_the_revision_that_repairs_it():
    rig = rig_of()
    rig.take(rig.bars.bar(0, close=101.0), rig.feed.reference(0))
    assert rig.take(rig.bars.bar(0, revision=2), rig.bars.bar(1, close=101.0), rig.feed.reference(1)) == []
    assert rows(rig)[KLINE]["beyond"] == 1
    rig.take(rig.bars.bar(1, status="gap", coverage=0.9, revision=2))
    assert rows(rig)[KLINE] == {"bp": 0.0, "median_bp": 0.0, "max_bp": 0.0, "compared": 1, "beyond": 0}
    rig.take(rig.bars.bar(1, revision=3, close=100.001))
    assert rows(rig)[KLINE]["bp"] == pytest.approx(0.1)


def test_detector_candle_divergence_is_told_once_in_its_cool_down():
    rig = rig_of(cool_down_s=900)
    for minute in range(30):
        rig.take(rig.bars.bar(minute, close=101.0), rig.feed.reference(minute), rig.feed.reference(minute))
    assert [alert.ts_event_ns // MINUTE_NS - minute_ns(0) // MINUTE_NS for alert in rig.alerts] == [1, 16]
    assert rig.counters["candles_compared"] == rig.counters["candles_beyond"] == 30


def test_detector_candle_divergence_of_the_same_candle_again_is_no_news():
    rig = rig_of(kline_minutes=1)
    assert len(rig.take(rig.bars.bar(0, close=101.0), rig.feed.reference(0))) == 1
    other = Publisher("collector.binance.2")
    assert rig.take(rig.feed.reference(0), other.reference(0), rig.bars.bar(0, close=101.0, revision=2)) == []


def test_detector_candle_divergence_from_a_provider_takes_three_minutes():
    rig = rig_of()
    rig.take(rig.bars.bar(0, close=100.2), provided(rig, 0))
    found = [rig.take(provided(rig, minute), rig.bars.bar(minute, close=100.3)) for minute in range(1, 4)]
    assert [len(alerts) for alerts in found] == [0, 0, 1]
    (alert,) = found[2]
    assert (alert.venue, alert.symbol) == ("binance", "BTC_USDT")
    assert "is 30.00 bp from yahoo, 3 in a row" in alert.text
    assert "volume" not in alert.values
    assert alert.values["band_bp"] == 25.0
    assert state(rig, "rest") == CandleDivergenceState(), "it is not compared with itself"
    assert rows(rig) == {YAHOO: {"bp": 30.0, "median_bp": 30.0, "max_bp": 30.0, "compared": 4, "beyond": 3}}


def test_detector_candle_divergence_goes_out_on_the_topic_of_our_venue():
    rig = rig_of(provider_minutes=1)
    other = Publisher("aggregator.1", venue="okx")
    rig.take(rig.bars.bar(0, close=101.0), other.bar(0, close=102.0), rig.rest.bar(9, symbol="ETH_USDT"))
    output = rig.fold.apply(provided(rig, 0))
    assert [(topic, len(alerts)) for topic, alerts in output] == [
        ("alert.binance.BTC_USDT", 1), ("alert.okx.BTC_USDT", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bar", [{"status": "quiet"}, {"status": "gap"}, {"status": "stale"}, {"revision": 0}]
)
def test_detector_candle_divergence_does_not_look_at_what_a_provider_has_not(bar):
    rig = rig_of(provider_minutes=1)
    assert rig.take(rig.bars.bar(0), provided(rig, 0, 50.0, **bar)) == []
    quiet = rig.bars.bar(1, status="quiet", volume=0.0, count=0)
    assert rig.take(quiet, provided(rig, 1, 50.0)) == []
    assert rows(rig) == {}


def test_detector_candle_divergence_the_last_provider_asked_has_the_last_word():
    rig = rig_of()
    rig.take(rig.bars.bar(0), rig.bars.bar(1), provided(rig, 0), provided(rig, 1, 100.1))
    rig.take(provided(rig, 1, 100.2, "polygon", revision=2, volume=3.0))
    assert {name: row["compared"] for name, row in rows(rig).items()} == {
        YAHOO: 1,
        "BTC_USDT binance polygon": 1,
    }
    rig.take(provided(rig, 1, 100.2, "polygon", revision=3, status="gap"))
    assert list(rows(rig)) == [YAHOO]


def test_detector_candle_divergence_history_of_a_provider_costs_nothing_and_says_nothing():
    rig = rig_of(provider_minutes=1)
    rig.take(rig.bars.bar(1000))
    rig.take(*[provided(rig, minute, 50.0) for minute in range(1001 - HELD)])
    assert (rows(rig), state(rig).provided) == ({}, {})


def test_detector_candle_divergence_remembers_a_bounded_time():
    rig = rig_of(window=10)
    for minute in range(100):
        rig.take(rig.feed.reference(minute), rig.bars.bar(minute, close=101.0 if minute < 85 else 100.0))
        rig.take(provided(rig, minute, source=f"p{minute}"))
    kept = state(rig)
    assert {len(kept.ours), len(kept.klines), len(kept.provided)} == {HELD}
    assert len(kept.series) == MAX_SERIES
    assert rows(rig)[KLINE] == {"bp": 0.0, "median_bp": 0.0, "max_bp": 0.0, "compared": 10, "beyond": 0}
    rig.take(*[rig.bars.bar(minute) for minute in range(100, 111)])
    assert rows(rig) == {}, "nobody has been compared with for longer than the window"


def test_detector_candle_divergence_begins_again_where_time_was_set_back():
    rig = rig_of()
    rig.take(
        *[frame for minute in (5000, 5001) for frame in (rig.bars.bar(minute), rig.feed.reference(minute))]
    )
    rig.bars = Publisher("aggregator.1", epoch=2)
    rig.take(*[frame for minute in (0, 1, 2) for frame in (rig.bars.bar(minute), rig.feed.reference(minute))])
    assert (rows(rig)[KLINE]["compared"], len(state(rig).ours)) == (3, 3)


def test_detector_candle_divergence_candles_beside_ours_do_not_take_the_topic_over():
    rig = rig_of()
    rig.take(rig.feed.reference(0), rig.bars.bar(0))
    route = rig.fold._routes["bar.binance.BTC_USDT.1m"]
    for minute in range(1, 4):
        rig.take(rig.bars.bar(minute), rig.feed.reference(minute), rig.feed.bar(minute, flags=REPAIRED))
        assert route.publisher.rstrip(b"\0") == b"aggregator.1"
        assert route.newest_ns == minute_ns(minute) + 59_000_000_000
    assert rows(rig)[KLINE]["compared"] == 4


def test_detector_candle_divergence_shows_the_worst_of_many(monkeypatch):
    monkeypatch.setattr("actors.detector.fold.MOST_ROWS", 2)
    rig = rig_of()
    for symbol, close in (("BTC_USDT", 100.001), ("ETH_USDT", 100.0), ("LRC_BTC", 100.01)):
        rig.take(rig.bars.bar(0, close=close, symbol=symbol), rig.feed.reference(0, symbol=symbol))
    assert list(rows(rig)) == ["LRC_BTC binance kline", KLINE]
    off = Rig({"rules": {"candle_divergence": {"enabled": "false"}}})
    rig.fold.use(off.book)
    assert rows(rig) == {}


STEP = st.tuples(
    st.sampled_from(["ours", "ours", "kline", "yahoo", "polygon"]),
    st.integers(0, 9),
    st.sampled_from([100.0, 100.0, 100.002, 100.02, 101.0]),
    st.sampled_from([{}, {}, {"status": "gap", "coverage": 0.5}, {"volume": 9.0}]),
)


def frames_of(rig, steps):
    """Candles of everybody in some order; ours of a minute come first at revision 1, in order of time."""
    revisions, last = {}, {"ours": {}, "kline": {}, "rest": {}}
    for who, minute, close, more in steps:
        if who == "ours":
            at = minute if minute in revisions else len(revisions)
            revisions[at] = revisions.get(at, 0) + 1
            yield rig.bars.bar(at, close=close, revision=revisions[at], **more)
            last["ours"][at] = close, more
        elif who == "kline" and "status" not in more:
            yield rig.feed.reference(minute, close=close, **more)
            last["kline"][minute] = close, more
        elif who != "kline":
            yield provided(rig, minute, close, who, revision=2, **more)
            last["rest"][minute] = close, {**more, "who": who}
    rig.last = last


def slow_rows(last):
    """The same, worked out from the last word of everybody."""
    found = {}
    for minute, (close, more) in last["ours"].items():
        if "status" in more:
            continue
        for side, band in (("kline", 0.5), ("rest", 25.0)):
            other, others = last[side].get(minute, (0.0, {"status": "none"}))
            if "status" not in others:
                bp = 1e4 * max(abs(close / other - 1.0), abs(max(101.0, close) / max(101.0, other) - 1.0))
                volumes = more.get("volume", 10.0) != others.get("volume", 10.0) and side == "kline"
                found.setdefault(others.get("who", "kline"), {})[minute] = bp, bp > band or volumes
    return {
        f"BTC_USDT binance {name}": {
            "bp": round(minutes[max(minutes)][0], 3),
            "median_bp": round(statistics.median(bp for bp, _ in minutes.values()), 3),
            "max_bp": round(max(bp for bp, _ in minutes.values()), 3),
            "compared": len(minutes),
            "beyond": sum(is_beyond for _, is_beyond in minutes.values()),
        }
        for name, minutes in found.items()
    }


@given(st.lists(STEP, min_size=5, max_size=60), st.floats(0, 1))
def test_detector_candle_divergence_compares_the_last_word_of_everybody_in_whatever_order(steps, killed):
    rig = rig_of(cool_down_s=120)
    rig.take(rig.feed.trade(0))  # the market is known: of one that is not, nobody keeps what a provider says
    frames = list(frames_of(rig, steps))
    at = round(killed * len(frames))
    rig.take(*frames[:at])
    again = rig.restarted()
    told = rig.take(*frames[at:])
    assert rows(rig) == slow_rows(rig.last)
    assert again.take(*frames[at:]) == told
    assert again.fold.snapshot() == rig.fold.snapshot()


@pytest.mark.recording
def test_detector_candle_divergence_from_published_klines_is_the_trade_that_was_left_out(recording):
    """Minutes built of Binance's trades against the klines that it published: none; without one trade: one minute."""
    folder = "crypto_bars/binance_XRPETH"
    minutes: dict[int, list[tuple[float, float]]] = {}
    with gzip.open(recording(f"{folder}_aggTrades_20191011_20191012T18.jsonl.gz"), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            minutes.setdefault(row["T"] // 60_000, []).append((float(row["p"]), float(row["q"])))
    lost = sorted(minutes)[700]
    minutes[lost].remove(max(minutes[lost], key=lambda trade: trade[1]))
    rig = rig_of(window=1440)
    template = msgspec.msgpack.decode(rig.bars.bar(0).payload)[0]
    compared = 0
    with gzip.open(recording(f"{folder}_klines_1m_20191011_20191012T18.csv.gz"), "rt") as lines:
        for row in csv.DictReader(lines):
            minute = int(datetime.fromisoformat(row["date"]).timestamp()) // 60
            prices, sizes = [price for price, _ in minutes[minute]], [size for _, size in minutes[minute]]
            if prices:
                ours = [prices[0], max(prices), min(prices), prices[-1], sum(sizes)]
                published = [float(row[name]) for name in ("open", "high", "low", "close", "volume")]
                rig.take(framed(rig.bars, template, minute, ours, 1, 0))
                rig.take(framed(rig.feed, template, minute, published, 0, 16))
                compared += 1
    assert rig.counters["candles_compared"] == compared > 1000
    assert rig.counters["candles_beyond"] == 1
    assert rig.alerts == []


def framed(publisher, template, minute, numbers, revision, flags):
    from protocol.messages import Bar

    values = list(template)
    names = Bar.__struct_fields__
    changes = {
        "ts_open_ns": minute * MINUTE_NS,
        "ts_event_ns": (minute + 1) * MINUTE_NS,
        "revision": revision,
    }
    changes |= dict(zip(("open", "high", "low", "close", "volume"), numbers, strict=True))
    for name, value in changes.items():
        values[names.index(name)] = value
    return publisher.frame("bar.binance.BTC_USDT.1m", [msgspec.convert(values, Bar)], flags=flags)
