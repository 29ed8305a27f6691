"""The order-flow actor as a process: frames of a collector in, flows out, and killed in mid-window the very same."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from actors.orderflow.fold import Fold
from actors.orderflow.rules import rules_of
from actors.orderflow.settings import OrderFlowSettings
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import BUY, SELL, Book, Flow, Quote, Trade, Watermark
from protocol.record import Frame, RecordKind, parse_frames
from protocol.topics import mark_topic
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NS = 1_000_000_000
COLLECTOR = "collector.binance.1"
SYMBOL, VENUE = "BTC_USDT", "binance"
SYMBOLS = {SYMBOL: {"venues": {VENUE: "spot:BTCUSDT"}, "tick_size": 0.01}}
SETTINGS = {"windows_s": [5.0, 20.0], "footprint_timeframes": ["15s"], "profile_interval_s": 5.0}


class Tape:
    """A made-up market of ten events a second, and the collector that publishes it."""

    def __init__(self, peers: Peers, run_dir: Path) -> None:
        self.start_ns = time.time_ns() // (86_400 * NS) * 86_400 * NS - 43_200 * NS
        self.source = JournalledSource(peers.wire, run_dir, peers.endpoints.pub(COLLECTOR), COLLECTOR)
        self.tenths = 0
        self.rng = random.Random(4)

    def play(self, seconds: int) -> None:
        """The next seconds; a watermark in every quarter of each."""
        for _ in range(seconds * 10):
            self.tenths += 1
            ts_ns = self.start_ns + self.tenths * NS // 10
            price = 100.0 + self.rng.randint(-9, 9) / 100
            size, side = self.rng.randint(1, 99) / 7, self.rng.choice((BUY, SELL, 0))
            sizes = size, self.rng.randint(1, 99) / 7
            market = SYMBOL, VENUE, ts_ns, ts_ns
            self.send(Quote(*market, price, price + 0.01, *sizes))
            self.send(Trade(*market, price, size, side, self.tenths))
            is_first = self.tenths == 1
            levels = [(price, size)], [(price + 0.5, sizes[1])]
            self.send(
                Book(*market, is_first, self.tenths, self.tenths, *levels, 0 if is_first else self.tenths - 1)
            )
            mark = Watermark(COLLECTOR, VENUE, ts_ns, is_connected=True)
            self.source.send(mark_topic(COLLECTOR), mark, kind=RecordKind.TIME)
        self.source.beat()

    def send(self, event: Quote | Trade | Book) -> None:
        self.source.send(f"{event.KIND}.{VENUE}.{SYMBOL}", event)


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


def config_of(run_dir: Path, **settings: object) -> Path:
    actors = {COLLECTOR: {}, "journal.1": {}, "orderflow.1": {"snap_interval_s": 0.1, **SETTINGS, **settings}}
    return write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)


def actor(name: str, config: Path) -> ActorProcess:
    return ActorProcess(name.partition(".")[0], name, config)


def journal_of(run_dir: Path, name: str) -> list[Frame]:
    """Everything that an actor has published, in all its lives."""
    reader = JournalReader(run_dir / "journal" / name, name)
    found: list[Frame] = []
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            found += parse_frames(chunk.frames)
            seq = chunk.last + 1
    return found


def published(run_dir: Path) -> dict[str, list[bytes]]:
    """Payloads by topic, flows and footprints only."""
    found: dict[str, list[bytes]] = {}
    for frame in journal_of(run_dir, "orderflow.1"):
        if frame.kind == RecordKind.DATA and frame.topic.startswith(("flow.", "footprint.", "sweep.")):
            found.setdefault(frame.topic, []).append(frame.payload)
    return found


def undisturbed(run_dir: Path) -> dict[str, list[bytes]]:
    """What a fold that nobody kills makes of the collector's journal."""
    catalog = Catalog([Instrument(symbol=SYMBOL, **SYMBOLS[SYMBOL])])
    fold = Fold(catalog, rules_of(OrderFlowSettings(**SETTINGS)), Counter())
    found: dict[str, list[bytes]] = {}
    for frame in journal_of(run_dir, COLLECTOR):
        for topic, messages in fold.apply(frame):
            found.setdefault(topic, []).append(encode_events(messages))
    return found


def flows(run_dir: Path) -> int:
    return len(published(run_dir).get(f"flow.{VENUE}.{SYMBOL}", ()))


def memories(run_dir: Path) -> int:
    return sum(frame.kind == RecordKind.SNAP for frame in journal_of(run_dir, "orderflow.1"))


def test_killed_in_mid_window_it_publishes_what_it_would_have_published(peers, run_dir):
    config, tape = config_of(run_dir), Tape(peers, run_dir)
    with actor("journal.1", config):
        tape.play(12)
        with actor("orderflow.1", config) as first:
            until(lambda: memories(run_dir) > 1 and flows(run_dir) >= 11, 40.0, "flows and a memory")
            tape.play(5)
            until(lambda: flows(run_dir) >= 16, 40.0, "flows behind the memory")
            first.kill()
        tape.play(4)
        with actor("orderflow.1", config) as second:
            tape.play(14)
            until(lambda: flows(run_dir) >= 34, 40.0, "all flows")
            status = msgspec.msgpack.decode(peers.ask("orderflow.1", "status").data)
            assert second.stop() == 0
    expected = undisturbed(run_dir)
    assert len(expected) == 3
    assert published(run_dir) == expected
    assert status["refolded"] > 0
    assert status["refold_differing"] == 0
    whole = msgspec.msgpack.decode(expected[f"flow.{VENUE}.{SYMBOL}"][-1], type=list[Flow])
    assert [one.window_s for one in whole] == [5.0, 20.0, 0.0]
    assert whole[0].is_complete
    assert 0 < whole[0].inferred_share < 1
    assert {"ofi", "ofi_1", "delta", "cvd", "vwap", "book_imbalance_5"} <= set(whole[0].values)


def test_a_flow_is_heard_on_the_bus_each_second_and_rubbish_does_no_harm(peers, run_dir):
    config, tape = config_of(run_dir), Tape(peers, run_dir)
    ear = peers.ear("orderflow.1", "flow.", "beat.")
    with actor("journal.1", config), actor("orderflow.1", config) as process:
        ear.beat("RUNNING")
        tape.source.publisher.send_raw(b"trade.\x00rubbish")
        tape.source.send("trade.binance.DOGE_USDT", Trade("DOGE_USDT", VENUE, 1, 1, 1.0, 1.0, BUY, 1))
        for second in (1, 2, 3):
            tape.play(2)
            found = ear.until(lambda flow, at=second: flow.ts_event_ns >= tape.start_ns + at * NS, "flow.")
            assert found.symbol == SYMBOL
        beat = ear.until(lambda beat: beat.detail and beat.detail["series"], "beat.")
        assert beat.detail["watermark_lag_s"][COLLECTOR] > 0
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("settings", "symbols", "words"),
    [
        ({"windows_s": [0.3]}, SYMBOLS, "windows_s: 0.3"),
        ({"lateness": 1}, SYMBOLS, "lateness_s"),
        ({}, {"6E.FUT": {"flow_for": "EUR_USD"}}, "EUR_USD"),
    ],
)
def test_bad_settings_exit_78_and_say_what_is_wrong(run_dir, settings, symbols, words):
    config = write_config(run_dir, {"orderflow.1": settings}, symbols)
    with actor("orderflow.1", config) as process:
        assert process.wait() == 78
        assert words in process.stderr_text
