"""Candle windows as bytes: one fixed row per candle, the same in the hub, on the wire and in numpy. Pure.

    row, 112 bytes, little endian
    off size column          off size column
      0   8  ts_open_ns       56   8  volume          96  4  revision
      8   8  ts_event_ns      64   8  buy_volume     100  1  status: index into STATUSES
     16   8  open             72   8  sell_volume    101  1  source: index into the window's `sources`
     24   8  high             80   8  vwap           102  1  is_adjusted
     32   8  low              88   8  count          103  1  is_repaired: the candle has a reason
     40   8  close                                   104  8  ts_recv_ns
     48   8  coverage

A row has no room for the reason itself: the stored candle has it.

A window of 5,000 candles is one buffer: the hub copies a slice of it, `numpy.frombuffer` views it without
a copy. `numpy` is imported by `bar_dtype()` only, so a writer of windows needs none.
"""

from __future__ import annotations

import functools
import struct
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

import msgspec

from protocol.messages import BAR_STATUSES, Bar

if TYPE_CHECKING:
    import numpy as np

BAR_COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("ts_open_ns", "<i8"),
    ("ts_event_ns", "<i8"),
    ("open", "<f8"),
    ("high", "<f8"),
    ("low", "<f8"),
    ("close", "<f8"),
    ("coverage", "<f8"),
    ("volume", "<f8"),
    ("buy_volume", "<f8"),
    ("sell_volume", "<f8"),
    ("vwap", "<f8"),
    ("count", "<i8"),
    ("revision", "<i4"),
    ("status", "u1"),
    ("source", "u1"),
    ("is_adjusted", "?"),
    ("is_repaired", "?"),
    ("ts_recv_ns", "<i8"),
)
"""(name, numpy format) of each column in row order; only ever appended."""

ROW_STRUCT: Final = struct.Struct("<qqddddddddd" + "qiBB??q")
"""Packs the values of a row in the order of `BAR_COLUMNS`."""
_TS_OPEN: Final = struct.Struct("<q")
_REVISION: Final = struct.Struct("<i")
BAR_BYTES: Final = ROW_STRUCT.size
"""Bytes of one row."""
_TS_EVENT_OFFSET: Final = 8
_REVISION_OFFSET: Final = 96
_STATUS_OFFSET: Final = 100
SOURCE_OFFSET: Final = 101
"""Where a row holds the index of its source."""

STATUSES: Final = BAR_STATUSES
_STATUS_CODES: Final = {name: code for code, name in enumerate(STATUSES)}
MAX_SOURCES: Final = 255
REASON_ELSEWHERE: Final = "the stored candle says why"
"""Reason of a candle that was made of a row: it had one."""


class BarData(msgspec.Struct, frozen=True):
    """`data` of a candles reply: a map; `rows` is last, so that a writer can append it without copying."""

    symbol: str
    venue: str
    timeframe: str
    row_bytes: int
    """Bytes of a row; a newer hub may send more columns than this program knows."""
    columns: list[tuple[str, str]]
    """(name, numpy format), in row order."""
    statuses: list[str]
    """What the numbers of the column `status` mean."""
    sources: list[str]
    """What the numbers of the column `source` mean."""
    rows: memoryview
    """Rows, oldest first; the last may still be open."""


def pack_bar(bar: Bar, source: int) -> bytes:
    """One row of a candle; `source` is the index of its source name in the window's list.

    Raises:
        ValueError: a value does not fit its column, or the status is unknown.
    """
    status = _STATUS_CODES.get(bar.status)
    if status is None:
        raise ValueError(f"status {bar.status!r} is none of {', '.join(STATUSES)}")
    try:
        return ROW_STRUCT.pack(
            bar.ts_open_ns, bar.ts_event_ns, bar.open, bar.high, bar.low, bar.close, bar.coverage,
            bar.volume, bar.buy_volume, bar.sell_volume, bar.vwap, bar.count, bar.revision, status, source,
            bar.is_adjusted, bar.reason != "", bar.ts_recv_ns,
        )  # fmt: skip
    except struct.error as fault:
        raise ValueError(f"bar does not fit a row: {fault}") from fault


def unpack_bar(rows: Any, index: int, identity: tuple[str, str, str], sources: list[str]) -> Bar:
    """Candle of row `index`; `identity` is (symbol, venue, timeframe). Of its reason only that it has one is known."""
    values = ROW_STRUCT.unpack_from(rows, index * BAR_BYTES)
    ts_open_ns, ts_event_ns, open_, high, low, close, coverage, volume, buy, sell, vwap = values[:11]
    count, revision, status, source, is_adjusted, is_repaired, ts_recv_ns = values[11:]
    return Bar(
        *identity, ts_open_ns, ts_event_ns, open_, high, low, close, volume, buy, sell, vwap, count,
        STATUSES[status], coverage, revision, sources[source], ts_recv_ns, is_adjusted,
        REASON_ELSEWHERE if is_repaired else "",
    )  # fmt: skip


def ts_open_of(rows: Any, index: int) -> int:
    """Open time of row `index`, ns."""
    value: int = _TS_OPEN.unpack_from(rows, index * BAR_BYTES)[0]
    return value


def ts_event_of(rows: Any, index: int) -> int:
    """Venue time of the newest event in row `index`, ns."""
    value: int = _TS_OPEN.unpack_from(rows, index * BAR_BYTES + _TS_EVENT_OFFSET)[0]
    return value


def revision_of(rows: Any, index: int) -> int:
    """Revision of row `index`."""
    value: int = _REVISION.unpack_from(rows, index * BAR_BYTES + _REVISION_OFFSET)[0]
    return value


def status_of(rows: Any, index: int) -> str:
    """Status of row `index`, one of `STATUSES`."""
    return STATUSES[rows[index * BAR_BYTES + _STATUS_OFFSET]]


def rows_between(rows: memoryview, from_ns: int, to_ns: int, n: int = 0) -> tuple[int, int]:
    """Rows (start, stop) that open in `[from_ns, to_ns)`, at most the last `n` of them; 0 leaves an end, or the number, open."""
    count = len(rows) // BAR_BYTES
    opens = range(count)
    start = bisect_left(opens, from_ns, key=lambda index: ts_open_of(rows, index)) if from_ns else 0
    stop = bisect_left(opens, to_ns, key=lambda index: ts_open_of(rows, index)) if to_ns else count
    stop = max(start, stop)
    return (max(start, stop - n) if n else start), stop


@functools.cache
def bar_dtype(
    columns: tuple[tuple[str, str], ...] = BAR_COLUMNS, row_bytes: int = BAR_BYTES
) -> np.dtype[Any]:
    """Numpy dtype of a row, from the description in a reply or our own; imports numpy."""
    import numpy as np  # noqa: PLC0415 - 13 MB and 60 ms that a hub and a tick reader do not need

    formats = [format_ for _, format_ in columns]
    sizes = [np.dtype(format_).itemsize for format_ in formats]
    offsets = [sum(sizes[:index]) for index in range(len(sizes))]
    return np.dtype(
        {
            "names": [name for name, _ in columns],
            "formats": formats,
            "offsets": offsets,
            "itemsize": row_bytes,
        }
    )
