"""From the bytes of a stranger's question to the bytes of an answer, whatever the bytes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.hub.across import AcrossAnswers
from actors.hub.desk import Desk, Piece
from actors.hub.history import Outcome
from actors.hub.market import MarketAnswers
from actors.hub.overview import LISTS, OverviewAnswers
from actors.hub.past import Plan
from actors.hub.payloads import array_header
from protocol.across import ALL_VENUES
from protocol.errors import HubError, HubTimeout, InvalidRequest, Overloaded, ProtocolMismatch
from protocol.likeness import nearest
from protocol.requests import PROTOCOL_VERSION, Request, decode_request, encode_reply, error_reply

MAX_QUERIES: Final = 5000
"""Questions in one `snapshot`, symbols in one `ticks`."""

Answer = Callable[[Request], bytes]


class Answers:
    """The hub's operations.

    Args:
        desk: What all answers need.
        market: Answers about one symbol.
        overview: Answers about the whole.
        across: Answers about one symbol at all its venues.
        counters: Counts of questions, `get_<op>_calls`.
        max_reply_bytes: Longest answer to many questions at once.
    """

    def __init__(
        self,
        desk: Desk,
        market: MarketAnswers,
        overview: OverviewAnswers,
        across: AcrossAnswers,
        counters: Counter[str],
        max_reply_bytes: int,
    ) -> None:
        self._desk = desk
        self._market = market
        self._counters = counters
        self._max_reply_bytes = max_reply_bytes
        self._reads: dict[str, Answer] = {
            "tick": market.tick,
            "bbo": across.bbo,
            "candles": market.candles,
            "book": lambda request: (across if request.venue == ALL_VENUES else market).book(request),
            "trades": market.trades,
            "order_flow": market.order_flow,
            "features": market.features,
            "features_history": market.features_history,
            "footprint": market.footprint,
            "history": market.history_here,
            "gaps": overview.gaps,
            "symbols": overview.symbols,
            "topics": overview.topics,
            "status": overview.status,
            "endpoints": overview.endpoints,
            "ping": overview.ping,
            **dict.fromkeys(LISTS, overview.listing),
            "signals": overview.signals,
        }
        self._operations: dict[str, Answer] = {
            **self._reads,
            "history": market.history,
            "tail": overview.tail,
            "ticks": self._ticks,
            "snapshot": self._snapshot,
            "clear": self._clear,
            "clear_all": self._clear_all,
        }
        self._names = {
            op: f"{op}_calls" if op in ("clear", "clear_all", "ping") else f"get_{op}_calls"
            for op in self._operations
        }

    @property
    def operations(self) -> list[str]:
        """Names of all operations."""
        return list(self._operations)

    def answer(self, body: bytes) -> bytes:
        """Answer one question; whatever is wrong with it is said in the reply.

        Raises:
            Deeper: a `history` for which the store is to be asked: `settle` answers then.
        """
        request_id = 0
        try:
            request = decode_request(body)
            request_id = request.id
            return self._dispatch(request, self._operations)
        except HubError as refusal:
            return self._refuse(request_id, refusal)

    def settle(self, plan: Plan, outcome: Outcome) -> bytes:
        """Answer a `history` with what the store said."""
        try:
            return self._market.settle(plan, outcome)
        except HubError as refusal:
            return self._refuse(plan.request.id, refusal)

    def _refuse(self, request_id: int, refusal: HubError) -> bytes:
        self._counters[f"refused_{refusal.code}"] += 1
        reply = error_reply(request_id, refusal, self._desk.name, self._desk.epoch)
        return encode_reply(msgspec.structs.replace(reply, ts_ns=self._desk.clock.now_ns()))

    def _dispatch(self, request: Request, operations: dict[str, Answer]) -> bytes:
        if request.v != PROTOCOL_VERSION:
            raise ProtocolMismatch(
                f"the request speaks version {request.v}, this hub version {PROTOCOL_VERSION}",
                ours=PROTOCOL_VERSION,
                theirs=request.v,
            )
        operation = operations.get(request.op)
        if operation is None:
            raise self._unknown(request.op, operations)
        if request.deadline_ns and request.deadline_ns < self._desk.clock.now_ns():
            raise HubTimeout("the question waited longer than its asker does", timeout_s=request.timeout_s)
        if request.n < 0 or request.depth < 0:
            raise InvalidRequest(
                "n and depth are counts, 0 or more", errors=[f"n: {request.n}", f"depth: {request.depth}"]
            )
        self._counters[self._names[request.op]] += 1
        if request.op != "tick":
            self._desk.show("")
        return operation(request)

    @staticmethod
    def _unknown(op: str, operations: dict[str, Answer]) -> InvalidRequest:
        near = nearest(op[:40], operations)
        hint = f"; did you mean {near[0]}?" if near else f"; there is {', '.join(operations)}"
        return InvalidRequest(f"unknown operation {op[:40]!r}{hint}", errors=[f"op: {op[:40]!r}"])

    def _ticks(self, request: Request) -> bytes:
        """`data`: a reply per symbol of `symbols`, in that order; none named means all that have quotes."""
        names = request.symbols or sorted(
            {slot.topic.symbol for slot in self._desk.store if slot.topic.kind == "quote"}
        )
        if len(names) > MAX_QUERIES:
            raise InvalidRequest(f"{len(names)} symbols, at most {MAX_QUERIES}", errors=["symbols: too many"])
        replace = msgspec.structs.replace
        asked = replace(request, op="tick", symbols=[])
        parts = [self._part(replace(asked, symbol=name, id=index)) for index, name in enumerate(names)]
        return self._desk.encoded(request, [array_header(len(parts)), *parts], len(parts))

    def _snapshot(self, request: Request) -> bytes:
        """`data`: a reply per question of `queries`, in that order, each with its own code."""
        if len(request.queries) > MAX_QUERIES:
            raise InvalidRequest(
                f"{len(request.queries)} questions, at most {MAX_QUERIES}", errors=["queries: too many"]
            )
        parts: list[Piece] = []
        size_bytes = 0
        for index, query in enumerate(request.queries):
            part = self._query(index, query, size_bytes)
            size_bytes += len(part)
            parts.append(part)
        return self._desk.encoded(request, [array_header(len(parts)), *parts], len(parts))

    def _query(self, index: int, query: dict[str, Any], size_bytes: int) -> bytes:
        try:
            if size_bytes > self._max_reply_bytes:
                raise Overloaded(
                    f"the answer is longer than {self._max_reply_bytes} bytes: ask for the rest by itself"
                )
            return self._part(msgspec.convert({**query, "id": index}, Request))
        except msgspec.ValidationError as fault:
            return self._refuse(index, InvalidRequest(f"not a question: {fault}", errors=[str(fault)]))
        except HubError as refusal:
            return self._refuse(index, refusal)

    def _part(self, request: Request) -> bytes:
        try:
            return self._dispatch(request, self._reads)
        except HubError as refusal:
            return self._refuse(request.id, refusal)

    def _clear(self, request: Request) -> bytes:
        """`data`: number of topics forgotten of one symbol; data that comes later is kept again."""
        return self._desk.plain(request, self._desk.store.clear(self._desk.symbol(request.symbol)))

    def _clear_all(self, request: Request) -> bytes:
        """`data`: number of topics forgotten."""
        return self._desk.plain(request, self._desk.store.clear())
