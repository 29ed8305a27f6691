"""What a hub starts with, read page by page: the newest candles, trades, quote, order flow, indicator values and
footprints of every instrument, gaps, and lists of alerts and the like.

A page is read in one transaction together with the positions, so it holds every record up to them and none behind.
The cursor names the last instrument (and timeframe) that was read; positions only grow from page to page, so who
pulls from those of the first page misses nothing, and must leave out what a later page held already.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from actors.persistence.bar_reads import newest_bar, read_bars, timeframe_after
from actors.persistence.event_reads import EventPage, newest_gaps, newest_lists, read_events, timeframes_of
from actors.persistence.ranges import Range
from actors.persistence.reader import Instrument, Moment
from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.history import SERIES_KINDS, BarWindow, EventWindow, Latest, Sizes, Windows
from protocol.topics import market_topic
from protocol.windows import BAR_BYTES

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page ends with the window that passes this, and no window alone is longer."""
MAX_EVENTS: Final = 20_000
"""Trades of one window, and gaps in all, at most."""
MAX_WINDOW_BYTES: Final = 2 * 1024 * 1024
"""Of one window of events: of long ones (footprints) the newest that fit."""
FLOW_ROWS: Final = 128
"""Rows among which the newest order flow of each window length is found: an hour of minutes and of the session."""
PAYLOAD_EVENTS: Final = 64
"""Trades put together in one payload: a hub forgets whole payloads."""
NO_GAPS: Final = msgspec.Raw(b"\x90")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_cursor: Final = msgspec.json.Decoder(tuple[int, str])


def windows_after(moment: Moment, sizes: Sizes, cursor: str, max_bytes: int) -> Windows:
    """One page, begun behind the last one's cursor.

    Raises:
        InvalidRequest: the cursor is not one.
    """
    instrument_id, timeframe = _cursor(cursor)
    names = moment.publishers()
    bars: list[BarWindow] = []
    events: list[EventWindow] = []
    every = moment.instruments(above=instrument_id - 1)
    gaps, lists = NO_GAPS, dict[str, msgspec.Raw]()
    if not cursor:
        gaps = msgspec.Raw(newest_gaps(moment, min(sizes.gaps, MAX_EVENTS), {one.id: one for one in every}))
        if sizes.lists:
            newest = newest_lists(moment, min(sizes.lists, MAX_EVENTS), every)
            lists = {kind: msgspec.Raw(listed) for kind, listed in newest.items()}
    size_bytes = len(gaps) + sum(map(len, lists.values()))
    following = ""
    for instrument, series in _units(moment, every, instrument_id, timeframe):
        if size_bytes >= max_bytes:
            break
        following = _encode_cursor(instrument.id, series)
        if series:
            window = _bar_window(moment, instrument, series, min(sizes.bars, max_bytes // BAR_BYTES), names)
            bars += [window] if window else []
            size_bytes += len(window.rows) if window else 0
        else:
            for found in _event_windows(moment, instrument, sizes, names):
                events.append(found)
                size_bytes += sum(map(len, found.payloads))
    else:
        following = ""
    return Windows(moment.positions(), following, bars, events, gaps, lists)


def _units(
    moment: Moment, every: list[Instrument], instrument_id: int, timeframe: str
) -> Iterator[tuple[Instrument, str]]:
    """What is read in one go, in order: of each instrument its events (no timeframe), then each series."""
    for instrument in every:
        series = timeframe if instrument.id == instrument_id else None
        if series is None:
            yield instrument, ""
            series = ""
        while series := timeframe_after(moment, instrument, series):
            yield instrument, series


def _bar_window(
    moment: Moment, instrument: Instrument, timeframe: str, limit: int, names: dict[int, str]
) -> BarWindow | None:
    newest = newest_bar(moment, instrument, timeframe) if limit else None
    if newest is None:
        return None
    page = read_bars(moment, instrument, timeframe, Range(0, 0, limit))
    return BarWindow(
        instrument.venue, instrument.symbol, timeframe, names.get(newest.publisher_id, ""), newest.epoch,
        newest.seq, page.sources, page.rows,
    )  # fmt: skip


def _event_windows(
    moment: Moment, instrument: Instrument, sizes: Sizes, names: dict[int, str]
) -> Iterator[EventWindow]:
    for kind, limit in (("quote", 1), ("trade", min(sizes.trades, MAX_EVENTS))):
        page = read_events(moment, kind, instrument, Range(0, 0, limit)) if limit else None
        if page is not None and page.events:
            yield _window(kind, instrument, page, names)
    if not sizes.series:
        return
    page = read_events(moment, "flow", instrument, Range(0, 0, FLOW_ROWS))
    if page.events:
        yield _window("flow", instrument, page, names)
    for kind in SERIES_KINDS:
        for timeframe in timeframes_of(moment, kind, instrument):
            page = read_events(
                moment, kind, instrument, Range(0, 0, min(sizes.series, MAX_EVENTS)), timeframe
            )
            yield _window(kind, instrument, page, names, timeframe)


def _window(
    kind: str, instrument: Instrument, page: EventPage, names: dict[int, str], timeframe: str = ""
) -> EventWindow:
    payloads = _payloads(page.events)
    sizes_bytes = itertools.accumulate(map(len, reversed(payloads)))
    kept = max(1, sum(size_bytes <= MAX_WINDOW_BYTES for size_bytes in sizes_bytes))
    return EventWindow(
        kind, instrument.venue, instrument.symbol, payloads[-kept:], _ends(page, names), timeframe
    )


def _payloads(events: list[Any]) -> list[bytes]:
    return [
        _encode(events[begin : begin + PAYLOAD_EVENTS]) for begin in range(0, len(events), PAYLOAD_EVENTS)
    ]


def _ends(page: EventPage, names: dict[int, str]) -> list[tuple[str, int, int]]:
    """The newest record of each publisher; whose event is the newest one comes last."""
    newest: dict[int, tuple[int, int]] = {}
    for publisher_id, epoch, seq in page.records:
        record = max((epoch, seq), newest.pop(publisher_id, (0, 0)))
        newest[publisher_id] = record
    return [(names.get(key, ""), *record) for key, record in newest.items()]


def newest_of(moment: Moment, kind: str, instrument: Instrument, names: dict[int, str]) -> Latest | None:
    """The newest event of one instrument; None if there is none."""
    page = read_events(moment, kind, instrument, Range(0, 0, 1))
    if not page.events:
        return None
    publisher_id, epoch, seq = page.records[0]
    topic = market_topic(kind, instrument.venue, instrument.symbol)
    return Latest(topic, names.get(publisher_id, ""), epoch, seq, msgspec.Raw(_encode(page.events[0])))


def _encode_cursor(instrument_id: int, timeframe: str) -> str:
    return msgspec.json.encode((instrument_id, timeframe)).decode()


def _cursor(text: str) -> tuple[int, str]:
    """(instrument's key, timeframe) that was read last; (0, "") at the beginning."""
    if not text:
        return 0, ""
    try:
        found = _decode_cursor.decode(text)
        if not -(2**63) <= found[0] < 2**63:
            raise msgspec.DecodeError("a key beyond 64 bits")
        return found
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not a cursor of windows: {fault}", errors=["args.cursor"]) from fault
