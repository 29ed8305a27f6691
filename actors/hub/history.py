"""A range of the past: what the hub's windows hold of it, what to ask the store for, and both as one answer. Pure.

    ...... store ......|...... window ......
                       seam

The window answers from the seam on, the store before it, so nothing comes twice. Candles begin the window with a
whole candle. The oldest trades of a window may share their moment with trades it has forgotten: the store is asked
beyond that moment, and what both have is taken from the window.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.hub.candles import BarSlot
from actors.hub.desk import Desk
from actors.hub.past import (
    Plan,
    Rows,
    apart,
    cut,
    hole_between,
    is_newest_first,
    joined,
    parts_of,
    shared_count,
    text_of,
    window_of,
)
from actors.hub.slots import Slot
from actors.hub.trades import TradeSlot
from protocol.errors import (
    DECODE_ERRORS,
    HubError,
    InvalidRequest,
    NoData,
    Overloaded,
    PayloadError,
    error_from_code,
)
from protocol.history import (
    HISTORY_KINDS,
    NEWEST,
    OLDEST,
    Lack,
    PageEnd,
    page_end_of,
)
from protocol.messages import (
    Alert,
    Feature,
    Flow,
    Footprint,
    Gap,
    Liquidation,
    Message,
    Quote,
    Signal,
    Sweep,
    Trade,
    Verdict,
)
from protocol.requests import Reply, Request
from protocol.sessions import timeframe_ns
from protocol.windows import BarData

Outcome = Reply | Exception | None
"""What the store said; None: it was not asked."""
_bars: Final = msgspec.msgpack.Decoder(BarData)
_KINDS: Final[tuple[type[Message], ...]] = (
    Trade, Quote, Gap, Feature, Footprint, Flow, Alert, Signal, Liquidation, Sweep, Verdict,
)  # fmt: skip
_events: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    kind.KIND: msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
    for kind in _KINDS
}
DEFAULT_TIMEFRAME: Final = "1m"
RETRY_AFTER_S: Final = 1.0


class Deeper(Exception):
    """The window does not reach far enough back: the store has to be asked."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.request.op)
        self.plan = plan


