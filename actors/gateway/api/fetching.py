"""Gets one page of the past: asks the hub, which asks the store for what it does not keep itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request

from actors.gateway.api import pages
from actors.gateway.api.answering import replied
from actors.gateway.api.cursors import cursor_of, text_of
from actors.gateway.api.pages import BAR, TYPES, Wanted
from actors.gateway.api.values import decoded
from actors.gateway.context import Context
from actors.gateway.rendering.envelopes import ManyHead, many_head
from actors.gateway.rendering.tables import BarTable, MessageTable, Table
from protocol.errors import InvalidRequest, NoData
from protocol.history import HISTORY_KINDS
from protocol.requests import Reply
from protocol.sessions import timeframe_ns
from protocol.windows import BarData

ROUNDS: Final = 8
"""Pages looked through for rows that fit a filter; then the client goes on with the cursor."""
_bars: Final = msgspec.msgpack.Decoder(BarData).decode
_rows: Final[dict[str, Any]] = {
    kind: msgspec.msgpack.Decoder(list[TYPES[kind]]).decode  # type: ignore[valid-type]
    for kind in HISTORY_KINDS
    if kind != BAR
}
Fits = Callable[[Any], bool]


class Page(NamedTuple):
    """Rows, and what is said of them."""

    table: Table
    head: ManyHead
    closed: Reply | None
    """The reply, if the page will hardly change any more."""


async def page(context: Context, request: Request, wanted: Wanted) -> Page:
    """One page.

    Raises:
        HubError: the hub refuses, or there is nothing at all in the range.
    """
    check(wanted)
    reply = await _reply(context, request, wanted)
    if reply is None:
        return _nothing(wanted)
    if wanted.kind == BAR:
        table = BarTable(decoded(_bars, reply))
        shown = pages.bars_page(wanted, table)
        more = len(shown) > 0 and pages.is_cut(wanted, len(table), reply)
        cursor = pages.bars_cursor(shown, is_older=wanted.is_older) if more else None
        return _page(context, wanted, shown, reply, cursor)
    fresh = pages.fresh_of(wanted, decoded(_rows[wanted.kind], reply))
    rows, cursor = await _cut(context, request, wanted, fresh, reply)
    return _page(context, wanted, pages.table_of(wanted.kind, rows), reply, cursor)


async def filtered_page(context: Context, request: Request, wanted: Wanted, fits: Fits) -> Page:
    """As `page`, of messages that fit: looks through several pages for them."""
    check(wanted)
    kept: list[Any] = []
    at = wanted
    first: Reply | None = None
    for _ in range(ROUNDS):
        reply = await _reply(context, request, at)
        if reply is None:
            at = at._replace(cursor=None)
            break
        first = first or reply
        fresh = pages.fresh_of(at, decoded(_rows[wanted.kind], reply))
        rows, text = await _cut(context, request, at, fresh, reply)
        fitting = [one for one in rows if fits(one)]
        kept = [*fitting, *kept] if wanted.is_older else [*kept, *fitting]
        at = at._replace(cursor=cursor_of(text, wanted.kind) if text else None)
        if at.cursor is None or len(kept) >= wanted.limit:
            break
    if first is None:
        return _nothing(wanted)
    cursor = text_of(at.cursor) if at.cursor is not None else None
    shown = pages.page_of(wanted, kept)
    if len(shown) < len(kept):
        text = pages.rows_cursor(wanted.kind, shown, wanted.cursor, is_older=wanted.is_older)
        kept, cursor = (shown, text) if text is not None else (kept, cursor)
    return _page(context, wanted, pages.table_of(wanted.kind, kept), first, cursor)


def check(wanted: Wanted) -> None:
    """Refuse a range that ends before it begins.

    Raises:
        InvalidRequest: it does.
    """
    if wanted.to_ns and wanted.to_ns <= wanted.from_ns:
        raise InvalidRequest(f"to_ns {wanted.to_ns} is not behind from_ns {wanted.from_ns}", errors=["to_ns"])


async def _reply(context: Context, request: Request, wanted: Wanted) -> Reply | None:
    """The hub's; None: a page behind the last one."""
    if wanted.cursor is not None and pages.ends_empty(wanted):
        return None
    try:
        return await replied(context, request, pages.question_of(wanted))
    except NoData:
        if wanted.cursor is None:
            raise
        return None  # deleted meanwhile, or the page before was the last


async def _cut(
    context: Context, request: Request, wanted: Wanted, fresh: list[Any], reply: Reply
) -> tuple[list[Any], str | None]:
    """The rows of a page, and where the next begins."""
    rows = pages.page_of(wanted, fresh)
    if not rows or not pages.is_cut(wanted, len(fresh), reply):
        return rows, None
    return await ended(context, request, wanted, rows)


async def ended(context: Context, request: Request, wanted: Wanted, rows: list[Any]) -> tuple[list[Any], str]:
    """The rows of a page that is not the last, and where the next begins.

    Where too many rows share the time at its end, the page gets all of them.
    """
    text = pages.rows_cursor(wanted.kind, rows, wanted.cursor, is_older=wanted.is_older)
    if text is not None:
        return rows, text
    field = pages.time_field(wanted.kind)
    ts_ns = getattr(rows[0 if wanted.is_older else -1], field)
    question = pages.moment_of(wanted, getattr(rows[0], "venue", ""), ts_ns)
    moment = decoded(_rows[wanted.kind], await replied(context, request, question))
    return pages.whole_moment(wanted, rows, moment)


def _page(
    context: Context, wanted: Wanted, table: BarTable | MessageTable, reply: Reply, cursor: str | None
) -> Page:
    missing = list(reply.details.get("missing", []))
    head = many_head(reply, table.identity, cursor, missing=missing)
    head = msgspec.structs.replace(head, asked=wanted.limit, **covered_by(wanted, table))
    ends_ns = pages.question_of(wanted).to_ns
    is_closed = (
        0 < ends_ns <= context.clock.now_ns() and not missing and len(table) > 0 and not has_open(table)
    )
    return Page(table, head, reply if is_closed else None)


def covered_by(wanted: Wanted, table: BarTable | MessageTable) -> dict[str, int]:
    """The time that the rows of a page stand for: the hub gave one row more than it shows."""
    count = len(table)
    if not count:
        return {"covered_from_ns": 0, "covered_to_ns": 0}
    if isinstance(table, BarTable):
        first_ns, last_ns = table.ts_open_ns(0), table.ts_open_ns(-1) + timeframe_ns(wanted.timeframe)
    else:
        field = pages.time_field(wanted.kind)
        first_ns, last_ns = (getattr(table.messages[place], field) for place in (0, -1))
        last_ns += 1
    return {"covered_from_ns": first_ns, "covered_to_ns": last_ns}


def has_open(table: BarTable | MessageTable) -> bool:
    """Whether one of the rows still runs."""
    if isinstance(table, BarTable):
        return any(row.status == "open" or not row.revision for row in table.part(0, len(table)))
    return any(getattr(one, "status", "") == "open" for one in table.messages)


def _nothing(wanted: Wanted) -> Page:
    kind: Any = TYPES[wanted.kind]
    empty = MessageTable([], kind)
    return Page(empty, ManyHead(asked=wanted.limit), None)
