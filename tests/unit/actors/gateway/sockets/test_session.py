"""What a client says and is answered: subscribe, snapshot, live, resume, errors."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actors.gateway.sockets.dialects import MSGPACK
from protocol.errors import PayloadError
from tests.unit.actors.gateway.sockets.world import BOOK, QUOTE, TRADE, A, B, World, ids
from tests.unit.actors.hub.samples import MINUTE_NS, bar, book, flow, quote, trade

TRADES = {"name": "trades", "symbols": ["BTC_USDT"]}


def test_a_subscription_begins_with_a_snapshot_and_goes_on_live() -> None:
    async def main() -> None:
        world = World()
        for number in (1, 2, 3):
            world.publish(TRADE, trade(number))
        peer = world.client()
        subscribed, snapshot = await peer.subscribe({"name": "trades", "symbols": ["BTC"]}, n=2)
        assert subscribed == {"op": "subscribed", "id": 1, "channels": [{"name": "trades", "topics": 1}]}
        assert (snapshot["ch"], snapshot["t"], snapshot["topic"]) == ("trades", "snapshot", TRADE)
        assert (snapshot["symbol"], snapshot["venue"]) == ("BTC_USDT", "binance")
        assert ids([snapshot]) == [2, 3]
        assert snapshot["data"][0]["side"] == "buy"
        world.publish(TRADE, trade(4), trade(5))
        world.publish("trade.binance.ETH_USDT", trade(9, symbol="ETH_USDT"))
        [update] = peer.take()
        assert (update["t"], update["seq"], ids([update])) == ("update", snapshot["seq"] + 1, [4, 5])
        assert "conflated" not in update

    asyncio.run(main())


def test_msgpack_is_the_same_in_binary() -> None:
    async def main() -> None:
        world = World()
        peer = world.client(MSGPACK)
        await peer.session.take(
            msgspec.msgpack.encode({"op": "subscribe", "id": "x", "channels": [TRADES], "snapshot": False})
        )
        world.publish(TRADE, trade(1))
        assert bytes(peer.line.data)[0] == 0x82
        subscribed, update = peer.take()
        assert subscribed["id"] == "x"
        assert ids([update]) == [1]

    asyncio.run(main())


def test_one_message_is_made_once_for_all_who_want_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        peers = [world.client() for _ in range(50)]
        for peer in peers:
            await peer.subscribe(TRADES)
        made: list[Any] = []
        rows = peers[0].client.dialect.rows
        monkeypatch.setattr(peers[0].client.dialect, "rows", lambda *args: made.append(args) or rows(*args))
        world.publish(TRADE, trade(2))
        assert all(ids(peer.take()) == [2] for peer in peers)
        assert len(made) == 1
        assert world.reads.asked["tail"] == 1, "one question for all who come at the same time"

    asyncio.run(main())


def test_topics_that_appear_later_come_too_and_unwanted_ones_stay_closed() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        [subscribed] = await peer.subscribe({"name": "bars", "symbols": ["*"], "timeframes": ["1m"]})
        assert subscribed["channels"] == [{"name": "bars", "topics": 0}]
        world.publish("bar.binance.BTC_USDT.1m", bar(1))
        world.publish("bar.binance.BTC_USDT.5m", bar(1, timeframe="5m"))
        [update] = peer.take()
        assert (update["timeframe"], update["data"][0]["ts_open_ns"]) == ("1m", MINUTE_NS)
        five = world.broadcast.feeds.get("bar.binance.BTC_USDT.5m")
        assert five is not None
        assert not five.is_open

    asyncio.run(main())


def test_two_collectors_of_one_venue_give_each_trade_once() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1), publisher=A)
        world.publish(TRADE, trade(1), publisher=B)
        peer = world.client()
        messages = await peer.subscribe(TRADES)
        for number in range(2, 6):
            first, second = (A, B) if number % 2 else (B, A)
            world.publish(TRADE, trade(number, ts_recv_ns=number), publisher=first)
            world.publish(TRADE, trade(number, ts_recv_ns=number + 1), publisher=second)
        messages += peer.take()
        assert ids(messages) == [1, 2, 3, 4, 5]
        seqs = [one["seq"] for one in messages if "seq" in one]
        assert seqs == list(range(seqs[0], seqs[0] + 5))

    asyncio.run(main())


def test_quotes_are_conflated_as_wished_and_say_for_how_many_they_stand() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe({"name": "quotes", "conflate_ms": 100}, snapshot=False)
        for number in range(5):
            world.publish(QUOTE, quote(100.0 + number))
        [first] = peer.take()
        assert first["data"][0]["bid"] == 100.0
        world.clock.advance(0.11)
        [rest] = peer.take()
        assert (rest["data"][0]["bid"], rest["conflated"], rest["seq"]) == (104.0, 4, first["seq"] + 4)
        world.clock.advance(0.2)
        assert peer.take() == []

    asyncio.run(main())


def test_a_running_candle_is_conflated_a_closed_one_never() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe({"name": "bars", "conflate_ms": 1000}, snapshot=False)
        topic = "bar.binance.BTC_USDT.1m"
        for close in (1.0, 2.0, 3.0):
            world.publish(topic, bar(1, status="open", revision=0, close=close))
        world.publish(topic, bar(1, close=4.0))
        world.publish(topic, bar(2, status="open", revision=0, close=5.0))
        world.clock.advance(1.1)
        rows = [(row["close"], row["revision"]) for one in peer.take() for row in one["data"]]
        assert rows == [(1.0, 0), (3.0, 0), (4.0, 1), (5.0, 0)]

    asyncio.run(main())


def test_flow_keeps_the_newest_of_each_window_and_only_those_wished() -> None:
    async def main() -> None:
        world = World()
        all_of_it, short = world.client(), world.client()
        await all_of_it.subscribe({"name": "flow", "conflate_ms": 1000}, snapshot=False)
        await short.subscribe({"name": "flow", "windows": [60]}, snapshot=False)
        topic = "flow.binance.BTC_USDT"
        world.publish(topic, flow(60.0, delta=0.0))
        all_of_it.take()
        world.publish(topic, flow(60.0, delta=1.0))
        world.publish(topic, flow(300.0, delta=2.0))
        world.publish(topic, flow(60.0, delta=3.0))
        world.clock.advance(1.1)
        [one] = all_of_it.take()
        assert {row["window_s"]: row["values"]["delta"] for row in one["data"]} == {300.0: 2.0, 60.0: 3.0}
        assert [row["values"]["delta"] for m in short.take() for row in m["data"]] == [0.0, 1.0, 3.0]

    asyncio.run(main())


def test_books_come_whole_kept_up_to_date_by_changes() -> None:
    async def main() -> None:
        world = World()
        world.publish(BOOK, book(10))
        world.publish(BOOK, book(11, 10, bids=[(100.0, 5.0)], asks=[]))
        whole, delta = world.client(), world.client()
        [_, snapshot] = await whole.subscribe({"name": "book", "depth": 1})
        assert snapshot["data"][0]["bids"] == [[100.0, 5.0]]
        [_, everything] = await delta.subscribe({"name": "book", "mode": "delta"})
        assert len(everything["data"][0]["bids"]) == 2
        for number in range(12, 15):
            world.publish(BOOK, book(number, number - 1, bids=[(100.5, float(number))], asks=[]))
        [first] = whole.take()
        world.clock.advance(0.11)
        [last] = whole.take()
        assert last["data"][0]["bids"] == [[100.5, 14.0]]
        assert (first["data"][0]["bids"], last["conflated"]) == ([[100.5, 12.0]], 2)
        assert [one["data"][0]["last_update_id"] for one in delta.take()] == [12, 13, 14]

    asyncio.run(main())


def test_a_book_whose_chain_broke_is_fetched_anew() -> None:
    async def main() -> None:
        world = World()
        world.publish(BOOK, book(10))
        peer = world.client()
        await peer.subscribe({"name": "book", "conflate_ms": 0})
        lost = world.frame(BOOK, book(11, 10))
        later = world.frame(BOOK, book(12, 11, bids=[(99.5, 7.0)], asks=[]))
        for frame in (lost, later):
            world.hub.store.ingest(frame)
        world.broadcast.take(later)
        assert peer.take() == [], "a book that cannot be vouched for is not sent"
        world.broadcast.tend(world.clock.mono_ns())
        while not (books := [one for one in peer.take() if one.get("ch") == "book"]):
            await asyncio.sleep(0)
        assert books[-1]["data"][0]["bids"] == [[100.0, 1.0], [99.5, 7.0], [99.0, 2.0]]

    asyncio.run(main())


def test_unsubscribe_takes_away_what_is_named() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe(TRADES, {"name": "quotes", "symbols": ["BTC_USDT", "ETH_USDT"]})
        world.publish(TRADE, trade(1))
        world.publish(QUOTE, quote())
        world.publish("quote.binance.ETH_USDT", quote(symbol="ETH_USDT"))
        assert len(peer.take()) == 3
        [done] = await peer.say(
            op="unsubscribe", id=2, channels=[{"name": "quotes", "symbols": ["BTC_USDT"]}]
        )
        assert done == {"op": "unsubscribed", "id": 2, "topics_left": 2}
        world.publish(QUOTE, quote(101.0))
        world.publish("quote.binance.ETH_USDT", quote(symbol="ETH_USDT"))
        assert [one["symbol"] for one in peer.take()] == ["ETH_USDT"]
        await peer.say(op="unsubscribe", id=3)
        world.publish(TRADE, trade(2))
        assert peer.take() == []

    asyncio.run(main())


def test_without_a_hub_live_messages_come_and_the_client_is_told() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        world.reads.is_down = True
        peer = world.client()
        subscribed, error = await peer.subscribe(TRADES)
        assert subscribed["op"] == "subscribed"
        assert (error["op"], error["code"], error["id"]) == ("error", "unreachable", 1)
        world.publish(TRADE, trade(2))
        assert ids(peer.take()) == [2]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("{", "invalid_request", "not a message"),
        ("[" * 5000, "invalid_request", "not a message"),
        ('{"op":"subscrbe","id":7}', "invalid_request", "did you mean 'subscribe'?"),
        ('{"op":"subscribe","id":7}', "invalid_request", "no channels"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"trade"}]}', "invalid_request", "did you mean 'trades'?"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"trades","symbol":"X"}]}', "invalid_request", "symbol"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"trades","symbols":["BTC_USD"]}]}', "unknown_symbol", "BTC_USDT"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"trades","conflate_ms":5}]}', "invalid_request", "never conflated"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"bars","timeframes":["x"]}]}', "invalid_request", "not a timeframe"),
        ('{"op":"subscribe","id":7,"channels":[{"name":"book","depth":0}]}', "invalid_request", ">= 1"),
        ('{"op":"resume","id":7,"channels":[{"name":"trades"}]}', "invalid_request", "no stream"),
        ('{"op":"ping","id":7,"pad":"' + "x" * 70_000 + '"}', "invalid_request", "longer than 65536"),
    ],
)  # fmt: skip
def test_a_wrong_message_is_answered_with_what_is_wrong(text: str, code: str, says: str) -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.session.take(text)
        [error] = peer.take()
        assert (error["op"], error["code"]) == ("error", code)
        assert says in error["detail"]
        assert error["id"] == (7 if '"id":7' in text and len(text) < 65_536 else None)
        assert world.drops["socket_message"] == 1
        assert await peer.say(op="ping", id=8) == [{"op": "pong", "id": 8, "ts_ns": world.clock.ns}]

    asyncio.run(main())


def test_a_client_that_goes_while_it_is_joined_leaves_nothing_behind() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        peer = world.client()
        world.reads.on_ask = [lambda: world.broadcast.dismiss(peer.client)]
        assert await peer.subscribe(TRADES) == []
        feed = world.broadcast.feeds.get(TRADE)
        assert feed is not None
        assert not feed.views

    asyncio.run(main())


def test_a_topic_born_while_a_client_is_joined_is_in_its_snapshot() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        peer = world.client()
        eth = "trade.binance.ETH_USDT"
        world.reads.on_ask = [lambda: world.publish(eth, trade(7, symbol="ETH_USDT"))]
        messages = await peer.subscribe({"name": "trades"})
        world.publish(eth, trade(8, symbol="ETH_USDT"))
        assert ids([*messages, *peer.take()]) == [1, 7, 8]

    asyncio.run(main())


def test_without_a_snapshot_only_what_comes_is_sent() -> None:
    async def main() -> None:
        world = World()
        world.publish(TRADE, trade(1))
        world.publish(BOOK, book(10))
        peer = world.client()
        [subscribed] = await peer.subscribe(TRADES, {"name": "book"}, snapshot=False)
        assert subscribed["op"] == "subscribed"
        world.publish(TRADE, trade(2))
        world.publish(BOOK, book(11, 10, bids=[(100.0, 3.0)], asks=[]))
        trades, whole = peer.take()
        assert ids([trades]) == [2]
        assert whole["data"][0]["bids"] == [[100.0, 3.0], [99.0, 2.0]]

    asyncio.run(main())


def test_what_does_not_fit_its_topic_is_refused_before_any_client_sees_it() -> None:
    async def main() -> None:
        world = World()
        peer = world.client()
        await peer.subscribe({"name": "flow", "windows": [60]}, snapshot=False)
        with pytest.raises(PayloadError, match="not what this topic carries"):
            world.broadcast.take(world.frame("flow.binance.BTC_USDT", trade(1)))
        assert peer.take() == []

    asyncio.run(main())


def test_too_many_wrong_messages_end_the_connection_and_too_fast_ones_are_refused() -> None:
    async def main() -> None:
        world = World(faults=3, message_burst=4)
        peer = world.client()
        answers = [(await peer.say(op="ping", id=number))[0] for number in range(5)]
        assert [one.get("code", "") for one in answers] == ["", "", "", "", "rate_limited"]
        for _ in range(3):
            await peer.session.take("nonsense")
        assert peer.line.ended == (1008, "too_many_errors")
        assert peer.line.take()[-1]["op"] == "closing"
        assert world.broadcast.status()["evicted_by"] == {"too_many_errors": 1}

    asyncio.run(main())


def test_a_client_cannot_subscribe_to_more_than_its_share() -> None:
    async def main() -> None:
        world = World(subscriptions=3, topics=1)
        peer = world.client()
        timeframes = ["1m", "5m", "15m", "1h"]
        [error] = await peer.subscribe({"name": "bars", "timeframes": timeframes})
        assert "more than 3 subscriptions" in error["detail"]
        await peer.subscribe({"name": "bars"})
        world.publish("bar.binance.BTC_USDT.1m", bar(1))
        world.publish("bar.binance.BTC_USDT.5m", bar(1, timeframe="5m"))
        assert len(peer.take()) == 1
        assert world.broadcast.status()["topics_beyond"] == 1

    asyncio.run(main())
