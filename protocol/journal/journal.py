"""What a publisher keeps its frames in before it sends them; a full disk slows nobody down and changes no order.

    ok         every frame is in the file before `write` returns it
    degraded   the disk is full, the ballast is gone: frames are sent with FLAG_NOT_JOURNALLED and wait in memory,
               all of them, oldest first, until there is room again; if they become too many the oldest are lost

What waits is stored as it would have been, without the flag (docs/decisions/0011). While it waits, the end of the
process loses it for whoever did not get it live.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from protocol.crash import crash_point
from protocol.journal.ballast import Ballast
from protocol.journal.disk import Disk, is_full
from protocol.journal.ring import Ring
from protocol.journal.segment import JournalFull
from protocol.journal.walk import frame_id
from protocol.journal.writer import SEGMENT_AGE_NS, SEGMENT_BYTES, JournalWriter
from protocol.record import FLAG_NOT_JOURNALLED, with_flag

RING_BYTES: Final = 32 * 1024 * 1024
BALLAST_BYTES: Final = 64 * 1024 * 1024
OK: Final = "ok"
DEGRADED: Final = "degraded"
_RETRY_NS: Final = 500_000_000
_DRAIN_BYTES: Final = 1024 * 1024


class Journal:
    """The journal of one publisher and epoch: one thread writes, retries and closes, any one thread syncs.

    The caller holds the publisher's lock and has recovered the folder (recovery.py). A disk that is full at start
    is no reason not to start.

    Raises:
        OSError: the folder cannot be written, for another reason than room; the text says what to do.
    """

    def __init__(  # noqa: PLR0913 - sizes and clocks, by name
        self,
        folder: Path,
        publisher: str,
        epoch: int,
        now_ns: Callable[[], int],
        mono_ns: Callable[[], int],
        disk: Disk | None = None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        segment_age_ns: int = SEGMENT_AGE_NS,
        ring_bytes: int = RING_BYTES,
        ballast_bytes: int = BALLAST_BYTES,
    ) -> None:
        self.folder = folder
        self.epoch = epoch
        self.fault: OSError | None = None
        """Why the journal is degraded; None while it is not."""
        self._disk = disk or Disk()
        self._mono_ns = mono_ns
        self._ring = Ring(ring_bytes)
        self._ballast = Ballast(self._disk, folder, ballast_bytes)
        self._next_try_ns = 0
        self._is_closed = False
        self._is_direct = False
        """The disk took everything so far: `write` need not look further."""
        self._writer: JournalWriter | None = None

        def begin() -> JournalWriter:
            return JournalWriter(
                folder, publisher, epoch, now_ns, mono_ns, self._disk, segment_bytes, segment_age_ns
            )

        self._begin = begin
        try:
            self._start()
        except JournalFull as full:
            self._degrade(full)

    @property
    def state(self) -> str:
        """`ok` or `degraded`."""
        return DEGRADED if self.fault else OK

    @property
    def seq(self) -> int:
        """Last number in the journal; what waits in memory is behind it."""
        return self._writer.seq if self._writer else 0

    @property
    def durable_seq(self) -> int:
        """Last number that a power cut does not take; what was lost before it stays lost."""
        return self._writer.durable_seq if self._writer else 0

    @property
    def sync_fault(self) -> OSError | None:
        """Why `durable_seq` stands still for the rest of this epoch."""
        return self._writer.sync_fault if self._writer else None

    @property
    def pending_frames(self) -> int:
        """Frames that were sent and wait in memory to be stored."""
        return len(self._ring)

    @property
    def lost_frames(self) -> int:
        """Frames of this epoch that were sent and will never be stored."""
        return self._ring.lost_frames

    @property
    def has_ballast(self) -> bool:
        """Whether there is room put by for a full disk; without it the next full disk degrades at once."""
        return self._ballast.is_there

    @property
    def free_bytes(self) -> int:
        """Room left on the disk, 0 if it cannot be told."""
        try:
            return self._disk.free_bytes(self.folder)
        except OSError:
            return 0

    def write(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Journal the next frames of the epoch, at least one; returns what to send, in the same order.

        That is `frames` itself, or copies with FLAG_NOT_JOURNALLED for those that are not stored yet.

        Raises:
            ValueError: they are not the next frames, or the journal is closed: a fault of ours.
        """
        crash_point("journal.write.before")
        if not self._is_direct:
            return self._write_late(frames)
        try:
            self._append(frames)
        except JournalFull as full:
            return self._write_rest(frames, full)
        crash_point("journal.write.after")
        return frames

    def retry(self) -> None:
        """Store what waits, if there is room now, and put ballast by again; call it each half second or so.

        Storing a full ring of 32 MiB takes some tens of milliseconds, in one go: new frames may not pass it.
        """
        if self._is_closed:
            return
        if not self._is_direct:
            try:
                self._drain()
            except JournalFull as full:
                self._degrade(full)
                return
            self._is_direct, self.fault = True, None
        self._ballast.settle()

    def take_losses(self) -> list[tuple[int, int]]:
        """Ranges `(first_seq, last_seq)` that became lost since the last call: each number is told once."""
        return self._ring.take_losses()

    def sync(self) -> int:
        """Have everything stored so far on the medium; returns `durable_seq`. Waits for the disk: use a thread.

        Raises:
            OSError: the disk failed; `durable_seq` stays where it is, for good.
        """
        return self._writer.sync() if self._writer else 0

    def close(self, frames: Sequence[bytes] = ()) -> Sequence[bytes]:
        """Store what waits and these last frames (CLEAN_STOP), sync and seal; returns what to send, as `write`.

        What the disk does not take now is not stored, and the journal does not end with a CLEAN_STOP.
        """
        if not self._is_direct:
            self.retry()
        sent = self.write(frames) if frames else frames
        if self._writer and not self._is_closed:
            self._writer.close()
        self._is_direct, self._is_closed = False, True
        return sent

    def _start(self) -> None:
        """Make the first segment, with the ballast's room if need be.

        Raises:
            JournalFull: there is no room.
            OSError: it will not be better later.
        """
        try:
            self._open()
        except JournalFull as full:
            if not is_full(full.reason):
                raise _cannot_start(self.folder, full.reason) from full.reason
            if not self._ballast.release():
                raise
            self._open()
        self._is_direct = True
        self._ballast.settle()

    def _open(self) -> JournalWriter:
        """Make the writer with its first segment."""
        try:
            self._writer = writer = self._begin()
        except OSError as fault:
            raise JournalFull(0, fault) from fault
        self._append = writer.append
        return writer

    def _degrade(self, full: JournalFull) -> None:
        """Wait for room."""
        self._is_direct = False
        self.fault = full.reason
        self._next_try_ns = self._mono_ns() + _RETRY_NS

    def _write_rest(self, frames: Sequence[bytes], full: JournalFull) -> Sequence[bytes]:
        """The disk took only the first of a batch: make room, or let the rest wait."""
        stored = full.stored
        if is_full(full.reason) and self._ballast.release():
            try:
                self._append(frames[stored:])
            except JournalFull as again:
                stored, full = stored + again.stored, again
            else:
                return frames
        self._degrade(full)
        self._ring.next_seq = self.seq + 1
        return [*frames[:stored], *self._park(frames[stored:])]

    def _write_late(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        """Some frames wait: these go behind them."""
        if self._is_closed:
            raise ValueError(f"the journal in {self.folder} is closed")
        if frame_id(frames[0]) != (self.epoch, self._ring.next_seq):
            raise ValueError(f"frame {frame_id(frames[0])} is not {self.epoch}/{self._ring.next_seq}")
        if self._mono_ns() >= self._next_try_ns:
            self.retry()
            if self._is_direct:
                return self.write(frames)
        return self._park(frames)

    def _park(self, frames: Sequence[bytes]) -> list[bytes]:
        """Have frames wait; returns the copies to send."""
        self._ring.push(frames)
        return [with_flag(frame, FLAG_NOT_JOURNALLED) for frame in frames]

    def _drain(self) -> None:
        """Store all that waits, behind what was lost.

        Raises:
            JournalFull: there is still no room; what is stored waits no longer.
        """
        ring = self._ring
        writer = self._writer or self._open()
        writer.skip_to(ring.first_seq)
        while frames := ring.oldest(_DRAIN_BYTES):
            crash_point("journal.write.before")
            try:
                writer.append(frames)
            except JournalFull as full:
                ring.pop(full.stored)
                raise
            ring.pop(len(frames))


def _cannot_start(folder: Path, fault: OSError) -> OSError:
    """The same fault with a text that says what to do."""
    advice = {
        errno.EACCES: "give this user the right to write there, or set another run_dir",
        errno.EPERM: "give this user the right to write there, or set another run_dir",
        errno.EROFS: "the disk is mounted read-only: mount it for writing, or set run_dir to another disk",
        errno.ENOTDIR: "a part of that path is a file: move it away, or set another run_dir",
        errno.EEXIST: "something of that name is there: move it away",
    }.get(fault.errno or 0, "see that the disk is whole and mounted, or set run_dir to another disk")
    where = fault.filename or folder
    return OSError(
        fault.errno, f"the journal in {folder} cannot be written ({where}: {fault.strerror}); {advice}"
    )
