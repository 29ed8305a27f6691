"""Frames lost on the bus, killed listeners, killed servers: candles and rows are as if nothing had happened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from protocol.codec import decode_events
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import BUY, Bar, Trade, Watermark
from protocol.record import RecordKind, parse_frames
from protocol.topics import mark_topic
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

NS = 1_000_000_000
COLLECTOR = "collector.binance.1"
SYMBOLS = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
ACTORS = {
    COLLECTOR: {},
    "journal.1": {},
    "aggregator.1": {"timeframes": ["1s", "1m"], "snap_interval_s": 0.1},
    "persistence.1": {"batch_s": 0.05},
}


class Tape:
    """Trades, one each tenth of a second of venue time, and what the candles of them must be."""

    def __init__(self, peers: Peers, run_dir) -> None:
        self.run_dir, self.peers = run_dir, peers
        self.start_ns = time.time_ns() // (86_400 * NS) * 86_400 * NS
        self.count = 0
        self.source = self._source(1, (0, 0))

    def _source(self, epoch: int, prev: tuple[int, int]) -> JournalledSource:
        endpoint = self.peers.endpoints.pub(COLLECTOR)
        return JournalledSource(self.peers.wire, self.run_dir, endpoint, COLLECTOR, epoch, prev)

    def again(self) -> None:
        """The publisher dies and comes back."""
        prev = (self.source.publisher.epoch, self.source.publisher.seq)
        self.source.close()
        self.source = self._source(prev[0] + 1, prev)

    def trades(self, count: int) -> None:
        """The next trades, a frame each, with a watermark behind them."""
        for _ in range(count):
            self.count += 1
            ts_ns = self.start_ns + self.count * NS // 10
            price = 100.0 + self.count % 7
            trade = Trade("BTC_USDT", "binance", ts_ns, ts_ns, price, 1.0, BUY, self.count)
            self.source.send("trade.binance.BTC_USDT", trade)
        self.mark(self.count / 10)

    def mark(self, seconds: float) -> None:
        mark = Watermark(COLLECTOR, "binance", self.start_ns + round(seconds * NS), is_connected=True)
        self.source.send(mark_topic(COLLECTOR), mark, kind=RecordKind.TIME)
        self.source.beat()

    def in_first_minute(self) -> int:
        """Trades of size 1 that were sent so far in it."""
        return sum(number < 600 for number in range(1, self.count + 1))


@pytest.fixture
def peers(run_dir) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def config(run_dir):
    return write_config(run_dir, ACTORS, SYMBOLS, heartbeat_s=0.05)


@pytest.fixture
def tape(peers, run_dir):
    return Tape(peers, run_dir)


def bars_published(run_dir) -> list[Bar]:
    """Every closed candle in the aggregator's journal, in order, of all its lives."""
    reader = JournalReader(run_dir / "journal" / "aggregator.1", "aggregator.1")
    found: list[Bar] = []
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            for frame in parse_frames(chunk.frames):
                if frame.topic.startswith("bar."):
                    found += [bar for bar in decode_events(frame) if bar.revision]
            seq = chunk.last + 1
    return found


def memories(run_dir) -> int:
    reader = JournalReader(run_dir / "journal" / "aggregator.1", "aggregator.1")
    count = 0
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            count += sum(frame.kind == RecordKind.SNAP for frame in parse_frames(chunk.frames))
            seq = chunk.last + 1
    return count


def closed(run_dir, timeframe: str) -> Callable[[], list[Bar]]:
    return lambda: [bar for bar in bars_published(run_dir) if bar.timeframe == timeframe]


def rows(run_dir, query: str) -> list[tuple]:
    path = run_dir / "db" / "tapehub.sqlite"
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def actor(name: str, config) -> ActorProcess:
    return ActorProcess(name.partition(".")[0], name, config)


