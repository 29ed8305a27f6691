"""What goes into one transaction: rows by table, how far each publisher is then, and what could not be had. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from actors.persistence.catalogue import Catalogue, Fresh
from actors.persistence.first_rows import KEYS, FirstRows
from actors.persistence.rows import DeadLetter, rows_of
from actors.persistence.tables import DEFAULT_KINDS, Row
from protocol.codec import decode_events
from protocol.errors import PayloadError
from protocol.messages import Epoch
from protocol.record import Frame, RecordKind
from protocol.replay import Position

_EPOCH: Final = int(RecordKind.EPOCH)


class HoleRow(NamedTuple):
    """Records that can never be had."""

    publisher_id: int
    epoch: int
    first_seq: int
    last_seq: int
    reason: str


class OrphanRow(NamedTuple):
    """Records that are stored and that their publisher no longer has."""

    publisher_id: int
    epoch: int
    first_seq: int
    last_seq: int


class Batch:
    """Frames on their way into the database.

    Args:
        catalogue: Gives out ids; those that are new are stored with this batch.
        since: Positions that the batch begins behind: those of the store, or of the batch before.
        kinds: Kinds of messages that are kept.
        left: By publisher, ends of epochs that were left without the next one's first record: it would have said
            how much of them its journal has.
        first: What the batches before know of topics that several publishers send.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        since: Mapping[str, Position],
        kinds: Collection[str] = frozenset(DEFAULT_KINDS),
        left: Mapping[str, list[Position]] | None = None,
        first: FirstRows | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.since = dict(since)
        self.kinds = kinds
        self.positions: dict[str, Position] = {}
        """Publishers whose position this batch moves, and where to."""
        self.rows: dict[str, list[Row]] = {}
        """Kind (key of `tables.STORED`) to its rows, in order of arrival."""
        self.holes: list[HoleRow] = []
        self.orphans: list[OrphanRow] = []
        self.dead_letters: list[DeadLetter] = []
        self.fresh = Fresh([], [])
        """Ids to be stored before the rows."""
        self.row_count = 0
        self.frame_count = 0
        self.first = first or FirstRows()
        self._publishers: dict[bytes, tuple[str, int]] = {}
        self._left = {name: list(ends) for name, ends in (left or {}).items()}

    def __bool__(self) -> bool:
        """Whether there is anything to save."""
        return bool(self.positions or self.row_count or self.holes or self.dead_letters)

    def add(self, frame: Frame) -> None:
        """Take one frame: its rows, and its number as the position of its publisher."""
        name, publisher_id = self._publishers.get(frame.publisher_padded) or self._publisher_of(frame)
        if frame.kind == _EPOCH:
            self._note_orphans(frame, name, publisher_id)
        kind, rows, dead = rows_of(frame, publisher_id, self.catalogue, self.kinds)
        if kind in KEYS:
            rows = self.first.fresh(kind, frame, rows)
        if rows:
            self.row_count += len(rows)
            known = self.rows.get(kind)
            if known is None:
                self.rows[kind] = rows
            else:
                known += rows
        if dead is not None:
            self.dead_letters.append(dead)
        self.positions[name] = Position(frame.epoch, frame.seq)
        self.frame_count += 1
        if self.catalogue.has_fresh:
            self._take_fresh()

    def add_hole(self, publisher: str, epoch: int, first_seq: int, last_seq: int, reason: str) -> None:
        """Take note of records that can never be had (`protocol.consumer.Hole`); the position moves behind them.

        `last_seq` 0 means the rest of that epoch: the position stays, the next epoch's first record moves it.
        """
        text = reason.replace("\x00", "")
        self.holes.append(HoleRow(self._id_of(publisher), epoch, first_seq, last_seq, text))
        before = self.positions.get(publisher) or self.since.get(publisher) or Position(0, 0)
        if 0 < before.epoch < epoch:
            self._left.setdefault(publisher, []).append(before)
        self.positions[publisher] = max(before, Position(epoch, last_seq))

    def following(self) -> Batch:
        """An empty batch that begins where this one ends: filled while this one is being saved."""
        return Batch(self.catalogue, {**self.since, **self.positions}, self.kinds, self._left, self.first)

    def _publisher_of(self, frame: Frame) -> tuple[str, int]:
        name = frame.publisher
        found = self._publishers[frame.publisher_padded] = (name, self._id_of(name))
        return found

    def _id_of(self, publisher: str) -> int:
        found = self.catalogue.publisher(publisher)
        self._take_fresh()
        return found

    def _take_fresh(self) -> None:
        fresh = self.catalogue.take_fresh()
        self.fresh.instruments.extend(fresh.instruments)
        self.fresh.publishers.extend(fresh.publishers)

    def _note_orphans(self, frame: Frame, name: str, publisher_id: int) -> None:
        """A new epoch says where the one before ended: what we have beyond that was lost by its publisher.

        It may name an older epoch than ours: then nothing of ours ever reached the journal (its disk was full).
        """
        known = self.positions.get(name) or self.since.get(name)
        try:
            begin = decode_events(frame)[0]
        except (PayloadError, IndexError):
            return
        if not isinstance(begin, Epoch) or not begin.prev_epoch:
            return
        ends = [*self._left.pop(name, []), *([known] if known is not None else [])]
        for end in ends:
            if end.epoch < begin.prev_epoch:
                continue  # nobody says how that one ended
            first_seq = begin.prev_last_seq + 1 if end.epoch == begin.prev_epoch else 1
            if end.seq >= first_seq:
                self.orphans.append(OrphanRow(publisher_id, end.epoch, first_seq, end.seq))
