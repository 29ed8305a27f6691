"""Two collectors of one venue: one is killed, comes back, the other is killed; nothing is lost, doubled or refused."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from protocol.book import OrderBook
from protocol.client import Hub
from protocol.errors import HubError, NoData
from tests.support.config import write_config
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.venue_server import VenueServer
from tests.support.wait import until

NS: Final = 1_000_000_000
A, B = "collector.binance.1", "collector.binance.2"
SYMBOLS: Final = {"BTC_USDT": {"venues": {"binance": "spot:BTCUSDT"}}}
TURN_S: Final = 0.01
"""Pause between two trades: the load of the test, nothing waits for it."""


class Market(threading.Thread):
    """A venue that trades, quotes and changes its book; it knows what it has sent."""

    def __init__(self, venue: VenueServer) -> None:
        super().__init__(daemon=True)
        self.venue = venue
        self.trades: list[tuple[int, float, float]] = []
        """Time (ms), price and size of each, numbered from 1."""
        self.update_id = 100
        self.book = OrderBook()
        self.book.snapshot([(99.0 - n, 1.0) for n in range(20)], [(101.0 + n, 2.0) for n in range(20)], 100)
        self._quiet = threading.Event()
        self._image()

    def run(self) -> None:
        """Go on until `stop`."""
        while not self._quiet.wait(TURN_S):
            self.turn()

    def turn(self) -> None:
        """One trade, one quote, every fifth time a change of the book."""
        number = len(self.trades) + 1
        at_ms = time.time_ns() // 1_000_000
        price, size = 100.0 + number % 7, 1.0 + number % 3
        if number % 5 == 0:
            self._change(number, at_ms)
        self.trades.append((at_ms, price, size))
        self.venue.send(
            "btcusdt@trade", e="trade", E=at_ms, s="BTCUSDT", t=number, p=str(price), q=str(size), T=at_ms, m=False
        )  # fmt: skip
        self.venue.send(
            "btcusdt@bookTicker", u=1000 + number, s="BTCUSDT", b=str(98.0 + number / 1e4), B="1", a="101", A="2"
        )  # fmt: skip

    def _change(self, number: int, at_ms: int) -> None:
        self.update_id += 1
        bid = (99.0 - number % 20, 1.0 + number % 11)
        self.book.apply([bid], [], self.update_id)
        self._image()
        rows = [[str(bid[0]), str(bid[1])]]
        self.venue.send(
            "btcusdt@depth@100ms", e="depthUpdate", E=at_ms, s="BTCUSDT", U=self.update_id, u=self.update_id,
            b=rows, a=[],
        )  # fmt: skip

    def _image(self) -> None:
        bids, asks = self.book.top()
        text = [[[str(price), str(size)] for price, size in side] for side in (bids, asks)]
        self.venue.set_snapshot("BTCUSDT", self.update_id, *text)

    def stop(self) -> None:
        """Fall silent."""
        self._quiet.set()
        self.join()

    def passes(self, count: int) -> None:
        """Wait until it has traded so often again."""
        goal = len(self.trades) + count
        until(lambda: len(self.trades) >= goal, 40.0, f"{count} trades")

    def candles(self) -> dict[int, tuple[float, float, float, float, float, int]]:
        """Start (ns) of each second to open, high, low, close, volume, count."""
        found: dict[int, list[tuple[float, float]]] = {}
        for at_ms, price, size in self.trades:
            found.setdefault(at_ms // 1000 * NS, []).append((price, size))
        return {
            second: (
                rows[0][0], max(row[0] for row in rows), min(row[0] for row in rows), rows[-1][0],
                sum(row[1] for row in rows), len(rows),
            )
            for second, rows in found.items()
        }  # fmt: skip


class Engine(threading.Thread):
    """Reads the hub all the time; whatever is refused or not fresh is a complaint."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__(daemon=True)
        self.hub = Hub(run_dir, timeout_s=5.0)
        self.reads = 0
        self.reads_candles = True
        self.complaints: list[str] = []
        self.bids: list[float] = []
        self._stopping = threading.Event()

    def run(self) -> None:
        """Read until `stop`."""
        while not self._stopping.wait(TURN_S):
            for read in (self._tick, self._book, self._candles):
                try:
                    read()
                except HubError as refusal:
                    self.complaints.append(f"{refusal.code} {refusal}")
                self.reads += 1

    def _tick(self) -> None:
        tick = self.hub.tick("BTC_USDT")
        self.bids.append(tick.bid)
        self._look("tick", tick.state)

    def _book(self) -> None:
        book = self.hub.book("BTC_USDT")
        self._look("book", book.state)
        if book.bids[0][0] >= book.asks[0][0]:
            self.complaints.append("crossed")

    def _candles(self) -> None:
        if self.reads_candles:
            self._look("candles", self.hub.candles("BTC_USDT", "1s", 5).state)

    def _look(self, what: str, state: str) -> None:
        if state != "fresh":
            self.complaints.append(f"{what}: {state}")

    def stop(self) -> None:
        """Close it."""
        self._stopping.set()
        self.join()
        self.hub.close()


def collector_section(venue: VenueServer) -> dict[str, Any]:
    return {
        "ws_url": {"spot": venue.ws_url},
        "rest_url": {"spot": venue.rest_url},
        "symbols": ["BTC_USDT"],
        "backoff_base_s": 0.01,
        "snapshot_retry_s": 0.05,
        "snap_interval_s": 0.2,
        "repair_retry_s": 0.05,
        "repair_klines": False,
        "watermark_s": 0.05,
    }


