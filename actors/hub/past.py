"""Pieces of an answer about the past: rows from the window and from the store, cut, measured and joined. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from actors.hub.candles import BarSlot
from actors.hub.slots import Slot
from actors.hub.trades import TradeSlot
from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.history import OLDEST, SERIES_KINDS, STORE, WINDOW, Lack, PageEnd, Part, bar_data, joined_bars
from protocol.messages import Trade
from protocol.requests import Request
from protocol.sessions import timeframe_ns
from protocol.windows import BAR_BYTES, BarData, ts_open_of

_decode_key: Final = msgspec.json.Decoder(tuple[int, int, str])
_TIME_OF: Final = {"gap": "from_ts_ns", **dict.fromkeys(SERIES_KINDS, "ts_open_ns")}
"""Kind to the field by which its ranges are read, where that is not `ts_event_ns`."""


class Rows(NamedTuple):
    """Rows of one kind, oldest first."""

    bars: BarData | None = None
    events: list[Any] = []  # noqa: RUF012 - never changed

    def __len__(self) -> int:
        return len(self.bars.rows) // BAR_BYTES if self.bars is not None else len(self.events)


class Plan(NamedTuple):
    """A question about the past, half answered."""

    request: Request
    kind: str
    symbol: str
    venue: str
    slot: Slot | None
    """What the hub keeps of it; None: nothing."""
    window: Rows
    """What of the range is in the window."""
    seam_ns: int
    """Time from which the window has everything; 0: it has nothing at all."""
    ask: Request | None
    """What to ask the store; None: the window is enough."""


def window_of(slot: Slot | None, request: Request) -> tuple[Rows, int]:
    """(rows of the range, time from which on all of them are there; 0: there is no window)."""
    if isinstance(slot, BarSlot) and len(slot.window):
        start, stop = slot.window.between(request.from_ns, request.to_ns)
        rows = bytes(slot.window.rows(start, stop))
        topic = slot.topic
        data = bar_data(topic.symbol, topic.venue, topic.timeframe, list(slot.window.sources), rows)
        return Rows(data), slot.window.ts_open_ns(0)
    if isinstance(slot, TradeSlot) and slot.count():
        events = slot.between(request.from_ns, request.to_ns)
        return Rows(None, sorted(events, key=lambda one: one.ts_event_ns)), slot.seam_ns()
    return Rows(), 0


def cut(plan: Plan, stored: Rows, window: Rows) -> tuple[Rows, Rows]:
    """At most as many rows as were asked for: the newest ones, or the oldest."""
    n = plan.request.n
    if not n:
        return stored, window
    if is_newest_first(plan.request):
        window = _slice(window, max(0, len(window) - n), len(window))
        left = n - len(window)
        return _slice(stored, max(0, len(stored) - left), len(stored)), window
    stored = _slice(stored, 0, n)
    return stored, _slice(window, 0, n - len(stored))


def _slice(rows: Rows, start: int, stop: int) -> Rows:
    if rows.bars is None:
        return Rows(None, rows.events[start:stop])
    part = rows.bars.rows[start * BAR_BYTES : stop * BAR_BYTES]
    return Rows(msgspec.structs.replace(rows.bars, rows=part))


def hole_between(plan: Plan, window: Rows, end: PageEnd) -> list[Lack]:
    """What lies between the newest row that is stored and the window: not stored yet."""
    if not plan.seam_ns or not len(window) or plan.ask is None or _covers_from(plan):
        return []
    first_ns = _first_ns(plan, window)
    reached_ns = end.newest_ns + (_length_ns(plan) if plan.kind == "bar" and end.newest_ns else 1)
    if reached_ns >= first_ns:
        return []
    reason = "not stored yet" if end.newest_ns else "nothing is stored"
    return [Lack(max(plan.request.from_ns, reached_ns if end.newest_ns else 0), first_ns, reason)]


def _covers_from(plan: Plan) -> bool:
    return 0 < plan.seam_ns <= plan.request.from_ns


def parts_of(plan: Plan, stored: Rows, window: Rows) -> list[Part]:
    """Which rows came from where."""
    return [
        Part(source, *_span(plan, rows), len(rows))
        for source, rows in ((STORE, stored), (WINDOW, window))
        if len(rows)
    ]


def _first_ns(plan: Plan, rows: Rows) -> int:
    if rows.bars is not None:
        return ts_open_of(rows.bars.rows, 0)
    return int(getattr(rows.events[0], _TIME_OF.get(plan.kind, "ts_event_ns")))


def _span(plan: Plan, rows: Rows) -> tuple[int, int]:
    """Time `[from, to)` that the rows stand for."""
    if rows.bars is not None:
        return _first_ns(plan, rows), ts_open_of(rows.bars.rows, len(rows) - 1) + _length_ns(plan)
    return _first_ns(plan, rows), int(getattr(rows.events[-1], _TIME_OF.get(plan.kind, "ts_event_ns"))) + 1


def _length_ns(plan: Plan) -> int:
    return timeframe_ns(plan.request.timeframe)


def joined(plan: Plan, stored: Rows, window: Rows) -> Any:
    """The value of the reply."""
    if plan.kind != "bar":
        return [*stored.events, *window.events]
    pieces = [rows.bars for rows in (stored, window) if rows.bars is not None]
    return (
        joined_bars(pieces) if pieces else bar_data(plan.symbol, plan.venue, plan.request.timeframe, [], b"")
    )


def shared_count(plan: Plan) -> int:
    """Trades of the window that the store is asked for again, since they share their moment with forgotten ones."""
    if plan.kind != "trade":
        return 0
    return sum(one.ts_event_ns < plan.seam_ns for one in plan.window.events)


def apart(plan: Plan, stored: Rows, window: Rows) -> tuple[Rows, Rows]:
    """Trades of the store and of the window without those that both have.

    From new to old the window comes first, so they are taken from it. From old to new the store's pages come
    first: what they held, this page and those before its cursor, is taken from the window.
    """
    if is_newest_first(plan.request):
        known = set(map(_identity_of, window.events))
        return Rows(None, [one for one in stored.events if _identity_of(one) not in known]), window
    known = set(map(_identity_of, stored.events))
    after = _key_of_cursor(text_of(plan.request, "cursor"))
    left = [one for one in window.events if _identity_of(one) not in known and _key_of(one) > after]
    return stored, Rows(None, left)


def _key_of(trade: Trade) -> tuple[int, int, str]:
    """Where a trade stands among those of its symbol; the store orders them so."""
    known = trade.trade_id
    return (trade.ts_event_ns, known, "") if isinstance(known, int) else (trade.ts_event_ns, 0, known)


def _key_of_cursor(cursor: str) -> tuple[int, int, str]:
    """The key of the last trade before this page; one before all where there is no cursor."""
    try:
        return _decode_key.decode(cursor) if cursor else (-(2**63), 0, "")
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not a cursor of trades: {fault}", errors=["args.cursor"]) from fault


def _identity_of(trade: Trade) -> tuple[Any, ...]:
    """What makes two trades the same one, also where the venue gives no ids."""
    return trade.ts_event_ns, trade.trade_id or 0, trade.ts_recv_ns, trade.price, trade.size, trade.side


def is_newest_first(request: Request) -> bool:
    """Whether the newest page is asked for first."""
    return request.args.get("order") != OLDEST


def text_of(request: Request, name: str) -> str:
    """A text among the arguments, empty if it is not there.

    Raises:
        InvalidRequest: it is no text.
    """
    value: Any = request.args.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is a text", errors=[f"args.{name}: {value!r}"])
    return value
