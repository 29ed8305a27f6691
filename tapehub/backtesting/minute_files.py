"""Files of candles of one minute that no venue's decoder reads: CSV with a header, and Lean's zips of trades. Only the file is read.

    timestamp_utc,open,high,low,close,volume        also `timestamp`, `date`, `datetime`, `time`; without a volume
    2024-01-01 23:01:00,1.1076,1.10785,1.1076,1.1078,205
    zip of 20221213_btcbusd_minute_trade.csv        QuantConnect Lean: ms since midnight UTC, open high low close volume

CSV also gzipped. A time without a zone is UTC. Whose candles they are the file does not say, and often neither which end of
the minute its time is: whoever reads it must.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Bar
from tapehub.backtesting.minutes import MINUTE, MINUTE_NS

_HEADER: Final = re.compile(
    rb"(timestamp|timestamp_utc|datetime|date|time),open,high,low,close(,volume)?\r?\n"
)
_LEAN: Final = re.compile(r"(\d{8})_[a-z0-9]+_minute_trade\.csv\Z")
_FUTURES: Final = re.compile(r"\d{8}_[a-z0-9]+_minute_(trade|quote)_\d{6}\.csv\Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOOKED_AT: Final = 200
"""Candles at the beginning whose distance tells how long they are."""
_MAX_LINE_BYTES: Final = 4096
OpenNs = Callable[[str], int]


class Named(NamedTuple):
    """What a file does not say."""

    symbol: str
    venue: str
    is_end: bool = False
    """Its times are the ends of the minutes."""


def is_minute_file(path: Path) -> bool:
    """Whether it looks like one; no error if it cannot be read, whoever reads it says so."""
    with contextlib.suppress(OSError, EOFError, zlib.error, zipfile.BadZipFile), path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic == b"PK\x03\x04":
            names = zipfile.ZipFile(file).namelist()
            return bool(_LEAN.match(names[0]) or _FUTURES.match(names[0])) if names else False
        if magic[:2] == b"\x1f\x8b":
            return bool(_HEADER.match(gzip.GzipFile(fileobj=file).read(64)))
        return bool(_HEADER.match(file.read(64)))
    return False


def minute_bars(path: Path, named: Named) -> Iterator[Bar]:
    """Candles of a file, in its order.

    Raises:
        UnreadableRecording: says which line and why.
    """
    bars = _bars(path, named)
    first = list(itertools.islice(bars, _LOOKED_AT))
    steps = [after.ts_open_ns - before.ts_open_ns for before, after in itertools.pairwise(first)]
    if steps and min(steps) != MINUTE_NS:
        what = f"its candles are {min(steps) / 1e9:g} s apart" if min(steps) > 0 else "its time goes back"
        raise UnreadableRecording(f"{path}: {what}; candles of one minute in order of time are wanted")
    yield from first
    yield from bars


def _bars(path: Path, named: Named) -> Iterator[Bar]:
    number = 0
    try:
        with contextlib.ExitStack() as stack:
            lines, open_ns = _opened(path, stack)
            while line := lines.readline(_MAX_LINE_BYTES):
                number += 1
                if not line.strip() or (number == 1 and _HEADER.match(line)):
                    continue
                yield _bar(line.decode("ascii").strip(), named, open_ns)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as fault:
        raise UnreadableRecording(f"{path}:{number or 1}: {fault}") from fault


def _opened(path: Path, stack: contextlib.ExitStack) -> tuple[Any, OpenNs]:
    """Lines of the file, and what makes a time of their first field."""
    file = stack.enter_context(path.open("rb"))
    magic = file.read(4)
    file.seek(0)
    if magic == b"PK\x03\x04":
        archive = stack.enter_context(zipfile.ZipFile(file))
        names = archive.namelist()
        found = _LEAN.match(names[0]) if len(names) == 1 else None
        if found is None:
            raise ValueError(
                f"a zip of {len(names)} files like {names[0] if names else 'none'!r}: of Lean's, one CSV of trades in UTC is "
                "read; those of futures hold several contracts in the time of their exchange"
            )
        day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC)
        midnight_ns = _ns(day)
        return stack.enter_context(archive.open(names[0])), lambda text: midnight_ns + int(text) * 1_000_000
    raw: Any = stack.enter_context(gzip.GzipFile(fileobj=file)) if magic[:2] == b"\x1f\x8b" else file
    return io.BufferedReader(raw, 1 << 18), _moment_ns


def _moment_ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return _ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _ns(moment: datetime) -> int:
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


def _bar(line: str, named: Named, read_ns: OpenNs) -> Bar:
    fields = line.split(",")
    if len(fields) not in (5, 6):
        raise ValueError(f"{len(fields)} fields where 5 or 6 are wanted: {line[:60]!r}")
    open_ns = read_ns(fields[0]) - (MINUTE_NS if named.is_end else 0)
    if open_ns % MINUTE_NS:
        raise ValueError(f"{fields[0]!r} is no whole minute")
    prices = [float(text) for text in fields[1:5]]
    volume = float(fields[5]) if len(fields) == 6 and fields[5] else 0.0
    opens, high, low, close = prices
    if not (0 < low <= min(opens, close) <= max(opens, close) <= high < math.inf and 0 <= volume < math.inf):
        raise ValueError(f"low <= open, close <= high does not hold, or a number is none: {line[:60]!r}")
    return Bar(
        symbol=named.symbol, venue=named.venue, timeframe=MINUTE, ts_open_ns=open_ns, ts_event_ns=open_ns + MINUTE_NS,
        open=opens, high=high, low=low, close=close, volume=volume, buy_volume=0.0, sell_volume=0.0, vwap=close, count=1,
        status="closed", coverage=1.0, revision=1, source="trade",
    )  # fmt: skip
