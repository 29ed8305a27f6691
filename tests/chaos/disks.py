"""Disks that can be full on demand: a small file system in memory under journal and database, shrunk to what it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Final

FOLDERS: Final = {"journal": "journal", "database": "db"}
"""Name of a disk to the folder of the run directory that is on it."""
_PAGE: Final = 4096
_SHARE: Final = 3
"""Each disk may take one part in so many of the free memory."""
_LEAST_BYTES: Final = 1 << 30


class Disks:
    """File systems of one run.

    Args:
        run_dir: They are mounted in it.
        names: Which ones: a database on a server has its disk elsewhere.
    """

    def __init__(self, run_dir: Path, names: Collection[str]) -> None:
        self._run_dir = run_dir
        self._folders = {name: folder for name, folder in FOLDERS.items() if name in names}
        self._sizes: dict[str, int] = {}
        self._full: set[str] = set()

    @property
    def names(self) -> list[str]:
        """Disks that can be filled."""
        return list(self._sizes)

    def mount(self) -> str:
        """Mount them; returns why that is not possible here, empty if it was."""
        size = _available_bytes() // _SHARE
        if os.geteuid() != 0:
            return "disk full needs root (a tmpfs is mounted)"
        if size < _LEAST_BYTES:
            return f"disk full needs {_LEAST_BYTES >> 30} GiB of free memory for each disk, there are {size >> 20} MiB"
        for name, folder in self._folders.items():
            path = self._run_dir / folder
            path.mkdir(mode=0o700, exist_ok=True)
            fault = _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tapehub-chaos", str(path))
            if fault:
                self.unmount()
                return f"disk full needs a tmpfs: {fault}"
            self._sizes[name] = size
        return ""

    def fill(self, name: str) -> str:
        """Leave no room on a disk; returns what went wrong."""
        self._full.add(name)
        return self._squeeze(name)

    def squeeze(self) -> None:
        """Take the room that was given back since (a ballast that was deleted, an old segment)."""
        for name in self._full:
            self._squeeze(name)

    def free(self, name: str) -> None:
        """Give the room back."""
        if name in self._full:
            self._full.discard(name)
            self._resize(name, self._sizes[name])

    def calm(self) -> None:
        """Give all of it back."""
        for name in list(self._full):
            self.free(name)

    def copy_out(self, run_dir: Path, target: Path) -> None:
        """Copy what is on them, before it goes with them."""
        for name in self._sizes:
            shutil.copytree(run_dir / FOLDERS[name], target / FOLDERS[name], dirs_exist_ok=True)

    def unmount(self) -> None:
        """Give the memory back, with everything on it."""
        for name in list(self._sizes):
            _run("umount", "-l", str(self._run_dir / FOLDERS[name]))
            del self._sizes[name]

    def _squeeze(self, name: str) -> str:
        state = os.statvfs(self._run_dir / FOLDERS[name])
        used = (state.f_blocks - state.f_bfree) * state.f_frsize
        if state.f_bfree == 0:
            return ""
        return self._resize(name, used + _PAGE)

    def _resize(self, name: str, size: int) -> str:
        path = self._run_dir / FOLDERS[name]
        return _run("mount", "-o", f"remount,size={size}", str(path))


def _run(*command: str) -> str:
    """Run a command; returns what it complained about."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return "" if done.returncode == 0 else (done.stderr.strip() or f"{command[0]}: exit {done.returncode}")


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
