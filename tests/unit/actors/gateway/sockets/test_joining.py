"""Snapshot and live make one series, however hub, gateway and two collectors race."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.sockets import joiner
from actors.gateway.sockets.dialects import JSON, MSGPACK, Dialect
from protocol.record import Frame
from tests.unit.actors.gateway.sockets.world import BOOK, QUOTE, TRADE, A, B, World, ids
from tests.unit.actors.hub.samples import bar, book, quote, signal, trade

TRADES = {"name": "trades", "symbols": ["BTC_USDT"]}
BARS = "bar.binance.BTC_USDT.1m"
LAST = 6


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joiner, "RETRY_S", 0.0)


class Race:
    """Frames of several publishers on their way to hub and gateway, each publisher's in order."""

    def __init__(self, world: World, sent: dict[str, list[Frame]]) -> None:
        self.ways: dict[str, tuple[Callable[[Frame], None], list[Frame]]] = {}
        for name, frames in sent.items():
            self.ways[f"hub {name}"] = (world.hub.store.ingest, list(frames))
            self.ways[f"gateway {name}"] = (world.broadcast.take, list(frames))

    def step(self, way: str) -> None:
        take, frames = self.ways[way]
        if frames:
            take(frames.pop(0))

    def rest(self) -> None:
        for way, (_, frames) in self.ways.items():
            while frames:
                self.step(way)


WAYS = st.sampled_from([f"{who} {name}" for who in ("hub", "gateway") for name in (A, B)])
STEPS = st.lists(WAYS, max_size=2 * LAST)


def trades_of(world: World, publisher: str) -> list[Frame]:
    return [
        world.frame(TRADE, trade(number, ts_recv_ns=number + len(publisher)), publisher=publisher)
        for number in range(1, LAST + 1)
    ]


def check(messages: list[Any]) -> None:
    """All trades once, in order; numbers without a hole behind the snapshot."""
    assert ids(messages) == list(range(1, LAST + 1))
    seqs = [one["seq"] for one in messages if one.get("ch")]
    assert all(later == earlier + 1 for earlier, later in pairwise(seqs)), seqs


@settings(max_examples=40, deadline=None)
@given(st.booleans(), STEPS, STEPS, STEPS, STEPS)
def test_every_trade_comes_once_whatever_overtakes_what(
    has_two: bool, before: list[str], asking: list[str], again: list[str], between: list[str]
) -> None:
    async def main() -> None:
        world = World()
        names = (A, B) if has_two else (A,)
        race = Race(world, {name: trades_of(world, name) for name in names})

        def play(steps: list[str]) -> None:
            for step in steps:
                if step in race.ways:
                    race.step(step)

        race.step(f"hub {A}")  # the hub has been there from the first trade on
        play(before)
        world.reads.on_ask = [lambda: play(asking), lambda: play(again), race.rest]
        first, second = world.client(), world.client()
        messages = await first.subscribe(TRADES)
        play(between)
        messages += first.take()
        later = await second.subscribe(TRADES)
        race.rest()
        check(messages + first.take())
        check(later + second.take())

    asyncio.run(main())


@pytest.mark.parametrize(
    ("before", "again", "between"),
    [
        ([f"gateway {A}"], [f"gateway {A}"], [f"gateway {B}"]),
        ([f"gateway {B}", f"gateway {B}", f"gateway {A}"], [f"hub {A}"] * 3, []),
    ],
)
def test_what_was_heard_before_anybody_wanted_it_is_neither_lost_nor_doubled(
    before: list[str], again: list[str], between: list[str]
) -> None:
    async def main() -> None:
        world = World()
        race = Race(world, {name: trades_of(world, name) for name in (A, B)})
        for step in (f"hub {A}", *before):
            race.step(step)
        world.reads.on_ask = [lambda: [race.step(step) for step in again], race.rest]
        peer = world.client()
        messages = await peer.subscribe(TRADES)
        for step in between:
            race.step(step)
        race.rest()
        check(messages + peer.take())

    asyncio.run(main())


@settings(max_examples=30, deadline=None)
@given(STEPS, STEPS, st.integers(1, 5))
def test_a_book_is_the_same_whatever_overtakes_what(before: list[str], asking: list[str], depth: int) -> None:
    async def main() -> None:
        world = World()
        frames = [world.frame(BOOK, book(10))]
        for number in range(11, 11 + LAST):
            level = (100.0 + number % 3, float(number))
            frames.append(
                world.frame(BOOK, book(number, number - 1, bids=[], asks=[(level[0] + 5, level[1])]))
            )
        race = Race(world, {A: frames})

        def play(steps: list[str]) -> None:
            for step in steps:
                if step in race.ways:
                    race.step(step)

        race.step(f"hub {A}")
        play(before)
        world.reads.on_ask = [lambda: play(asking), race.rest]
        whole, changes = world.client(), world.client()
        messages = await whole.subscribe({"name": "book", "depth": depth, "conflate_ms": 0})
        parts = await changes.subscribe({"name": "book", "mode": "delta"})
        race.rest()
        messages += whole.take()
        parts += changes.take()
        truth = world.hub.data("book", symbol="BTC_USDT", depth=depth)
        newest = [one for one in messages if one.get("ch") and one["data"]][-1]["data"][0]
        assert [newest["bids"], newest["asks"]] == [truth[7], truth[8]]
        rows = [row for one in parts if one.get("ch") for row in one["data"]]
        numbers = [row["last_update_id"] for row in rows]
        assert rows[0]["is_snapshot"]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == 10 + LAST
        assert all(
            row["is_snapshot"] or row["prev_update_id"] == earlier
            for earlier, row in zip(numbers, rows[1:], strict=False)
        )

    asyncio.run(main())


