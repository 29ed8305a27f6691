"""One topic as some clients want it: conflated or not, whole books or changes. Each message is made once for all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from actors.gateway.sockets.channels import CHANNELS, Row, conflated, is_conflatable
from actors.gateway.sockets.dialects import Dialect, Place, Unjoined


class Shape(NamedTuple):
    """How a client wants a topic."""

    conflate_ns: int = 0
    """Shortest time between two messages; 0: each one."""
    depth: int = 0
    """Of a book: levels a side; 0: its changes, as they are on the bus."""
    windows: tuple[float, ...] = ()
    """Of order flow: lengths in seconds; none: all."""
    symbols: tuple[str, ...] = ()
    """Of news: those that name one of them; none: all."""


class Piece:
    """Updates first_seq to seq of one view, as one message."""

    __slots__ = ("_frame", "count", "first_seq", "is_conflatable", "rows", "seq", "ts_ns", "view")

    def __init__(
        self, view: View, first_seq: int, seq: int, ts_ns: int, rows: Sequence[Row], count: int,
        *, is_conflatable: bool,
    ) -> None:  # fmt: skip
        self.view = view
        self.first_seq = first_seq
        self.seq = seq
        self.ts_ns = ts_ns
        self.rows = rows
        self.count = count
        """Updates that it stands for."""
        self.is_conflatable = is_conflatable
        self._frame = b""

    @property
    def frame(self) -> bytes:
        """The WebSocket frame, made once."""
        if not self._frame:
            view = self.view
            self._frame = view.dialect.rows(view.place, "update", self.seq, self.ts_ns, self.rows, self.count)
        return self._frame

    def then(self, newer: Piece) -> Piece:
        """The one message that stands for both."""
        rows = conflated(self.view.channel, self.rows, newer.rows)
        return Piece(
            self.view, self.first_seq, newer.seq, newer.ts_ns, rows, self.count + newer.count,
            is_conflatable=True,
        )  # fmt: skip


class Follower(Protocol):
    """Who is given what a view makes."""

    def put(self, piece: Piece) -> None:
        """Take one."""


class View:
    """One topic in one shape and dialect.

    Args:
        place: What it is of.
        shape: How it is wanted.
        dialect: How it is said.
        book_of: (depth) -> the whole book as a row; None: it is not known.
        waiting: Views that hold something back; this one enters and leaves it.
    """

    __slots__ = (
        "_book_of", "_waiting", "channel", "dialect", "due_ns", "followers", "held", "is_whole", "place", "shape",
    )  # fmt: skip

    def __init__(
        self,
        place: Place,
        shape: Shape,
        dialect: Dialect,
        book_of: Callable[[int], Row | None],
        waiting: dict[View, None],
    ) -> None:
        self.place = place
        self.shape = shape
        self.dialect = dialect
        self.channel = CHANNELS[place.channel]
        self.is_whole = shape.depth > 0
        self.followers: dict[Follower, None] = {}
        self.held: Piece | None = None
        """What waits until it is due."""
        self.due_ns = 0
        """When the next message may go out, monotonic."""
        self._book_of = book_of
        self._waiting = waiting

    def wanted(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Those of a message's rows that this view has."""
        if self.shape.windows:
            return [row for row in rows if row["window_s"] in self.shape.windows]
        if self.shape.symbols:
            return [row for row in rows if not set(self.shape.symbols).isdisjoint(row["symbols"])]
        return rows

    def take(self, seq: int, ts_ns: int, rows: Sequence[Row], mono_ns: int) -> None:
        """Take an update of the topic: hand it on, or hold it back until it is due."""
        if self.is_whole:
            self._hold(Piece(self, seq, seq, ts_ns, (), 1, is_conflatable=True), mono_ns)
            return
        rows = self.wanted(rows)
        if not rows:
            return
        piece = Piece(self, seq, seq, ts_ns, rows, 1, is_conflatable=is_conflatable(self.channel, rows))
        if self.shape.conflate_ns and piece.is_conflatable:
            self._hold(piece, mono_ns)
            return
        self.release(mono_ns)
        self._emit(piece)

    def _hold(self, piece: Piece, mono_ns: int) -> None:
        self.held = piece if self.held is None else self.held.then(piece)
        if mono_ns < self.due_ns or not self.release(mono_ns):
            self._waiting[self] = None

    def release(self, mono_ns: int) -> bool:
        """Hand on what is held back; False if it cannot be said yet."""
        piece = self.held
        if piece is None:
            return True
        if self.is_whole:
            row = self._book_of(self.shape.depth)
            if row is None:
                return False
            piece.rows = (row,)
        self.held = None
        self._waiting.pop(self, None)
        self.due_ns = mono_ns + self.shape.conflate_ns
        self._emit(piece)
        return True

    def _emit(self, piece: Piece) -> None:
        for follower in self.followers:
            follower.put(piece)

    def snapshot(self, seq: int, ts_ns: int, rows: Sequence[Row], unjoined: Unjoined | None = None) -> bytes:
        """The message with what is known already; `unjoined` if it may not fit to what comes."""
        if self.is_whole or self.channel.name == "book":
            row = self._book_of(self.shape.depth)
            rows = () if row is None else (row,)
        return self.dialect.snapshot(self.place, seq, ts_ns, self.wanted(rows), unjoined)


def replayed(view: View, numbered: Iterable[tuple[int, int, Sequence[Any]]]) -> list[bytes]:
    """Frames of messages (seq, ts_ns, events) that a client missed, conflated as it wishes."""
    found: list[Piece] = []
    for seq, ts_ns, events in numbered:
        rows = view.wanted(rows_of(events))
        if not rows:
            continue
        is_free = is_conflatable(view.channel, rows)
        piece = Piece(view, seq, seq, ts_ns, rows, 1, is_conflatable=is_free)
        if view.shape.conflate_ns and is_free and found and found[-1].is_conflatable:
            found[-1] = found[-1].then(piece)
        else:
            found.append(piece)
    return [piece.frame for piece in found]


def rows_of(events: Sequence[Any]) -> list[Row]:
    """Messages as clients get them."""
    return [event.to_dict() for event in events]
