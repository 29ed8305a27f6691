"""Questions about what is stored and their answers: ranges, windows to start warm with, newest values. Pure.

All go to the `query` address of a persistence actor as `Request`s (docs/protocol.md):

    history {kind, symbol, venue, timeframe, from_ns, to_ns, n, args: cursor, order}  -> rows, `details` as `PageEnd`
    windows {args: bars, trades, gaps, series, lists, max_bytes, cursor}              -> Windows
    latest  {kind, symbol, venue}                                                     -> list[Latest]

A range is read in pages. The answer to one page says with an opaque `cursor` where the next begins; an empty
cursor says that this was the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.replay import Position
from protocol.requests import Reply, Request
from protocol.windows import BAR_BYTES, BAR_COLUMNS, MAX_SOURCES, SOURCE_OFFSET, STATUSES, BarData

SERIES_KINDS: Final = ("feature", "footprint")
"""Kinds of which there is one message per candle, and its newest revision counts."""
LISTED_KINDS: Final = ("alert", "signal", "liquidation", "sweep", "verdict")
"""Kinds of which a hub lists the newest of all instruments; news too, but that has no instrument."""
HISTORY_KINDS: Final = ("bar", "trade", "quote", "gap", *SERIES_KINDS, "flow", *LISTED_KINDS)
"""Kinds of which ranges can be asked."""
NEWEST: Final = "newest"
"""`order`: begin with the newest page; the rows of a page are oldest first all the same."""
OLDEST: Final = "oldest"

STORE: Final = "store"
WINDOW: Final = "window"


class PageEnd(msgspec.Struct, frozen=True):
    """`details` of a good answer to `history`, as a map."""

    cursor: str = ""
    """Where the next page begins; empty: there is none."""
    newest_ns: int = 0
    """Time of the newest row stored of what was asked for, whatever the range; 0: there is none."""


class Part(msgspec.Struct, frozen=True):
    """Where some of the rows of an answer came from; a map in `details.parts`, oldest first."""

    source: str
    """`store` or `window` (the hub's memory)."""
    from_ns: int
    to_ns: int
    """The time that its rows stand for, `[from_ns, to_ns)`."""
    rows: int


class Lack(msgspec.Struct, frozen=True):
    """A piece of the range asked for that is not in the answer; a map in `details.missing`."""

    from_ns: int
    """0: from the beginning."""
    to_ns: int
    reason: str


class BarWindow(msgspec.Struct, array_like=True, frozen=True):
    """The newest stored candles of one symbol, venue and timeframe."""

    venue: str
    symbol: str
    timeframe: str
    publisher: str
    """Who published the newest of them, in which record."""
    epoch: int
    seq: int
    sources: list[str]
    rows: bytes
    """Rows of protocol/windows.py, oldest first."""


class EventWindow(msgspec.Struct, array_like=True, frozen=True):
    """The newest stored messages of one topic, as payloads of frames: trades, the quote, order flow of each window
    length, indicator values or footprints of one timeframe.
    """

    kind: str
    venue: str
    symbol: str
    payloads: list[bytes]
    """Encoded arrays of events, oldest first."""
    ends: list[tuple[str, int, int]]
    """(publisher, epoch, seq) of the newest record among them, per publisher, the newest event's publisher last."""
    timeframe: str = ""
    """Of indicator values and footprints."""


class Windows(msgspec.Struct, array_like=True, frozen=True):
    """One page of what a hub starts with, read in one transaction: all rows up to `positions` and none behind."""

    positions: dict[str, Position]
    """Publisher to the record up to which everything is stored."""
    cursor: str
    bars: list[BarWindow]
    events: list[EventWindow]
    gaps: msgspec.Raw
    """The newest gaps, an array of Gap in order of announcement; in the first page only."""
    lists: dict[str, msgspec.Raw] = {}
    """Kind (alert, signal, liquidation, sweep, verdict, news) to an array of the newest ones; in the first page only."""


class Latest(msgspec.Struct, array_like=True, frozen=True):
    """The newest stored event of one topic."""

    topic: str
    publisher: str
    epoch: int
    seq: int
    event: msgspec.Raw


class Sizes(NamedTuple):
    """How much a hub wants to start with, at most; 0: none of it."""

    bars: int = 0
    """Candles per symbol, venue and timeframe."""
    trades: int = 0
    """Trades per symbol and venue."""
    gaps: int = 0
    """Gaps, of all instruments together."""
    series: int = 0
    """Candles whose indicator values and footprints are wanted; the newest order flow comes with them."""
    lists: int = 0
    """Alerts, signals, liquidations, sweeps, verdicts, news: each, of all instruments together."""


def windows_request(sizes: Sizes, cursor: str = "", max_bytes: int = 4 * 1024 * 1024) -> Request:
    """Ask for a page of windows."""
    args = {**sizes._asdict(), "cursor": cursor, "max_bytes": max_bytes}
    return Request(op="windows", args=args)


_windows: Final = msgspec.msgpack.Decoder(Windows)


def decode_windows(reply: Reply) -> Windows:
    """The answer to `windows`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return _windows.decode(reply.data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not an answer to windows: {fault}") from fault


def page_end_of(reply: Reply) -> PageEnd:
    """What the answer to a `history` says besides its rows.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return msgspec.convert(reply.details, PageEnd)
    except msgspec.ValidationError as fault:
        raise InvalidRequest(f"not an answer to history: {fault}") from fault


def bar_data(symbol: str, venue: str, timeframe: str, sources: list[str], rows: Any) -> BarData:
    """A window of candles in rows of this program's layout."""
    columns = list(BAR_COLUMNS)
    return BarData(
        symbol, venue, timeframe, BAR_BYTES, columns, list(STATUSES), sources, rows=memoryview(rows)
    )


def joined_bars(pieces: Sequence[BarData]) -> BarData:
    """Windows of one series one behind the other, as one; the first piece names the series.

    Raises:
        ValueError: they are laid out differently, or there are too many sources.
    """
    first = pieces[0]
    if len(pieces) == 1:
        return first
    if any((one.row_bytes, one.columns) != (first.row_bytes, first.columns) for one in pieces):
        raise ValueError("pieces of candles have different columns")
    sources = list(first.sources)
    whole = bytearray()
    for one in pieces:
        whole += recoded(one.rows, one.sources, sources, one.row_bytes)
    return msgspec.structs.replace(first, sources=sources, rows=memoryview(whole))


def recoded(rows: Any, sources: Sequence[str], into: list[str], row_bytes: int = BAR_BYTES) -> Any:
    """Rows whose source codes mean the names in `into`; names that are missing there are added.

    Raises:
        ValueError: there would be more than 255 sources.
    """
    table = bytearray(range(256))
    for code, name in enumerate(sources):
        if name not in into:
            if len(into) >= MAX_SOURCES:
                raise ValueError(f"more than {MAX_SOURCES} sources of candles")
            into.append(name)
        table[code] = into.index(name)
    if table == bytearray(range(256)):
        return rows
    changed = bytearray(rows)
    changed[SOURCE_OFFSET::row_bytes] = changed[SOURCE_OFFSET::row_bytes].translate(table)
    return changed
