"""A journal in a folder: frames to put in, a disk that fails on order, and a look at what is there."""

from __future__ import annotations

import errno
import itertools
from pathlib import Path

from protocol.journal.disk import Disk
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.writer import JournalWriter
from protocol.record import FrameWriter, RecordKind, parse_frame

NAME = "collector.binance.1"
TOPICS = ["trade.binance.BTC_USDT", "quote.binance.ETH_USDT"]


class Hands:
    """Two clocks that only move when told."""

    def __init__(self) -> None:
        self.ns = 1_700_000_000_000_000_000

    def now(self) -> int:
        return self.ns


class QuickDisk(Disk):
    """A disk that is never waited for."""

    def sync(self, fd):
        pass

    def sync_folder(self, path):
        pass


class FailingDisk(Disk):
    """A disk with `room` bytes left (None: enough), and calls that fail by name."""

    def __init__(self, room: int | None = None) -> None:
        self.room = room
        self.broken: set[str] = set()
        self.synced: list[int] = []

    def _check(self, call: str) -> None:
        if call in self.broken:
            raise OSError(errno.EIO, call)

    def create(self, path):
        self._check("create")
        return super().create(path)

    def write(self, fd, data):
        self._check("write")
        if self.room is not None:
            if self.room == 0:
                raise OSError(errno.ENOSPC, "no room")
            data = data[: self.room]
            self.room -= len(data)
        return super().write(fd, data)

    def truncate(self, fd, size):
        self._check("truncate")
        if self.room is not None:
            self.room += self.size(fd) - size
        super().truncate(fd, size)

    def sync(self, fd):
        self._check("sync")
        super().sync(fd)
        self.synced.append(self.size(fd))


def frames_of(epoch: int, sizes: list[int], writer: FrameWriter | None = None) -> list[bytes]:
    """Frames 1, 2, 3… of an epoch, with payloads of these sizes."""
    writer = writer or FrameWriter(NAME, epoch)
    topics = itertools.cycle(TOPICS)
    return [
        writer.build(next(topics), 257, bytes([number % 251]) * size, 1_000 + number)
        for number, size in enumerate(sizes)
    ]


def clean_stop(writer: FrameWriter) -> bytes:
    return writer.build("mark.x", 1, b"\x90", 1, RecordKind.CLEAN_STOP)


def writer_in(folder: Path, epoch: int, disk: Disk | None = None, **settings) -> JournalWriter:
    hands = settings.pop("hands", Hands())
    return JournalWriter(folder, NAME, epoch, hands.now, hands.now, disk, **settings)


def write(folder: Path, epoch: int, frames: list[bytes], batch: int = 7, **settings) -> None:
    """A whole life of a writer; it ends as kill -9 does, with nothing sealed."""
    writer = writer_in(folder, epoch, **settings)
    for start in range(0, len(frames), batch):
        writer.append(frames[start : start + batch])
    writer._disk.close(writer._fd)


def read_all(folder: Path, epoch: int, max_bytes: int = 3_000, disk: Disk | None = None):
    """All frames that a reader gets of an epoch, and the ranges it was told are lost."""
    reader = JournalReader(folder, NAME, disk)
    found, lost, seq = [], [], 1
    while True:
        chunk = reader.read(epoch, seq, max_bytes)
        if chunk.outcome in (Outcome.END, Outcome.UNKNOWN):
            return found, lost
        assert chunk.first == seq
        assert chunk.last >= chunk.first
        if chunk.outcome is Outcome.DATA:
            frames = split(chunk.frames)
            assert [parse_frame(data).seq for data in frames] == [*range(chunk.first, chunk.last + 1)]
            found += frames
        else:
            lost.append((str(chunk.outcome), chunk.first, chunk.last))
        seq = chunk.last + 1


def split(data: bytes) -> list[bytes]:
    """Frames that stand back to back, by the rule of docs/protocol.md: topic, 80 bytes, payload."""
    found, start = [], 0
    while start < len(data):
        head = data.index(0, start) + 1
        end = head + 80 + int.from_bytes(data[head : head + 4], "little")
        found.append(data[start:end])
        start = end
    return found
