"""A hub process and a store behind a real socket: warm from its first answers, and the past through one question."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.client import AsyncHub, Candles, Hub, Trades
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.record import Frame
from protocol.requests import decode_request
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.hub_world import COLLECTOR, DEADLINE_S, QUOTE, TRADE, answered, now_bar, now_quote, once
from tests.support.process import ActorProcess
from tests.support.stored import Stored
from tests.support.wait import until
from tests.unit.actors.hub.samples import MINUTE_NS, Pen, trade
from tests.unit.protocol.client.served import Served

BARS = "bar.binance.BTC_USDT.1m"
PERSISTENCE = "persistence.1"


class Town:
    """A topology of a collector, a hub and a store; the store answers while `open_store` says so."""

    def __init__(self, run_dir: Path, **settings: Any) -> None:
        actors: dict[str, dict[str, Any]] = {COLLECTOR: {}, PERSISTENCE: {}, "hub.1": settings}
        self.run_dir = run_dir
        self.config = write_config(run_dir, actors)
        self.endpoints = Endpoints(run_dir)
        self.endpoints.prepare()
        self.stored = Stored(run_dir / "store.sqlite")
        self.pen = Pen("collector.binance.1", epoch=1)
        self.questions: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def frame(self, topic: str, *events: Any) -> Frame:
        return self.pen.frame(topic, events, ts_pub_ns=time.time_ns())

    @contextlib.contextmanager
    def open_store(self) -> Iterator[None]:
        reader = Reader(self.stored.url)
        server = HistoryServer(reader, PERSISTENCE, 1, time.time_ns)

        def answer(body: bytes) -> list[bytes]:
            op = decode_request(body).op
            self.questions.append(op)
            if op == "history" and not self.gate.is_set():
                return []
            return [server.answer(body)]

        with Served(self.endpoints.query(PERSISTENCE), answer):
            yield
        reader.close()

    def start_hub(self) -> ActorProcess:
        return ActorProcess("hub", "hub.1", self.config)

    def client(self) -> Hub:
        return Hub(self.run_dir, timeout_s=DEADLINE_S)


@pytest.fixture
def town(run_dir: Path) -> Iterator[Town]:
    made = Town(run_dir, bar_window=50, trade_window=50)
    yield made
    made.stored.close()


def minutes_ago(bars: Candles) -> list[int]:
    now_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
    return [(now_ns - int(open_ns)) // MINUTE_NS for open_ns in bars.ts_open_ns]


def state_of(hub: Hub) -> str:
    try:
        return str(hub.status()["hub"]["warm_start"])
    except HubError:
        return ""


def fill(town: Town, minutes: int = 60) -> None:
    """An hour of candles and a hundred trades of it."""
    town.stored.write([town.frame(BARS, *(now_bar(ago) for ago in range(minutes, 0, -1)))])
    now_ns = time.time_ns()
    for first in range(0, 100, 10):
        batch = [trade(n, recv_ns=now_ns - (200 - n) * 1_000_000) for n in range(first, first + 10)]
        town.stored.write([town.frame(TRADE, *batch)])
    town.stored.write([town.frame(QUOTE, now_quote(5.0))])


def test_a_hub_that_starts_has_its_windows_and_goes_on_without_a_seam(town: Town) -> None:
    fill(town)
    with town.open_store(), town.start_hub(), town.client() as hub:
        until(lambda: state_of(hub) == "warm", DEADLINE_S, "the hub to be warm")
        stored = hub.candles("BTC_USDT", "1m", 0, allow_stale=True)
        assert len(stored) == 50
        assert hub.tick("BTC_USDT", allow_stale=True).bid == 5.0
        assert [one.trade_id for one in hub.trades("BTC_USDT", 3, allow_stale=True)] == [97, 98, 99]

        with Feed(town.endpoints) as feed:
            until(
                lambda: hub.status()["actors"][COLLECTOR]["is_alive"], DEADLINE_S, "the hub to hear the feed"
            )
            feed.publish(BARS, now_bar(0, status="open", revision=0, close=7.0))
            feed.publish(TRADE, trade(100, recv_ns=time.time_ns()))
            until(
                lambda: answered(lambda: hub.trades("BTC_USDT", 1)[0].trade_id) == 100,
                DEADLINE_S,
                "the live trade",
            )

            bars = hub.candles("BTC_USDT", "1m", 0)
            steps = bars.ts_open_ns[1:] - bars.ts_open_ns[:-1]
            assert set(steps.tolist()) == {MINUTE_NS}
            assert (len(bars), bars.close[-1], bars.status[-1]) == (50, 7.0, "open")
            ids = [one.trade_id for one in hub.trades("BTC_USDT", 50)]
            assert ids == list(range(51, 101))


def test_the_past_comes_from_window_and_store_as_one(town: Town) -> None:
    fill(town)
    with town.open_store(), town.start_hub(), town.client() as hub:
        until(lambda: state_of(hub) == "warm", DEADLINE_S, "the hub to be warm")

        bars = hub.history("BTC_USDT", "1m")
        trades = hub.history("BTC_USDT", kind="trade", n=80)
        paged = [one for page in hub.history_pages("BTC_USDT", kind="trade") for one in page]

        assert isinstance(bars, Candles)
        assert isinstance(trades, Trades)
        assert len(bars) == 60
        assert [(part["source"], part["rows"]) for part in bars.parts] == [("store", 10), ("window", 50)]
        assert [one.trade_id for one in trades] == list(range(20, 100))
        assert [one.trade_id for one in paged] == list(range(100))

        async def read() -> list[int]:
            async with AsyncHub(town.run_dir, timeout_s=DEADLINE_S) as other:
                whole = await other.history("BTC_USDT")
                pages = [page async for page in other.history_pages("BTC_USDT")]
                return [len(whole), sum(map(len, pages))]

        assert asyncio.run(read()) == [60, 60]


def test_a_store_that_does_not_answer_holds_nobody_up(town: Town) -> None:
    fill(town)
    with town.open_store(), town.start_hub(), town.client() as hub:
        until(lambda: state_of(hub) == "warm", DEADLINE_S, "the hub to be warm")
        town.gate.clear()
        found: list[Any] = []

        def ask() -> None:
            with town.client() as other:
                found.append(other.history("BTC_USDT", "1m"))

        asking = threading.Thread(target=ask)

        asking.start()
        until(lambda: "history" in town.questions, DEADLINE_S, "the hub to ask the store")
        assert hub.ping() < 1.0
        assert hub.tick("BTC_USDT", allow_stale=True).bid == 5.0
        assert not found
        asking.join(DEADLINE_S)

        [bars] = found
        assert len(bars) == 50
        assert "no answer" in bars.missing[0]["reason"]
        assert bars.covered_from_ns == int(bars.ts_open_ns[0])


def test_a_store_that_comes_later_fills_the_older_part(run_dir: Path) -> None:
    town = Town(run_dir, warm_timeout_s=0.2, warm_retry_s=0.2)
    with Feed(town.endpoints, epoch=7) as feed, town.start_hub(), town.client() as hub:
        until(lambda: hub.status()["actors"][COLLECTOR]["is_alive"], DEADLINE_S, "the hub to hear the feed")
        until(
            lambda: "no_stored_windows" in hub.status()["hub"]["dropped"], DEADLINE_S, "the hub to go on cold"
        )
        feed.publish(BARS, now_bar(1))
        feed.publish(BARS, now_bar(0, status="open", revision=0))
        once(lambda: hub.candles("BTC_USDT", "1m"))
        fill(town, minutes=20)
        with town.open_store():
            until(lambda: town.questions.count("windows") > 2, DEADLINE_S, "the hub to ask again")
            assert (state_of(hub), len(hub.candles("BTC_USDT", "1m", 0))) == ("cold", 2)
            town.pen = Pen(COLLECTOR, epoch=7)
            town.pen.writer.seq = feed.publisher.seq
            town.stored.write([town.frame(BARS, now_bar(1))])
            until(lambda: state_of(hub) == "warm", DEADLINE_S, "the store to reach what was heard")
        bars = hub.candles("BTC_USDT", "1m", 0)
        assert minutes_ago(bars) == list(range(20, -1, -1))
    town.stored.close()