class HistoryAnswers:
    """Plans and puts together answers to `history`.

    Args:
        desk: What all answers need.
        store: Name of the persistence actor; empty: there is none.
    """

    def __init__(self, desk: Desk, store: str = "") -> None:
        self._desk = desk
        self._store = store

    def plan(self, request: Request) -> Plan:
        """Look what the window has, and what is to be asked for.

        Raises:
            UnknownSymbol: nobody knows the symbol.
            NoData: nothing of it has arrived, and there is no store.
            InvalidRequest: the question is wrong.
        """
        kind = request.kind or "bar"
        if kind not in HISTORY_KINDS:
            raise InvalidRequest(
                f"no history of kind {kind[:40]!r}; there is {', '.join(HISTORY_KINDS)}", errors=["kind"]
            )
        if text_of(request, "order") not in ("", NEWEST, OLDEST):
            raise InvalidRequest(f"order is {NEWEST} or {OLDEST}", errors=["args.order"])
        if kind == "bar":
            request = msgspec.structs.replace(request, timeframe=request.timeframe or DEFAULT_TIMEFRAME)
            length_s_of(request.timeframe)
        symbol = self._desk.symbol(request.symbol)
        slot = self._slot(kind, request)
        venue = slot.topic.venue if slot is not None else request.venue
        window, seam_ns = window_of(slot, request)
        is_done = text_of(request, "cursor") and is_newest_first(request)
        plan = Plan(request, kind, symbol, venue, slot, Rows() if is_done else window, seam_ns, None)
        if not self._store or self._is_enough(plan):
            return plan
        return plan._replace(ask=_question(plan))

    def _slot(self, kind: str, request: Request) -> Slot | None:
        if kind not in ("bar", "trade"):
            return None
        try:
            return self._desk.find(kind, request, request.timeframe if kind == "bar" else "")
        except NoData:
            if not self._store:
                raise
            return None

    @staticmethod
    def _is_enough(plan: Plan) -> bool:
        request = plan.request
        if text_of(request, "cursor") or not plan.seam_ns:
            return False
        if request.from_ns and request.from_ns >= plan.seam_ns:
            return True
        return is_newest_first(request) and 0 < request.n <= len(plan.window)

    def answer(self, plan: Plan, outcome: Outcome) -> bytes:
        """The reply: the window's rows and the store's, or what there is and why the rest is missing.

        Raises:
            NoData: there is nothing at all.
            Overloaded: nothing is kept here, and the store cannot say now.
            PayloadError: the store's answer cannot be read.
        """
        if isinstance(outcome, Exception) and not isinstance(outcome, HubError):
            raise outcome  # our own bug in the background thread
        stored, end, fault = _stored(plan, outcome)
        request, window = plan.request, plan.window
        if plan.kind == "trade":
            stored, window = apart(plan, stored, window)
        if end.cursor and not is_newest_first(request):
            window = Rows()
        stored, window = cut(plan, stored, window)
        if request.n and len(stored) + len(window) >= request.n:
            end = PageEnd(newest_ns=end.newest_ns)
        lacks = (
            [Lack(request.from_ns, plan.seam_ns or request.to_ns, fault)]
            if fault
            else hole_between(plan, window, end)
        )
        parts = parts_of(plan, stored, window)
        details = {
            "cursor": end.cursor,
            "parts": [msgspec.structs.asdict(part) for part in parts],
            "missing": [msgspec.structs.asdict(lack) for lack in lacks],
        }
        if not parts and fault:
            raise Overloaded(
                f"nothing of that is kept here, and the store: {fault}", retry_after_s=RETRY_AFTER_S
            )
        if not parts and not end.cursor:
            raise self._nothing(plan, details)
        seen = parts[-1:] if lacks else parts
        covered = (seen[0].from_ns, seen[-1].to_ns) if seen else (0, 0)
        return self._desk.described(request, plan.slot, covered, details, joined(plan, stored, window))

    def _nothing(self, plan: Plan, details: dict[str, Any]) -> NoData:
        request, slot = plan.request, plan.slot
        kept = slot.span() if isinstance(slot, BarSlot | TradeSlot) else (0, 0)
        where = "kept here" if not plan.ask else "kept here or stored"
        why = "".join(f" ({lack['reason']})" for lack in details["missing"])
        return NoData(
            f"nothing of {plan.symbol} between {request.from_ns} and {request.to_ns or 'now'} is {where}{why}",
            covered_from_ns=kept[0],
            covered_to_ns=kept[1],
            missing=details["missing"],
        )


def length_s_of(timeframe: str) -> float:
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


def _question(plan: Plan) -> Request:
    """What to ask the store: the range up to the seam, and as many rows as the window lacks."""
    request = plan.request
    ends = [time_ns for time_ns in (request.to_ns, plan.seam_ns) if time_ns]
    left = request.n
    if request.n and is_newest_first(request):
        left = request.n - len(plan.window) + shared_count(plan)
    args = {"cursor": text_of(request, "cursor"), "order": text_of(request, "order") or NEWEST}
    return Request(
        op="history", kind=plan.kind, symbol=plan.symbol, venue=plan.venue, timeframe=request.timeframe, n=left,
        from_ns=request.from_ns, to_ns=min(ends, default=0), args=args,
    )  # fmt: skip


def _stored(plan: Plan, outcome: Outcome) -> tuple[Rows, PageEnd, str]:
    """(rows, how the page ends, why there are none) in the store's answer."""
    if outcome is None:
        return Rows(), PageEnd(newest_ns=plan.seam_ns), ""
    if isinstance(outcome, Exception):
        return Rows(), PageEnd(newest_ns=plan.seam_ns), str(outcome)
    if not outcome.ok:
        fault = error_from_code(outcome.code, outcome.message, outcome.details)
        if isinstance(fault, InvalidRequest):
            raise fault
        if not isinstance(fault, NoData):
            return Rows(), PageEnd(newest_ns=plan.seam_ns), f"{fault.code}: {fault}"
        return Rows(), PageEnd(), ""
    end = page_end_of(outcome)
    try:
        if plan.kind == "bar":
            return Rows(_bars.decode(outcome.data)), end, ""
        return Rows(None, _events[plan.kind].decode(outcome.data)), end, ""
    except DECODE_ERRORS as fault:
        raise PayloadError(f"the store's answer cannot be read: {fault}") from fault
