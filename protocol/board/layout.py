"""Where everything lies on a board, and how it is read without a lock. Pure.

    file       segments one behind the other: it grows by a segment, and what is there never moves
    segment 0  header (words), verdicts (pairs of words), entries and extents as they come; the others: entries and extents
    word       8 bytes, signed, of this machine; a place is an offset in the file

    header     word 0 magic · 1 version · 2 epoch of the hub · 3 its monotonic clock when it looked last, ns · 4 place of the
               first entry · 5 number of segments · from 16 on the size of each
    verdict    two words, monotonic ns: until when what depends on it may be given out as current, and until when as the
               last value of a market that is closed. Both over: ask the hub
    entry      place of the next one (0: none yet) · what it is · length of its text · the text: a topic, or the name of a
               publisher, whose number is its place among them · at RECORD the record
    record     [end][body][begin]; layout of the body by what the entry is (`QUOTE`, `VALUE`)
    extent     bytes that a record points to: an encoded event, an order book, rows of candles

One writer, many readers, no lock: the writer counts `begin` up, changes body and extent, and then counts `end` up. A reader takes
`end`, then body and extent, then `begin`: they are equal only if nothing was changed in between. `end` lies in front, so one
`unpack_from` reads all three in that order. It rests on stores being seen in their order, as x86 promises, and on words being
written at once: nothing here is offered on other machines (`machine.is_possible`).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

MAGIC: Final = int.from_bytes(b"tapeboar", "little")
VERSION: Final = 2
"""Of this layout; a reader that knows another one asks the hub."""
WORD: Final = 8

HEADER_MAGIC: Final = 0
HEADER_VERSION: Final = 1
HEADER_EPOCH: Final = 2
HEADER_CLOCK: Final = 3
HEADER_FIRST: Final = 4
HEADER_SEGMENTS: Final = 5
HEADER_SIZES: Final = 16
"""Word of the header."""
MAX_SEGMENTS: Final = 1000
VERDICTS: Final = 1024
"""Word at which the verdicts begin."""
MAX_VERDICTS: Final = 4000
ENTRIES: Final = 73_728
"""Where the first entry may lie: behind the verdicts, at the beginning of a page."""
FIRST_SEGMENT_BYTES: Final = 1 << 20
SEGMENT_SHARE: Final = 8
"""A further segment is as long as the first one, or this part of the file."""

ENTRY_NEXT: Final = 0
ENTRY_KIND: Final = 1
ENTRY_LENGTH: Final = 2
"""Word of an entry."""
ENTRY_TEXT: Final = 24
MAX_TEXT_BYTES: Final = 136
RECORD: Final = ENTRY_TEXT + MAX_TEXT_BYTES
"""Where the record of an entry begins."""
ENTRY_BYTES: Final = 320

PUBLISHER: Final = 1
"""What an entry is: a name. The others are topics."""
QUOTE_ENTRY: Final = 2
VALUE_ENTRY: Final = 3
ENTRY_KINDS: Final = {
    "quote": QUOTE_ENTRY, "book": VALUE_ENTRY, "flow": VALUE_ENTRY, "feature": VALUE_ENTRY, "bar": VALUE_ENTRY,
}  # fmt: skip
"""Kinds of topics that are on a board."""

QUOTE: Final = struct.Struct("@Q8q4dQ")
"""end · terms epoch seq born stale ts_event_ns ts_recv_ns update_id · bid ask bid_size ask_size · begin"""
VALUE: Final = struct.Struct("@Q9qQ")
"""end · terms epoch seq born stale extent size head head_size · begin; head: where what precedes rows lies"""
QUOTE_BODY: Final = struct.Struct("@8q4d")
VALUE_BODY: Final = struct.Struct("@9q")
COMMON_WORDS: Final = 5
"""Words of a body in which all records are alike: see `Common`."""
NEVER: Final = (1 << 63) - 1
"""`stale` of what does not become stale."""

GAP_OPEN: Final = 1 << 32
"""In `doubt`: messages of its kind are missing. The lower half is the number of venues that have the topic's symbol."""
ASK: Final = 1 << 33
"""In `doubt`: the hub has to be asked."""
FETCHED: Final = 1 << 34
"""In `doubt`: a provider's candle or made of such; it comes after a stream that is not `FETCHED_LATER_NS` older."""
FETCHED_LATER_NS: Final = 60_000_000_000
VENUES: Final = GAP_OPEN - 1
"""Mask of the number of venues."""
DOUBT_BITS: Final = 35
VERDICT_BITS: Final = 14
MAX_SOURCES: Final = 1 << 14
"""Of `terms`, one word with doubt, verdict and source, from its lowest bit on: whoever has seen it before compares once."""

POINTER_SUFFIX: Final = "board"
"""The name of a hub, a dot and this: a link in the folder of sockets that leads to the board."""


class Common(NamedTuple):
    """What every record begins with; times by the machine's monotonic clock, which all its processes share."""

    verdict: int
    """Word of its verdict."""
    source: int
    """Number of its publisher."""
    epoch: int
    seq: int
    """Of the frame that brought it."""
    born_ns: int
    """When it was received: from here its age counts."""
    stale_ns: int
    """When it becomes too old."""
    doubt: int

    @property
    def terms(self) -> int:
        """On what terms the value may be given out, in one word."""
        return self.doubt | self.verdict << DOUBT_BITS | self.source << DOUBT_BITS + VERDICT_BITS

    @property
    def words(self) -> tuple[int, int, int, int, int]:
        """As it stands in a record."""
        return self.terms, self.epoch, self.seq, self.born_ns, self.stale_ns

    @classmethod
    def read(cls, terms: int, epoch: int, seq: int, born_ns: int, stale_ns: int) -> Common:
        """From a record."""
        verdict = terms >> DOUBT_BITS & (1 << VERDICT_BITS) - 1
        source = terms >> DOUBT_BITS + VERDICT_BITS
        return cls(verdict, source, epoch, seq, born_ns, stale_ns, terms & (1 << DOUBT_BITS) - 1)


def rounded(size_bytes: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-size_bytes // step) * step
