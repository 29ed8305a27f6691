"""Blocking work (a connect, a REST call) in threads; its result comes back in the actor's loop."""

from __future__ import annotations

import collections
import os
import threading
from collections.abc import Callable
from typing import Any


class Background:
    """Runs jobs in daemon threads and wakes the loop through a pipe when one is done.

    A job that hangs costs a thread, never the loop; `limit` bounds how many run at once, the rest wait.
    """

    def __init__(self, limit: int = 16) -> None:
        self.fd, self._wake_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake_fd, False)
        self._limit = limit
        self._running = 0
        self._waiting: collections.deque[tuple[Callable[[], Any], Callable[[Any], None]]] = (
            collections.deque()
        )
        self._done: collections.deque[tuple[Callable[[Any], None], Any]] = collections.deque()
        self._is_closed = False

    def submit(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run `work` in a thread, then `done(result or exception)` in the loop."""
        self._waiting.append((work, done))
        self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and self._running < self._limit:
            self._running += 1
            work, done = self._waiting.popleft()
            threading.Thread(target=self._run, args=(work, done), daemon=True).start()

    def _run(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        try:
            result: Any = work()
        except Exception as fault:  # noqa: BLE001 - the loop decides what a failed job means
            result = fault
        self._done.append((done, result))
        if not self._is_closed:
            self.wake()

    def wake(self) -> None:
        """Make the loop's poll return; safe in any thread and in a signal handler."""
        try:
            os.write(self._wake_fd, b"\x01")
        except BlockingIOError:
            pass  # the pipe is full of wake-ups already
        except OSError:
            if not self._is_closed:
                raise

    @property
    def wake_fd(self) -> int:
        """Writing end, for signal.set_wakeup_fd."""
        return self._wake_fd

    def deliver(self) -> None:
        """Call the `done` of every finished job; the loop calls this when `fd` is readable."""
        try:
            while len(os.read(self.fd, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass
        while self._done:
            done, result = self._done.popleft()
            self._running -= 1
            done(result)
        self._start_waiting()

    def close(self) -> None:
        """Stop waking; threads that still run end with the process.

        The writing end stays open: a thread may be about to write, and its number must not be reused.
        """
        self._is_closed = True
        os.close(self.fd)
