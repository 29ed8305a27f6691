"""Records on their way from the client's thread to our loop: a bounded queue and a descriptor that wakes the loop."""

from __future__ import annotations

import collections
import contextlib
import os
import threading
from typing import NamedTuple


class Received(NamedTuple):
    """One record, as bytes, and our wall clock when the client gave it to us."""

    ts_recv_ns: int
    data: bytes


class Began(NamedTuple):
    """The session is authenticated and about to start."""

    session_id: str
    at_ns: int
    """Our wall clock then: what is received by Databento before it is a replay."""


class Ended(NamedTuple):
    """The session is over."""

    text: str
    """What the client raised, empty if nothing."""
    is_refusal: bool
    """It never began: the gateway refused the key."""


Item = Received | Began | Ended


class Inbox:
    """Queue of one session.

    Args:
        limit: Records that may wait; beyond it `put` waits, so the client reads no further.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: collections.deque[Item] = collections.deque()
        self._room = threading.Condition()
        self._is_closed = False
        self._is_signalled = False
        self.fd, self._signal_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._signal_fd, False)

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add one, in any thread; waits while the queue is full, and forgets the item once it is closed."""
        with self._room:
            self._room.wait_for(lambda: self._is_closed or len(self._items) < self._limit)
            if self._is_closed:
                return
            self._items.append(item)
            if not self._is_signalled:
                self._is_signalled = True
                os.write(self._signal_fd, b"\0")

    def take(self, count: int) -> list[Item]:
        """Up to so many of the oldest, in the loop; the descriptor stays readable while more are left."""
        with self._room:
            items = [self._items.popleft() for _ in range(min(count, len(self._items)))]
            if not self._items and self._is_signalled and not self._is_closed:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.fd, 1)
                self._is_signalled = False
            self._room.notify_all()
        return items

    def close(self) -> None:
        """Forget everything; whoever waits in `put` goes on."""
        with self._room:
            if self._is_closed:
                return
            self._is_closed = True
            self._items.clear()
            self._room.notify_all()
            os.close(self.fd)
            os.close(self._signal_fd)
