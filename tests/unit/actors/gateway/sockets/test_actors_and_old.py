"""The channel of actors, the heartbeat, counts, and `/ws` of the old hub."""

from __future__ import annotations

import asyncio
from typing import Any

from actors.gateway.sockets.broadcast import ttl_of
from actors.gateway.sockets.dialects import OLD
from actors.gateway.sockets.old_session import OldSession
from protocol.messages import Liquidation
from tests.unit.actors.gateway.sockets.world import BOOK, QUOTE, TRADE, World
from tests.unit.actors.hub.samples import BASE_NS, book, quote, trade


def test_actors_come_each_second_and_at_once_when_one_goes_down() -> None:
    async def main() -> None:
        world = World()
        row = {"name": "hub.1", "state": "RUNNING", "is_alive": True}
        world.broadcast.actor_rows = lambda: [dict(row)]
        peer = world.client()
        _, snapshot = await peer.subscribe({"name": "actors"})
        assert (snapshot["t"], snapshot["topic"], snapshot["data"]) == ("snapshot", "actors", [row])

        def look() -> list[Any]:
            world.broadcast.tend(world.clock.mono_ns())
            return [one["data"][0]["state"] for one in peer.take() if one.get("ch")]

        assert look() == ["RUNNING"]
        world.clock.advance(0.5)
        assert look() == []
        row["state"] = "DOWN"
        assert look() == ["DOWN"]
        world.clock.advance(1.0)
        assert look() == ["DOWN"]

    asyncio.run(main())


def test_heartbeats_come_at_their_interval() -> None:
    async def main() -> None:
        world = World(heartbeat_s=5)
        peer = world.client()
        beats = []
        for _ in range(11):
            world.broadcast.tend(world.clock.mono_ns())
            beats += [one["op"] for one in peer.take()]
            world.clock.advance(1)
        assert beats == ["heartbeat"] * 3

    asyncio.run(main())


def test_counts_are_plain_numbers() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe({"name": "trades"}, snapshot=False)
        frame = world.frame(TRADE, trade(1))
        world.clock.advance(0.03)
        world.broadcast.take(frame)
        peer.take()
        status = world.broadcast.status()
        assert (status["clients"], status["received"], status["sent"]) == (1, 1, 2)
        assert status["sent_bytes"] > 100
        assert (status["lag_p50_s"], sum(status["lag"]["counts"])) == (0.05, 1)

    asyncio.run(main())


def test_times_to_live_are_the_hubs() -> None:
    ttl_s = ttl_of({"collector.binance.1": {}, "hub.1": {"quote_ttl_s": "7"}})
    assert (ttl_s["quote"], ttl_s["trade"]) == (7.0, 60.0)


def test_an_old_client_has_everything_until_it_subscribes() -> None:
    async def main() -> None:
        world = World()
        peer = world.client(OLD)
        drops: list[str] = []
        session = OldSession(
            world.broadcast, world.joiner, peer.client, lambda reason, _="": drops.append(reason)
        )
        await session.begin()
        world.publish(TRADE, trade(1))
        world.publish(QUOTE, quote())
        world.publish(BOOK, book(10))
        forced = Liquidation("ETH_USDT", "binance", BASE_NS, BASE_NS, 10.0, 2.0, -1)
        world.publish("liquidation.binance.ETH_USDT", forced)
        events = peer.take()
        assert [one["type"] for one in events] == ["trade", "orderbook", "liquidation"]
        assert events[0]["exchange"] == "binance"
        assert (events[0]["symbol"], events[0]["timestamp"]) == ("BTC_USDT", BASE_NS // 1_000_000)
        assert (events[0]["data"]["price"], events[1]["data"]["bids"][0]) == (101.0, [100.0, 1.0])
        await session.take('{"action":"subscribe","channels":["liquidation"],"symbols":["ETH_USDT"]}')
        world.publish(TRADE, trade(2))
        world.publish("liquidation.binance.ETH_USDT", forced)
        assert [one["type"] for one in peer.take()] == ["liquidation"]
        await session.take("ping")
        assert bytes(peer.line.data) == b"\x81\x04pong"
        peer.line.data.clear()
        await session.take('{"type":"ping"}')
        assert peer.take() == [{"type": "pong"}]
        for wrong in ("{", '{"action":"dance"}', '{"action":"subscribe","channels":["x"]}',
                      '{"action":"subscribe","symbols":["NOPE"]}'):  # fmt: skip
            await session.take(wrong)
            assert peer.take()[0]["type"] == "error"
        assert drops == ["socket_message"] * 4

    asyncio.run(main())
