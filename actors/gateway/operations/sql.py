"""Read-only SQL: `tapehub query` as a process of its own, its answer as columns with types, and rows."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from actors.gateway.context import Context
from actors.gateway.operations.commands import Command, Limits, Slots
from actors.gateway.operations.masking import Mask
from actors.gateway.operations.settings import OperationsSettings
from protocol.errors import HubTimeout, InvalidRequest

MAX_SQL: Final = 100_000


class SqlQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /api/v1/query."""

    sql: str
    """One statement that only reads."""
    limit: int = 1000
    """Most rows."""


class _Document(msgspec.Struct):
    """What `tapehub query --json` writes."""

    columns: list[str]
    rows: list[dict[str, Any]]
    is_cut: bool
    types: list[str] = []


class Sql:
    """Runs queries, a few at once.

    Args:
        context: The gateway.
        mask: Blots out secrets.
    """

    def __init__(self, context: Context, mask: Mask) -> None:
        self._context = context
        self._mask = mask
        self._settings: OperationsSettings = context.settings.operations
        self.slots = Slots("queries", self._settings.queries_at_once)

    def check(self, question: SqlQuestion) -> None:
        """Refuse what need not be tried.

        Raises:
            InvalidRequest: it is out of the limits.
        """
        if not question.sql.strip():
            raise InvalidRequest("sql is empty: write one SELECT")
        if len(question.sql) > MAX_SQL:
            raise InvalidRequest(f"sql has {len(question.sql)} characters, more than {MAX_SQL}")
        if not 1 <= question.limit <= self._settings.query_rows:
            raise InvalidRequest(f"limit is 1 to {self._settings.query_rows} (operations.query_rows)")

    async def answer(self, question: SqlQuestion, extra: Sequence[str] = ()) -> dict[str, Any]:
        """Columns, rows, whether there are more, and how long it took.

        Args:
            question: A checked one.
            extra: Further options of the command.

        Raises:
            HubError: it is refused, fails, or takes too long.
        """
        started_ns = self._context.clock.mono_ns()
        words = ("query", "-", "--json", "--limit", str(question.limit), *extra)
        with self.slots.take():
            async with self._in_time(), self._command(words) as command:
                await command.say(question.sql)
                data = await self._output(command)
        document = await asyncio.to_thread(_read, data)
        elapsed_s = (self._context.clock.mono_ns() - started_ns) / 1e9
        return {**document, "elapsed_s": round(elapsed_s, 3)}

    def _command(self, words: Sequence[str]) -> Command:
        limits = Limits(self._settings.query_memory_bytes, math.ceil(self._settings.query_timeout_s) * 2)
        return Command(self._context.command, words, limits, self._mask)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        limit_s = self._settings.query_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError:
            raise HubTimeout(
                f"the query took longer than {limit_s:g} s and was ended; ask for less: a WHERE on a time, fewer columns",
                timeout_s=limit_s,
            ) from None

    async def _output(self, command: Command) -> bytes:
        parts, size = [], 0
        async for data in command.chunks():
            parts.append(data)
            size += len(data)
            if size > self._settings.query_bytes:
                raise InvalidRequest(
                    f"the answer is longer than {self._settings.query_bytes} bytes: ask for fewer rows or columns, "
                    "or GET /api/v1/export"
                )
        return b"".join(parts)


def _read(data: bytes) -> dict[str, Any]:
    document = msgspec.json.decode(data, type=_Document)
    names = document.columns
    types = document.types or [""] * len(names)
    columns = [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)]
    rows = [[row[name] for name in names] for row in document.rows]
    return {"columns": columns, "rows": rows, "is_truncated": document.is_cut}
