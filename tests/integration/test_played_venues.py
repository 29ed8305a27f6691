"""Recordings of each venue played into the running system: whole, cut in the middle, with a hole."""

from __future__ import annotations

import functools
import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from actors.collector.recorded.recordings import read_recording
from protocol.codec import encode_events
from protocol.messages import BUY, Book, Trade
from protocol.record import Frame as PublishedFrame
from protocol.record import FrameWriter, parse_frame
from scripts import replay_check
from scripts.recorded import FinalBook, Recorded
from tests.support.played_venue.check import check, same_levels, untrue
from tests.support.played_venue.dialect import Session
from tests.support.played_venue.heard import Heard, same_trades
from tests.support.played_venue.okx import OkxDialect
from tests.support.played_venue.reel import Ladder
from tests.support.played_venue.script import Play

OKX: Final = "okx/cryptofeed_OKX_2022_BTC-USDT_UNI-USD-SWAP.jsonl.zst"
BYBIT: Final = "bybit/cryptofeed_BYBIT_v5_2026_linear_BTC_DOGE_spot_ETH.jsonl.zst"
ADVANCED: Final = "coinbase/cryptofeed_COINBASE_advanced_2026_first55pct.jsonl.zst"
EXCHANGE: Final = "coinbase/cryptofeed_COINBASE_exchange_2021.jsonl.zst"
OB500: Final = "bybit/xrpusdt_ob500_20241201.jsonl.gz"
SPOT: Final = "binance/hft_spot_ethusdt_20240808.gz"
SPOT_LINES: Final = 6_000
Find = Callable[[str], Path]


def short(name: str) -> str:
    return name.partition("/")[2].partition(".")[0].removeprefix("cryptofeed_")


@functools.cache
def decoded_file(path: Path, venue: str) -> Recorded:
    return Recorded(path, venue=venue)


def decoded(find: Find, name: str) -> Recorded:
    return decoded_file(find(name), name.partition("/")[0])


@pytest.mark.recording
@pytest.mark.parametrize("name", [OKX, BYBIT, ADVANCED, EXCHANGE], ids=short)
def test_a_whole_recording_ends_as_the_truth(name: str, recording: Find) -> None:
    recorded = decoded(recording, name)
    assert all(recorded.truth_of_book(symbol) for symbol in recorded.symbols)
    assert any(recorded.truth(symbol) for symbol in recorded.symbols)
    assert untrue(recorded) == []
    assert check(recorded).problems == []


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "play"),
    [
        (OKX, Play(0.5, 0.2, is_numbered=True)),
        (BYBIT, Play(0.5, 0.2)),
        pytest.param(ADVANCED, Play(0.5, 0.2, repeated=2), marks=pytest.mark.long),
        (EXCHANGE, Play(0.6, 0.33)),  # with the first live trades of BAND-BTC
    ],
    ids=lambda value: short(value) if isinstance(value, str) else "",
)
def test_a_cut_is_one_gap_of_each_kind_and_is_repaired(name: str, play: Play, recording: Find) -> None:
    outcome = check(decoded(recording, name), play)
    assert outcome.problems == []
    assert any(outcome.missed.values()), "nothing was lost: this shows nothing"
    assert sum(map(len, outcome.heard.repaired.values())) > 0


@pytest.mark.recording
def test_a_cut_of_binance_is_one_gap_of_each_kind_and_is_repaired(recording: Find, tmp_path: Path) -> None:
    part = tmp_path / "part.gz"
    with gzip.open(recording(SPOT), "rt") as lines, gzip.open(part, "wt") as file:
        file.writelines(itertools.islice(lines, SPOT_LINES))
    outcome = check(Recorded(part), Play(0.5))
    assert outcome.problems == []
    assert outcome.heard.repaired["ETH_USDT"] == outcome.missed["ETH_USDT"]


@pytest.mark.recording
def test_trades_that_cannot_be_had_are_marked(recording: Find) -> None:
    outcome = check(decoded(recording, OKX), Play(0.5, 0.2, has_past_trades=False))
    assert outcome.problems == []
    (gap,) = outcome.heard.of("BTC_USDT", "trade")
    assert gap.state == "unfillable"
    assert "404" in gap.reason


@pytest.mark.recording
def test_a_change_that_is_lost_on_the_way_brings_a_new_image(recording: Find) -> None:
    outcome = check(decoded(recording, OKX), Play(hole="book", is_numbered=True))
    assert outcome.problems == []
    assert outcome.status["counters"]["books_resubscribed"] == 1
    assert outcome.heard.snapshots["BTC_USDT"] >= 2


