"""Recorded answers of the providers of bars as messages, for `tapehub decode yahoo` and the like. Only the file is read.

What a file is, its content tells:

    {"request": .., "response": {"bodyJson": ..}}    an HTTP exchange, as Yahoo's are recorded
    {..}                                             a body alone, also gzipped
    {..}\\n{..}                                      bodies, one a line
    time,open,high,low,close,volume                  Alpha Vantage's extended history

A body goes through `Provider.read`, as a live one does. The question that it answers is made from what it says of itself: symbol,
interval, time zone. Where it does not say the interval it is the smallest step between two bars, where it does not
say when it was received all bars are taken to be closed.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.collector.bars.providers.alphavantage_csv import HEADER
from actors.collector.bars.providers.provider import Answer, Page, ProviderBar, Refusal
from actors.collector.bars.providers.registry import provider
from actors.collector.bars.providers.times import date_ns
from actors.collector.bars.recorded_questions import Question, question_of
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.instruments import Catalog
from protocol.messages import Bar, Message
from protocol.sessions import timeframe_ns

_MAX_BYTES: Final = 64 * 1024 * 1024
_MOST_TOLD: Final = 100
_GZIP: Final = b"\x1f\x8b"
_LATER_NS: Final = 4_102_444_800 * 1_000_000_000
"""Of an answer of which nobody noted when it came: after all of its bars."""


class _Response(msgspec.Struct):
    status: int = 200
    headers: dict[str, str] = {}
    bodyJson: msgspec.Raw = msgspec.Raw()  # noqa: N815 - the recorder's name
    body: str = ""


class _Exchange(msgspec.Struct):
    response: _Response


class BarsSummary:
    """Counts of one file, as plain numbers."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.answers = 0
        self.kinds: Counter[str] = Counter()
        self.symbols: dict[str, dict[str, Any]] = {}
        self.rejects: Counter[str] = Counter()
        """Kind of refusal to how often."""
        self.ignored: Counter[str] = Counter()
        """Reason to the rows that are no bars."""
        self.told: list[dict[str, Any]] = []
        """What each of the first answers says of itself."""
        self.first_event_ns = self.last_event_ns = 0

    def note_answer(self, question: Question, found: Page | Refusal) -> None:
        """Count an answer."""
        self.answers += 1
        row = {"is": "bars", **question.about}
        if isinstance(found, Refusal):
            self.rejects[found.kind] += 1
            row |= {"is": found.kind, "text": found.text}
        if len(self.told) < _MOST_TOLD:
            self.told.append(row)

    def note_page(self, question: Question, symbol: str, page: Page) -> None:
        """Count the bars of an answer."""
        self.ignored.update(page.dropped)
        row = self.symbols.setdefault(symbol, {"venue_symbol": question.query.raw, "bars": 0, "volume": 0.0})
        bars = page.bars
        row["bars"] += len(bars)
        row["volume"] += sum(bar.volume or 0.0 for bar in bars)
        row |= {
            "timeframe": question.query.timeframe,
            "first_ts_ns": bars[0].ts_open_ns,
            "last_ts_ns": bars[-1].ts_open_ns,
            "last_close": bars[-1].close,
            "has_volume": any(bar.volume is not None for bar in bars),
            "count": sum(bar.count for bar in bars),
            "is_adjusted": page.is_adjusted,
            "is_delayed": page.is_delayed,
        }

    def note(self, bar: Bar) -> None:
        """Count one message."""
        self.kinds[bar.KIND] += 1
        self.first_event_ns = min(self.first_event_ns or bar.ts_event_ns, bar.ts_event_ns)
        self.last_event_ns = max(self.last_event_ns, bar.ts_event_ns)

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        is_known = self.symbols or set(self.rejects) - {"broken", "wrong_symbol"}
        return {
            "venue": self.venue,
            "frames": self.answers,
            "by_kind": dict(sorted(self.kinds.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "gaps": [],
            "symbols": dict(sorted(self.symbols.items())),
            "answer": ("bars" if self.symbols else "refusal") if is_known else "",
            "answers": self.told,
        }


class BarsDecoder:
    """Decodes one file.

    Args:
        name: Of the provider.
        catalog: Canonical names; those that it does not map get derived ones.
    """

    def __init__(self, name: str, catalog: Catalog | None = None) -> None:
        self.summary = BarsSummary(name)
        self._name, self._provider = name, provider(name)
        instruments = map(catalog.get, catalog.symbols) if catalog else ()
        self._mapped = {one.providers[name]: one.symbol for one in instruments if name in one.providers}

    def messages(self, path: Path) -> Iterator[Message]:
        """Bars of a file, oldest first in each answer; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says why.
        """
        for answer in _answers(_read(path)):
            question = question_of(self._name, answer)
            page = question.read(self._provider, answer)
            self.summary.note_answer(question, page)
            if isinstance(page, Refusal) or not page.bars:
                continue
            symbol = self._mapped.get(question.query.raw) or question.symbol
            self.summary.note_page(question, symbol, page)
            recv_ns = 0 if answer.at_ns == _LATER_NS else answer.at_ns
            for bar in page.bars:
                message = self._message(bar, symbol, question.query.timeframe, page, recv_ns)
                self.summary.note(message)
                yield message

    def _message(self, bar: ProviderBar, symbol: str, timeframe: str, page: Page, recv_ns: int) -> Bar:
        return Bar(
            symbol=symbol,
            venue=self._name,
            timeframe=timeframe,
            ts_open_ns=bar.ts_open_ns,
            ts_event_ns=bar.ts_open_ns + timeframe_ns(timeframe),
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume or 0.0,
            buy_volume=0.0,
            sell_volume=0.0,
            vwap=bar.vwap or bar.close,
            count=bar.count,
            status="open" if bar.is_running else "closed",
            coverage=1.0,
            revision=0 if bar.is_running else 1,
            source=self._name,
            ts_recv_ns=recv_ns,
            is_adjusted=page.is_adjusted,
        )


def _answers(body: bytes) -> Iterator[Answer]:
    """The answers in a file."""
    if body.startswith(HEADER):
        yield Answer(200, {}, body, _LATER_NS)
        return
    lines = [line for line in body.splitlines() if line.strip()]
    is_one_a_line = len(lines) > 1 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines)
    for one in lines if is_one_a_line else [body]:
        yield _answer(one)


def _answer(body: bytes) -> Answer:
    """A body, out of the exchange that it was recorded in, if it was."""
    try:
        found = msgspec.json.decode(body, type=_Exchange).response
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Answer(200, {}, body, _LATER_NS)
    headers = {name.lower(): value for name, value in found.headers.items()}
    at_ns = date_ns(headers.get("date", "")) or _LATER_NS
    return Answer(found.status, headers, bytes(found.bodyJson) or found.body.encode(), at_ns)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == _GZIP
            file.seek(0)
            if is_gzip:
                with gzip.open(file) as unpacked:
                    body = unpacked.read(_MAX_BYTES + 1)
            else:
                body = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as fault:
        raise UnreadableRecording(f"{path}: {fault}") from fault
    if len(body) > _MAX_BYTES:
        raise UnreadableRecording(f"{path}: more than {_MAX_BYTES} bytes")
    return body
