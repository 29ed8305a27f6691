"""What a publisher remembered last, and what it published after that: read from its own journal at the start.

A SNAP record (`messages.Snap`) holds a memory; a long one lies in several records, one after the other. Only the
newest whole one counts. Read before the new epoch begins, or after: records of the epoch named `before` are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from protocol.codec import decode_events
from protocol.errors import FrameError
from protocol.journal.disk import Disk
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.sealed import all_segments
from protocol.journal.segment import SegmentName
from protocol.messages import Snap
from protocol.record import HEADER_BYTES, Frame, RecordKind, parse_frame, parse_frames
from protocol.topics import END, mark_topic

MAX_BYTES: Final = 512 * 1024 * 1024
"""How far back a memory is looked for."""
_READ_BYTES: Final = 4 * 1024 * 1024
_KIND_OFFSET: Final = 9


class Memory(NamedTuple):
    """The newest whole memory of one name."""

    data: bytes
    after: list[Frame]
    """Records published behind it, oldest first."""
    name: str = ""
    """What it is called."""


def newest_memory(
    folder: Path, publisher: str, name: str, before: int, max_bytes: int = MAX_BYTES
) -> Memory | None:
    """The newest memory of one name of a publisher; see `find_memory`."""
    return find_memory(folder, publisher, name.__eq__, before, max_bytes)


def find_memory(
    folder: Path, publisher: str, is_wanted: Callable[[str], bool], before: int, max_bytes: int = MAX_BYTES
) -> Memory | None:
    """The newest memory of a publisher with a name that is wanted; None if there is none within reach.

    Args:
        folder: Folder of its journal.
        publisher: Whose.
        is_wanted: Whether a memory of that name is looked for.
        before: Epochs from this one on are left out.
        max_bytes: How much of the journal is looked through.

    Raises:
        protocol.journal.segment.JournalVersion: a newer program wrote it.
        OSError: the disk cannot be read.
    """
    reader = JournalReader(folder, publisher)
    segments = [one for one in all_segments(Disk().names(folder)) if one.epoch < before]
    later: list[bytes] = []
    read_bytes = 0
    for number in range(len(segments) - 1, -1, -1):
        segment = segments[number]
        following = segments[number + 1] if number + 1 < len(segments) else None
        chunks = _chunks_of(reader, segment, following)
        read_bytes += sum(map(len, chunks))
        later = chunks + later
        found = _newest(later, publisher, is_wanted)
        if found is not None:
            return found
        if read_bytes > max_bytes:
            break
    return None


def _chunks_of(reader: JournalReader, segment: SegmentName, following: SegmentName | None) -> list[bytes]:
    """Every readable frame of one segment, many in a piece."""
    found: list[bytes] = []
    seq = segment.first_seq
    end = following.first_seq if following and following.epoch == segment.epoch else 0
    while not end or seq < end:
        chunk = reader.read(segment.epoch, seq, _READ_BYTES)
        if chunk.outcome is Outcome.DATA:
            found.append(chunk.frames)
        elif chunk.outcome is not Outcome.CORRUPT:
            break
        seq = chunk.last + 1
    return found


def _newest(chunks: list[bytes], publisher: str, is_wanted: Callable[[str], bool]) -> Memory | None:
    """The last run of SNAP records that is whole. The topic leads to them, the checksum proves them."""
    topic = mark_topic(publisher).encode() + END
    parts: list[bytes] = []
    name = ""
    end = (0, 0)
    for number in range(len(chunks) - 1, -1, -1):
        chunk = chunks[number]
        at = len(chunk)
        while (at := chunk.rfind(topic, 0, at)) >= 0:
            snap = _snap_at(chunk, at, len(topic))
            if snap is None or not is_wanted(snap[0].name):
                continue
            part, size = snap
            if part.part == part.parts - 1:
                parts, end = [], (number, at + size)
                name = part.name
            elif not parts or part.name != name:
                continue  # its later parts were not written
            parts.append(part.data)
            if part.part == 0:
                if len(parts) == part.parts:
                    rest = [chunks[end[0]][end[1] :], *chunks[end[0] + 1 :]]
                    after = [frame for blob in rest for frame in parse_frames(blob)]
                    return Memory(b"".join(reversed(parts)), after, name)
                parts = []
    return None


def _snap_at(chunk: bytes, at: int, topic_bytes: int) -> tuple[Snap, int] | None:
    """The SNAP record that begins there and its size, if one does."""
    head = at + topic_bytes
    if len(chunk) < head + HEADER_BYTES or chunk[head + _KIND_OFFSET] != RecordKind.SNAP:
        return None
    size = topic_bytes + HEADER_BYTES + int.from_bytes(chunk[head : head + 4], "little")
    try:
        events = decode_events(parse_frame(chunk[at : at + size]))
    except FrameError:
        return None
    return (events[0], size) if events and isinstance(events[0], Snap) else None
