"""Streams of a real hub: memory and live joined while data flows."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.client import AsyncHub, Hub, Missing
from protocol.endpoints import Endpoints
from protocol.messages import Trade
from protocol.transport import Wire
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.hub_world import (
    COLLECTOR,
    DEADLINE_S,
    QUOTE,
    TRADE,
    World,
    now_quote,
    now_trade,
    once,
    wait_until_heard,
    world_of,
)
from tests.support.journalled_source import JournalledSource
from tests.support.process import ActorProcess
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


def publish_with_losses(run_dir: Path, endpoint: str, stop: threading.Event, begun: threading.Event) -> None:
    """Trades, counted from 0, of which the bus never brings a third, in runs and one by one; heartbeats between."""
    rng = random.Random(7)
    with Wire() as wire:
        source = JournalledSource(wire, run_dir, endpoint, COLLECTOR, epoch=time.time_ns())
        number = 0
        while not stop.wait(0.001):
            source.loses = number > 200 and (rng.random() < 0.1 or number % 50 < 12)
            source.send(TRADE, now_trade(number))
            number += 1
            if number % 20 == 0:
                source.beat()
                begun.set()


@contextlib.contextmanager
def lossy_world(run_dir: Path, *, has_journal: bool, is_dead: bool = False) -> Iterator[Hub]:
    """A hub and perhaps a journal server (that may be dead), and a collector that loses frames on the way."""
    actors = {COLLECTOR: {}, "hub.1": {}, **({"journal.1": {}} if has_journal else {})}
    config = write_config(run_dir, actors, heartbeat_s=0.1)
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    stop, begun = threading.Event(), threading.Event()
    source = (run_dir, endpoints.pub(COLLECTOR), stop, begun)
    thread = threading.Thread(target=publish_with_losses, args=source)
    with contextlib.ExitStack() as stack:
        stack.callback(thread.join, 10)
        stack.callback(stop.set)
        thread.start()
        if has_journal and not is_dead:
            stack.enter_context(ActorProcess("journal", "journal.1", config))
        stack.enter_context(ActorProcess("hub", "hub.1", config))
        hub = stack.enter_context(Hub(run_dir, timeout_s=DEADLINE_S))
        assert begun.wait(DEADLINE_S)
        wait_until_heard(hub)
        yield hub


def read_ids(hub: Hub, snapshot: int, lost: list[Missing]) -> list[Any]:
    stream = hub.stream(f"{TRADE}$", snapshot=snapshot, on_gap=lost.append)
    return [message.trade_id for message in itertools.islice(stream, 400) if isinstance(message, Trade)]


@pytest.mark.parametrize("snapshot", [0, 30])
def test_what_the_bus_loses_comes_from_the_journal(run_dir: Path, snapshot: int) -> None:
    lost: list[Missing] = []
    with lossy_world(run_dir, has_journal=True) as hub:
        ids = read_ids(hub, snapshot, lost)

    assert ids == list(range(ids[0], ids[0] + 400))
    assert lost == []


def test_without_a_journal_server_what_the_bus_loses_is_told(run_dir: Path) -> None:
    lost: list[Missing] = []
    with lossy_world(run_dir, has_journal=False) as hub:
        ids = read_ids(hub, 0, lost)

    gaps = {seq for gap in lost for seq in range(gap.first_topic_seq - 1, gap.last_topic_seq)}
    assert len(gaps) > 50
    assert sorted({*ids} | gaps) == list(range(ids[0], ids[-1] + 1))
    assert not {*ids} & gaps


def test_a_dead_journal_server_does_not_hold_a_stream_up_for_ever(run_dir: Path) -> None:
    lost: list[Missing] = []
    ids: list[Any] = []
    with lossy_world(run_dir, has_journal=True, is_dead=True) as hub:
        for message in hub.stream(f"{TRADE}$", on_gap=lost.append):
            assert isinstance(message, Trade)
            ids.append(message.trade_id)
            if lost and message.trade_id > 400:
                break

    gaps = {seq for gap in lost for seq in range(gap.first_topic_seq - 1, gap.last_topic_seq)}
    assert gaps
    assert sorted({*ids} | gaps) == list(range(ids[0], ids[-1] + 1))
    assert not {*ids} & gaps


def test_an_asynchronous_stream_gets_it_from_the_journal_too(run_dir: Path) -> None:
    async def read() -> list[Any]:
        found: list[Any] = []
        async with AsyncHub(run_dir, timeout_s=DEADLINE_S) as hub:
            stream = hub.stream("trade.", snapshot=10, on_gap=found.append)
            async for message in stream:
                assert isinstance(message, Trade)
                found.append(message.trade_id)
                if len(found) == 400:
                    break
            await stream.aclose()  # type: ignore[attr-defined]
        return found

    with lossy_world(run_dir, has_journal=True):
        ids = asyncio.run(read())

    assert ids == list(range(ids[0], ids[0] + 400))
