"""The writing end of a journal: one publisher, one epoch, frames in order, each in the file before it is sent.

A frame that was written whole is never taken back, so a reader may hand it out as soon as it is whole. What
survives: the end of this process, all that `append` returned for; a power cut, all up to `durable_seq`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from protocol.crash import crash_point
from protocol.journal.disk import Disk, write_whole
from protocol.journal.index import MARK_EVERY, Mark, pack_index
from protocol.journal.segment import SEGMENT_HEADER_BYTES, JournalFull, SegmentName, pack_header
from protocol.journal.walk import frame_id

SEGMENT_BYTES: Final = 64 * 1024 * 1024
SEGMENT_AGE_NS: Final = 600 * 1_000_000_000
_RETRY_BYTES: Final = 1024 * 1024
_RETRY_NS: Final = 1_000_000_000


class JournalWriter:
    """Appends the frames of one epoch to segments and seals them.

    One thread appends and closes; any one thread calls `sync`. Two writers of one name are kept apart by the
    caller's lock. Every file call may raise OSError at construction; later `append` raises JournalFull.
    """

    def __init__(
        self,
        folder: Path,
        publisher: str,
        epoch: int,
        now_ns: Callable[[], int],
        mono_ns: Callable[[], int],
        disk: Disk | None = None,
        max_bytes: int = SEGMENT_BYTES,
        max_age_ns: int = SEGMENT_AGE_NS,
    ) -> None:
        self.folder = folder
        self.epoch = epoch
        self.seq = 0
        """Last number in the journal."""
        self.durable_seq = 0
        """Last number that a power cut does not take."""
        self.sync_fault: OSError | None = None
        """Why `durable_seq` stands still for the rest of this epoch: a failed sync may drop what it did not write."""
        self._publisher = publisher
        self._now_ns = now_ns
        self._mono_ns = mono_ns
        self._disk = disk or Disk()
        self._max_bytes = max_bytes
        self._max_age_ns = max_age_ns
        self._swap = threading.Lock()
        self._is_torn = False
        self._is_closed = False
        self._disk.make_folder(folder)
        self._open(SegmentName(epoch, 1))

    @property
    def segment(self) -> SegmentName:
        """The segment that frames go to now."""
        return self._name

    def append(self, frames: Sequence[bytes]) -> None:
        """Write frames with one call, before they are sent; the first one carries `seq + 1`.

        Raises:
            JournalFull: the disk took only the first `stored` of them.
            ValueError: they are not the next frames of this epoch: a fault of ours.
        """
        if frame_id(frames[0]) != (self.epoch, self.seq + 1):
            raise ValueError(f"frame {frame_id(frames[0])} is not {self.epoch}/{self.seq + 1}")
        data = b"".join(frames)
        if self._size + len(data) > self._rotate_bytes or self._mono_ns() >= self._rotate_ns:
            self._rotate()
        if self._is_torn:
            self._cut(stored=0)
        try:
            written = self._disk.write(self._fd, data)
            while written < len(data):  # the next call says why
                more = self._disk.write(self._fd, memoryview(data)[written:])
                if more == 0:
                    raise OSError(f"{self._name.file}: nothing was written")
                written += more
        except OSError as fault:
            stored = self._keep_whole(frames, self._disk.size(self._fd) - self._size)
            self._cut(stored)
            raise JournalFull(stored, fault) from fault
        self._note(len(frames), len(data))

    def skip_to(self, seq: int) -> None:
        """Go on at a later number, in a segment of its own: what is between is lost, and a reader is told so.

        Raises:
            JournalFull: there is no room for a segment; nothing has changed.
        """
        if seq == self.seq + 1:
            return
        if self._is_torn:
            self._cut(stored=0)
        old, old_fd = (self._name, self._marks, self._size), self._fd
        self._sync(old_fd)
        try:
            self._open(SegmentName(self.epoch, seq))
        except OSError as fault:
            raise JournalFull(0, fault) from fault
        self._note_durable(self.seq)
        self._disk.close(old_fd)
        if old[2] == SEGMENT_HEADER_BYTES and old[0].first_seq > 1:
            # from an earlier hole that grew: a disk at its limit must not fill with empty files
            with contextlib.suppress(OSError):
                self._disk.remove(self.folder / old[0].file)
        else:
            self._seal(*old)
        self.seq = seq - 1

    def sync(self) -> int:
        """Have everything appended so far on the medium; returns `durable_seq`. Waits for the disk: use a thread.

        Raises:
            OSError: the disk failed; `durable_seq` stays where it is, for good.
        """
        with self._swap:
            if self._is_closed:
                return self.durable_seq
            seq = self.seq  # before the descriptor: what an older segment holds, rotation has synced
            fd = self._disk.duplicate(self._fd)
        try:
            self._sync(fd)
        finally:
            self._disk.close(fd)
        if self.sync_fault:
            raise self.sync_fault
        self._note_durable(seq)
        return self.durable_seq

    def close(self) -> None:
        """Sync and seal. Append the CLEAN_STOP record before."""
        self._sync(self._fd)
        self._note_durable(self.seq)
        self._seal(self._name, self._marks, self._size)
        with self._swap:
            self._is_closed = True
            self._disk.close(self._fd)

    def _open(self, name: SegmentName) -> None:
        """Make a segment, on the medium with its name, and write to it from now on."""
        disk, path = self._disk, self.folder / name.file
        fd = disk.create(path)
        try:
            header = pack_header(name, self._publisher, self._now_ns())
            if disk.write(fd, header) < len(header):
                raise OSError(f"{name.file}: no room for the header")
            disk.sync(fd)
            disk.sync_folder(self.folder)
        except OSError:
            disk.close(fd)
            disk.remove(path)
            raise
        with self._swap:
            self._fd = fd
        self._name = name
        self._size = SEGMENT_HEADER_BYTES
        self._marks: list[Mark] = []
        self._next_mark = 0
        self._rotate_bytes = self._max_bytes
        self._rotate_ns = self._mono_ns() + self._max_age_ns

    def _rotate(self) -> None:
        """Begin the next segment; if that cannot be, stay with this one and try again later."""
        if self._size == SEGMENT_HEADER_BYTES or self._is_torn:
            return
        old, old_fd = (self._name, self._marks, self._size), self._fd
        crash_point("journal.seal.before")
        # the old one first: after a power cut no segment but the last may miss frames
        self._sync(old_fd)
        try:
            self._open(SegmentName(self.epoch, self.seq + 1))
        except OSError:
            self._rotate_bytes = self._size + _RETRY_BYTES
            self._rotate_ns = self._mono_ns() + _RETRY_NS
            return
        self._note_durable(self.seq)
        self._disk.close(old_fd)
        self._seal(*old)
        crash_point("journal.seal.after")

    def _seal(self, name: SegmentName, marks: list[Mark], size: int) -> None:
        """Write the index of a segment that gets no more frames."""
        try:
            write_whole(self._disk, self.folder / name.index_file, pack_index(marks, (self.seq + 1, size)))
        except OSError:
            return  # it only saves a reader a walk

    def _sync(self, fd: int) -> None:
        try:
            self._disk.sync(fd)
        except OSError as fault:
            self.sync_fault = self.sync_fault or fault

    def _note_durable(self, seq: int) -> None:
        """Say that a sync has passed a number, unless one has failed; two threads may say so."""
        with self._swap:
            if not self.sync_fault:
                self.durable_seq = max(self.durable_seq, seq)

    def _note(self, count: int, size: int) -> None:
        """Count frames that were written."""
        if self.seq >= self._next_mark:
            self._marks.append((self.seq + 1, self._size))
            self._next_mark = self.seq + MARK_EVERY
        self.seq += count
        self._size += size

    def _keep_whole(self, frames: Sequence[bytes], written: int) -> int:
        """Count the frames that went in whole: a reader may have seen them."""
        stored = size = 0
        for frame in frames:
            if size + len(frame) > written:
                break
            stored, size = stored + 1, size + len(frame)
        if stored:
            self._note(stored, size)
        return stored

    def _cut(self, stored: int) -> None:
        """Take half a frame back; until that works nothing may follow it."""
        try:
            self._disk.truncate(self._fd, self._size)
        except OSError as fault:
            self._is_torn = True
            raise JournalFull(stored, fault) from fault
        self._is_torn = False
