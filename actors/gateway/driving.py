"""The actor's turns inside an event loop: one thread does both, so nothing waits for a lock.

A turn never waits. While something comes there is one each millisecond: what came meanwhile is taken together, and
the answers of HTTP go out in between. While nothing does, there is one each five. Where HTTP and WebSockets fill the
loop, turns follow one another for as long as those had it, so that neither can starve the other: what the bus brings
would be lost in the end, and what is read would be old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

BUSY_S: Final = 0.001
IDLE_S: Final = 0.005
LONGEST_NS: Final = 10_000_000
"""Turns in a row end after this long, whatever waits: so much later an answer may be."""


class Driver:
    """Calls `turn` until `is_over`.

    Args:
        turn: One turn that does not wait; returns whether something had come.
        is_over: Whether there is to be no further one.
    """

    def __init__(self, turn: Callable[[], bool], is_over: Callable[[], bool]) -> None:
        self._turn = turn
        self._is_over = is_over

    async def run(self) -> None:
        """Return when it is over.

        Raises:
            Exception: what a turn raised: our own bug.
        """
        ended_ns = time.monotonic_ns()
        while not self._is_over():
            began_ns = time.monotonic_ns()
            until_ns = began_ns + min(began_ns - ended_ns, LONGEST_NS)
            has_come = self._turn()
            while has_come and time.monotonic_ns() < until_ns and self._turn():
                pass
            ended_ns = time.monotonic_ns()
            await asyncio.sleep(BUSY_S if has_come else IDLE_S)