def test_every_revision_of_a_signal_comes() -> None:
    async def main() -> None:
        world = World()
        topic = "signal.binance.BTC_USDT"
        frames = [world.frame(topic, one) for one in (signal(1), signal(2, "vetoed"), signal(1, "target"))]
        race = Race(world, {A: frames})
        race.step(f"hub {A}")
        race.step(f"hub {A}")
        world.reads.on_ask = [race.rest]
        peer = world.client()
        messages = await peer.subscribe({"name": "signals"})
        race.rest()
        messages += peer.take()
        rows = [row for one in messages if one.get("ch") for row in one["data"]]
        assert [(row["revision"], row["state"]) for row in rows] == [
            (1, "open"),
            (1, "vetoed"),
            (2, "target"),
        ]

    asyncio.run(main())


def test_a_hub_that_stays_behind_is_not_waited_for_for_ever() -> None:
    async def main() -> None:
        world = World(join_s=0.3)
        for number in (1, 2, 3):
            frame = world.frame(TRADE, trade(number))
            world.broadcast.take(frame)
            if number == 1:
                world.hub.store.ingest(frame)
        peer = world.client()
        messages = await peer.subscribe(TRADES)
        world.publish(TRADE, trade(4))
        assert ids(messages + peer.take()) == [1, 4]
        assert world.reads.asked["tail"] > 1, "it was asked again"
        snapshot = messages[-1]
        assert (snapshot["t"], snapshot["is_behind"]) == ("snapshot", True)
        assert (snapshot["seq"], snapshot["hub_seq"], snapshot["bus_seq"]) == (0, 1, 3)
        assert "is_ahead" not in snapshot
        assert world.broadcast.status()["snapshots_unjoined"] == {"behind": 1, "ahead": 0}

    asyncio.run(main())


@pytest.mark.parametrize("dialect", [JSON, MSGPACK])
def test_a_snapshot_that_is_joined_says_nothing_of_it(dialect: Dialect) -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        (_, snapshot) = await world.client(dialect).subscribe(TRADES)
        assert not snapshot.keys() & {"is_behind", "is_ahead", "hub_seq", "bus_seq"}
        assert world.broadcast.status()["snapshots_unjoined"] == {"behind": 0, "ahead": 0}

    asyncio.run(main())


def test_a_snapshot_of_rows_that_all_came_live_is_not_behind() -> None:
    """What the hub lacks lies before the first row."""

    async def main() -> None:
        world = World(join_s=0.1)
        for number in (1, 2, 3):
            frame = world.frame(TRADE, trade(number))
            world.broadcast.take(frame)
            if number == 1:
                world.hub.store.ingest(frame)
        more = [world.frame(TRADE, trade(number)) for number in (4, 5)]
        world.reads.on_ask = [lambda: [world.broadcast.take(frame) for frame in more]]
        messages = await world.client().subscribe(TRADES, n=2)
        assert ids(messages) == [4, 5]
        assert "is_behind" not in messages[-1]

    asyncio.run(main())


def test_a_snapshot_that_stays_ahead_of_the_bus_says_that_rows_may_come_again() -> None:
    async def main() -> None:
        world = World(join_s=0.1)
        world.publish(TRADE, trade(1))
        await world.client().subscribe(TRADES)
        on_its_way = world.frame(TRADE, trade(2))
        world.hub.store.ingest(on_its_way)
        peer = world.client()
        messages = await peer.subscribe(TRADES, n=7)
        world.broadcast.take(on_its_way)
        assert ids(messages + peer.take()) == [1, 2, 2]
        snapshot = messages[-1]
        assert (snapshot["is_ahead"], snapshot["hub_seq"], snapshot["bus_seq"]) == (True, 2, 1)
        assert "is_behind" not in snapshot
        assert world.broadcast.status()["snapshots_unjoined"] == {"behind": 0, "ahead": 1}

    asyncio.run(main())


def test_quotes_and_candles_begin_with_the_newest() -> None:
    async def main() -> None:
        world = World()
        for number in range(3):
            world.publish(QUOTE, quote(100.0 + number))
            world.publish(BARS, bar(number))
        peer = world.client()
        _, *snapshots = await peer.subscribe({"name": "quotes"}, {"name": "bars"}, n=2)
        found = {
            one["ch"]: [row.get("bid", row.get("ts_open_ns")) for row in one["data"]] for one in snapshots
        }
        assert found == {"quotes": [102.0], "bars": [60_000_000_000, 120_000_000_000]}

    asyncio.run(main())


def test_a_topic_that_only_the_hub_has_heard_of_has_a_snapshot() -> None:
    async def main() -> None:
        world = World()
        world.hub.store.ingest(world.frame(TRADE, trade(1)))
        peer = world.client()
        messages = await peer.subscribe(TRADES)
        world.publish(TRADE, trade(2))
        assert ids(messages + peer.take()) == [1, 2]

    asyncio.run(main())
