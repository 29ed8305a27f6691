"""Which frames of a batch a newer one of the same topic has overtaken. Pure.

A quote says all there is to say of its topic until the next one comes. So who is behind may count off those that a newer
one waits behind, and be current sooner. What cannot be told from the header to be such a frame is left alone: another
kind of record, one that repeats or repairs, one of another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from protocol.record import FLAG_NOT_JOURNALLED, HEADER_BYTES, MAX_TOPIC_BYTES, Frame, RecordKind
from protocol.replay import Position

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


def note_newest(
    frames: Iterable[Frame], topics: tuple[str, ...], known_to: Position, newest: dict[str, Position]
) -> None:
    """Note where the newest plain record of each topic is among frames of one publisher.

    Args:
        frames: Newest first.
        topics: How the topics begin of which only the newest counts.
        known_to: Up to here they have been looked at.
        newest: Topic to place, of those looked at before; what is newer is put in.
    """
    known_epoch, known_seq = known_to
    fresh: dict[str, Position] = {}
    for frame in frames:
        epoch = frame.epoch
        if epoch <= known_epoch and (epoch < known_epoch or frame.seq <= known_seq):
            break
        topic = frame.topic
        if topic not in fresh and topic.startswith(topics) and _is_plain(frame):
            fresh[topic] = Position(epoch, frame.seq)
    newest.update(fresh)


def is_overtaken(frame: Frame, newest: Mapping[str, Position]) -> bool:
    """Whether a frame is a plain record behind which, by what was noted, a newer one of its topic and epoch waits."""
    place = newest.get(frame.topic)
    return place is not None and frame.seq < place[1] and frame.epoch == place[0] and _is_plain(frame)


def _is_plain(frame: Frame) -> bool:
    return frame.kind == _DATA and not frame.flags & _SPECIAL


def events_in(payload: bytes) -> int:
    """Events of an encoded array, from its first bytes; 0 where they say nothing of the kind."""
    first = payload[0] if payload else 0
    if first & 0xF0 == 0x90:
        return first & 0x0F
    return int.from_bytes(payload[1:3], "big") if first == 0xDC else 0
