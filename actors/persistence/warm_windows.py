"""What a hub starts with, read page by page: the newest candles, trades and quote of every instrument, and gaps.

A page is read in one transaction together with the positions, so it holds every record up to them and none behind.
The cursor names the last instrument (and timeframe) that was read; positions only grow from page to page, so who
pulls from those of the first page misses nothing, and must leave out what a later page held already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from actors.persistence.bar_reads import newest_bar, read_bars, timeframe_after
from actors.persistence.event_reads import EventPage, newest_gaps, read_events
from actors.persistence.ranges import Range
from actors.persistence.reader import Instrument, Moment
from protocol.errors import InvalidRequest
from protocol.history import BarWindow, EventWindow, Latest, Windows
from protocol.topics import market_topic
from protocol.windows import BAR_BYTES

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page ends with the window that passes this, and no window alone is longer."""
MAX_EVENTS: Final = 20_000
"""Trades of one window, and gaps in all, at most."""
PAYLOAD_EVENTS: Final = 64
"""Trades put together in one payload: a hub forgets whole payloads."""
NO_GAPS: Final = msgspec.Raw(b"\x90")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_cursor: Final = msgspec.json.Decoder(tuple[int, str])


class Sizes(NamedTuple):
    """How much of each is wanted at most."""

    bars: int
    """Candles per series."""
    trades: int
    """Trades per instrument."""
    gaps: int
    """Gaps, of all instruments together."""


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
    gaps = (
        msgspec.Raw(newest_gaps(moment, min(sizes.gaps, MAX_EVENTS), {one.id: one for one in every}))
        if not cursor
        else NO_GAPS
    )
    size_bytes = len(gaps)
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
    return Windows(moment.positions(), following, bars, events, gaps)


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
            yield EventWindow(
                kind, instrument.venue, instrument.symbol, _payloads(page.events), _ends(page, names)
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
        return _decode_cursor.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise InvalidRequest(f"not a cursor of windows: {fault}", errors=["args.cursor"]) from fault
