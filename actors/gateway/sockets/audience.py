"""Clients with the same wishes: what is for all of them is collected once, and written to each with one call. Pure.

Each member has a place in the row of batches; at the end of it, it has had everything. Who reads slowly leaves the row
and has a queue of its own (outbox.py), until that is empty.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from actors.gateway.sockets.dialects import Dialect
from actors.gateway.sockets.view import Piece, View
from actors.gateway.sockets.wishes import Wishes

if TYPE_CHECKING:
    from actors.gateway.sockets.client import Client
    from actors.gateway.sockets.feed import Feed


class Batch(NamedTuple):
    """What leaves together."""

    data: bytes
    pieces: list[Piece]


class Audience:
    """All clients with the same wishes and dialect.

    Args:
        wishes: What they want.
        dialect: How they are spoken to.
        stir: Told that something waits.
    """

    def __init__(self, wishes: Wishes, dialect: Dialect, stir: Callable[[Audience], None]) -> None:
        self.wishes = dict(wishes)
        self.dialect = dialect
        self.views: dict[Feed, View] = {}
        self.members: dict[Client, None] = {}
        self.slow: dict[Client, None] = {}
        self._stir = stir
        self._pending: list[Piece] = []
        self._batches: collections.deque[Batch] = collections.deque()
        self._base = 0
        self._oldest_ns = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left."""
        return not self.members and not self.slow

    @property
    def end(self) -> int:
        """Place behind the last batch."""
        return self._base + len(self._batches)

    def put(self, piece: Piece) -> None:
        """Something for everybody."""
        if self.members:
            if not self._pending:
                self._oldest_ns = self._oldest_ns or piece.ts_ns
                self._stir(self)
            self._pending.append(piece)
        for client in self.slow:
            client.queue(piece)

    def seal(self) -> int:
        """Make one batch of what waits; returns when the oldest of what was not written was published, wall clock."""
        if self._pending:
            pieces, self._pending = self._pending, []
            self._batches.append(Batch(b"".join([piece.frame for piece in pieces]), pieces))
        return self._oldest_ns

    def since(self, place: int) -> list[Batch]:
        """The batches from a place on."""
        if place == self.end - 1:
            return [self._batches[-1]]
        return [self._batches[index] for index in range(place - self._base, len(self._batches))]

    def forget_until(self, place: int) -> None:
        """All members have had the batches before a place."""
        while self._base < place:
            self._batches.popleft()
            self._base += 1
        self._oldest_ns = self._pending[0].ts_ns if self._pending else 0
