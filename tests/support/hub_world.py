"""A hub process between a feed and its engines."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from protocol.client import Hub
from protocol.endpoints import Endpoints
from protocol.errors import NoData, StaleData
from protocol.messages import Bar, Trade
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.process import ActorProcess
from tests.support.wait import until
from tests.unit.actors.hub.samples import MINUTE_NS, bar, quote, trade

COLLECTOR = "collector.binance.1"
DEADLINE_S = 40.0
QUOTE, TRADE, BOOK = (f"{kind}.binance.BTC_USDT" for kind in ("quote", "trade", "book"))


class Bench(NamedTuple):
    run_dir: Path
    config: Path
    endpoints: Endpoints

    def start_hub(self) -> ActorProcess:
        return ActorProcess("hub", "hub.1", self.config)

    def client(self, **options: Any) -> Hub:
        """A client that asks: what the board says without being asked has tests of its own."""
        return Hub(self.run_dir, **{"timeout_s": DEADLINE_S, "use_board": False, **options})


def bench_of(run_dir: Path, **settings: Any) -> Bench:
    config = write_config(run_dir, {COLLECTOR: {}, "hub.1": settings})
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    return Bench(run_dir, config, endpoints)


class World(NamedTuple):
    bench: Bench
    feed: Feed
    process: ActorProcess
    hub: Hub


def wait_until_heard(hub: Hub) -> None:
    """The hub has a heartbeat of the feed: whatever is published from now on, it hears."""
    until(lambda: hub.status()["actors"][COLLECTOR]["is_alive"], DEADLINE_S, "the hub to hear the feed")


def answered(read: Callable[[], Any]) -> Any:
    """What a read gives now; None while the hub has nothing yet, or only what is too old."""
    try:
        return read()
    except (NoData, StaleData):
        return None


def once(read: Callable[[], Any]) -> Any:
    """What a read gives as soon as there is data."""

    found: list[Any] = []

    def is_there() -> bool:
        try:
            found.append(read())
        except NoData:
            return False
        return True

    until(is_there, DEADLINE_S, "data")
    return found[0]


def now_quote(bid: float = 100.0) -> Any:
    return quote(bid, recv_ns=time.time_ns())


def now_trade(number: int) -> Trade:
    return trade(number, recv_ns=time.time_ns())


def now_bar(minutes_ago: int, **changes: Any) -> Bar:
    opened_ns = time.time_ns() // MINUTE_NS * MINUTE_NS - minutes_ago * MINUTE_NS
    return bar(0, **{"ts_open_ns": opened_ns, **changes})


@contextlib.contextmanager
def world_of(run_dir: Path) -> Iterator[World]:
    """A hub that hears the feed, and a client of it."""
    bench = bench_of(run_dir)
    with Feed(bench.endpoints) as feed, bench.start_hub() as process, bench.client() as hub:
        wait_until_heard(hub)
        yield World(bench, feed, process, hub)
