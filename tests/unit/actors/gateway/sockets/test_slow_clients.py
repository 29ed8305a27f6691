"""A client that does not read harms nobody: it is conflated, told what it missed, and evicted."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.sockets.dialects import MSGPACK
from tests.unit.actors.gateway.sockets.world import QUOTE, TRADE, World, ids
from tests.unit.actors.hub.samples import quote, trade

TRADES = {"name": "trades", "symbols": ["BTC_USDT"]}


def test_a_stuck_client_is_evicted_while_a_healthy_one_gets_every_trade() -> None:
    async def main() -> None:
        world = World(queue_messages=100, silence_s=10)
        stuck, healthy = world.client(), world.client()
        for peer in (stuck, healthy):
            await peer.subscribe(TRADES, snapshot=False)
        stuck.pause()
        stuck.line.left_bytes = 70_000
        found: list[int] = []
        for number in range(1, 1001):
            world.publish(TRADE, trade(number))
            if number % 100 == 0:
                found += ids(healthy.take())
                world.clock.advance(1.2)
                world.broadcast.tend(world.clock.mono_ns())
        assert found == list(range(1, 1001))
        assert stuck.line.ended == (1013, "slow_consumer")
        status = world.broadcast.status()
        assert status["evicted_by"] == {"slow_consumer": 1}
        assert (status["clients"], status["dropped_by"]["trades"] > 500) == (1, True)

    asyncio.run(main())


def test_a_client_that_reads_a_little_stays_and_is_told_what_it_missed() -> None:
    async def main() -> None:
        world = World(queue_messages=50, silence_s=5)
        peer = world.client()
        await peer.subscribe(TRADES, {"name": "quotes"}, snapshot=False)
        peer.pause()
        for number in range(1, 201):
            world.publish(TRADE, trade(number))
            world.publish(QUOTE, quote(float(number)))
            peer.line.left_bytes = 100_000 - number
            world.clock.advance(1)
            world.broadcast.tend(world.clock.mono_ns())
        assert peer.line.ended is None
        found = [one for one in peer.resume() if one.get("op") != "heartbeat"]
        lagging = [one for one in found if one.get("op") == "lagging" and one["ch"] == "trades"]
        assert lagging
        assert lagging[0]["topic"] == TRADE
        missed = sum(one["dropped"] for one in lagging)
        assert ids(found) == list(range(missed + 1, 201))
        assert [one["data"][0]["bid"] for one in found if "data" in one and one["ch"] == "quotes"][
            -1
        ] == 200.0
        world.publish(TRADE, trade(201))
        assert ids(peer.take()) == [201], "it keeps up again"
        assert not peer.client.is_slow

    asyncio.run(main())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["trade", "flush", "pause", "resume", "say", "wish"]), max_size=60))
def test_a_client_that_stops_and_goes_on_has_all_of_it_in_order(acts: list[str]) -> None:
    async def main() -> None:
        world = World()
        peer, other = world.client(), world.client(MSGPACK)
        await peer.subscribe(TRADES, snapshot=False)
        await other.session.take(b"\x82\xa2op\xa9subscribe\xa8channels\x91\x81\xa4name\xa6trades")
        found, number = [], 0
        for act in acts:
            if act == "trade":
                number += 1
                world.publish(TRADE, trade(number))
            elif act == "flush":
                found += peer.take()
            elif act == "pause":
                peer.pause()
            elif act == "resume":
                found += peer.resume()
            elif act == "say":
                peer.client.say({"op": "x"})
            else:
                wish = {"name": "quotes", "conflate_ms": len(found)}
                await peer.session.take(
                    json.dumps({"op": "subscribe", "channels": [wish], "snapshot": False})
                )
        found += peer.resume()
        assert ids(found) == list(range(1, number + 1))
        seqs = [one["seq"] for one in found if one.get("ch")]
        assert seqs == sorted(set(seqs))
        assert ids(other.take()) == list(range(1, number + 1))

    asyncio.run(main())


def test_the_end_of_the_gateway_is_told_to_everybody() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe(TRADES, snapshot=False)
        world.publish(TRADE, trade(1))
        world.broadcast.close()
        assert [one.get("code", "") for one in peer.line.take()] == ["", "restarting"]
        assert peer.line.ended == (1012, "restarting")
        assert world.broadcast.admit(peer.line, MSGPACK, "") is None

    asyncio.run(main())
