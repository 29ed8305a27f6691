"""What waits for one client that reads slowly: bounded, conflated where that loses nothing, dropped and told otherwise. Pure.

    up to a quarter of the bounds   everything, in order
    above                           of what may be conflated only the newest of each topic
    above the bounds                the oldest goes; the client is told what it missed before it gets what came after it

Within one topic the order stays as it was. A book of which a change was dropped goes on with a whole one.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any, Final

from actors.gateway.sockets.view import Piece, View

SOFT: Final = 4
"""From one part in so many of the bounds on it is conflated."""


class _Cell:
    __slots__ = ("piece", "size", "stamp")

    def __init__(self, stamp: int, piece: Piece) -> None:
        self.stamp = stamp
        self.piece = piece
        self.size = len(piece.frame)


class Lost:
    """What a client missed of one view."""

    __slots__ = ("dropped", "first_seq", "last_seq")

    def __init__(self, piece: Piece) -> None:
        self.dropped = 0
        self.first_seq = piece.first_seq
        self.last_seq = piece.seq


class Outbox:
    """The queue of one client.

    Args:
        max_messages: Bound.
        max_bytes: Bound.
        whole: A snapshot of a view that has changes only, empty if there is none now.
    """

    def __init__(self, max_messages: int, max_bytes: int, whole: Callable[[View], bytes]) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._whole = whole
        self._cells: collections.deque[_Cell] = collections.deque()
        self._said: collections.deque[tuple[int, bytes]] = collections.deque()
        self._newest: dict[View, _Cell] = {}
        """View to the cell that a newer message of its may be conflated with."""
        self._lost: dict[View, Lost] = {}
        self._broken: set[View] = set()
        self._stamp = 0
        self.bytes = 0
        self.is_conflating = False
        self.dropped: collections.Counter[str] = collections.Counter()
        """Rows dropped by channel; whoever counts them takes them out."""

    def __len__(self) -> int:
        return len(self._cells) + len(self._said) + len(self._lost)

    @property
    def is_overrun(self) -> bool:
        """Whether answers alone, which are never dropped, are over the bound: no client that reads needs so many."""
        return self.bytes > self._max_bytes or len(self._said) > self._max_messages

    def say(self, frame: bytes) -> None:
        """Something that is not dropped: an answer, a snapshot."""
        if frame:
            self._stamp += 1
            self._said.append((self._stamp, frame))
            self.bytes += len(frame)
            self._newest.clear()  # what comes now may not move before it
            self._shrink()

    def put(self, piece: Piece) -> None:
        """A message of a topic."""
        view = piece.view
        if view in self._broken:
            self._note_lost(piece)
            return
        if not piece.is_conflatable:
            self._newest.pop(view, None)
        elif self.is_conflating and (cell := self._newest.get(view)) is not None:
            self._replace(cell, piece)
            self._shrink()
            return
        self._stamp += 1
        cell = _Cell(self._stamp, piece)
        self._cells.append(cell)
        self.bytes += cell.size
        if piece.is_conflatable:
            self._newest[view] = cell
        if not self.is_conflating and (
            len(self._cells) > self._max_messages // SOFT or self.bytes > self._max_bytes // SOFT
        ):
            self._conflate()
        self._shrink()

    def _replace(self, cell: _Cell, piece: Piece) -> None:
        cell.piece = cell.piece.then(piece)
        size = len(piece.frame)
        self.bytes += size - cell.size
        cell.size = size

    def _conflate(self) -> None:
        """From now on, and of what is there."""
        self.is_conflating = True
        said = [stamp for stamp, _ in self._said]
        cells, self._cells, self._newest = self._cells, collections.deque(), {}
        for cell in cells:
            while said and said[0] < cell.stamp:
                said.pop(0)
                self._newest.clear()
            view = cell.piece.view
            if not cell.piece.is_conflatable:
                self._newest.pop(view, None)
            elif (older := self._newest.get(view)) is not None:
                self.bytes -= cell.size
                self._replace(older, cell.piece)
                continue
            else:
                self._newest[view] = cell
            self._cells.append(cell)

    def _shrink(self) -> None:
        while self._cells and (len(self._cells) > self._max_messages or self.bytes > self._max_bytes):
            piece = self._cells[0].piece
            view = piece.view
            if view.channel.name == "book" and not view.is_whole:
                self._broken.add(view)
                gone = [cell for cell in self._cells if cell.piece.view is view]
                self._cells = collections.deque(cell for cell in self._cells if cell.piece.view is not view)
            else:
                gone = [self._cells.popleft()]
            for cell in gone:
                self.bytes -= cell.size
                if self._newest.get(view) is cell:
                    del self._newest[view]
                self._note_lost(cell.piece)

    def _note_lost(self, piece: Piece) -> None:
        lost = self._lost.get(piece.view)
        if lost is None:
            lost = self._lost[piece.view] = Lost(piece)
        lost.dropped += len(piece.rows)
        lost.last_seq = piece.seq
        self.dropped[piece.view.channel.name] += len(piece.rows)

    def take(self, limit_bytes: int) -> tuple[bytes, int]:
        """(frames, how many) to write next, about `limit_bytes`; nothing if nothing waits."""
        found = self._tell_lost()
        size = sum(map(len, found))
        while (self._cells or self._said) and size < limit_bytes:
            if self._said and (not self._cells or self._said[0][0] < self._cells[0].stamp):
                frame = self._said.popleft()[1]
                self.bytes -= len(frame)
            else:
                cell = self._cells.popleft()
                self.bytes -= cell.size
                if self._newest.get(cell.piece.view) is cell:
                    del self._newest[cell.piece.view]
                frame = cell.piece.frame
            found.append(frame)
            size += len(frame)
        if not self._cells and not self._said:
            self.is_conflating = False
        return b"".join(found), len(found)

    def _tell_lost(self) -> list[bytes]:
        found = []
        for view, lost in list(self._lost.items()):
            whole = b""
            if view in self._broken:
                whole = self._whole(view)
                if not whole:
                    continue
                self._broken.discard(view)
            del self._lost[view]
            found += [view.dialect.plain(lagging(view, lost)), whole]
        return [frame for frame in found if frame]

    def forget(self, view: View) -> None:
        """The client no longer wants it: what waits of it goes, and what was lost of it need not be told."""
        self._broken.discard(view)
        self._lost.pop(view, None)
        self._newest.pop(view, None)
        kept = collections.deque(cell for cell in self._cells if cell.piece.view is not view)
        self.bytes -= sum(cell.size for cell in self._cells) - sum(cell.size for cell in kept)
        self._cells = kept


def lagging(view: View, lost: Lost) -> dict[str, Any]:
    """What a client is told of what it missed."""
    return {
        "op": "lagging", "ch": view.place.channel, "topic": view.place.topic, "dropped": lost.dropped,
        "first_seq": lost.first_seq, "last_seq": lost.last_seq,
    }  # fmt: skip
