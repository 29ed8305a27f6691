"""Work that is only done while somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from protocol.errors import HubTimeout

T = TypeVar("T")


async def unless_gone(receive: Callable[[], Awaitable[Any]], work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, which is cancelled when the client hangs up. The body must have been read.

    Raises:
        HubTimeout: it has hung up; nobody reads that.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(gone(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HubTimeout("the client has hung up", timeout_s=0.0)
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def gone(receive: Callable[[], Awaitable[Any]]) -> None:
    """Wait until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass
