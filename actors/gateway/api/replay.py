"""Stored history as a stream: rows of several kinds in order of time, as fast as the reader takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from actors.gateway.api import parameters as par
from actors.gateway.api.answering import LIVE, Dressed
from actors.gateway.api.cursors import cursor_of
from actors.gateway.api.described import about
from actors.gateway.api.fetching import check, page
from actors.gateway.api.merging import Fetch, Line, Piece, merged
from actors.gateway.api.pages import Wanted, time_field
from actors.gateway.api.series import TIMED
from actors.gateway.context import Context
from actors.gateway.problems import problem_body
from actors.gateway.rendering.dressing import Dress, dressed
from actors.gateway.rendering.formats import MEDIA_TYPES, Format
from protocol.errors import HubError, InvalidRequest, NoData
from protocol.history import HISTORY_KINDS
from protocol.sessions import timeframe_ns

PAGE_ROWS: Final = 1000
"""Rows of each kind in memory at most."""
WRITE_BYTES: Final = 64 * 1024
LONGEST_WAIT_S: Final = 0.5
"""So long at most a line that is due lies here because few others are."""
KINDS: Final = rf"^({'|'.join(HISTORY_KINDS)})(,({'|'.join(HISTORY_KINDS)})){{0,11}}$"
_encode: Final = msgspec.json.Encoder().encode


class ReplayLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a replay."""

    kind: str
    """Kind of the row; `missing`: a stretch of time of which nothing is stored; `error`: the stream ends here, why."""
    ts_ns: int
    """When the row was known: of candles and what belongs to them their end."""
    data: dict[str, Any]


def add_routes(router: APIRouter, context: Context) -> None:
    """The routes."""

    @router.get("/replay", **about("replay_stream", "History", ReplayLine, shape="stream"))
    async def replay(
        request: Request,
        stretch: par.Stretched,
        dress: Dressed,
        symbol: Annotated[
            str, Query(description="Canonical symbol or alias.", min_length=1, max_length=64, examples=["BTC_USDT"])
        ],
        kinds: Annotated[
            str, Query(description="What, commas between.", pattern=KINDS, examples=["trade,quote"])
        ] = "trade",
        tf: par.Timeframe = "1m",
        speed: Annotated[
            float,
            Query(
                description="Times real time; 0: as fast as you read.", ge=0, le=1e6, allow_inf_nan=False, examples=[0]
            ),
        ] = 0.0,
    ) -> Response:  # fmt: skip
        """Stored rows of several kinds in order of time, one JSON object per line: `{"kind":, "ts_ns":, "data":}`.

        It is read page by page as fast as you take it. What is not stored is a line of kind `missing`; if it cannot go
        on, the last line is of kind `error`.
        """
        until_ns = stretch.to_ns or context.clock.now_ns() + 1
        asked = [
            Wanted(
                kind,
                symbol,
                tf if kind in TIMED else "",
                stretch.venue,
                max(stretch.from_ns, 1),
                until_ns,
                PAGE_ROWS,
            )
            for kind in dict.fromkeys(kinds.split(","))
        ]
        fetches: dict[str, tuple[Fetch, Piece | None]] = {}
        refusal: NoData | None = None
        for wanted in asked:
            check(wanted)
            reel = _pages(context, request, wanted)
            try:
                fetches[wanted.kind] = (reel, await reel())
            except NoData as nothing:
                refusal = nothing
        if not fetches:
            raise refusal or InvalidRequest("kinds is empty", errors=["kinds"])
        lines = merged(fetches)
        body = _written(context, lines, speed, dress)
        return StreamingResponse(body, 200, {"Cache-Control": LIVE}, MEDIA_TYPES[Format.NDJSON])


def _pages(context: Context, request: Request, first: Wanted) -> Fetch:
    """What gives one page after the other."""
    wanted: Wanted = first

    async def fetch() -> Piece | None:
        nonlocal wanted
        found = await page(context, request, wanted)
        cursor = found.head.next_cursor
        if cursor is not None:
            wanted = wanted._replace(cursor=cursor_of(cursor, wanted.kind))
        return Piece(found.table, _times(wanted, found.table), found.head.missing, cursor is not None)

    return fetch


def _times(wanted: Wanted, table: Any) -> list[int]:
    """When each row was known."""
    field = time_field(wanted.kind)
    length_ns = timeframe_ns(wanted.timeframe) if wanted.kind in TIMED else 0
    if wanted.kind == "bar":
        return [table.ts_open_ns(index) + length_ns for index in range(len(table))]
    return [getattr(one, field) + length_ns for one in table.messages]


async def _written(
    context: Context, lines: AsyncIterator[Line], speed: float, dress: Dress
) -> AsyncIterator[bytes]:
    """The lines as bytes, as many at a time as fit; at a speed each when it is due."""
    buffer = bytearray()
    began_ns = first_ns = 0
    try:
        async for line in lines:
            if speed and not line.is_missing:
                first_ns = first_ns or line.ts_ns
                began_ns = began_ns or context.clock.mono_ns()
                due_ns = began_ns + round((line.ts_ns - first_ns) / speed)
                if due_ns > context.clock.mono_ns() and buffer:
                    yield bytes(buffer)
                    buffer.clear()
                while (left_s := (due_ns - context.clock.mono_ns()) / 1e9) > 0:
                    await asyncio.sleep(min(left_s, LONGEST_WAIT_S))
            kind = "missing" if line.is_missing else line.kind
            data = {"of": line.kind, **line.row} if line.is_missing else line.row
            buffer += _encode(dressed({"kind": kind, "ts_ns": line.ts_ns, "data": data}, dress)) + b"\n"
            if len(buffer) >= WRITE_BYTES:
                yield bytes(buffer)
                buffer.clear()
                await asyncio.sleep(0)
    except HubError as error:
        data = problem_body(error)
        buffer += _encode({"kind": "error", "ts_ns": context.clock.now_ns(), "data": data}) + b"\n"
    if buffer:
        yield bytes(buffer)
