"""Stored rows as a file: what `tapehub export` writes, passed on as it comes, as fast as the client takes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.operations.commands import Command, Limits, Slots
from actors.gateway.operations.masking import Mask
from actors.gateway.operations.watching import gone

TABLES: Final = (
    "quotes", "trades", "books", "liquidations", "bars", "features", "flows", "footprints", "news", "alerts",
    "signals", "sweeps", "verdicts", "gaps",
)  # fmt: skip
MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "msgpack": "application/msgpack",
}
_EXTENSIONS: Final = {"arrow": "arrows"}
CPU_S: Final = 3600
"""Processor time of one export."""


class Wanted(NamedTuple):
    """Which rows, and as what."""

    table: str
    form: str
    symbol: str = ""
    venue: str = ""
    timeframe: str = ""
    start: str = ""
    end: str = ""
    times: str = "ns"

    def words(self) -> list[str]:
        """For the command line; each value is joined to its option, so that none can become one itself."""
        options = {
            "--format": self.form,
            "--venue": self.venue,
            "--tf": self.timeframe,
            "--from": self.start,
            "--to": self.end,
            "--times": self.times,
        }
        words = [f"{option}={value}" for option, value in options.items() if value]
        return ["export", "--output=-", *words, self.table, *([self.symbol] if self.symbol else [])]

    @property
    def file_name(self) -> str:
        """For `Content-Disposition`: letters, digits and `._-` only."""
        parts = [self.table, self.symbol, self.venue, self.timeframe]
        plain = [
            "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in one) for one in parts
        ]
        return f"{'-'.join(filter(None, plain))}.{_EXTENSIONS.get(self.form, self.form)}"


class Exports:
    """Runs exports, a few at once.

    Args:
        context: The gateway.
        mask: Blots out secrets.
    """

    def __init__(self, context: Context, mask: Mask) -> None:
        self._context = context
        self._mask = mask
        settings = context.settings.operations
        self._limits = Limits(settings.query_memory_bytes, CPU_S)
        self.slots = Slots("exports", settings.exports_at_once)

    async def begin(self, wanted: Wanted) -> Export:
        """Start one, and wait for its first rows.

        Raises:
            HubError: it is refused, or there are no rows.
        """
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self.slots.take())
            command = Command(self._context.command, wanted.words(), self._limits, self._mask)
            await stack.enter_async_context(command)
            await command.say("")
            chunks = command.chunks()
            first = await anext(chunks, b"")
            return Export(self._context, wanted, first, chunks, command.pid, stack.pop_all())


class Export(Response):
    """The answer: the rows, until there are no more or the client goes away."""

    def __init__(
        self, context: Context, wanted: Wanted, first: bytes, chunks: AsyncIterator[bytes], pid: int,
        stack: contextlib.AsyncExitStack,
    ) -> None:  # fmt: skip
        self.status_code = 200
        self.background = None
        self.pid = pid
        """Of the process that reads them."""
        self._context = context
        self._wanted = wanted
        self._first = first
        self._chunks = chunks
        self._stack = stack

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI. An export that fails on its way is cut off: half a file must not look like a whole one."""
        del scope
        async with self._stack:
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(gone(receive))
            try:
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    self._context.counters["exports_abandoned"] += 1
                    return
                fault = sending.exception()
                if fault is not None:
                    self._context.drop("export_failed", f"{self._wanted.table}: {fault}")
            finally:
                for task in (sending, leaving):
                    task.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Any) -> None:
        headers = {
            "content-type": MEDIA_TYPES[self._wanted.form],
            "content-disposition": f'attachment; filename="{self._wanted.file_name}"',
        }
        await send({
            "type": "http.response.start", "status": 200,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        })  # fmt: skip
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async for data in self._chunks:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def close(self) -> None:
        """End it without sending anything."""
        await self._stack.aclose()
