"""Recorded FX quotes and candles of three vendors as messages, for `tapehub decode fx`. Only the file is read.

Formats (found from the content; symbol, venue, day and side stand in the name of the file or of what is in the zip):
    zip of one CSV, named 20140508_eurusd_tick_quote.csv    QuantConnect Lean: ms since midnight UTC, bid, ask
    ... 20140508_eurusd_minute_quote.csv                    ms, bid open high low close size, ask the same
    20200101 170000065,1.12120,1.12172,0                    HistData ticks: New York winter time all the year (UTC-5)
    timestamp,open,high,low,close                           FXCM minutes, UTC; bid or ask, as the file's name says
CSV also gzipped. Nothing is left out: crossed quotes are kept and counted, as is time that goes back. Nobody noted
sizes (they are 0) or when a quote was received (its own time stands in).
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from actors.collector.recorded.quote_tally import FxSummary
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.messages import Bar, Message, Quote

TIMEFRAME: Final = "1m"
SIDES: Final = ("bid", "ask")
_MS_NS: Final = 1_000_000
_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
_DAY_MS: Final = 86_400_000
_EST_NS: Final = 5 * 3600 * _SECOND_NS
_MAX_LINE_BYTES: Final = 4096
_INF: Final = float("inf")
_CURRENCIES: Final = frozenset(
    {
        "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "CNH", "HKD", "SGD", "MXN", "ZAR",
        "TRY", "PLN", "CZK", "HUF", "XAU", "XAG",
    }
)  # fmt: skip
_VENUES: Final = ("fxcm", "oanda", "histdata")
_LEAN: Final = re.compile(r"(\d{8})_([a-z]{6})_(tick|minute)_quote\.csv\Z")
_HISTDATA: Final = re.compile(rb"(\d{8}) (\d{2})(\d{2})(\d{2})(\d{3})\Z")
_FXCM_HEADER: Final = b"timestamp,open,high,low,close"
_FXCM_TIME: Final = re.compile(rb"(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)\+00:00\Z")
_NONE_OF_OURS: Final = "neither a zip of Lean's quotes, nor HistData's ticks, nor FXCM's minutes"
Read = Callable[[bytes], list[Message]]
"""Messages of one line; its ValueError says what is wrong with it."""


class FxDecoder:
    """Decodes one recording."""

    def __init__(self) -> None:
        self.summary = FxSummary()
        self._midnights: dict[bytes, int] = {}

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a recording, in its order; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says which line and why.
        """
        number = 0
        try:
            with contextlib.ExitStack() as stack:
                lines, read = self._open(path, stack)
                while line := lines.readline(_MAX_LINE_BYTES):
                    number += 1
                    line = line.strip()
                    if not line or (number == 1 and line == _FXCM_HEADER):
                        continue
                    self.summary.frames += 1
                    yield from read(line)
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as fault:
            raise UnreadableRecording(f"{path}:{number or 1}: {fault}") from fault
        if not self.summary.frames:
            raise UnreadableRecording(f"{path}:1: the file is empty")

    def _open(self, path: Path, stack: contextlib.ExitStack) -> tuple[IO[bytes], Read]:
        """Lines of the file, and who reads one."""
        file = stack.enter_context(path.open("rb"))
        magic = file.read(4)
        file.seek(0)
        if magic == b"PK\x03\x04":
            archive = stack.enter_context(zipfile.ZipFile(file))
            names = archive.namelist()
            found = _LEAN.match(names[0]) if len(names) == 1 else None
            if found is None:
                raise ValueError(f"a zip of {', '.join(names)[:100]!r}, not of one CSV named by Lean's rules")
            day, pair, resolution = found.groups()
            midnight_ns = self._midnight_ns(day.encode())
            venue = self.summary.venue = _venue_of(path) or "lean"
            read = self._lean_ticks if resolution == "tick" else self._lean_minutes
            return stack.enter_context(archive.open(names[0])), read(venue, _symbol_of(pair), midnight_ns)
        raw: Any = stack.enter_context(gzip.GzipFile(fileobj=file)) if magic[:2] == b"\x1f\x8b" else file
        lines = io.BufferedReader(raw, 1 << 18)
        head = lines.peek(64)[:64]
        if head.startswith(_FXCM_HEADER):
            sides = [side for side in SIDES if side in re.split(r"[^a-z]+", path.name.lower())]
            if len(sides) != 1:
                raise ValueError("the file's name says neither bid nor ask, or both")
            self.summary.venue = _venue_of(path) or "fxcm"
            return lines, self._fxcm_minutes(self.summary.venue, _symbol_of(path.name), sides[0])
        if _HISTDATA.match(head.partition(b",")[0]):
            self.summary.venue = _venue_of(path) or "histdata"
            return lines, self._histdata_ticks(self.summary.venue, _symbol_of(path.name))
        raise ValueError(f"{_NONE_OF_OURS}: begins {head[:40]!r}")

    # one line of each format

    def _lean_ticks(self, venue: str, symbol: str, midnight_ns: int) -> Read:
        def read(line: bytes) -> list[Message]:
            ms, bid, ask = _fields(line, 3)
            ts_ns = midnight_ns + _ms_of_day(ms) * _MS_NS
            return [self._quote(venue, symbol, ts_ns, bid, ask, [bid, ask])]

        return read

    def _histdata_ticks(self, venue: str, symbol: str) -> Read:
        def read(line: bytes) -> list[Message]:
            time, bid, ask, size = _fields(line, 4)
            found = _HISTDATA.match(time)
            if found is None:
                raise ValueError(f"{time!r} is not a time like 20200101 170000065")
            day, hour, minute, second, ms = found.groups()
            seconds = _seconds_of_day(int(hour), int(minute), int(second))
            ts_ns = self._midnight_ns(day) + seconds * _SECOND_NS + int(ms) * _MS_NS + _EST_NS
            return [self._quote(venue, symbol, ts_ns, bid, ask, [time, bid, ask, size])]

        return read

    def _lean_minutes(self, venue: str, symbol: str, midnight_ns: int) -> Read:
        def read(line: bytes) -> list[Message]:
            ms, *rest = _fields(line, 11)
            open_ns = midnight_ns + _ms_of_day(ms) * _MS_NS
            return [
                self._bar(venue, symbol, open_ns, side, rest[at : at + 4])
                for side, at in zip(SIDES, (0, 5), strict=True)
            ]

        return read

    def _fxcm_minutes(self, venue: str, symbol: str, side: str) -> Read:
        def read(line: bytes) -> list[Message]:
            time, *prices = _fields(line, 5)
            found = _FXCM_TIME.match(time)
            if found is None:
                raise ValueError(f"{time!r} is not a time like 2012-02-01 00:00:00+00:00")
            day, hour, minute, second = found.groups()
            seconds = _seconds_of_day(int(hour), int(minute), int(second))
            open_ns = self._midnight_ns(day.replace(b"-", b"")) + seconds * _SECOND_NS
            return [self._bar(venue, symbol, open_ns, side, prices)]

        return read

    # messages

    def _quote(
        self, venue: str, symbol: str, ts_ns: int, bid: bytes, ask: bytes, texts: list[bytes]
    ) -> Quote:
        quote = Quote(symbol, venue, ts_ns, ts_ns, _price(bid), _price(ask), 0.0, 0.0)
        self.summary.note_quote(quote, [text.decode("ascii", "replace") for text in texts])
        return quote

    def _bar(self, venue: str, symbol: str, open_ns: int, side: str, prices: list[bytes]) -> Bar:
        """A candle of one side, which is its `source`; how many quotes were in it nobody says: at least one."""
        opens, high, low, close = map(_price, prices)
        if open_ns % _MINUTE_NS:
            raise ValueError("the candle does not begin with a minute")
        bar = Bar(
            symbol=symbol,
            venue=venue,
            timeframe=TIMEFRAME,
            ts_open_ns=open_ns,
            ts_event_ns=open_ns + _MINUTE_NS,
            open=opens,
            high=high,
            low=low,
            close=close,
            volume=0.0,
            buy_volume=0.0,
            sell_volume=0.0,
            vwap=close,
            count=1,
            status="closed",
            coverage=1.0,
            revision=1,
            source=side,
        )
        self.summary.note_bar(bar)
        return bar

    def _midnight_ns(self, day: bytes) -> int:
        """UTC midnight of a day like 20140508."""
        found = self._midnights.get(day)
        if found is None:
            moment = datetime(int(day[:4]), int(day[4:6]), int(day[6:8]), tzinfo=UTC)
            found = self._midnights[day] = round(moment.timestamp()) * _SECOND_NS
        return found


