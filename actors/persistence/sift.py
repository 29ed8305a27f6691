"""Values that no database can hold: such rows leave the batch as dead letters, so that they stop nobody else. Pure.

Only looked for after a database has refused a batch: numbers beyond 64 bits (or beyond their column), zero
bytes in a text.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Integer, SmallInteger, Table, Text

from actors.persistence.batch import Batch
from actors.persistence.rows import DEAD_LETTER_BYTES, DeadLetter
from actors.persistence.tables import RECORD, STORED, Row, columns_of

_REPLACEMENT: Final = "\ufffd"


def sift(batch: Batch) -> bool:
    """Turn rows that cannot be stored into dead letters, and clean names; whether there was anything to do."""
    count = 0
    for kind, rows in batch.rows.items():
        table = STORED[kind].table
        checks = _checks(table)
        place = [columns_of(table).index(name) for name in RECORD]
        good: list[Row] = []
        for row in rows:
            fault = _fault(row, checks)
            if fault:
                batch.dead_letters.append(_dead(kind, row, place, fault))
                count += 1
            else:
                good.append(row)
        batch.rows[kind] = good
    batch.row_count -= count
    named = batch.fresh.instruments
    clean = [(number, _clean(venue), _clean(symbol)) for number, venue, symbol in named]
    is_other = clean != named
    named[:] = clean
    return count > 0 or is_other


_Check = tuple[int, str, int]
"""Index of a value, name of its column, largest number it holds (0: a text)."""


def _checks(table: Table) -> list[_Check]:
    found: list[_Check] = []
    for index, column in enumerate(table.columns):
        kind = column.type
        if isinstance(kind, Text):
            found.append((index, column.name, 0))
        elif isinstance(kind, Integer):  # the base of all three
            bits = 63 if isinstance(kind, BigInteger) else 15 if isinstance(kind, SmallInteger) else 31
            found.append((index, column.name, 2**bits - 1))
    return found


def _fault(row: Row, checks: list[_Check]) -> str:
    for index, name, largest in checks:
        value = row[index]
        if largest and not -largest <= value <= largest:
            return f"{name} {value} is more than its column holds"
        if not largest and "\x00" in value:
            return f"{name} holds a zero byte"
    return ""


def _dead(kind: str, row: Row, place: list[int], fault: str) -> DeadLetter:
    publisher_id, epoch, seq, k = (row[index] for index in place)
    text = repr(row).encode()
    return DeadLetter(publisher_id, epoch, seq, k, kind, 0, fault, len(text), text[:DEAD_LETTER_BYTES])


def _clean(text: str) -> str:
    return text.replace("\x00", _REPLACEMENT)
