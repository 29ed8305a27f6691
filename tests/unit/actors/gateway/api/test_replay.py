"""Stored history as one stream: in order, in full, and never much of it in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from actors.gateway.api import replay
from actors.gateway.api.merging import Piece, merged
from actors.gateway.rendering.tables import MessageTable
from protocol.errors import HubUnreachable
from protocol.messages import Trade
from tests.unit.actors.gateway.api.desk import Desk
from tests.unit.actors.gateway.api.filling import BARS, MINUTE, TRADES
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, bar, quote, trade

PATH = "/api/v1/replay?symbol=BTC_USDT"


def lines_of(desk: Desk, path: str) -> list[dict[str, Any]]:
    answer = desk.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


def published(desk: Desk, count: int) -> None:
    for number in range(count):
        desk.publish(TRADES, trade(number, recv_ns=BASE_NS + number * 10), is_stored=True)
        desk.publish("quote.binance.BTC_USDT", quote(recv_ns=BASE_NS + number * 10 + 5), is_stored=True)
    desk.hub.clock.ns = BASE_NS + 60 * MINUTE_NS


def test_kinds_come_in_order_of_time(desk: Desk) -> None:
    published(desk, 30)
    desk.publish(BARS, bar(MINUTE - 1), bar(MINUTE), is_stored=True)
    lines = lines_of(desk, f"{PATH}&kinds=trade,quote,bar&to_ns={BASE_NS + 60 * MINUTE_NS}")
    assert [line["ts_ns"] for line in lines] == sorted(line["ts_ns"] for line in lines)
    kinds = [line["kind"] for line in lines]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"trade": 30, "quote": 30, "bar": 2}
    last = lines[-1]
    assert last["kind"] == "bar", "a candle is known when it ends"
    assert last["data"] == bar(MINUTE).to_dict()


def test_a_range_and_small_pages(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(replay, "PAGE_ROWS", 4)
    published(desk, 30)
    lines = lines_of(desk, f"{PATH}&from_ns={BASE_NS + 50}&to_ns={BASE_NS + 250}")
    assert [line["data"]["trade_id"] for line in lines] == list(range(5, 25))
    assert max(asked.n for asked in desk.reads.asked) <= 6


def test_nothing_at_all_is_a_problem_and_no_empty_stream(desk: Desk) -> None:
    desk.publish(TRADES, trade(1))
    answer = desk.get(f"{PATH}&kinds=quote")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_data")
    assert desk.get("/api/v1/replay?symbol=NOBODY").json()["code"] == "unknown_symbol"


def test_a_store_that_goes_away_ends_the_stream_with_a_line(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(replay, "PAGE_ROWS", 4)
    published(desk, 30)
    first = desk.reads.ask

    async def ask(request: Any) -> Any:
        if len(desk.reads.asked) >= 2:
            raise HubUnreachable("gone")
        return await first(request)

    monkeypatch.setattr(desk.reads, "ask", ask)
    *rows, last = lines_of(desk, PATH)
    assert len(rows) == 8
    assert (last["kind"], last["data"]["code"]) == ("error", "unreachable")


def test_a_pace_is_kept(desk: Desk, monkeypatch: Any) -> None:
    published(desk, 5)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        desk.hub.clock.advance(seconds)

    monkeypatch.setattr(replay.asyncio, "sleep", sleep)
    desk.hub.clock.ns = began_ns = BASE_NS + MINUTE_NS
    assert len(lines_of(desk, f"{PATH}&speed=0.00000002&to_ns={BASE_NS + 100}")) == 5
    assert (desk.hub.clock.ns - began_ns) / 1e9 == 2.0
    assert max(slept) <= replay.LONGEST_WAIT_S


def test_a_page_is_fetched_only_when_the_one_before_is_used_up() -> None:
    fetched: list[int] = []

    def piece() -> Piece:
        number = len(fetched)
        rows = [trade(number * 3 + place, recv_ns=number * 3 + place) for place in range(3)]
        return Piece(MessageTable(rows, Trade), [one.ts_event_ns for one in rows], [], has_more=number < 5)

    async def fetch() -> Piece:
        fetched.append(1)
        return piece()

    async def read() -> list[int]:
        seen = []
        async for line in merged({"trade": (fetch, piece())}):
            assert len(fetched) <= line.row.trade_id // 3 + 1
            seen.append(line.row.trade_id)
        return seen

    assert asyncio.run(read()) == list(range(18))
