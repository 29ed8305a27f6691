"""The log of what administrators did: one JSON line before the deed, and one with its outcome after it."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from actors.runtime.clock import Clock
from protocol.errors import Overloaded

MAX_BYTES: Final = 4 * 1024 * 1024
"""Size at which the file becomes `<name>.1`; the one that was called so is deleted."""
MAX_TEXT: Final = 2000
"""Longest text that is written down of what was asked, characters."""
BEGUN: Final = "begun"
"""Outcome of a deed that is not over, or whose end nobody could write down any more."""
DONE: Final = "done"
RETRY_AFTER_S: Final = 10.0


class Deed(msgspec.Struct):
    """One line."""

    id: str
    """The same in both lines of a deed."""
    ts: str
    """RFC 3339 UTC."""
    who: str
    """Name of the token; empty: nobody has to show one."""
    peer: str
    """Address it came from."""
    deed: str
    """restart, repair, query."""
    what: dict[str, Any]
    outcome: str
    """begun, done, or why not."""


class Audit:
    """Appends to `<run_dir>/audit/<gateway>.ndjson`, readable by its owner only.

    Args:
        path: The file.
        clock: Clocks.
        max_bytes: Size at which a new file is begun.
    """

    def __init__(self, path: Path, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._begin_ns = clock.now_ns()
        self._numbers = itertools.count(1)

    def note(self, who: str, peer: str, deed: str, **what: Any) -> Deed:
        """Write down who does what, from which address, before it is done; `finish` says what became of it.

        Raises:
            Overloaded: it cannot be written, so it must not be done.
        """
        cut = {key: _cut(value) for key, value in what.items()}
        line = Deed(
            f"{self._begin_ns}-{next(self._numbers)}", self._now(), who, peer, deed, cut, BEGUN
        )  # fmt: skip
        try:
            self._append(line)
        except OSError as fault:
            raise Overloaded(
                f"not done: it cannot be noted in the audit log {self.path.name} ({fault.strerror or fault}); "
                "free some space in the run directory, then try again",
                retry_after_s=RETRY_AFTER_S,
            ) from fault
        return line

    def finish(self, line: Deed, outcome: str = DONE) -> None:
        """Write down what became of a deed; a disk that is full by now leaves it as begun."""
        with contextlib.suppress(OSError):
            self._append(msgspec.structs.replace(line, ts=self._now(), outcome=_cut(outcome)))

    @contextlib.contextmanager
    def noted(self, who: str, peer: str, deed: str, **what: Any) -> Iterator[None]:
        """`note`, and `finish` with how the block ends.

        Raises:
            Overloaded: as `note`.
        """
        line = self.note(who, peer, deed, **what)
        try:
            yield
        except BaseException as error:
            self.finish(line, f"failed: {error or type(error).__name__}")
            raise
        self.finish(line)

    def read(self, limit: int) -> list[dict[str, Any]]:
        """The last deeds, oldest first, each with the time of its beginning and its last outcome; in a thread."""
        found: dict[str, Deed] = {}
        for path in (self._before, self.path):
            with contextlib.suppress(OSError):
                for text in path.read_bytes().splitlines():
                    _take(found, text)
        return [msgspec.to_builtins(line) for line in [*found.values()][-limit:]]

    @property
    def _before(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def _append(self, line: Deed) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size >= self._max_bytes:
                self.path.replace(self._before)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with open(os.open(self.path, flags, 0o600), "ab", buffering=0) as file:  # noqa: PTH123 - a descriptor with its own mode
            _write_whole(file, msgspec.json.encode(line) + b"\n")


def _write_whole(file: BinaryIO, data: bytes) -> None:
    """Write all of it; where only a part fits, take that back: the next line must not stand behind half a one."""
    size = os.fstat(file.fileno()).st_size
    try:
        if file.write(data) != len(data):
            raise OSError(None, "the disk took only a part of the line")
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(size)
        raise


def _take(found: dict[str, Deed], text: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        line = msgspec.json.decode(text, type=Deed)
        begun = found.setdefault(line.id, line)
        begun.outcome = line.outcome


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    return value
