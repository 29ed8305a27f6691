"""Chains of OKX order books on one connection: its ids as ids that only grow, and checksums of old captures. Pure.

Rules (OKX v5 documentation, "Order book channel"): a change builds on the message before if its `prevSeqId` is the
`seqId` of that. Then `seqId` is

    above prevSeqId   an ordinary change
    equal to it       nothing changed for a minute (levels are empty)
    below it          the venue counts anew after maintenance: still an ordinary change

and in any other case something is missing. Readers of a chain want ids that grow and say how far a hole reaches, so a
book's own id starts at `seqId` and moves by the same steps, by one where the venue counts anew. Captures before 2023
have no `seqId`: changes are counted, and the CRC32 of the best 25 levels says whether one is missing. Since 2026 that
checksum is a constant 0, so it is never looked at where there is a `seqId`.
"""

from __future__ import annotations

import binascii
import heapq
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from actors.collector.venues import okx_frames as frames
from protocol.errors import DECODE_ERRORS

_SPENT: Final = 2**62
"""Own ids beyond this begin again with the next snapshot: messages carry 63 bits."""
_CHECKED_LEVELS: Final = 25
_LEVEL = dict[float, str]
"""Price to `price:size` as it is written."""


class Step(NamedTuple):
    """Which updates a change covers, in own ids; `after_id` exclusive."""

    after_id: int
    last_id: int


class BookChain:
    """Numbers of one book on one connection."""

    __slots__ = ("_newest_ms", "_seq_id", "checked", "is_whole", "last_id")

    def __init__(self) -> None:
        self.last_id = 0
        """Own id of the newest change."""
        self.is_whole = False
        """Every change since a snapshot has come."""
        self.checked: CheckedBook | None = None
        """Replica, where there is nothing but a checksum to go by."""
        self._seq_id: int | None = None
        self._newest_ms = 0

    @property
    def is_counted(self) -> bool:
        """Whether the venue sends no ids for it."""
        return self._seq_id is None

    def begin(self, seq_id: int | None, ts_ms: int) -> int:
        """Enter a snapshot; returns its own id, above all before it."""
        before_id = self.last_id if self.last_id < _SPENT else 0
        self.last_id = max(before_id + 1, seq_id or 0)
        self._seq_id, self._newest_ms = seq_id, ts_ms
        self.is_whole, self.checked = True, None
        return self.last_id

    def step(self, row: frames.BookRow) -> Step:
        """Enter a change. A step whose `after_id` is beyond the last id loses the book, and so does every one from there
        to the next snapshot; one that ends where it begins says nothing new.
        """
        if not self.is_whole:
            return self.lose()
        last_id, seq_id, after_seq = self.last_id, row.seqId, row.prevSeqId
        if self._seq_id is None:
            if seq_id is not None:
                return self.lose()
            self.last_id = last_id + 1
            return Step(last_id, last_id + 1)
        if seq_id is None or after_seq is None:
            return self.lose()
        if after_seq != self._seq_id:
            return self._stray(seq_id, after_seq, row.ts)
        if seq_id > after_seq:
            self.last_id = last_id + seq_id - after_seq
        elif seq_id < after_seq or row.bids or row.asks:
            if last_id >= _SPENT:
                return self.lose()
            self.last_id = last_id + 1
        self._seq_id = seq_id
        self._newest_ms = max(self._newest_ms, row.ts)
        return Step(last_id, self.last_id)

    def _stray(self, seq_id: int, after_seq: int, ts_ms: int) -> Step:
        """One that does not build on the last: a copy of an older one, or behind a hole."""
        newest_seq = self._seq_id or 0
        if seq_id <= newest_seq and ts_ms <= self._newest_ms:
            return Step(self.last_id, self.last_id)  # newer ones with such ids belong to a new count, unseen
        if newest_seq < after_seq < seq_id:
            return self.lose(after_seq - newest_seq, seq_id - after_seq)
        return self.lose()

    def lose(self, missing: int = 1, covered: int = 1) -> Step:
        """Vouch for it no longer; the step that says so."""
        after_id = self.last_id + missing
        self.last_id = after_id + covered
        self.is_whole, self.checked = False, None
        return Step(after_id, self.last_id)


class CheckedBook:
    """A replica of the texts of a book, for its checksum."""

    __slots__ = ("_asks", "_bids")

    def __init__(self) -> None:
        self._bids: _LEVEL = {}
        self._asks: _LEVEL = {}

    def apply(self, row: frames.RawBookRow) -> None:
        """Enter a snapshot (into an empty one) or a change."""
        for side, levels in ((self._bids, row.bids), (self._asks, row.asks)):
            for level in levels:
                price = float(level.price)
                if float(level.size):
                    side[price] = f"{level.price}:{level.size}"
                else:
                    side.pop(price, None)

    @property
    def checksum(self) -> int:
        """Signed CRC32 of the best levels, bid and ask in turn."""
        bids = [self._bids[price] for price in heapq.nlargest(_CHECKED_LEVELS, self._bids)]
        asks = [self._asks[price] for price in heapq.nsmallest(_CHECKED_LEVELS, self._asks)]
        texts = []
        for index in range(max(len(bids), len(asks))):
            texts += bids[index : index + 1] + asks[index : index + 1]
        found = binascii.crc32(":".join(texts).encode())
        return found - 2**32 if found >= 2**31 else found


_decode_raw: Final = frames.decoder(list[frames.RawBookRow])


def is_true(chain: BookChain, index: int, row: frames.BookRow, data: Any, *, is_snapshot: bool) -> bool:
    """Whether a row of `books` fits the checksum that it says; True where there is none to go by.

    Args:
        chain: Of the book; the row has been entered.
        index: Of the row in `data`.
        row: As decoded.
        data: As it was received.
        is_snapshot: It replaces the book.
    """
    if is_snapshot and row.checksum and chain.is_counted:
        chain.checked = CheckedBook()
    if chain.checked is None:
        return True
    try:
        rows: Sequence[frames.RawBookRow] = _decode_raw(data)
        chain.checked.apply(rows[index])
    except (*DECODE_ERRORS, ValueError):  # numbers where texts should be: they cannot be checked
        chain.checked = None
        return True
    return not row.checksum or chain.checked.checksum == row.checksum
