"""How far each durable consumer has stored what a publisher wrote: one small file per consumer beside the segments.

    <run_dir>/journal/<publisher>/acks/<consumer>       "<epoch> <seq>", text

Retention keeps what somebody who has acknowledged once has not acknowledged yet. A file that cannot be read
counts as position 0, 0: it keeps everything, and the consumer's next acknowledgement mends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from protocol.crash import crash_point
from protocol.journal.disk import Disk, write_whole
from protocol.replay import Position
from protocol.topics import is_publisher

ACKS: Final = "acks"
_DRAFT: Final = ".new"
_MOST_BYTES: Final = 64


def is_consumer(text: str) -> bool:
    """Whether the text may name a durable consumer: as a publisher, and not like a file that is being written."""
    return is_publisher(text) and not text.endswith(_DRAFT)


def read_acks(folder: Path, disk: Disk) -> dict[str, Position]:
    """Acknowledged position of every consumer of the journal in `folder`.

    Raises:
        OSError: the disk cannot be read.
    """
    names = [name for name in disk.names(folder / ACKS) if is_consumer(name)]
    return {name: _read(folder / ACKS / name, disk) for name in names}


def write_acks(folder: Path, acks: Mapping[str, Position], disk: Disk) -> dict[str, Position]:
    """Put positions on the medium; an older one never replaces a newer. Returns what stands there now.

    Raises:
        ValueError: a name is none; nothing was written.
        OSError: the disk cannot be written.
    """
    for consumer in acks:
        if not is_consumer(consumer):
            raise ValueError(f"{consumer!r} is not a consumer's name: use 1 to 32 of a-z 0-9 . _ -")
    disk.make_folder(folder / ACKS)
    standing: dict[str, Position] = {}
    for consumer, position in acks.items():
        path = folder / ACKS / consumer
        before = _read(path, disk)
        standing[consumer] = max(before, position)
        if position > before:
            crash_point("ack.before")
            write_whole(disk, path, f"{position.epoch} {position.seq}\n".encode())
            crash_point("ack.after")
    return standing


def _read(path: Path, disk: Disk) -> Position:
    try:
        fd = disk.open_to_read(path)
    except FileNotFoundError:
        return Position(0, 0)
    try:
        text = disk.read(fd, _MOST_BYTES, 0)
    finally:
        disk.close(fd)
    parts = text.split()
    is_whole = text.endswith(b"\n") and len(parts) == 2 and all(part.isdigit() for part in parts)
    return Position(int(parts[0]), int(parts[1])) if is_whole else Position(0, 0)
