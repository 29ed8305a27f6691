"""Reads: one question for all who ask it at one time, in few packets, bounded, and clear when the hub is gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway import reads as reads_module
from actors.gateway.reading.packing import MOST_TOGETHER, loads, unpacked
from actors.gateway.reads import Reads
from protocol.endpoints import Endpoints
from protocol.errors import HubTimeout, HubUnreachable, InvalidRequest, Overloaded, PayloadError
from protocol.requests import Reply, Request, decode_request, encode_request, raw


class FakeHub:
    """Stands in for the asker: answers when told to, and remembers what came."""

    def __init__(self) -> None:
        self.packets: list[Request] = []
        self.questions: Counter[tuple[str, str]] = Counter()
        self.is_up = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: Callable[[Request], Reply] = lambda request: Reply(
            id=request.id, ok=True, data=raw([request.op, request.symbol, len(self.packets)])
        )
        self.patience = type("Patience", (), {"endpoints": ["ipc://hub"]})()

    async def ask(self, request: Request) -> Reply:
        self.packets.append(request)
        msgspec.structs.force_setattr(request, "id", len(self.packets))  # as the real one does
        await self.gate.wait()
        if not self.is_up:
            raise HubTimeout("no answer", timeout_s=0.1)
        if request.op != "snapshot":
            return self._one(request)
        parts = [self._one(msgspec.convert(query, Request)) for query in request.queries]
        return Reply(id=request.id, ok=True, data=raw(parts))

    def _one(self, request: Request) -> Reply:
        self.questions[request.op, request.symbol] += 1
        return self.answer(request)

    def close(self) -> None:
        pass


def with_reads(test: Callable[[Reads, FakeHub], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        reads = Reads(Endpoints(Path("/nowhere")), ["hub.1"], 0.1, **options)
        reads._hub.close()
        hub = FakeHub()
        reads._hub = hub
        await test(reads, hub)
        assert reads.waiting == 0
        await settle(reads)
        assert not reads._flights
        assert not reads._unsent
        reads.close()

    asyncio.run(run())


async def settle(reads: Reads) -> None:
    """Until nothing is under way."""
    while reads._tasks:
        await asyncio.gather(*reads._tasks)
        await asyncio.sleep(0)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def tick(symbol: str = "BTC_USDT") -> Request:
    return Request(op="tick", symbol=symbol)


def test_a_thousand_equal_questions_are_put_once_and_all_have_the_very_same_answer() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        replies = await asyncio.gather(*[reads.ask(tick()) for _ in range(1000)])
        assert len(hub.packets) == 1
        assert all(reply is replies[0] for reply in replies)

    with_reads(test)


def test_a_thousand_different_questions_of_one_turn_leave_in_few_packets_and_each_has_its_own_answer() -> (
    None
):
    async def test(reads: Reads, hub: FakeHub) -> None:
        names = [f"S{number}" for number in range(1000)]
        replies = await asyncio.gather(*[reads.ask(tick(name)) for name in names])
        assert len(hub.packets) == -(-1000 // MOST_TOGETHER)
        assert [msgspec.msgpack.decode(reply.data)[1] for reply in replies] == names
        assert max(hub.questions.values()) == 1

    with_reads(test)


def test_long_answers_go_by_themselves() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        long = Request(op="candles", symbol="BTC_USDT", timeframe="1m", n=500)
        await asyncio.gather(reads.ask(long), reads.ask(tick()), reads.ask(tick("ETH_USDT")))
        assert sorted(packet.op for packet in hub.packets) == ["candles", "snapshot"]

    with_reads(test)


def test_who_asks_while_it_is_fresh_under_way_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        first = asyncio.create_task(reads.ask(tick()))
        await turns()
        second = asyncio.create_task(reads.ask(tick()))
        await turns()
        hub.gate.set()
        assert await first is await second

    monkeypatch.setattr(reads_module, "JOIN_NS", 10**12)
    with_reads(test)


def test_who_comes_later_has_an_answer_made_after_he_asked_and_all_late_ones_share_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        first = asyncio.create_task(reads.ask(tick()))
        await turns()
        late = [asyncio.create_task(reads.ask(tick())) for _ in range(10)]
        await turns()
        assert len(hub.packets) == 1  # one is under way at a time
        hub.gate.set()
        early, *replies = [await task for task in (first, *late)]
        assert len(hub.packets) == 2
        assert all(reply is replies[0] for reply in replies)
        assert replies[0] is not early

    monkeypatch.setattr(reads_module, "JOIN_NS", -1)
    with_reads(test)


def test_the_question_of_the_caller_is_not_written_into() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        request = tick()
        before = encode_request(request)
        await reads.ask(request)
        await reads.ask(request)
        assert encode_request(request) == before
        assert len(hub.packets) == 2

    with_reads(test)


def test_cancelled_readers_leave_nothing_behind_and_the_others_are_served() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        tasks = [asyncio.create_task(reads.ask(tick())) for _ in range(100)]
        await turns()
        for task in tasks[1:]:
            task.cancel()
        await turns()
        assert reads.waiting == 1
        hub.gate.set()
        assert (await tasks[0]).ok

    with_reads(test)


def test_a_question_whose_readers_all_went_before_it_left_is_not_put() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        task = asyncio.create_task(reads.ask(tick()))
        await asyncio.sleep(0)
        task.cancel()
        await turns()
        assert not hub.packets

    with_reads(test)


def test_a_late_question_whose_readers_all_went_is_not_put(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        first = asyncio.create_task(reads.ask(tick()))
        await turns()
        late = asyncio.create_task(reads.ask(tick()))
        await turns()
        late.cancel()
        await turns()
        hub.gate.set()
        await first
        await turns()
        assert len(hub.packets) == 1

    monkeypatch.setattr(reads_module, "JOIN_NS", -1)
    with_reads(test)


def test_too_many_who_wait_are_refused_with_a_time() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        tasks = [asyncio.create_task(reads.ask(tick(f"S{number}"))) for number in range(10)]
        await turns()
        with pytest.raises(Overloaded) as refused:
            await reads.ask(tick("S0"))
        assert refused.value.retry_after_s > 0
        hub.gate.set()
        assert all([(await task).ok for task in tasks])
        assert (await reads.ask(tick())).ok

    with_reads(test, max_waiting=10)


def test_a_dead_hub_is_told_at_once_after_the_first_wait_and_it_recovers_by_itself() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.is_up = False
        results = await asyncio.gather(*[reads.ask(tick()) for _ in range(50)], return_exceptions=True)
        assert all(isinstance(result, HubTimeout) for result in results)
        assert len({id(result) for result in results}) == 50
        hub.gate.clear()
        while hub.packets[-1].op != "ping":
            await asyncio.sleep(0)
        packets = len(hub.packets)
        for _ in range(20):
            with pytest.raises(HubUnreachable, match="ask again"):
                await reads.ask(tick())
        assert len(hub.packets) == packets  # the background asks, nobody else
        assert hub.packets[-1].op == "ping"
        assert not reads.status()["is_hub_answering"]
        hub.is_up = True
        hub.gate.set()
        await settle(reads)
        assert (await reads.ask(tick())).ok
        assert reads.status()["is_hub_answering"]

    with_reads(test)


def test_one_slow_question_is_no_dead_hub() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        def slow(request: Request) -> Reply:
            if request.op == "history":
                reads._answered_ns = 2**62  # somebody else was answered meanwhile
                raise HubTimeout("no answer", timeout_s=0.1)
            return Reply(id=0, ok=True)

        hub.answer = slow
        with pytest.raises(HubTimeout):
            await reads.ask(Request(op="history", symbol="BTC_USDT"))
        assert (await reads.ask(tick())).ok

    with_reads(test)


def test_when_the_first_fails_those_who_wait_for_the_next_are_told_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        hub.gate.clear()
        first = asyncio.create_task(reads.ask(tick()))
        await turns()
        late = asyncio.create_task(reads.ask(tick()))
        await turns()
        hub.is_up = False
        hub.gate.set()
        found = await asyncio.gather(first, late, return_exceptions=True)
        assert [type(one) for one in found] == [HubTimeout, HubTimeout]
        hub.is_up = True

    monkeypatch.setattr(reads_module, "JOIN_NS", -1)
    with_reads(test)


def test_what_did_not_fit_among_many_is_asked_alone() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        def answer(request: Request) -> Reply:
            if request.symbol == "B" and hub.packets[-1].op == "snapshot":
                return Reply(id=0, ok=False, code="overloaded", message="longer than")
            return Reply(id=0, ok=True)

        hub.answer = answer
        replies = await asyncio.gather(reads.ask(tick("A")), reads.ask(tick("B")))
        assert [reply.ok for reply in replies] == [True, True]
        assert [packet.op for packet in hub.packets] == ["snapshot", "tick"]

    with_reads(test)


def test_a_question_that_is_too_long_is_refused() -> None:
    async def test(reads: Reads, hub: FakeHub) -> None:
        with pytest.raises(InvalidRequest):
            await reads.ask(Request(op="ticks", symbols=["X" * 40] * 4000))
        assert not hub.packets

    with_reads(test)


@given(st.lists(st.tuples(st.sampled_from(["tick", "candles", "news", "history"]), st.integers(0, 600))))
def test_every_question_is_in_one_load_and_none_is_lost(asked: list[tuple[str, int]]) -> None:
    waiting = [(Request(op=op, n=n), number) for number, (op, n) in enumerate(asked)]
    found = loads(waiting)
    assert sorted(number for load in found for _, number in load) == list(range(len(waiting)))
    for load in found:
        assert 1 <= len(load) <= MOST_TOGETHER
        assert len(load) == 1 or all(request.op != "history" for request, _ in load)


def test_a_pack_with_other_answers_than_questions_is_no_answer() -> None:
    with pytest.raises(PayloadError):
        unpacked(Reply(id=1, ok=True, data=raw([])), 2)
    with pytest.raises(PayloadError):
        unpacked(Reply(id=1, ok=True, data=raw("x")), 2)
    refused = Reply(id=1, ok=False, code="timeout")
    assert unpacked(refused, 2) == [refused, refused]
    assert decode_request(encode_request(tick())) == tick()
