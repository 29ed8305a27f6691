"""Records of single orders (schema mbo): trades, books and quotes out of them. Pure.

A book begins with a snapshot or a clear: adds of a snapshot carry F_SNAPSHOT, its last record F_LAST as well (older files
begin without a clear). Until then nothing of the book is published. Snapshots are thousands of adds in a row: these are
taken at once, everything else record by record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from actors.collector.databento.layout import (
    ADD,
    ASK,
    BID,
    CLEAR,
    COLUMNS,
    F_LAST,
    F_MAYBE_BAD_BOOK,
    F_SNAPSHOT,
    F_TOB,
    FORMATS,
    MBO,
    TRADE_ACTION,
    UNDEF_PRICE,
)
from actors.collector.databento.mbo_book import LevelInt
from actors.collector.databento.runs import Run
from actors.collector.databento.symbols import Target

if TYPE_CHECKING:
    from actors.collector.databento.records import Records

FEW: Final = 64
"""Shorter runs are not worth columns."""
_MASK: Final = np.uint32(0xFFFF0000 | F_SNAPSHOT | F_MAYBE_BAD_BOOK | F_TOB)
_BID_ADD: Final = np.uint32(BID << 24 | ADD << 16 | F_SNAPSHOT)
_ASK_ADD: Final = np.uint32(ASK << 24 | ADD << 16 | F_SNAPSHOT)


class Orders:
    """Takes runs of mbo records.

    Args:
        records: Whose they are: it has the symbols and takes what comes out.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._best: dict[Target, tuple[LevelInt | None, LevelInt | None]] = {}

    def take(self, run: Run) -> None:
        """One run."""
        form = FORMATS[MBO]
        if run.size_bytes < form.size:
            self._records.dropped["invalid_record"] += len(run)
        elif run.size_bytes > form.size or len(run) < FEW:
            for at in range(0, len(run.data), run.size_bytes):
                self._take_row(form.unpack_from(run.data, at))
        else:
            self._take_many(run)

    def _take_many(self, run: Run) -> None:
        rows = np.frombuffer(run.data, COLUMNS[MBO])
        form = FORMATS[MBO]
        for start, stop, is_bulk in _stretches(rows):
            if is_bulk and self._add_many(rows[start:stop]):
                continue
            for row in form.iter_unpack(run.data[start * form.size : stop * form.size]):
                self._take_row(row)

    def _add_many(self, rows: Any) -> bool:
        """Adds of one instrument's snapshot, of which only the last may end it."""
        records = self._records
        instrument = int(rows["instrument"][0])
        targets = records.symbols.targets.get(instrument, ())
        if len(targets) != 1 or targets[0].is_withheld:
            return False
        target, last = targets[0], FORMATS[MBO].unpack(rows[-1:].tobytes())
        self._begin_snapshot(target)
        if not target.book.add_many(rows["order_id"], rows["price"], rows["size"], rows["side"] == BID):
            return False
        if last[8] & F_LAST:
            self._end_event(target, last)
        return True

    def _take_row(self, row: Any) -> None:
        records = self._records
        targets = records.symbols.targets.get(row[3], ())
        if not targets:
            records.dropped[records.why_nobody(row[3])] += 1
        for target in targets:
            if target.is_withheld:
                records.dropped["withheld_unit"] += 1
            else:
                self._apply(target, row)

    def _apply(self, target: Target, row: Any) -> None:
        # length, type, publisher, instrument, ts_event, order, price, size, flags, channel, action, side, ts_recv, ...
        flags, action, book = row[8], row[10], target.book
        if action == TRADE_ACTION and self._records.sources.trades == MBO:
            self._records.print(target, row[4], row[6], row[7], row[11], row[12], row[14])
        if flags & F_SNAPSHOT:
            self._begin_snapshot(target)
        elif book.in_snapshot and action != CLEAR:
            book.in_snapshot = book.is_synced = False  # it was broken off: what we have is a part of it
        if flags & F_MAYBE_BAD_BOOK:
            book.is_synced = False
        if action == CLEAR:
            target.needs_image = True
            book.is_synced = not flags & F_SNAPSHOT
        book.apply(action, row[5], row[6], row[7], row[11], flags)
        if flags & F_LAST:
            self._end_event(target, row)

    @staticmethod
    def _begin_snapshot(target: Target) -> None:
        book = target.book
        if not book.in_snapshot:
            book.clear()
            book.in_snapshot, book.is_synced = True, False

    def _end_event(self, target: Target, row: Any) -> None:
        book, records = target.book, self._records
        flags = row[8]
        if flags & F_SNAPSHOT:
            book.in_snapshot, book.is_synced = False, True
            target.needs_image = True
        if flags & F_MAYBE_BAD_BOOK or not book.is_synced:
            if records.sources.books == MBO:
                if flags & F_MAYBE_BAD_BOOK:
                    records.whole_book(target, row[4], row[12], flags, [], [])
                else:
                    records.dropped["book_without_snapshot"] += 1
            book.take_changes()
            return
        if records.sources.books == MBO:
            self._publish(target, row)
        else:
            book.take_changes()
        if records.sources.quotes == MBO:
            best = book.best()
            if best != self._best.get(target):
                self._best[target] = best
                bid, ask = (side or (UNDEF_PRICE, 0) for side in best)
                records.quote(target, row[4], row[12], flags, bid[0], ask[0], bid[1], ask[1])

    def _publish(self, target: Target, row: Any) -> None:
        book, records = target.book, self._records
        if book.is_crossed:
            records.dropped["crossed_book"] += 1
            target.needs_image = True
            book.take_changes()
        elif target.needs_image or not target.book_id:
            records.whole_book(target, row[4], row[12], row[8], *book.scaled(target.contract_size))
            book.take_changes()
        else:
            records.changed_book(target, row[4], row[12], *book.take_changes())


def _stretches(rows: Any) -> list[tuple[int, int, bool]]:
    """(start, stop, whether it is adds of one snapshot) of a run, in order and without holes."""
    price, flags = rows["price"], rows["flags"]
    # flags, channel, action and side lie side by side: one comparison of four bytes instead of four of one
    offset = rows.dtype.fields["flags"][1]
    words = np.ndarray((len(rows),), "<u4", rows, offset, rows.strides) & _MASK
    plain = (
        ((words == _BID_ADD) | (words == _ASK_ADD)) & (price < UNDEF_PRICE) & (price > 0) & (rows["size"] > 0)
    )
    if not plain.any():
        return [(0, len(rows), False)]
    # a stretch ends where the next record is of another instrument or nature, and behind the end of a snapshot
    ends = np.ones(len(rows), np.bool_)
    ends[:-1] = (
        (plain[1:] != plain[:-1])
        | (plain[1:] & (rows["instrument"][1:] != rows["instrument"][:-1]))
        | (plain[:-1] & (flags[:-1] & F_LAST != 0))
    )
    found: list[tuple[int, int, bool]] = []
    start = 0
    for stop in (np.flatnonzero(ends) + 1).tolist():
        is_bulk = bool(plain[start]) and stop - start >= FEW
        if found and not is_bulk and not found[-1][2]:
            found[-1] = (found[-1][0], stop, False)
        else:
            found.append((start, stop, is_bulk))
        start = stop
    return found
