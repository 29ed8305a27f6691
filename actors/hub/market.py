"""Answers about one symbol: tick, candles, book, trades, order flow, footprints, indicator values, history."""

from __future__ import annotations

import msgspec

from actors.hub.books import BookSlot
from actors.hub.candles import BarSlot
from actors.hub.desk import Desk
from actors.hub.history import (
    DEFAULT_TIMEFRAME,
    Deeper,
    HistoryAnswers,
    Outcome,
    length_s_of,
)
from actors.hub.past import Plan
from actors.hub.payloads import array_header
from actors.hub.series import SeriesSlot
from actors.hub.slots import FlowSlot
from actors.hub.trades import TradeSlot
from protocol.errors import InvalidRequest, NoData, Overloaded
from protocol.messages import SESSION
from protocol.requests import Request
from protocol.sessions import timeframe_ns

_encode = msgspec.msgpack.Encoder().encode


class MarketAnswers:
    """One method per operation; each returns the encoded reply or raises a HubError.

    Args:
        desk: What all answers need.
        store: Name of the persistence actor; empty: there is none.
    """

    def __init__(self, desk: Desk, store: str = "") -> None:
        self._desk = desk
        self._history = HistoryAnswers(desk, store)

    def tick(self, request: Request) -> bytes:
        """`data`: a `Quote`."""
        slot = self._desk.find("quote", request)
        self._desk.show(slot.name)
        event, recv_ns = slot.newest()
        return self._desk.value(request, slot, recv_ns, (event,))

    def candles(self, request: Request) -> bytes:
        """`data`: a `BarData`, the last `n` candles (0: all that are kept), or those of a time range."""
        slot = self._bars(request)
        start, stop = slot.window.between(request.from_ns, request.to_ns)
        if request.n:
            start = max(start, stop - request.n)
        return self._candles(request, slot, start, stop)

    def _candles(self, request: Request, slot: BarSlot, start: int, stop: int) -> bytes:
        return self._desk.value(
            request,
            slot,
            slot.frame.ts_pub_ns,
            slot.encoded(start, stop),
            (request.n, *slot.covered(start, stop)),
            slot.timeframe_ns / 1e9,
        )

    def _bars(self, request: Request) -> BarSlot:
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        length_s_of(timeframe)
        slot = self._desk.find("bar", request, timeframe)
        assert isinstance(slot, BarSlot)
        return slot

    def book(self, request: Request) -> bytes:
        """`data`: a `Book` snapshot of at most `depth` levels a side (0: all).

        A replica that is out of step is never served, not even with `allow_stale`.
        """
        slot = self._desk.find("book", request)
        assert isinstance(slot, BookSlot)
        if not slot.is_synced:
            raise NoData(
                f"the order book of {slot.topic.symbol} at {slot.topic.venue} is not synced: {slot.reason}",
                reason="book not synced",
                topic=slot.name,
            )
        book = slot.top(request.depth)
        return self._desk.value(request, slot, book.ts_recv_ns, (_encode(book),))

    def trades(self, request: Request) -> bytes:
        """`data`: an array of `Trade`, the last `n` (0: all that are kept), oldest first."""
        slot = self._desk.find("trade", request)
        assert isinstance(slot, TradeSlot)
        count = request.n or slot.count()
        _, recv_ns = slot.newest()
        return self._desk.value(request, slot, recv_ns, slot.window(count), (request.n, 0, 0))

    def order_flow(self, request: Request) -> bytes:
        """`data`: a `Flow`: of the window `args.window_s` (0: since the session began), else of the shortest."""
        slot = self._desk.find("flow", request)
        assert isinstance(slot, FlowSlot)
        wanted = request.args.get("window_s")
        if wanted is None:
            wanted = slot.shortest_s()
        if not isinstance(wanted, int | float) or isinstance(wanted, bool):
            raise InvalidRequest("window_s is not a number", errors=[f"args.window_s: {wanted!r}"])
        found = slot.windows.get(float(wanted))
        if found is None:
            there = sorted(slot.windows)
            known = ", ".join(f"{length_s:g}" for length_s in there)
            raise NoData(
                f"no order flow of {slot.topic.symbol} over {wanted:g} s (there is {known})", windows_s=there
            )
        flow, ts_pub_ns = found
        return self._desk.value(request, slot, ts_pub_ns, (_encode(flow),))

    def features(self, request: Request) -> bytes:
        """`data`: a `Feature`, the indicator values of the newest candle of `timeframe`."""
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        slot = self._desk.find("feature", request, timeframe)
        event, recv_ns = slot.newest()
        return self._desk.value(request, slot, recv_ns, (event,), interval_s=length_s_of(timeframe))

    def features_history(self, request: Request) -> bytes:
        """`data`: an array of `Feature`, of the last `n` candles (0: all that are kept), oldest first."""
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        return self._series(request, "feature", timeframe, length_s_of(timeframe))

    def footprint(self, request: Request) -> bytes:
        """`data`: an array of `Footprint`, of the last `n` candles (0: all that are kept), oldest first.

        `timeframe` session asks for volume profiles, the running one last.
        """
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        if timeframe != SESSION:
            length_s_of(timeframe)
        return self._series(request, "footprint", timeframe)

    def _series(self, request: Request, kind: str, timeframe: str, interval_s: float = 0.0) -> bytes:
        slot = self._desk.find(kind, request, timeframe)
        assert isinstance(slot, SeriesSlot)
        events = slot.tail(request.n or len(slot))
        first_ns, last_ns = slot.opened(len(events))
        length_ns = 0 if timeframe == SESSION else timeframe_ns(timeframe)
        return self._desk.value(
            request,
            slot,
            slot.newest()[1],
            (array_header(len(events)), *events),
            (request.n, first_ns, last_ns + length_ns),
            interval_s,
        )

    def history(self, request: Request) -> bytes:
        """Rows (`kind` bar, the default, or another of `HISTORY_KINDS`) of a time range; `details` says where they came from.

        Raises:
            Deeper: the window does not reach far enough back; the store is to be asked, then `settle` answers.
        """
        plan = self._history.plan(request)
        if plan.ask is not None:
            raise Deeper(plan)
        return self.settle(plan, None)

    def history_here(self, request: Request) -> bytes:
        """As `history`, of what the hub keeps itself: for a question among many, which are all answered at once."""
        plan = self._history.plan(request)
        return self.settle(
            plan, None if plan.ask is None else Overloaded("the store is not asked in a snapshot")
        )

    def settle(self, plan: Plan, outcome: Outcome) -> bytes:
        """Answer `history` with what the store said."""
        return self._history.answer(plan, outcome)
