"""Names in the Parquet folder: they say what a file holds, and so which files count. Pure.

    trades/date=2026-11-21/hour=09/0000000017-0000000017.parquet     rows of flush 17
    trades/date=2026-11-21/hour=09/0000000005-0000000064.parquet     rows of the flushes 5 to 64 of that hour
    trades/date=2026-11-21/hour=09/.0000000018-0000000018.parquet.tmp   being written: nobody reads it

A flush is numbered once in the life of a folder. A file whose numbers lie within those of another file beside it
has been merged into that one: **whoever lists a folder skips it**, and so never sees a row twice. `date` and
`hour` are when the rows were stored, by our clock in UTC: an hour that is over gets no more of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

HOUR_NS: Final = 3_600_000_000_000
DRAFT_ENDING: Final = ".tmp"
_NAME: Final = re.compile(r"([0-9]{10,})-([0-9]{10,})\.parquet\Z")
_DATE: Final = re.compile(r"date=([0-9]{4}-[0-9]{2}-[0-9]{2})\Z")
_HOUR: Final = re.compile(r"hour=([0-9]{2})\Z")


class Span(NamedTuple):
    """The flushes whose rows a file holds, first and last."""

    first: int
    last: int


def file_name(span: Span) -> str:
    """Name of the file that holds a span."""
    return f"{span.first:010d}-{span.last:010d}.parquet"


def draft_name(name: str) -> str:
    """Name of a file while it is being written."""
    return f".{name}{DRAFT_ENDING}"


def is_draft(name: str) -> bool:
    """Whether a name is that of a file being written, or left half-written."""
    return name.startswith(".") and name.endswith(f".parquet{DRAFT_ENDING}")


def span_of(name: str) -> Span | None:
    """The span a file name stands for; None for a name that is not ours."""
    found = _NAME.match(name)
    return Span(int(found[1]), int(found[2])) if found else None


def split_live(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """(files that count, in order; files that were merged into one of those) of one folder's names."""
    spans = sorted(
        ((span, name) for name in names if (span := span_of(name))),
        key=lambda one: (one[0].first, -one[0].last),
    )
    live: list[str] = []
    merged: list[str] = []
    reached = -1
    for span, name in spans:
        if span.last > reached:
            live.append(name)
            reached = span.last
        else:
            merged.append(name)
    return live, merged


def hour_folder(table: str, ts_ns: int) -> str:
    """Folder of the rows of a table stored at a moment, relative to the Parquet folder."""
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    return f"{table}/date={moment:%Y-%m-%d}/hour={moment:%H}"


def hour_of(date_name: str, hour_name: str) -> int | None:
    """Start of the hour (ns) that two folder names stand for; None for names that are not ours."""
    date, hour = _DATE.match(date_name), _HOUR.match(hour_name)
    if not date or not hour:
        return None
    try:
        start = datetime.strptime(f"{date[1]} {hour[1]} +0000", "%Y-%m-%d %H %z")
    except ValueError:
        return None
    return int(start.timestamp()) * 1_000_000_000
