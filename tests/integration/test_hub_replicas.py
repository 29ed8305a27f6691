"""Two hubs of one topology: one dies, its engines ask the other one, and come back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.client import AsyncHub, Hub
from protocol.endpoints import Endpoints
from protocol.errors import NoData
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.hub_world import (
    COLLECTOR,
    DEADLINE_S,
    QUOTE,
    TRADE,
    answered,
    now_quote,
    now_trade,
    wait_until_heard,
)
from tests.support.process import ActorProcess
from tests.support.wait import until


class Pair:
    """Two hubs that hear one feed, each of which can be killed and started again."""

    def __init__(self, run_dir: Path, stack: contextlib.ExitStack) -> None:
        self.config = write_config(run_dir, {COLLECTOR: {}, "hub.1": {}, "hub.2": {}}, heartbeat_s=0.05)
        self.endpoints = Endpoints(run_dir)
        self.endpoints.prepare()
        self.feed = stack.enter_context(Feed(self.endpoints))
        self.addresses = [self.endpoints.query(name) for name in ("hub.1", "hub.2")]
        self._stack = stack
        self.one, self.two = self.start("hub.1"), self.start("hub.2")

    def start(self, name: str) -> ActorProcess:
        process = ActorProcess("hub", name, self.config)
        self._stack.enter_context(process)
        with Hub(self.endpoints.query(name), timeout_s=DEADLINE_S) as hub:
            wait_until_heard(hub)
        return process


@pytest.fixture
def pair(run_dir: Path) -> Iterator[Pair]:
    with contextlib.ExitStack() as stack:
        yield Pair(run_dir, stack)


def reads(hub: Hub, feed: Feed) -> Any:
    """A quote of this moment, published and read."""
    feed.publish(QUOTE, now_quote())
    with contextlib.suppress(NoData):
        return hub.tick("BTC_USDT")
    return None


def test_reads_go_on_at_the_other_hub_and_come_back(pair: Pair) -> None:
    with Hub(pair.addresses, timeout_s=4.0, use_board=False) as hub:
        until(lambda: reads(hub, pair.feed), DEADLINE_S, "a tick")
        patience = hub._asker.patience
        assert patience.first == pair.addresses[0], "the first one that is named is preferred"

        pair.one.kill()
        assert hub.tick("BTC_USDT", allow_stale=True).bid == 100.0, "within the same question's deadline"
        assert patience.first == pair.addresses[1]

        pair.start("hub.1")
        until(lambda: reads(hub, pair.feed) and not patience.is_away, DEADLINE_S, "the client to come back")
        assert hub.tick("BTC_USDT", allow_stale=True).bid == 100.0


@pytest.mark.long
def test_an_async_client_does_the_same(pair: Pair) -> None:
    async def live() -> None:
        async with AsyncHub(pair.addresses, timeout_s=4.0) as hub:
            patience = hub._asker.patience

            async def read() -> Any:
                pair.feed.publish(QUOTE, now_quote())
                with contextlib.suppress(NoData):
                    return await hub.tick("BTC_USDT", allow_stale=True)
                return None

            async def until_read(is_home: bool) -> None:
                end_s = time.monotonic() + DEADLINE_S
                while not await read() or patience.is_away == is_home:
                    assert time.monotonic() < end_s, f"still {'away' if is_home else 'at home'}"
                    await asyncio.sleep(0.01)

            await until_read(is_home=True)
            pair.one.kill()
            assert (await hub.tick("BTC_USDT", allow_stale=True)).bid == 100.0
            assert patience.is_away
            await asyncio.to_thread(pair.start, "hub.1")
            await until_read(is_home=True)

    asyncio.run(live())


def test_a_stream_goes_on_and_a_new_one_joins_at_the_other_hub_without_a_hole(pair: Pair) -> None:
    with Hub(pair.addresses, timeout_s=4.0, use_board=False) as hub:
        for number in range(5):
            pair.feed.publish(TRADE, now_trade(number))
        until(
            lambda: len(answered(lambda: hub.trades("BTC_USDT", 5, allow_stale=True)) or ()) == 5,
            DEADLINE_S,
            "the trades",
        )
        stream = hub.stream(TRADE, snapshot=3)
        assert [next(stream).trade_id for _ in range(3)] == [2, 3, 4]

        pair.one.kill()
        pair.feed.publish(TRADE, now_trade(5))
        assert next(stream).trade_id == 5
        with Hub(pair.endpoints.query("hub.2"), timeout_s=DEADLINE_S) as other:
            until(lambda: len(other.trades("BTC_USDT", 6)) == 6, DEADLINE_S, "the other hub to have it")
        again = hub.stream(TRADE, snapshot=3)
        assert [next(again).trade_id for _ in range(3)] == [3, 4, 5]
        pair.feed.publish(TRADE, now_trade(6))
        assert (next(stream).trade_id, next(again).trade_id) == (6, 6)