class System:
    """Two collectors and everybody who hears them."""

    def __init__(self, run_dir: Path, venue: VenueServer, config: Path, peers: Peers) -> None:
        self.run_dir, self.venue, self.config, self.peers = run_dir, venue, config, peers
        self.processes: dict[str, ActorProcess] = {}
        self.connections = 0

    def start(self, *names: str) -> None:
        for name in names:
            self.processes[name] = ActorProcess(name.partition(".")[0], name, self.config)

    def start_collector(self, name: str, *, is_trading: bool = False) -> None:
        """Start one and wait until it is subscribed to everything; where the market trades, until it has its book."""
        self.start(name)
        self.connections += 1
        for stream in ("trade", "bookTicker", "depth@100ms"):
            self.venue.client(f"btcusdt@{stream}", self.connections)
        if is_trading:
            until(lambda: self.books_of(name), 40.0, f"the book of {name}")

    def books_of(self, name: str) -> int:
        """Books that a collector vouches for."""
        status = msgspec.msgpack.decode(self.peers.ask(name, "status").data)
        return int(status["markets"]["spot"]["books_synced"])

    def kill(self, name: str) -> None:
        self.processes.pop(name).__exit__(None, None, None)  # SIGKILL

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        path = self.run_dir / "db" / "tapehub.sqlite"
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                return database.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


@contextmanager
def system_of(run_dir: Path) -> Iterator[System]:
    with VenueServer() as venue, peers_of(run_dir) as peers:
        section = collector_section(venue)
        actors = {
            A: section,
            B: section,
            "journal.1": {},
            "aggregator.1": {"timeframes": ["1s", "1m"], "snap_interval_s": 0.2, "lateness_s": 0.5},
            "orderflow.1": {},
            "hub.1": {"snap_retry_s": 0.2},
            "persistence.1": {"batch_s": 0.05},
        }
        config = write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)
        system = System(run_dir, venue, config, peers)
        try:
            yield system
        finally:
            for process in system.processes.values():
                process.__exit__(None, None, None)


@pytest.fixture
def system(run_dir: Path) -> Iterator[System]:
    with system_of(run_dir) as found:
        yield found


def test_neither_of_two_collectors_is_missed(system: System) -> None:
    market = Market(system.venue)  # its REST side knows no trades: what one collector missed it never gets
    system.start("journal.1", "hub.1", "aggregator.1", "orderflow.1", "persistence.1")
    system.start_collector(A)
    system.start_collector(B)
    with Hub(system.run_dir, timeout_s=5.0) as hub:
        until(lambda: hub.status()["actors"][B]["is_alive"], 40.0, "the hub to hear both")
        market.start()
        until(lambda: is_there(hub), 40.0, "a book and a candle")
        engine = Engine(system.run_dir)
        engine.start()
        market.passes(100)
        system.kill(A)
        market.passes(250)
        system.start_collector(A, is_trading=True)
        engine.reads_candles = False
        epoch = hub.status()["actors"]["aggregator.1"]["epoch"]
        system.kill("aggregator.1")  # it hears both again from their journals, in another order
        system.start("aggregator.1")
        until(lambda: is_back(hub, epoch), 40.0, "the aggregator to be back")
        engine.reads_candles = True
        market.passes(50)
        system.kill(B)
        market.passes(300)
        market.stop()
        engine.stop()
        assert engine.complaints == []
        assert engine.reads > 100
        assert engine.bids == sorted(engine.bids)
        count = len(market.trades)
        for table in ("trades", "quotes"):
            rows = f"SELECT max({'trade_id' if table == 'trades' else 'update_id - 1000'}) FROM {table}"
            until(lambda rows=rows: system.rows(rows) == [(count,)], 40.0, f"the last of the {table} stored")
        book = hub.book("BTC_USDT", 0, allow_stale=True)
        assert (list(map(tuple, book.bids)), list(map(tuple, book.asks))) == market.book.top()
        assert hub.status()["counters"]["second_copies"] > 100
    ids = system.rows("SELECT trade_id FROM trades ORDER BY trade_id")
    assert ids == [(number,) for number in range(1, count + 1)]
    quotes = system.rows("SELECT update_id FROM quotes ORDER BY update_id")
    assert quotes == [(1000 + number,) for number in range(1, count + 1)]
    assert_candles(system, market)
    reasons = {row[0] for row in system.rows("SELECT DISTINCT reason FROM flows")}
    assert reasons <= {"", "warm-up"}


def is_back(hub: Hub, epoch: int) -> bool:
    """Whether the aggregator lives again and has brought its candles up to date."""
    try:
        is_new = hub.status()["actors"]["aggregator.1"]["epoch"] > epoch
        return is_new and hub.candles("BTC_USDT", "1s", 1).age_s < 0.5
    except HubError:
        return False


def is_there(hub: Hub) -> bool:
    try:
        return bool(hub.book("BTC_USDT").bids) and len(hub.candles("BTC_USDT", "1s", 5)) > 0
    except NoData:
        return False


def assert_candles(system: System, market: Market) -> None:
    """Those of a single undisturbed feed; the last second may still be open."""
    expected = market.candles()
    first, last = min(expected), max(expected)
    closed = {second: row for second, row in expected.items() if second < last - NS}
    query = (
        "SELECT ts_open_ns, open, high, low, close, volume, count FROM bars WHERE timeframe = '1s' "
        f"AND ts_open_ns < {last - NS} ORDER BY ts_open_ns"
    )

    def look() -> bool:
        return len(system.rows(query)) >= len(closed)

    until(look, 40.0, "all candles stored")
    assert {row[0]: row[1:] for row in system.rows(query)} == closed
    query = f"SELECT status, coverage FROM bars WHERE timeframe = '1s' AND ts_open_ns > {first} AND ts_open_ns < {last - NS}"
    assert set(system.rows(query)) == {("closed", 1.0)}