@pytest.mark.recording
def test_the_check_sees_a_lost_change_that_nobody_else_can_see(recording: Find) -> None:
    """Coinbase Exchange numbers nothing: the book is wrong then, and the comparison must say so."""
    problems = check(decoded(recording, EXCHANGE), Play(hole="book", hole_at=0.99), end_s=1.0).problems
    assert any("of the book:" in problem for problem in problems), problems
    assert any(" in the hub: " in problem for problem in problems), problems


@pytest.mark.recording
def test_the_command_plays_a_cut_and_says_what_came_of_it(
    recording: Find, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["replay-check", str(recording(OB500)), "--cut", "0.4", "--lost", "0.1"])
    assert replay_check.main() == 0
    said = capsys.readouterr().out
    assert "gap of book: disconnect, filled by snapshot" in said
    assert "book 20254918: 500 bids, 500 asks" in said
    assert said.endswith("cut at 40%, 10% lost: equal\n")


@pytest.mark.parametrize(
    "wrong", [["--cut", "1.5"], ["--cut", "0.9", "--lost", "0.2"], ["--cut", "--speed", "5"]]
)
def test_the_command_refuses_what_cannot_be_played(
    wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.gz"
    file.touch()
    monkeypatch.setattr("sys.argv", ["replay-check", str(file), "--venue", "okx", *wrong])
    with pytest.raises(SystemExit):
        replay_check.main()


# what judges must be able to say no


def published(*events: Trade | Book) -> list[PublishedFrame]:
    topic = f"{events[0].KIND}.okx.BTC_USDT"
    frame = FrameWriter("collector.okx.1", 1).build(topic, events[0].SCHEMA, encode_events(events), 1)
    return [parse_frame(frame)]


def trade(trade_id: int) -> Trade:
    return Trade("BTC_USDT", "okx", 1, 1, 100.0, 1.0, BUY, trade_id)


def book(last_id: int, before_id: int, bid: float = 99.0, *, is_snapshot: bool = False) -> Book:
    bids, asks = [(bid, 1.0)], [(101.0, 1.0)]
    return Book("BTC_USDT", "okx", 1, 1, is_snapshot, last_id, last_id, bids, asks, before_id)


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([trade(1), trade(2), trade(1)], "trade 1 twice"),
        ([book(5, 4)], "the one before was None"),
        ([book(5, 0, is_snapshot=True), book(7, 6)], "the one before was 5"),
        ([book(5, 0, is_snapshot=True), book(6, 5, 102.0)], "crossed after 6"),
    ],
)
def test_a_subscriber_sees_what_is_wrong(events: list[Trade | Book], fault: str) -> None:
    heard = Heard()
    heard.take(published(*events))
    assert len(heard.faults) == 1
    assert fault in heard.faults[0]


def test_a_subscriber_has_nothing_against_a_chain() -> None:
    heard = Heard()
    heard.take(published(book(5, 0, is_snapshot=True), book(9, 5), book(3, 0, is_snapshot=True), book(4, 3)))
    heard.take(published(trade(1), trade(2)))
    assert heard.faults == []
    assert same_trades(heard.trades["BTC_USDT"], ["1", "2"]) == ""
    assert "1 trades missing" in same_trades(heard.trades["BTC_USDT"], ["1", "2", "3"])
    assert "1 that nobody made" in same_trades(heard.trades["BTC_USDT"], ["1"])


def test_any_other_level_is_noticed() -> None:
    one = FinalBook(7, [(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0)])
    assert same_levels(one, one) == ""
    assert same_levels(one, one._replace(bids=one.bids[:1]))
    assert same_levels(one, one._replace(asks=[(101.0, 1.5)]))
    assert same_levels(None, one)
    assert same_levels(None, None) == ""


@pytest.mark.recording
def test_the_server_keeps_the_book_that_the_venue_kept(recording: Find) -> None:
    """Its images must be true: at each change of the recording, its checksum is the venue's."""
    recorded = decoded(recording, OKX)
    dialect, checked = OkxDialect(), 0
    for frame in dialect.load(read_recording(recorded.path)):
        dialect.enter(frame)
        if frame.kind != "book":
            continue
        session = Session("/ws/v5/public")
        request = {"id": "1", "op": "subscribe", "args": [{"channel": "books", "instId": frame.raw}]}
        image = json.loads(dialect.answer(session, json.dumps(request))[-1])
        assert image["data"][0]["checksum"] == json.loads(frame.data)["data"][0]["checksum"]
        checked += 1
    assert checked == 191


def test_a_ladder_keeps_what_is_not_removed() -> None:
    ladder = Ladder()
    ladder.replace([("99", "1"), ("98", "2")], [("101", "1")], 5)
    ladder.change([("99", "0"), ("97.5", "3")], [("100.5", "4")], 6)
    assert ladder.levels() == ([("98", "2"), ("97.5", "3")], [("100.5", "4"), ("101", "1")])
    assert ladder.last_id == 6
