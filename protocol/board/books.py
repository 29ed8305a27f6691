"""An order book on a board: encoded so that the best levels of each side are a cut, not an encoding. Pure."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from protocol.messages import Book

_HEAD: Final = struct.Struct("@4q")
"""Bytes up to the bids, number of bids, number of asks, whether these are all levels of the book."""
_LEVEL_BYTES: Final = 19
"""An encoded level: an array of two floats."""
_FIELDS: Final = 10
_encode: Final = msgspec.msgpack.Encoder().encode


def pack_book(book: Book, is_whole: bool) -> bytes:
    """A snapshot of a book; `is_whole`: it has all levels.

    Raises:
        ValueError: a level is not made of two floats.
    """
    before = (
        book.symbol, book.venue, book.ts_event_ns, book.ts_recv_ns, book.is_snapshot, book.first_update_id,
        book.last_update_id,
    )  # fmt: skip
    head = bytes((0x90 | _FIELDS,)) + _encode(before)[1:]
    bids, asks = (b"".join(map(_encode, side)) for side in (book.bids, book.asks))
    if len(bids) != len(book.bids) * _LEVEL_BYTES or len(asks) != len(book.asks) * _LEVEL_BYTES:
        raise ValueError(f"a level of the book of {book.symbol} is not made of two floats")
    lengths = _HEAD.pack(len(head), len(book.bids), len(book.asks), is_whole)
    return b"".join((lengths, head, bids, asks, _encode(book.prev_update_id)))


def cut_book(packed: bytes, depth: int) -> bytes:
    """The encoded message `Book` with at most `depth` levels a side (0: all); empty if not so many are there.

    Raises:
        ValueError: it is no packed book.
    """
    try:
        head_bytes, bids, asks, is_whole = _HEAD.unpack_from(packed)
    except struct.error as fault:
        raise ValueError(f"not a packed book: {fault}") from fault
    if not is_whole and (not depth or depth > min(bids, asks)):
        return b""
    wanted_bids, wanted_asks = (min(depth, bids), min(depth, asks)) if depth else (bids, asks)
    at_bids = _HEAD.size + head_bytes
    at_asks = at_bids + bids * _LEVEL_BYTES
    at_rest = at_asks + asks * _LEVEL_BYTES
    return b"".join(
        (
            packed[_HEAD.size : at_bids],
            _array_header(wanted_bids),
            packed[at_bids : at_bids + wanted_bids * _LEVEL_BYTES],
            _array_header(wanted_asks),
            packed[at_asks : at_asks + wanted_asks * _LEVEL_BYTES],
            packed[at_rest:],
        )
    )


def _array_header(count: int) -> bytes:
    return b"\xdd" + count.to_bytes(4, "big")
