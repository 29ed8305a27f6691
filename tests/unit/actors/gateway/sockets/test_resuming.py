"""A client that was away goes on where it was, or is told why it cannot and gets a snapshot."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.actors.gateway.sockets.world import BOOK, QUOTE, TRADE, Peer, World, ids
from tests.unit.actors.hub.samples import book, quote, trade

STREAM = "gateway.1-1"
TRADES = {"name": "trades", "symbols": ["BTC_USDT"]}


async def resume(peer: Peer, seq: int, stream: str = STREAM, topic: str = TRADE, **channel: Any) -> list[Any]:
    channels = [channel or TRADES]
    return await peer.say(op="resume", id=3, stream=stream, topics={topic: seq}, channels=channels)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 15))
def test_either_nothing_is_missing_or_it_is_said(read: int, missed: int, kept: int) -> None:
    async def main() -> None:
        world = World(ring_messages=kept)
        world.publish(TRADE, trade(1))
        first = world.client()
        messages = await first.subscribe(TRADES)
        for number in range(2, 2 + read):
            world.publish(TRADE, trade(number))
        messages += first.take()
        seq = messages[-1]["seq"]
        world.broadcast.dismiss(first.client)
        for number in range(2 + read, 2 + read + missed):
            world.publish(TRADE, trade(number))
        again = world.client()
        resumed, subscribed, *rest = await resume(again, seq)
        assert (resumed["op"], resumed["id"], subscribed["op"]) == ("resumed", 3, "subscribed")
        answer = resumed["topics"][TRADE]
        world.publish(TRADE, trade(99))
        rest += again.take()
        assert answer["is_complete"] == (missed <= kept)
        if answer["is_complete"]:
            assert answer["from_seq"] == seq + 1
            assert ids(rest) == [*range(2 + read, 2 + read + missed), 99]
            assert [one["seq"] for one in rest] == list(range(seq + 1, seq + missed + 2))
        else:
            assert "oldest message kept" in answer["reason"]
            assert rest[0]["t"] == "snapshot"
            assert ids(rest) == [*range(1, 2 + read + missed), 99]

    asyncio.run(main())


def test_after_a_restart_a_resume_is_incomplete_with_the_reason_and_a_snapshot() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        peer = world.client()
        resumed, _, snapshot = await resume(peer, 8812, stream="gateway.1-0")
        answer = resumed["topics"][TRADE]
        assert (answer["is_complete"], "another stream" in answer["reason"]) == (False, True)
        assert (snapshot["t"], ids([snapshot])) == ("snapshot", [1])
        assert world.broadcast.status()["resumes"] == {"complete": 0, "incomplete": 1}

    asyncio.run(main())


def test_a_topic_nobody_wanted_for_long_cannot_be_resumed() -> None:
    async def main() -> None:
        world = World(linger_s=10)
        world.publish(TRADE, trade(1))
        first = world.client()
        seq = (await first.subscribe(TRADES))[-1]["seq"]
        world.broadcast.dismiss(first.client)
        world.clock.advance(9)
        world.broadcast.feeds.close_idle(world.clock.mono_ns() - 10_000_000_000)
        resumed, *_ = await resume(world.client(), seq)
        assert resumed["topics"][TRADE]["is_complete"]
        for client in list(world.broadcast.clients):
            world.broadcast.dismiss(client)
        world.clock.advance(11)
        world.broadcast.feeds.close_idle(world.clock.mono_ns() - 10_000_000_000)
        world.publish(TRADE, trade(2))
        assert world.broadcast.status()["ring_bytes"] == 0
        resumed, *_ = await resume(world.client(), seq)
        assert not resumed["topics"][TRADE]["is_complete"]

    asyncio.run(main())


def test_numbers_that_were_never_given_out_and_foreign_topics_are_incomplete() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        peer = world.client()
        resumed, *_ = await peer.say(
            op="resume", id=3, stream=STREAM, topics={TRADE: 99, QUOTE: 1, "x": 2}, channels=[TRADES]
        )
        reasons = {name: one["reason"] for name, one in resumed["topics"].items()}
        assert "newest message is" in reasons[TRADE]
        assert "not one of the topics" in reasons[QUOTE] == reasons["x"]

    asyncio.run(main())


def test_what_is_conflated_resumes_with_the_newest_and_a_book_with_a_whole_one() -> None:
    async def main() -> None:
        world = World()
        world.publish(BOOK, book(10))
        first = world.client()
        wishes = ({"name": "quotes", "conflate_ms": 100}, {"name": "book", "depth": 1, "conflate_ms": 100})
        seq = {one["topic"]: one["seq"] for one in await first.subscribe(*wishes) if one.get("ch")}
        world.publish(QUOTE, quote(100.0))
        seq |= {one["topic"]: one["seq"] for one in first.take()}
        world.broadcast.dismiss(first.client)
        for number in range(3):
            world.publish(QUOTE, quote(101.0 + number))
            world.publish(BOOK, book(11 + number, 10 + number, bids=[(100.0, 10.0 + number)], asks=[]))
        peer = world.client()
        resumed, _, *rest = await peer.say(
            op="resume", id=1, stream=STREAM, topics=seq, channels=list(wishes)
        )
        assert all(answer["is_complete"] for answer in resumed["topics"].values())
        found = {one["ch"]: one for one in rest}
        assert (found["quotes"]["data"][0]["bid"], found["quotes"]["conflated"]) == (103.0, 3)
        assert (found["book"]["data"][0]["bids"], found["book"]["conflated"]) == ([[100.0, 12.0]], 3)

    asyncio.run(main())


def test_rings_are_bounded_together_and_the_largest_gives_first() -> None:
    async def main() -> None:
        world = World(ring_bytes=65_536, ring_messages=100_000)
        peer = world.client()
        await peer.subscribe({"name": "trades"}, {"name": "quotes"}, snapshot=False)
        world.publish(QUOTE, quote())
        for number in range(600):
            world.publish(TRADE, trade(number + 1))
        status = world.broadcast.status()
        assert 30_000 < status["ring_bytes"] <= 65_536
        quotes = world.broadcast.feeds.get(QUOTE)
        assert quotes is not None
        assert len(quotes.ring.entries) == 1

    asyncio.run(main())
