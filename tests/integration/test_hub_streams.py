"""Streams of a real hub: memory and live joined while data flows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.client import AsyncHub, Missing
from protocol.messages import Trade
from tests.support.feed import Feed
from tests.support.hub_world import (
    DEADLINE_S,
    QUOTE,
    TRADE,
    World,
    now_quote,
    now_trade,
    once,
    world_of,
)
from tests.support.wait import until


@pytest.fixture
def world(run_dir: Path) -> Iterator[World]:
    """A hub that hears the feed."""
    with world_of(run_dir) as found:
        yield found


def publish_steadily(feed: Feed, stop: threading.Event, sent: list[int]) -> None:
    number = 0
    while not stop.is_set():
        feed.publish(TRADE, *(now_trade(number + index) for index in range(3)))
        number += 3
        sent[0] = number
        stop.wait(0.001)


@pytest.fixture
def steady(world: World) -> Iterator[list[int]]:
    """Trades, counted from 0, in batches of three, as fast as a busy symbol; the list holds how many."""
    sent, stop = [0], threading.Event()
    thread = threading.Thread(target=publish_steadily, args=(world.feed, stop, sent))
    thread.start()
    until(lambda: sent[0] > 60, DEADLINE_S, "trades to flow")
    yield sent
    stop.set()
    thread.join(10)


def test_a_stream_begins_with_memory_and_goes_on_live_without_a_seam(world: World, steady: list[int]) -> None:
    lost: list[Missing] = []
    ids: list[Any] = []

    for message in world.hub.stream(f"{TRADE}$", snapshot=50, on_gap=lost.append):
        assert isinstance(message, Trade)
        ids.append(message.trade_id)
        if len(ids) == 300:
            break

    assert ids == list(range(ids[0], ids[0] + 300))
    assert lost == []
    assert steady[0] > 300


def test_an_asynchronous_stream_has_no_seam_either(world: World, steady: list[int]) -> None:
    async def read() -> list[Any]:
        ids: list[Any] = []
        async with AsyncHub(world.bench.run_dir, timeout_s=DEADLINE_S) as hub:
            stream = hub.stream("trade.binance.", snapshot=20)
            async for message in stream:
                assert isinstance(message, Trade)
                ids.append(message.trade_id)
                if len(ids) == 200:
                    break
            await stream.aclose()  # type: ignore[attr-defined]
        return ids

    ids = asyncio.run(read())

    assert ids == list(range(ids[0], ids[0] + 200))
    assert steady[0] > 200


def test_a_stream_ends_when_it_is_idle_or_its_client_is_closed(world: World) -> None:
    world.feed.publish(QUOTE, now_quote())
    once(lambda: world.hub.tick("BTC_USDT"))

    assert len(list(world.hub.stream("quote.", snapshot=1, idle_s=0.2))) == 1
    with world.bench.client() as other:
        stream = other.stream("quote.", snapshot=1)
        assert next(stream)
    assert list(stream) == []
