"""From the journals of former owners to the strands that an instance goes on with. Files, no sockets.

For each symbol the newest earlier term counts whose owner really worked in it: its memory of that term says so. What
that owner published behind its memory is expected to come out again, and is not published a second time. The first
memory of an instance in its term is its claim: until it is whole in the journal, the former owner's word stands, and
the next process begins the same takeover anew; from then on nobody looks at the former owner's journal again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from actors.runtime.strands import Foldable, Piece, ShardMemory, Sharing, Strand, piece_of
from actors.runtime.terms import Term
from protocol.errors import HubError
from protocol.journal.former import memory_of_term
from protocol.journal.memory import Memory
from protocol.record import Frame, RecordKind
from protocol.sharding import owner_of
from protocol.topics import parse_topic

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Foldable)
_decode: Final = msgspec.msgpack.Decoder(ShardMemory).decode


class _Alone(msgspec.Struct, array_like=True):
    """As the only instance of a kind writes it (actors/runtime/folding.py)."""

    positions: dict[str, tuple[int, int]]
    fold: bytes


class Origin(NamedTuple):
    """Whose memory, and which piece of it."""

    term: int
    name: str
    piece: int


NEW: Final = Origin(-1, "", 0)
"""Nobody ever had it."""


class Takeover(Generic[F]):
    """Finds who had which symbols.

    Args:
        root: Folder of the journals.
        name: This instance.
        epoch: Its epoch: what it writes itself is not looked at.
        terms: Every term that is remembered, its own last.
        sharing: How the state is divided.
        make: An empty fold.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        epoch: int,
        terms: Sequence[Term],
        sharing: Sharing,
        make: Callable[[], F],
    ) -> None:
        self._root = root
        self._name = name
        self._epoch = epoch
        self._terms = terms
        self._sharing = sharing
        self._make = make
        self._memories: dict[tuple[int, str], tuple[list[Piece], Sequence[Frame]] | None] = {}
        self.is_claimed = False
        """This instance has claimed its symbols in this term already."""
        self.origins: list[str] = []
        """Whose memories were taken, as `name/term`."""

    def strands(self, symbols: Iterable[str]) -> list[Strand[F]]:
        """The strands of these symbols, at least one; those of this instance's own memory first.

        Raises:
            OSError, protocol.journal.segment.JournalVersion: a journal cannot be read.
        """
        groups: dict[Origin, list[str]] = {}
        for symbol in symbols:
            groups.setdefault(self._origin_of(symbol), []).append(symbol)
        now = self._terms[-1].number
        self.is_claimed = self._memory(now, self._name) is not None
        if self.is_claimed and not groups:  # no symbol is ours: what was claimed is still to be gone on with
            groups[Origin(now, self._name, 0)] = []
        self.origins = sorted({f"{one.name}/{one.term}" for one in groups if one is not NEW})
        ours_first = sorted(groups, key=lambda one: (one.name != self._name, -one.term, one))
        return [self._strand(one, groups.get(one, [])) for one in ours_first or [NEW]]

    def _origin_of(self, symbol: str) -> Origin:
        for term in reversed(self._terms):
            name = owner_of(symbol, term.names)
            memory = self._memory(term.number, name)
            if memory is not None:
                return Origin(term.number, name, piece_of(symbol, memory[0]))
        return NEW

    def _memory(self, term: int, name: str) -> tuple[list[Piece], Sequence[Frame]] | None:
        key = term, name
        if key not in self._memories:
            before = (self._epoch,) if name == self._name else ()
            found = memory_of_term(self._root / name, name, term, *before)
            self._memories[key] = found and (_pieces_of(found, term), found.after)
        return self._memories[key]

    def _strand(self, origin: Origin, symbols: Sequence[str]) -> Strand[F]:
        memory = self._memory(origin.term, origin.name) if origin is not NEW else None
        if memory is None or not memory[0]:
            return Strand(self._make(), {}, (), symbols)
        pieces, after = memory
        piece, mine = pieces[origin.piece], frozenset(symbols)
        fold = self._make()
        try:
            fold.restore(self._sharing.part(piece.fold, mine.__contains__))
        except (msgspec.DecodeError, ValueError, HubError) as fault:
            # other settings, an instrument that is gone: what was published stays, the rest begins anew
            log.warning("the memory of %s does not fit, its symbols begin anew: %s", origin.name, fault)
            return Strand(self._make(), {}, (), symbols)
        told = [*piece.expected, *((one.topic, one.payload) for one in after if one.kind == RecordKind.DATA)]
        expected = [(topic, payload) for topic, payload in told if self._symbol_of(topic) in mine]
        return Strand(fold, piece.positions, expected, symbols)

    def _symbol_of(self, topic: str) -> str:
        try:
            _, venue, symbol, _ = parse_topic(topic)
        except ValueError:
            return ""
        return self._sharing.symbol_of(venue, symbol)


def _pieces_of(memory: Memory, term: int) -> list[Piece]:
    try:
        if term:
            return _decode(memory.data).pieces
        alone = msgspec.msgpack.decode(memory.data, type=_Alone)
    except msgspec.DecodeError as fault:
        log.warning("a memory %s cannot be read, its symbols begin anew: %s", memory.name, fault)
        return []
    return [Piece(alone.positions, alone.fold, [], None)]
