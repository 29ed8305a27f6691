"""The symbols of one instance that came from different hands, each with its own position, until they are level. Pure.

What an instance has of its symbols when a term begins are memories of several former owners, made at different
moments: a strand each. Frames are read from the earliest position on, and a strand leaves out what it knows. Once all
of them know the same they become one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from actors.runtime.refold import Refold
from protocol.record import Frame
from protocol.replay import Position

NOWHERE: Final = Position(0, 0)


class Foldable(Protocol):
    """What a strand does with a fold (actors/runtime/folding.py)."""

    def snapshot(self) -> bytes:
        """Everything it remembers."""

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot."""


class Piece(msgspec.Struct, array_like=True):
    """What is remembered of one strand."""

    positions: dict[str, tuple[int, int]]
    """Publisher to the last record that is in it."""
    fold: bytes
    """Its snapshot."""
    expected: list[tuple[str, bytes]]
    """(topic, payload) of what was published behind the snapshot: it comes out again and is left out."""
    symbols: list[str] | None
    """Symbols in it; None: every one that no other piece of the memory names."""


class ShardMemory(msgspec.Struct, array_like=True):
    """What is written into the journal now and then."""

    pieces: list[Piece]


class Sharing(Protocol):
    """How a kind's state is divided by symbols."""

    def symbol_of(self, venue: str, symbol: str) -> str:
        """By which symbol something published is divided: that of the events it is made of."""

    def part(self, snapshot: bytes, is_wanted: Callable[[str], bool]) -> bytes:
        """A snapshot with the wanted symbols alone.

        Raises:
            msgspec.DecodeError: it is none.
        """

    def join(self, snapshots: Sequence[bytes]) -> bytes:
        """One snapshot of several, which have no symbol in common and know the same frames."""


F = TypeVar("F", bound=Foldable)


class Strand(Generic[F]):
    """Some symbols of one origin.

    Args:
        fold: Of these symbols alone.
        since: Publisher to the last record that is in it.
        expected: See `Piece`.
        symbols: What is in it, among the symbols of the catalog.
    """

    def __init__(
        self,
        fold: F,
        since: Mapping[str, tuple[int, int]],
        expected: Sequence[tuple[str, bytes]],
        symbols: Sequence[str],
    ) -> None:
        self.fold = fold
        self.since = {name: Position(*position) for name, position in since.items()}
        """Emptied once the frames that are read are behind it."""
        self.symbols = sorted(symbols)
        self.refold = refold_of(expected)

    def has(self, frame: Frame) -> bool:
        """Whether it knows a frame already."""
        since = self.since.get(frame.publisher)
        return since is not None and (frame.epoch, frame.seq) <= since

    def is_level(self, reached: Mapping[str, Position], publishers: Sequence[str]) -> bool:
        """Whether what was read is behind everything that it knows of these publishers."""
        return all(reached.get(name, NOWHERE) >= self.since.get(name, NOWHERE) for name in publishers)

    def piece(self, reached: Mapping[str, Position], *, is_rest: bool) -> Piece:
        """What to remember of it now; `is_rest`: it stands for every symbol that no other one has."""
        names = {**self.since, **reached}
        positions = {
            name: tuple(max(reached.get(name, NOWHERE), self.since.get(name, NOWHERE))) for name in names
        }
        symbols = None if is_rest else self.symbols
        return Piece(positions, self.fold.snapshot(), self.refold.left(), symbols)  # type: ignore[arg-type]  # two numbers


def joined(strands: Sequence[Strand[F]], fold: F, sharing: Sharing) -> Strand[F]:
    """One strand of several that are level.

    Args:
        strands: What is joined.
        fold: An empty one.
        sharing: How.
    """
    fold.restore(sharing.join([strand.fold.snapshot() for strand in strands]))
    found: Strand[F] = Strand(fold, {}, (), [name for strand in strands for name in strand.symbols])
    for strand in strands:
        for topic, payload in strand.refold.left():
            found.refold.expect(topic, payload)
        found.refold.repeated += strand.refold.repeated
        found.refold.differing += strand.refold.differing
    return found


def earliest(strands: Sequence[Strand[Any]], publishers: Sequence[str]) -> dict[str, Position]:
    """Where to read each publisher from, so that no strand misses anything."""
    return {name: min(strand.since.get(name, NOWHERE) for strand in strands) for name in publishers}


def piece_of(symbol: str, pieces: Sequence[Piece]) -> int:
    """Which piece of a memory a symbol is in."""
    rest = 0
    for number, piece in enumerate(pieces):
        if piece.symbols is None:
            rest = number
        elif symbol in piece.symbols:
            return number
    return rest


def refold_of(expected: Sequence[tuple[str, bytes]]) -> Refold:
    """A refold that waits for these frames."""
    refold = Refold()
    for topic, payload in expected:
        refold.expect(topic, payload)
    return refold
