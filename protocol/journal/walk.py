"""From frame to frame through bytes of a segment: each is checked whole before the next is looked at. Pure."""

from __future__ import annotations

import enum
import struct
import zlib
from typing import Final, NamedTuple

from protocol.journal.segment import pad
from protocol.record import HEADER_BYTES, MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES, VERSION

MAX_FRAME_BYTES: Final = MAX_TOPIC_BYTES + 1 + HEADER_BYTES + MAX_PAYLOAD_BYTES
NO_LIMIT: Final = 1 << 64

_FIXED: Final = struct.Struct("<IIB7x32sQQ")
"""Frame header up to and with seq, without kind, flags and schema."""
_KIND_OFFSET: Final = 9
_PUBLISHER_OFFSET: Final = 16
_ID: Final = struct.Struct("<QQ")
_ID_OFFSET: Final = 48


class Stop(enum.Enum):
    """Why a walk ended."""

    LIMIT = "limit"
    """At the sequence number it was to stop at."""
    SHORT = "short"
    """The bytes end here, or within the next frame."""
    DAMAGED = "damaged"
    """The next bytes are not the frame that belongs here."""


class Chain(NamedTuple):
    """Whose frames belong here."""

    publisher_padded: bytes
    epoch: int


class Walk(NamedTuple):
    """Where a walk ended."""

    offset: int
    """Behind the last whole frame."""
    seq: int
    """Number that the next frame should have."""
    last_offset: int
    """Start of the last whole frame, -1 if there was none."""
    stop: Stop


def chain_of(publisher: str, epoch: int) -> Chain:
    """The chain of one publisher and epoch."""
    return Chain(pad(publisher), epoch)


def walk(data: bytes, offset: int, chain: Chain, seq: int, until_seq: int = NO_LIMIT) -> Walk:
    """Go over whole frames numbered `seq`, `seq + 1`, … of one chain, up to but without `until_seq`."""
    publisher, epoch = chain
    find, unpack, crc32 = data.find, _FIXED.unpack_from, zlib.crc32
    view, size, last = memoryview(data), len(data), -1
    sums: dict[bytes, int] = {}
    stop = Stop.LIMIT
    while seq < until_seq:
        head = find(0, offset, offset + MAX_TOPIC_BYTES + 1) + 1
        start = head + HEADER_BYTES
        if head <= 0 or start > size:
            is_cut = head > 0 or size - offset <= MAX_TOPIC_BYTES
            stop = Stop.SHORT if is_cut else Stop.DAMAGED
            break
        length, crc, version, name, its_epoch, its_seq = unpack(data, head)
        is_ours = its_seq == seq and its_epoch == epoch and name == publisher and version == VERSION
        if not is_ours or length > MAX_PAYLOAD_BYTES or head == offset + 1:
            stop = Stop.DAMAGED
            break
        end = start + length
        if end > size:
            stop = Stop.SHORT
            break
        topic = data[offset:head]
        topic_sum = sums.get(topic)
        if topic_sum is None:
            topic_sum = sums[topic] = crc32(topic)
        if crc32(view[head + 8 : end], topic_sum) != crc:
            stop = Stop.DAMAGED
            break
        last, offset, seq = offset, end, seq + 1
    return Walk(offset, seq, last, stop)


def find_next(data: bytes, offset: int, chain: Chain, above_seq: int) -> tuple[int, int] | None:
    """Offset and number of the first whole frame of the chain behind damage, None if there is none.

    The publisher's name in a header leads to it. Where its topic starts nothing says: every start that could be
    is tried, and the checksum decides.
    """
    hit = data.find(chain.publisher_padded, offset)
    while hit >= 0:
        head = hit - _PUBLISHER_OFFSET
        if head > offset and head + HEADER_BYTES <= len(data) and data[head - 1] == 0:
            epoch, seq = _ID.unpack_from(data, head + _ID_OFFSET)
            if epoch == chain.epoch and seq > above_seq:
                for start in range(head - 2, max(offset, head - 1 - MAX_TOPIC_BYTES) - 1, -1):
                    if data[start] == 0:
                        break
                    if walk(data, start, chain, seq, seq + 1).stop is Stop.LIMIT:
                        return start, seq
        hit = data.find(chain.publisher_padded, hit + 1)
    return None


def frame_id(frame: bytes) -> tuple[int, int]:
    """Epoch and seq in a frame of our own making."""
    epoch, seq = _ID.unpack_from(frame, frame.index(0) + 1 + _ID_OFFSET)
    return epoch, seq


def frame_kind(data: bytes, offset: int) -> int:
    """Record kind of the whole frame at an offset."""
    return data[data.index(0, offset) + 1 + _KIND_OFFSET]
