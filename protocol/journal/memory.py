"""What a publisher remembered last, and what it published after that: read from its own journal at the start.

A SNAP record (`messages.Snap`) holds a memory; a long one lies in several records, one after the other. Only the
newest whole one counts. Read before the new epoch begins, or after: records of the epoch named `before` are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from protocol.codec import decode_events
from protocol.errors import FrameError
from protocol.journal.disk import Disk
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.segment import SegmentName, segments_of
from protocol.messages import Snap
from protocol.record import HEADER_BYTES, MAX_TOPIC_BYTES, Frame, RecordKind, parse_frame

MAX_BYTES: Final = 512 * 1024 * 1024
"""How far back a memory is looked for."""
_READ_BYTES: Final = 4 * 1024 * 1024
_KIND_OFFSET: Final = 9


class Memory(NamedTuple):
    """The newest whole memory of one name."""

    data: bytes
    after: list[Frame]
    """Records published behind it, oldest first."""


def newest_memory(
    folder: Path, publisher: str, name: str, before: int, max_bytes: int = MAX_BYTES
) -> Memory | None:
    """The newest memory of a publisher; None if there is none within reach.

    Args:
        folder: Folder of its journal.
        publisher: Whose.
        name: Of the memory.
        before: Epochs from this one on are left out.
        max_bytes: How much of the journal is looked through.

    Raises:
        protocol.journal.segment.JournalVersion: a newer program wrote it.
        OSError: the disk cannot be read.
    """
    reader = JournalReader(folder, publisher)
    segments = [one for one in segments_of(Disk().names(folder)) if one.epoch < before]
    later: list[bytes] = []
    read_bytes = 0
    for number in range(len(segments) - 1, -1, -1):
        segment = segments[number]
        following = segments[number + 1] if number + 1 < len(segments) else None
        frames = _frames_of(reader, segment, following)
        read_bytes += sum(map(len, frames))
        later = frames + later
        found = _newest(later, name)
        if found is not None:
            return found
        if read_bytes > max_bytes:
            break
    return None


def _frames_of(reader: JournalReader, segment: SegmentName, following: SegmentName | None) -> list[bytes]:
    """Every readable frame of one segment."""
    found: list[bytes] = []
    seq = segment.first_seq
    end = following.first_seq if following and following.epoch == segment.epoch else 0
    while not end or seq < end:
        chunk = reader.read(segment.epoch, seq, _READ_BYTES)
        if chunk.outcome is Outcome.DATA:
            found += _split(chunk.frames)
        elif chunk.outcome is not Outcome.CORRUPT:
            break
        seq = chunk.last + 1
    if end and seq > end:  # read on into the next segment: that one is there already
        del found[len(found) - (seq - end) :]
    return found


def _split(blob: bytes) -> list[bytes]:
    """Frames that lie back to back; the reader has checked them."""
    found = []
    offset, size = 0, len(blob)
    while offset < size:
        head = blob.index(0, offset, offset + MAX_TOPIC_BYTES + 1) + 1
        end = head + HEADER_BYTES + int.from_bytes(blob[head : head + 4], "little")
        found.append(blob[offset:end])
        offset = end
    return found


def _newest(frames: list[bytes], name: str) -> Memory | None:
    """The last run of SNAP records that is whole."""
    parts: list[bytes] = []
    end = len(frames)
    for at in range(len(frames) - 1, -1, -1):
        data = frames[at]
        if data[data.index(0) + 1 + _KIND_OFFSET] != RecordKind.SNAP:
            continue
        try:
            snap = decode_events(parse_frame(data))[0]
        except (FrameError, IndexError):
            continue
        if not isinstance(snap, Snap) or snap.name != name:
            continue
        if snap.part == snap.parts - 1:
            parts, end = [], at + 1
        elif not parts:
            continue  # its later parts were not written
        parts.append(snap.data)
        if snap.part == 0:
            if len(parts) != snap.parts:
                parts = []
                continue
            return Memory(b"".join(reversed(parts)), [parse_frame(data) for data in frames[end:]])
    return None