def test_an_aggregator_killed_in_mid_minute_makes_the_same_candle(tape, config, run_dir):
    with actor("journal.1", config):
        tape.trades(150)
        with actor("aggregator.1", config) as first:
            until(lambda: memories(run_dir) > 1 and closed(run_dir, "1s")(), 40.0, "candles and a memory")
            tape.trades(100)
            until(lambda: len(closed(run_dir, "1s")()) >= 23, 40.0, "candles behind the memory")
            first.kill()
        tape.trades(100)
        with actor("aggregator.1", config):
            tape.trades(349)
            tape.mark(70)
            (minute,) = until(closed(run_dir, "1m"), 40.0, "the minute")
    assert minute.volume == minute.count == tape.in_first_minute()
    assert minute.coverage == pytest.approx(
        59.9 / 60
    )  # it begins with the first trade, and has no other hole
    seconds = [(bar.ts_open_ns, bar.revision) for bar in closed(run_dir, "1s")()]
    assert len(seconds) == len(set(seconds)), "a candle was published twice"


def test_frames_lost_on_the_bus_are_fetched_by_everybody(tape, config, run_dir, peers):
    with actor("journal.1", config), actor("aggregator.1", config), actor("persistence.1", config):
        tape.trades(100)
        until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(100,)], 40.0, "the first rows")
        tape.source.loses = True
        tape.trades(200)
        tape.source.loses = False
        tape.again()
        tape.trades(400)
        tape.mark(75)
        (minute,) = until(closed(run_dir, "1m"), 40.0, "the minute")
        until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(700,)], 40.0, "all rows")
        until(
            lambda: rows(run_dir, "SELECT volume FROM bars WHERE timeframe = '1m'"), 20, "the stored minute"
        )
    assert minute.volume == tape.in_first_minute()
    assert rows(run_dir, "SELECT count(DISTINCT trade_id), min(trade_id), max(trade_id) FROM trades") == [
        (700, 1, 700)
    ]
    assert rows(run_dir, "SELECT count(*) FROM holes") == [(0,)]
    assert rows(run_dir, "SELECT count(*) FROM refused") == [(0,)]


def test_a_tail_lost_in_silence_is_found_by_the_heartbeat(tape, config, run_dir):
    with actor("journal.1", config), actor("persistence.1", config):
        tape.trades(10)
        until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(10,)], 40.0, "the first rows")
        tape.source.loses = True
        tape.trades(5)
        until(
            lambda: (tape.source.beat(), rows(run_dir, "SELECT count(*) FROM trades") == [(15,)])[1],
            20,
            "the lost tail",
        )


def test_the_journal_server_may_die_and_what_it_owes_is_fetched_later(tape, config, run_dir):
    with actor("persistence.1", config):
        with actor("journal.1", config) as server:
            tape.trades(10)
            until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(10,)], 40.0, "the first rows")
            server.kill()
        tape.trades(10)
        until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(20,)], 40.0, "live rows without it")
        tape.source.loses = True
        tape.trades(10)
        tape.source.loses = False
        tape.trades(10)
        with actor("journal.1", config):
            until(lambda: rows(run_dir, "SELECT count(*) FROM trades") == [(40,)], 40.0, "what was lost")
    assert rows(run_dir, "SELECT count(*) FROM holes") == [(0,)]


def test_without_a_journal_server_a_loss_is_a_hole_that_is_stored(tape, run_dir):
    actors = {name: row for name, row in ACTORS.items() if name != "journal.1"}
    config = write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)
    with actor("persistence.1", config) as process:
        process.wait_for_text("RUNNING")
        until(
            lambda: (tape.trades(1), rows(run_dir, "SELECT count(*) FROM trades") > [(0,)])[1],
            20,
            "live rows",
        )
        tape.source.loses = True
        tape.trades(1)
        tape.source.loses = False
        until(
            lambda: (tape.trades(1), rows(run_dir, "SELECT count(*) FROM holes") > [(0,)])[1], 20, "the hole"
        )
    assert rows(run_dir, "SELECT last_seq - first_seq FROM holes LIMIT 1") == [
        (1,)
    ]  # the trade and its watermark
