"""Stretches of time as people type them: `--from 1h`, `--from 2026-11-21T09:00Z --to 10m`. Pure.

A length of time is counted back from now; a moment is RFC 3339, UTC where it names no zone; a whole number of 16
digits and more is ns since 1970.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tapehub.durations import NS_PER_S, parse_duration, parse_moment

_NS: Final = re.compile(r"[0-9]{16,}\Z")


class Stretch(NamedTuple):
    """From a moment up to another that is no longer in it, ns; None: open."""

    from_ns: int | None = None
    to_ns: int | None = None

    def __str__(self) -> str:
        """For a remark: ` from ... to ...`, an open end is not named."""
        start = "" if self.from_ns is None else f" from {_moment_text(self.from_ns)}"
        return start if self.to_ns is None else f"{start} to {_moment_text(self.to_ns)}"


ALWAYS: Final = Stretch()


def _moment_text(ts_ns: int) -> str:
    return f"{datetime.fromtimestamp(ts_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_past(text: str, now_ns: int) -> int:
    """Moment in ns since 1970.

    Raises:
        ValueError: it is none; says what one looks like.
    """
    wanted = text.strip()
    if _NS.match(wanted):
        return int(wanted)
    try:
        return now_ns - round(parse_duration(wanted.removeprefix("-")) * NS_PER_S)
    except ValueError:
        pass
    try:
        return parse_moment(wanted, 0)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a moment; write 2026-11-01T12:00:00Z, a length back from now such as 90s or 1h30m, "
            "or ns since 1970"
        ) from None


def parse_stretch(start: str, end: str, now_ns: int) -> Stretch:
    """The stretch between two moments; an empty text leaves its end open.

    Raises:
        ValueError: a moment is none, or the end is not behind the start.
    """
    found = Stretch(
        parse_past(start, now_ns) if start else None,
        parse_past(end, now_ns) if end else None,
    )
    if found.from_ns is not None and found.to_ns is not None and found.from_ns >= found.to_ns:
        raise ValueError(f"the stretch from {start} to {end} is empty: its end is not behind its start")
    return found
