"""Who this process is: the fenced name, the epoch that always grows, the host."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
from pathlib import Path
from typing import Final

from protocol.errors import StartError

EXIT_NAME_TAKEN: Final = 75
_LINE_BYTES: Final = 64
_LOOKS: Final = 3
_LOOK_S: Final = 0.01

log = logging.getLogger(__name__)


class NameLock:
    """Holds an actor's name for the life of the process; a kill -9 frees it at once (flock).

    Raises:
        StartError: exit 75, another process has the name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{name}.lock"
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _take(self._fd):
            holder = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StartError(
                f"the name {name} is taken by process {holder} (lock {path}); "
                "stop it, or start this one under another --name",
                EXIT_NAME_TAKEN,
            )
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the name back."""
        os.close(self._fd)


def _take(fd: int) -> bool:
    """Lock a file, with some patience for who only looks whether it is locked."""
    for attempt in range(_LOOKS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            select.select([], [], [], _LOOK_S if attempt < _LOOKS - 1 else 0)
        else:
            return True
    return False


class EpochStore:
    """Remembers a publisher's epochs on disk: the next is larger even when the clock went back.

    The file holds `epoch last_seq is_clean`; `last_seq` is written at a clean stop only.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / f"{name}.epoch"
        self.prev_epoch, self.prev_last_seq, self.prev_is_clean = self._read()

    def _read(self) -> tuple[int, int, bool]:
        try:
            epoch, last_seq, is_clean = self._path.read_text().split()
            return int(epoch), int(last_seq), is_clean == "1"
        except (FileNotFoundError, ValueError):
            return 0, 0, False

    def begin(self, now_ns: int, above: int = 0) -> int:
        """Next epoch: unix seconds, or one more than the last (and than `above`) where the clock is behind it."""
        epoch = max(self.prev_epoch + 1, above + 1, now_ns // 1_000_000_000)
        self._write(f"{epoch} 0 0")
        return epoch

    def end(self, epoch: int, last_seq: int) -> None:
        """Note that the epoch ended in order."""
        self._write(f"{epoch} {last_seq} 1")

    def _write(self, text: str) -> None:
        """Write the file anew; where the disk has no room for a second one, over the first: it needs no new block."""
        line = text.ljust(_LINE_BYTES - 1).encode() + b"\n"
        fresh = self._path.with_suffix(".epoch.new")
        try:
            _write_synced(fresh, line, os.O_CREAT | os.O_TRUNC)
            fresh.replace(self._path)
        except OSError as fault:
            log.warning("%s: no room for a new file (%s), writing over the old one", self._path, fault)
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            try:
                _write_synced(self._path, line, 0)
            except OSError as worse:
                # a start is worth more: the journal's own epochs keep the next one larger
                log.error("%s: the epoch cannot be noted: %s", self._path, worse)


def _write_synced(path: Path, data: bytes, flags: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o600)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def host_name() -> str:
    """Name of this host."""
    return os.uname().nodename


def boot_id() -> str:
    """Changes at each boot of the host; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
