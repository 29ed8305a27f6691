"""Indicators of the aggregator as a process: on the bus behind their candles, and the very same after a kill."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from actors.aggregator.fold import Fold
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.codec import decode_events, encode_events
from protocol.instruments import Catalog, Instrument
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import BUY, Trade, Watermark
from protocol.record import RecordKind, parse_frames
from protocol.topics import mark_topic
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NS = 1_000_000_000
FEEDER = "collector.binance.1"
SYMBOLS = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
INDICATORS = {
    "indicators": ["ema(3)", "rsi(3)", "bbands(3,2)", "vwap"],
    "indicator_timeframes": ["1s"],
    "keep_bars": {"1s": 4},
}


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def day_ns() -> int:
    return time.time_ns() // (86_400 * NS) * 86_400 * NS


def config_of(run_dir, settings, **others):
    actors = {FEEDER: {}, "aggregator.1": settings, **others}
    return write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)


class Feed:
    """A collector that says what the test wants."""

    def __init__(self, source, start_ns):
        self.source, self.start_ns = source, start_ns

    def at(self, seconds):
        return self.start_ns + round(seconds * 1000) * 1_000_000

    def trade(self, seconds, price):
        ts_ns = self.at(seconds)
        self.source.send(
            "trade.binance.BTC_USDT", Trade("BTC_USDT", "binance", ts_ns, ts_ns, price, 1.0, BUY, 0)
        )

    def mark(self, seconds):
        mark = Watermark(FEEDER, "binance", self.at(seconds), True)
        self.source.send(mark_topic(FEEDER), mark, kind=RecordKind.TIME)


def closed_until(ear, is_last):
    """Features of closed candles as they come, up to the last that is waited for."""
    found = []
    for frame in ear.frames():
        if frame.topic.startswith("feature."):
            found += [one for one in decode_events(frame) if one.revision]
            if any(map(is_last, found)):
                return found
    return found


def test_indicators_follow_the_candles_of_their_timeframe(run_dir, peers, day_ns):
    ear, feed = peers.ear("aggregator.1", "feature.", "beat."), Feed(peers.source(FEEDER), day_ns)
    with ActorProcess("aggregator", "aggregator.1", config_of(run_dir, INDICATORS)):
        ear.beat("RUNNING")
        feed.source.wait_for_subscription("")
        for second in range(6):
            feed.trade(float(second), 100.0 + second)
        feed.mark(7.25)
        found = closed_until(ear, lambda one: one.ts_open_ns == feed.at(5))
        feed.trade(4.5, 200.0)
        feed.mark(7.5)
        again = closed_until(ear, lambda one: one.ts_open_ns == feed.at(5))

    assert [one.ts_open_ns for one in found] == [feed.at(second) for second in range(6)]
    assert [one.is_ready for one in found] == [False] * 3 + [True] * 3
    assert found[-1].values["ema_3"] == 104.0
    assert {one.timeframe for one in found} == {"1s"}
    assert [(one.ts_open_ns, one.revision) for one in again] == [(feed.at(4), 2), (feed.at(5), 1)]
    assert again[1].values["ema_3"] > 104.0


def journal_of(run_dir, name):
    """Everything that an actor has published, in all its lives."""
    reader = JournalReader(run_dir / "journal" / name, name)
    found = []
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            found += parse_frames(chunk.frames)
            seq = chunk.last + 1
    return found


def features_published(run_dir):
    return [
        frame.payload for frame in journal_of(run_dir, "aggregator.1") if frame.topic.startswith("feature.")
    ]


def test_killed_it_publishes_the_features_that_it_would_have_published(run_dir, peers, day_ns):
    settings = {**INDICATORS, "snap_interval_s": 0.1}
    config = config_of(run_dir, settings, **{"journal.1": {}})
    feed = Feed(JournalledSource(peers.wire, run_dir, peers.endpoints.pub(FEEDER), FEEDER), day_ns)

    def play(seconds):
        for second in seconds:
            feed.trade(second, 100.0 + second % 7)
            feed.trade(second - 1.6, 100.0 + second % 5)  # late: a revision
            feed.mark(second + 0.5)
        feed.source.beat()

    def memories():
        return sum(frame.kind == RecordKind.SNAP for frame in journal_of(run_dir, "aggregator.1"))

    with ActorProcess("journal", "journal.1", config):
        play(range(2, 15))
        with ActorProcess("aggregator", "aggregator.1", config) as first:
            until(
                lambda: memories() > 1 and len(features_published(run_dir)) > 8, 20, "features and a memory"
            )
            play(range(15, 22))
            until(lambda: len(features_published(run_dir)) >= 20, 40.0, "features behind the memory")
            first.kill()
        play(range(22, 26))
        with ActorProcess("aggregator", "aggregator.1", config):
            play(range(26, 34))
            expected = until(lambda: undisturbed(run_dir, settings), 1, "a fold of the journal")
            until(lambda: len(features_published(run_dir)) >= len(expected), 40.0, "all features")
    assert features_published(run_dir) == expected


def undisturbed(run_dir, settings):
    """What a fold that nobody kills makes of the collector's journal."""
    catalog = Catalog([Instrument(symbol=name, **entry) for name, entry in SYMBOLS.items()])
    fold = Fold(catalog, rules_of(AggregatorSettings(**settings)), Counter())
    output = [made for frame in journal_of(run_dir, FEEDER) for made in fold.apply(frame)]
    return [encode_events(messages) for topic, messages in output if topic.startswith("feature.")]
