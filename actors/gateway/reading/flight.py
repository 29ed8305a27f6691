"""One question on its way to the hub, and all who wait for its answer."""

from __future__ import annotations

import asyncio

from protocol.errors import HubError
from protocol.requests import Reply, Request


class Flight:
    """A question that is put once, whoever asks it.

    Args:
        key: The encoded question.
        request: The question.
    """

    __slots__ = ("_waiters", "key", "request", "sent_ns", "successor")

    def __init__(self, key: bytes, request: Request) -> None:
        self.key = key
        self.request = request
        self.sent_ns = 0
        """When it left, monotonic; 0: not yet."""
        self.successor: Flight | None = None
        """The same question of those who came too late for this one; it leaves when this one has landed."""
        self._waiters: list[asyncio.Future[Reply]] = []

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits."""
        return any(
            not waiter.done() for waiter in self._waiters
        )  # the cancelled ones are taken out a little later

    async def wait(self) -> Reply:
        """Wait for the answer; whoever is cancelled leaves nothing behind.

        Raises:
            HubError: there is none.
        """
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def land(self, reply: Reply) -> None:
        """Give the answer to all."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Tell all that there is none; each has an error of its own, as a traceback grows with each raise."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                own = type(error)(error.message, **error.details) if isinstance(error, HubError) else error
                waiter.set_exception(own)
