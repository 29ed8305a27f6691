"""Log files of actors and supervisord: their last lines, and new ones as they come, over rotations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec

LOG_FOLDER: Final = "log"
"""Of the run directory: `<actor>.log`, one file each, and supervisord's."""
SUPERVISOR_LOG: Final = "supervisord.log"
LEVELS: Final = ("debug", "info", "warning", "error")
_SUPERVISOR_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (\w+) (.*)")
_SUPERVISOR_LEVELS: Final = {
    "BLAT": "debug",
    "TRAC": "debug",
    "DEBG": "debug",
    "WARN": "warning",
    "ERRO": "error",
}
_TAIL_BYTES: Final = 4 * 1024 * 1024


class Entry(msgspec.Struct, omit_defaults=True):
    """One line."""

    ts: str
    """RFC 3339 UTC; of the entry before where the line has none."""
    actor: str
    msg: str
    level: str = ""
    """Empty for what a dying process printed: it belongs to any level."""
    err: dict[str, Any] = {}

    def is_at_least(self, level: str) -> bool:
        """Whether it is important enough."""
        return not self.level or LEVELS.index(self.level) >= LEVELS.index(level)

    def text(self) -> str:
        """For people: `12:00:01.123 WARNING hub.1 text`, the stack of an error behind it."""
        head = f"{self.ts[11:23]:<12} {self.level.upper() or '-':<7} {self.actor:<20} {self.msg}"
        stack = str(self.err.get("stack", "")).rstrip()
        return f"{head}\n{stack}" if stack else head


class LogFile:
    """One log file, read from near its end onwards."""

    def __init__(self, path: Path, actor: str) -> None:
        self.path = path
        self.actor = actor
        self._file: IO[bytes] | None = None
        self._ts = ""
        self._rest = b""

    def tail(self) -> list[Entry]:
        """Entries of the last 4 MiB; `new` goes on behind them."""
        if not self._open():
            return []
        assert self._file is not None
        start = max(0, self.path.stat().st_size - _TAIL_BYTES)
        self._file.seek(start)
        if start:
            self._file.readline()  # it begins in the middle
        return list(self._read())

    def new(self) -> list[Entry]:
        """Entries written since; a file that was rotated away is read to its end first."""
        found = list(self._read())
        if self._is_rotated() and self._open():
            found += self._read()
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        self.close()
        self._rest = b""
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return False
        return True

    def _is_rotated(self) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        if self._file is None:
            return True
        mine = os.fstat(self._file.fileno())
        return there.st_ino != mine.st_ino or there.st_size < self._file.tell()

    def _read(self) -> Iterator[Entry]:
        if self._file is None:
            return
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            if line.strip():
                entry = parse_line(line.decode("utf-8", "replace"), self.actor, self._ts)
                self._ts = entry.ts
                yield entry


def parse_line(line: str, actor: str, ts_before: str = "") -> Entry:
    """A line as an entry: an actor's JSON, supervisord's own form, or whatever a crash printed."""
    if line.startswith("{"):
        try:
            row = msgspec.json.decode(line)
            level = str(row.get("level", ""))
            err = row.get("err")
            return Entry(
                ts=str(row["ts"]),
                actor=str(row.get("actor", actor)),
                msg=str(row.get("msg", "")),
                level=level if level in LEVELS else "error",
                err=err if isinstance(err, dict) else {},
            )
        except (msgspec.DecodeError, KeyError, AttributeError):
            pass
    if match := _SUPERVISOR_LINE.match(line):
        moment, milliseconds, word, text = match.groups()
        utc = datetime.fromisoformat(moment).astimezone(UTC)  # supervisord writes local time
        level = _SUPERVISOR_LEVELS.get(word, "info")
        return Entry(ts=f"{utc:%Y-%m-%dT%H:%M:%S}.{milliseconds}Z", actor=actor, msg=text, level=level)
    return Entry(ts=ts_before, actor=actor, msg=line)
