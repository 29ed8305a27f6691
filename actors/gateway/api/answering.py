"""From a reply of the hub to an answer: its form, its headers, whether the client has it already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from actors.gateway.api.parameters import FormatText, LayoutText, NumbersText, TimeText
from actors.gateway.context import Context
from actors.gateway.rendering.arrow import arrow_bytes
from actors.gateway.rendering.blocks import Blocks, SharedBars
from actors.gateway.rendering.dressing import PLAIN, Dress
from actors.gateway.rendering.encoding import DRESSED_PART, PART, many_pieces, one_bytes
from actors.gateway.rendering.envelopes import ManyHead, OneHead, one_head
from actors.gateway.rendering.formats import MEDIA_TYPES, Format, format_of
from actors.gateway.rendering.row_types import Row
from actors.gateway.rendering.tables import BarTable, RowTable, Table
from actors.gateway.tracing import HUB_NS
from protocol.errors import error_from_code
from protocol.requests import Reply
from protocol.requests import Request as Question

AT_ONCE: Final = 2
"""Pieces that are written together: more of them are streamed, and others answered in between."""
LIVE: Final = "no-store"
CLOSED: Final = "private, max-age=300"
"""Of a range that is over: only a late repair changes it, and then its ETag."""


class View(NamedTuple):
    """How an answer is written."""

    form: Format = Format.JSON
    dress: Dress = PLAIN
    is_columns: bool = False


def dress_of(time: TimeText = "ns", numbers: NumbersText = "number") -> Dress:
    """How the client wants values."""
    return Dress(time == "iso", numbers == "string")


Dressed = Annotated[Dress, Depends(dress_of)]


def view_of(
    request: Request,
    dress: Dressed,
    format: FormatText = None,  # noqa: A002 - the parameter's name
    layout: LayoutText = "rows",
) -> View:
    """What the client wants.

    Raises:
        NotAcceptable: a form that we do not write.
    """
    form = format_of(request.headers.get("accept", ""), format or "")
    return View(form, dress, layout == "columns")


Viewed = Annotated[View, Depends(view_of)]


async def replied(context: Context, request: Request, question: Question) -> Reply:
    """The hub's good answer.

    Raises:
        HubError: it refuses, or does not answer.
    """
    began_ns = context.clock.mono_ns()
    try:
        reply = await context.reads.ask(question)
    finally:
        scope = request.scope
        scope[HUB_NS] = scope.get(HUB_NS, 0) + context.clock.mono_ns() - began_ns
    if not reply.ok:
        raise error_from_code(reply.code, reply.message, reply.details)
    return reply


async def one(view: View, row: Row, reply: Reply) -> Response:
    """The answer with one value."""
    head = one_head(reply)
    headers = _headers(head)
    if view.form is Format.ARROW:
        table = RowTable([row], type(row))
        body = await asyncio.to_thread(arrow_bytes, table, view.dress)
    else:
        body = one_bytes(view.form, row, head, view.dress)
    return Response(body, 200, headers, MEDIA_TYPES[view.form])


async def many(
    request: Request,
    view: View,
    table: Table,
    head: ManyHead,
    closed: Reply | None = None,
    blocks: Blocks | None = None,
) -> Response:
    """The answer with rows.

    Args:
        request: Of the client.
        view: How it is written.
        table: The rows.
        head: What is said of them.
        closed: The hub's reply, if what is in it will hardly change any more.
        blocks: Where long series of candles are kept for all who read them.
    """
    headers = _headers(head)
    if head.next_cursor is not None:
        headers["Link"] = f'<{_next_address(request, head.next_cursor)}>; rel="next"'
    if closed is not None:
        tag = _tag_of(request, view, closed)
        headers |= {"ETag": tag, "Cache-Control": CLOSED}
        if _is_known(request.headers.get("if-none-match", ""), tag):
            return Response(b"", 304, headers)
    media_type = MEDIA_TYPES[view.form]
    if view.form is Format.ARROW:
        body = await asyncio.to_thread(arrow_bytes, table, view.dress)
        return Response(body, 200, headers, media_type)
    if len(table) <= AT_ONCE * (DRESSED_PART if view.dress else PART):
        pieces = many_pieces(view.form, table, head, view.dress, is_columns=view.is_columns)
        return Response(b"".join(pieces), 200, headers, media_type)
    streamed: Table | SharedBars = table
    if blocks is not None and isinstance(table, BarTable) and not view.is_columns:
        streamed = blocks.cut(table)
    pieces = many_pieces(view.form, streamed, head, view.dress, is_columns=view.is_columns)
    return StreamingResponse(_in_turns(pieces), 200, headers, media_type)


async def _in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """One piece per turn of the event loop."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def _headers(head: OneHead | ManyHead) -> dict[str, str]:
    """What is said of the data, for those forms too that have no envelope."""
    headers = {"Vary": "Accept", "Cache-Control": LIVE, "X-Data-State": head.state}
    if head.age_s is not None:
        headers["X-Data-Age-S"] = f"{head.age_s:.6f}"
    if isinstance(head, ManyHead) and head.errors:
        headers["X-Data-Refused"] = str(len(head.errors))
    if isinstance(head, ManyHead) and head.missing:
        headers["X-Data-Missing"] = str(len(head.missing))
    return headers


def _next_address(request: Request, cursor: str) -> str:
    left = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return (
        f"{request.scope.get('raw_path', b'').decode('ascii', 'replace') or request.url.path}?"
        + urlencode([*left, ("cursor", cursor)])
    )


def _tag_of(request: Request, view: View, reply: Reply) -> str:
    """Weak: age and clock in the envelope differ from answer to answer, the rows do not."""
    known = hashlib.blake2b(reply.data, digest_size=12)
    known.update(f"{request.url.query}|{view}".encode())
    return f'W/"{known.hexdigest()}"'


def _is_known(if_none_match: str, tag: str) -> bool:
    if if_none_match.strip() == "*":
        return True
    return tag.removeprefix("W/") in [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
