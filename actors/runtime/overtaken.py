"""Which frames of a batch a newer one of the same topic has overtaken. Pure.

A quote says all there is to say of its topic until the next one comes. So who is behind may count off those that a newer
one waits behind, and be current sooner. What cannot be told from the header to be such a frame is left alone: another
kind of record, one that repeats or repairs, one of another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from protocol.record import FLAG_NOT_JOURNALLED, HEADER_BYTES, MAX_TOPIC_BYTES, Frame, RecordKind

_DATA: Final = int(RecordKind.DATA)
_SPECIAL: Final = 0xFFFF ^ FLAG_NOT_JOURNALLED
_PLAIN: Final = frozenset(bytes((_DATA, flags, 0)) for flags in (0, FLAG_NOT_JOURNALLED))
"""Kind and flags of a frame that may be overtaken, as they stand in the header (protocol/record.py)."""
_KIND, _SCHEMA, _PUBLISHER, _SEQ = 9, 12, 16, 56


def overtaken_ends(batch: Sequence[bytes], heads: tuple[bytes, ...]) -> list[int]:
    """For each frame of one socket, oldest first, where its topic ends (behind the zero byte) if a newer one of the batch has
    overtaken it; else 0.

    Args:
        batch: Frames as they came.
        heads: How the topics begin of which only the newest counts.
    """
    newest: dict[bytes, bytes] = {}
    ends = [0] * len(batch)
    for place in range(len(batch) - 1, -1, -1):
        data = batch[place]
        if not data.startswith(heads):
            continue
        end = data.find(0, 0, MAX_TOPIC_BYTES + 1) + 1
        if not end or len(data) <= end + HEADER_BYTES or data[end + _KIND : end + _SCHEMA] not in _PLAIN:
            continue
        head = data[:end]
        newer = newest.get(head)
        source = slice(end + _PUBLISHER, end + _SEQ)  # publisher and epoch
        if newer is None or newer[source] != data[source]:
            newest[head] = data
        elif newer != data:
            ends[place] = end
    return ends


def overtaken(frames: Iterable[Frame], topics: tuple[str, ...]) -> set[tuple[int, int]]:
    """(epoch, seq) of each of these frames of one publisher that a newer one of its topic and epoch is behind."""
    newest: dict[str, Frame] = {}
    found: set[tuple[int, int]] = set()
    for frame in frames:
        if frame.kind != _DATA or frame.flags & _SPECIAL or not frame.topic.startswith(topics):
            continue
        older = newest.get(frame.topic)
        if older is not None and older.epoch == frame.epoch and older.seq < frame.seq:
            found.add((older.epoch, older.seq))
        newest[frame.topic] = frame
    return found


def events_in(payload: bytes) -> int:
    """Events of an encoded array, from its first bytes; 0 where they say nothing of the kind."""
    first = payload[0] if payload else 0
    if first & 0xF0 == 0x90:
        return first & 0x0F
    return int.from_bytes(payload[1:3], "big") if first == 0xDC else 0
