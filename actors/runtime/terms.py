"""Who shares the symbols of one kind, and since when: a file per kind, and locks that end with their process.

A term is a list of instances among which the symbols of a kind are divided (protocol/sharding.py). A change of the list
begins the next one. All instances of a kind read each other's journals, so they run on one host.

    <run_dir>/shards/<kind>/terms.json   every term, oldest first
    <run_dir>/shards/<kind>/<name>.in    locked by the process of that name while it lives; holds its term

Nobody works in a term while a process of another term may still publish: `others_in_the_way` names them. A process that
knows nothing of terms (the only instance of its kind) is seen by the lock of its name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = "shards"
MAX_TERMS: Final = 64
"""Terms that are remembered."""
_FILE: Final = "terms.json"


class Term(msgspec.Struct, frozen=True):
    """One division of the symbols."""

    number: int
    """Grows by one each time; 0 is the only instance, before there were several."""
    names: tuple[str, ...]
    """Instances, sorted."""


def former_names(run_dir: Path, known: Sequence[str]) -> list[str]:
    """Instances that shared symbols once, are in the topology no longer, and have left a journal."""
    found: set[str] = set()
    for path in (run_dir / FOLDER).glob(f"*/{_FILE}"):
        for term in _read(path):
            found.update(term.names)
    return sorted(name for name in found - set(known) if (run_dir / "journal" / name).is_dir())


class Terms:
    """The terms of one kind as one of its instances sees them.

    Args:
        run_dir: Run directory of the host.
        name: This instance; it holds its name's lock.
        names: Every instance of its kind in the topology.
    """

    def __init__(self, run_dir: Path, name: str, names: Sequence[str]) -> None:
        self._run_dir = run_dir
        self._name = name
        self._kind = name.partition(".")[0]
        self._folder = run_dir / FOLDER / self._kind
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self._folder / f"{name}.in", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.all = self._join(tuple(sorted(names)))
        """Every term that is remembered, the one that this process works in last."""
        number = str(self.now.number).encode()
        os.pwrite(self._fd, number, 0)
        os.ftruncate(self._fd, len(number))

    @property
    def now(self) -> Term:
        """The term that this process works in."""
        return self.all[-1]

    def others_in_the_way(self) -> list[str]:
        """Instances of which a process lives that is not known to work in this term."""
        names = {name for term in self.all for name in term.names}
        names.update(path.name for path in (self._run_dir / "journal").glob(f"{self._kind}.*"))
        return sorted(name for name in names - {self._name} if self._is_in_the_way(name))

    def close(self) -> None:
        """Leave the term; the end of the process does it too."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _join(self, names: tuple[str, ...]) -> list[Term]:
        with self._locked():
            path = self._folder / _FILE
            terms = _read(path)
            if not terms:
                alone = self._alone()
                terms = [Term(0, (alone,))] if alone else []
            if not terms or terms[-1].names != names or terms[-1].number == 0:
                number = terms[-1].number + 1 if terms else 1
                terms = [*terms[-MAX_TERMS:], Term(number, names)]
                _write(path, terms)
            return terms

    def _alone(self) -> str:
        """The instance that had all symbols before there were terms: whoever wrote first; empty if nobody did."""
        oldest = []
        for folder in (self._run_dir / "journal").glob(f"{self._kind}.*"):
            segments = sorted(path.name for path in folder.glob("*-*.seg*"))
            oldest += [(segments[0], folder.name)] if segments else []
        return min(oldest)[1] if oldest else ""

    def _is_in_the_way(self, name: str) -> bool:
        if not _is_locked(self._run_dir / "lock" / f"{name}.lock"):
            return False
        path = self._folder / f"{name}.in"
        if not _is_locked(path):
            return True  # it knows of no terms, or has only just begun
        with contextlib.suppress(OSError, ValueError):
            return int(path.read_bytes() or b"-1") != self.now.number
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _read(path: Path) -> list[Term]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Term])
    except FileNotFoundError:
        return []


def _write(path: Path, terms: list[Term]) -> None:
    """Replace the file at once, on the medium."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(terms)))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_locked(path: Path) -> bool:
    """Whether a living process holds a lock file; it is held here for a moment if none does."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
