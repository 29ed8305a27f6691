"""The detector as a process: alerts out, thresholds changed while it runs, killed and back, fed with rubbish."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from actors.detector.fold import Fold
from actors.detector.thresholds import ThresholdBook
from protocol.codec import decode_events
from protocol.instruments import Catalog, Instrument
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import BUY, Alert, Quote, Trade, Watermark
from protocol.record import Frame, RecordKind, parse_frames
from protocol.topics import mark_topic
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NS = 1_000_000_000
COLLECTOR, DETECTOR = "collector.binance.1", "detector.1"
SYMBOLS = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
EAGER = """
rules:
  big_trade: {least_notional_usd: 1000, z: 1, warm_up: 20, window: 50, sample_s: 0, cool_down_s: 0}
  price_jump: {z: 2, least_move: 0.001, warm_up: 10, least_trades: 1, horizon_s: 2, cool_down_s: 3}
"""


class Tape:
    """Trades, ten a second of venue time, some of them large, with quotes and watermarks between them."""

    def __init__(self, peers: Peers, run_dir) -> None:
        self.run_dir, self.start_ns = run_dir, (time.time_ns() // (60 * NS) - 60) * 60 * NS
        self.source = JournalledSource(peers.wire, run_dir, peers.endpoints.pub(COLLECTOR), COLLECTOR)
        self._draw, self._count = random.Random(5), 0

    def trade(self, size: float = 1.0, price: float = 100.0) -> None:
        self._count += 1
        ts_ns = self.start_ns + self._count * NS // 10
        self.source.send(
            "trade.binance.BTC_USDT",
            Trade("BTC_USDT", "binance", ts_ns, ts_ns, price, size, BUY, self._count),
        )
        if self._count % 3 == 0:
            quote = Quote("BTC_USDT", "binance", ts_ns, ts_ns, price - 0.1, price + 0.1, 1.0, 1.0)
            self.source.send("quote.binance.BTC_USDT", quote)
            self.source.send(
                mark_topic(COLLECTOR), Watermark(COLLECTOR, "binance", ts_ns, True), kind=RecordKind.TIME
            )

    def play(self, count: int) -> None:
        draw = self._draw
        for _ in range(count):
            size = draw.choice([0.5, 1.0, 1.5, 2.0, 60.0 if draw.random() < 0.2 else 1.0])
            self.trade(size, 100.0 + self._count // 70 + draw.choice([0.0, 0.0, 0.0, 0.01, 3.0]))
        self.source.beat()

    def told_undisturbed(self) -> list[Alert]:
        """What a fold that nobody kills makes of everything played so far."""
        data = msgspec.yaml.decode(EAGER)
        catalog = Catalog([Instrument(symbol="BTC_USDT", base="BTC", quote="USDT")])
        fold = Fold(catalog, ThresholdBook(data), Counter())
        frames = journalled(self.run_dir, COLLECTOR)
        return [alert for frame in frames for _, alerts in fold.apply(frame) for alert in alerts]


def journalled(run_dir, name: str) -> Iterator[Frame]:
    """Every frame in a journal, of all lives of its publisher."""
    reader = JournalReader(run_dir / "journal" / name, name)
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            yield from parse_frames(chunk.frames)
            seq = chunk.last + 1


def told(run_dir) -> list[Alert]:
    return [
        alert
        for frame in journalled(run_dir, DETECTOR)
        if frame.topic.startswith("alert.")
        for alert in decode_events(frame)
    ]


def memories(run_dir) -> int:
    return sum(frame.kind == RecordKind.SNAP for frame in journalled(run_dir, DETECTOR))


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def tape(peers, run_dir) -> Iterator[Tape]:
    found = Tape(peers, run_dir)
    yield found
    found.source.close()


@pytest.fixture
def config(run_dir):
    (run_dir / "detectors.yaml").write_text(EAGER)
    settings = {"snap_interval_s": 0.1, "watch_s": 0.05}
    actors = {COLLECTOR: {}, "journal.1": {}, DETECTOR: settings}
    return write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)


def status(peers):
    return msgspec.msgpack.decode(peers.ask(DETECTOR, "status").data)


def test_detector_killed_in_mid_stream_tells_what_an_undisturbed_one_tells(run_dir, config, peers, tape):
    with ActorProcess("journal", "journal.1", config):
        with ActorProcess("detector", DETECTOR, config) as process:
            tape.play(150)
            expected = len(tape.told_undisturbed())
            assert expected > 5
            until(lambda: tape.source.beat() or len(told(run_dir)) == expected, 40.0, "the first alerts")
            remembered = memories(run_dir)
            until(lambda: memories(run_dir) > remembered, 40.0, "a memory")
            tape.play(60)
            until(lambda: tape.source.beat() or len(told(run_dir)) > expected, 40.0, "more of them")
            process.kill()
        tape.play(100)
        with ActorProcess("detector", DETECTOR, config) as process:
            tape.play(100)
            undisturbed = tape.told_undisturbed()
            until(lambda: tape.source.beat() or len(told(run_dir)) >= len(undisturbed), 40.0, "all alerts")
            assert process.stop() == 0

    assert told(run_dir) == undisturbed
    assert {alert.rule for alert in undisturbed} == {"big_trade", "price_jump"}


def test_detector_takes_other_thresholds_while_it_runs_and_keeps_the_old_ones_where_they_are_wrong(
    run_dir, config, peers, tape
):
    file = run_dir / "detectors.yaml"

    def next_told(count: int) -> Alert:
        until(lambda: tape.source.beat() or len(told(run_dir)) == count, 40.0, f"alert {count}")
        return told(run_dir)[-1]

    with ActorProcess("journal", "journal.1", config), ActorProcess("detector", DETECTOR, config) as process:
        for number in range(60):
            tape.trade(1.0 + number % 3 / 10)
        tape.trade(50.0)
        assert next_told(1).values["least_notional_usd"] == 1000.0

        file.write_text(EAGER.replace("1000,", "lots,"))
        until(lambda: status(peers)["detectors_file"]["problems"], 40.0, "the fault to be seen")
        refused = peers.ask(DETECTOR, "reload")
        assert (refused.ok, refused.code) == (False, "invalid_request")
        assert "detectors.yaml:3:35" in refused.details["errors"][0]
        tape.trade(55.0)
        assert next_told(2).values["notional_usd"] == 5500.0

        file.write_text(EAGER.replace("1000,", "6000,"))
        answer = msgspec.msgpack.decode(peers.ask(DETECTOR, "reload").data)
        assert answer["problems"] == []
        tape.trade(59.0)
        tape.trade(61.0)
        last = next_told(3)
        assert (last.values["notional_usd"], last.values["least_notional_usd"]) == (6100.0, 6000.0)
        assert last.values["n"] >= 50  # what was usual before is usual still
        assert process.is_alive
        assert "the thresholds stay as they were" in process.stderr_text


def test_detector_goes_on_after_rubbish(run_dir, config, peers, tape):
    with ActorProcess("journal", "journal.1", config), ActorProcess("detector", DETECTOR, config) as process:
        tape.source.send("trade.binance.DOGE_USDT", Trade("DOGE_USDT", "binance", 1, 1, 1.0, 1.0, BUY, 1))
        tape.source.send("trade.binance.BTC_USDT", Quote("BTC_USDT", "binance", 1, 1, 1.0, 1.0, 1.0, 1.0))
        for _ in range(60):
            tape.trade()
        tape.trade(50.0)
        tape.trade(float("nan"))
        until(
            lambda: tape.source.beat() or status(peers)["counters"].get("rejected_value"),
            10,
            "the last trade",
        )
        found = status(peers)
        assert process.stop() == 0
    assert found["dropped"] == {"unknown_symbol": 1, "bad_frame": 1}
    assert (found["markets"], found["counters"]["alerts"], found["rules"]) == (1, 1, 10)


def test_detector_does_not_start_with_a_wrong_file(run_dir, config):
    (run_dir / "detectors.yaml").write_text("rules: {big_trad: {}}")
    with ActorProcess("detector", DETECTOR, config) as process:
        assert process.wait() == 78
        assert "did you mean 'big_trade'" in process.stderr_text