def _fields(line: bytes, count: int) -> list[bytes]:
    fields = line.split(b",")
    if len(fields) != count:
        raise ValueError(f"{len(fields)} fields where {count} are wanted: {line[:60]!r}")
    return fields


def _price(text: bytes) -> float:
    price = float(text)
    if not 0.0 < price < _INF:
        raise ValueError(f"{text!r} is no price")
    return price


def _ms_of_day(text: bytes) -> int:
    ms = int(text)
    if not 0 <= ms < _DAY_MS:
        raise ValueError(f"{ms} ms are no time of a day")
    return ms


def _seconds_of_day(hour: int, minute: int, second: int) -> int:
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{hour}:{minute}:{second} is no time of a day")
    return hour * 3600 + minute * 60 + second


def _venue_of(path: Path) -> str:
    """The venue that the file's name holds, else its folders, as in Lean's tree; empty if none does."""
    for part in reversed(path.parts):
        words = re.split(r"[^a-z]+", part.lower())
        for venue in _VENUES:
            if venue in words:
                return venue
    return ""


def _symbol_of(name: str) -> str:
    """`EUR_USD` of a name that holds EURUSD.

    Raises:
        ValueError: it holds no pair of currencies.
    """
    for word in re.split(r"[^A-Z]+", name.upper()):
        base, quote = word[:3], word[3:]
        if base in _CURRENCIES and quote in _CURRENCIES and base != quote:
            return f"{base}_{quote}"
    raise ValueError("its name holds no pair of currencies like eurusd")
