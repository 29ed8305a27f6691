"""How every command speaks: data on stdout, everything else on stderr.

A table for people, `--json` for programs: one document, or one object a line where rows keep coming.
Colour only where a person looks at it (`NO_COLOR`, `TERM=dumb`, a pipe and `--no-color` turn it off,
`FORCE_COLOR` on), and never as the only sign of a state.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Final

import msgspec

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_STATE_COLOURS: Final = {
    "OK": "green",
    "RUNNING": "green",
    "WARN": "yellow",
    "STARTING": "yellow",
    "DRAINING": "yellow",
    "STOPPING": "yellow",
    "BACKOFF": "yellow",
    "FAIL": "red",
    "FATAL": "red",
    "QUARANTINED": "red",
    "EXITED": "red",
    "STOPPED": "red",
    "SILENT": "red",
    "SKIP": "dim",
}
_BYTE_UNITS: Final = ("B", "K", "M", "G", "T")
_encoder: Final = msgspec.json.Encoder()
_is_colour_wanted = True


def set_colour(*, wanted: bool) -> None:
    """Whether colour is wanted at all: the `--no-color` option."""
    global _is_colour_wanted  # noqa: PLW0603 - one process runs one command
    _is_colour_wanted = wanted


def has_colour(stream: IO[str]) -> bool:
    """Whether to colour what goes to this stream."""
    if not _is_colour_wanted or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str, stream: IO[str] | None = None) -> str:
    """Text in a colour of `_CODES`, where the stream (stdout) shows colours."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if colour and has_colour(stream or sys.stdout) else text


def state_word(word: str) -> str:
    """A state (RUNNING, OK, FAIL...) in its colour."""
    return painted(word, _STATE_COLOURS.get(word, ""))


def say(text: str = "") -> None:
    """A line of data, on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """A remark for the person, on stderr."""
    sys.stderr.write(painted(text, "dim", sys.stderr) + "\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Something wrong, on stderr."""
    sys.stderr.write(painted(text, "red" if text.startswith("error") else "yellow", sys.stderr) + "\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON document on stdout: indented for a person, one line for a pipe."""
    data = _encoder.encode(value)
    if sys.stdout.isatty():
        data = msgspec.json.format(data, indent=2)
    sys.stdout.write(data.decode() + "\n")


def print_row(value: Any) -> None:
    """One JSON object on its own line, at once: rows that keep coming."""
    sys.stdout.write(_encoder.encode(value).decode() + "\n")
    sys.stdout.flush()


def table_lines(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """Aligned columns; those named in `right` are flush right. Words of state get their colour.

    Nothing is cut off, so a pipe gets the same words as a terminal.
    """
    cells = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    is_right = [title in right for title in titles]

    def line(row: Sequence[str], paint: bool) -> str:
        parts = []
        for cell, width, to_right in zip(row, widths, is_right, strict=True):
            padded = cell.rjust(width) if to_right else cell.ljust(width)
            parts.append(
                padded.replace(cell, state_word(cell)) if paint and cell in _STATE_COLOURS else padded
            )
        return "  ".join(parts).rstrip()

    head = line(titles, paint=False)
    return [painted(head, "bold"), *(line(row, paint=True) for row in cells)]


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Print `table_lines`."""
    for line in table_lines(titles, rows, right):
        say(line)


def utc_text(ts_ns: int) -> str:
    """Time as RFC 3339 with microseconds: `2026-11-21T12:00:01.123456Z`."""
    seconds, rest_ns = divmod(ts_ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1000)
    return whole.isoformat(timespec="microseconds")[:-6] + "Z"


def bytes_text(size_bytes: float) -> str:
    """Size as `26M`."""
    for unit in _BYTE_UNITS[:-1]:
        if abs(size_bytes) < 1024:
            return f"{size_bytes:.0f}{unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f}{_BYTE_UNITS[-1]}"


def seconds_text(seconds: float) -> str:
    """Length of time as a person reads it: `250us`, `3.1ms`, `12.0s`, `2m05s`, `3h07m`, `5d02h`."""
    size = abs(seconds)
    if size < 1e-3:
        return f"{seconds * 1e6:.0f}us"
    if size < 1:
        return f"{seconds * 1e3:.1f}ms"
    if size < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 48 else f"{hours // 24}d{hours % 24:02}h"
