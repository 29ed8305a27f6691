"""Answers about one symbol: tick, candles, book, trades, order flow, indicator values, history."""

from __future__ import annotations

import msgspec

from actors.hub.books import BookSlot
from actors.hub.candles import BarSlot
from actors.hub.desk import Desk
from actors.hub.slots import FlowSlot
from actors.hub.trades import TradeSlot
from protocol.errors import InvalidRequest, NoData
from protocol.requests import Request
from protocol.sessions import timeframe_ns

_encode = msgspec.msgpack.Encoder().encode
DEFAULT_TIMEFRAME = "1m"


class MarketAnswers:
    """One method per operation; each returns the encoded reply or raises a HubError."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def tick(self, request: Request) -> bytes:
        """`data`: a `Quote`."""
        slot = self._desk.find("quote", request)
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
        _length_s(timeframe)
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
        """`data`: a `Flow`: of the window `args.window_s`, else of the shortest there is."""
        slot = self._desk.find("flow", request)
        assert isinstance(slot, FlowSlot)
        wanted = request.args.get("window_s", 0)
        if not isinstance(wanted, int | float):
            raise InvalidRequest("window_s is not a number", errors=[f"args.window_s: {wanted!r}"])
        flow = slot.windows.get(float(wanted) or min(slot.windows))
        if flow is None:
            raise NoData(
                f"no order flow of {slot.topic.symbol} over {wanted:g} s", windows_s=sorted(slot.windows)
            )
        return self._desk.value(request, slot, slot.frame.ts_pub_ns, (_encode(flow),))

    def features(self, request: Request) -> bytes:
        """`data`: a `Feature`, the indicator values of the newest candle of `timeframe`."""
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        slot = self._desk.find("feature", request, timeframe)
        event, recv_ns = slot.newest()
        return self._desk.value(request, slot, recv_ns, (event,), interval_s=_length_s(timeframe))

    def history(self, request: Request) -> bytes:
        """Candles (`kind` bar, the default) or trades of a time range, from what the hub keeps itself.

        The covered range says how much of the range that is; nothing at all is `no_data`. What happened long
        ago does not become stale, so age and state describe the newest value and refuse nothing.
        """
        lenient = msgspec.structs.replace(request, allow_stale=True)
        kind = request.kind or "bar"
        if kind == "bar":
            bars = self._bars(request)
            start, stop = bars.window.between(request.from_ns, request.to_ns)
            start = max(start, stop - request.n) if request.n else start
            if start == stop:
                raise self._outside(request, *bars.covered(0, len(bars.window)))
            return self._candles(lenient, bars, start, stop)
        if kind != "trade":
            raise InvalidRequest(
                f"no history of kind {kind!r}; there is bar and trade", errors=[f"kind: {kind!r}"]
            )
        slot = self._desk.find("trade", request)
        assert isinstance(slot, TradeSlot)
        trades = slot.between(request.from_ns, request.to_ns)
        trades = trades[-request.n :] if request.n else trades
        if not trades:
            kept = slot.between(0, 0)
            raise self._outside(request, kept[0].ts_event_ns, kept[-1].ts_event_ns + 1)
        window = (request.n, trades[0].ts_event_ns, trades[-1].ts_event_ns + 1)
        return self._desk.value(lenient, slot, slot.newest()[1], (_encode(trades),), window)

    @staticmethod
    def _outside(request: Request, from_ns: int, to_ns: int) -> NoData:
        return NoData(
            f"nothing of {request.symbol} between {request.from_ns} and {request.to_ns or 'now'} is kept here",
            covered_from_ns=from_ns,
            covered_to_ns=to_ns,
        )


def _length_s(timeframe: str) -> float:
    """Seconds of one candle.

    Raises:
        InvalidRequest: not a timeframe.
    """
    if len(timeframe) > 16:
        raise InvalidRequest("the timeframe is too long for one", errors=["timeframe: too long"])
    try:
        return timeframe_ns(timeframe) / 1e9
    except ValueError as fault:
        raise InvalidRequest(str(fault), errors=[f"timeframe: {timeframe!r}"]) from fault
