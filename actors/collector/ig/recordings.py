"""Recorded REST answers and stream lines of IG as messages, for `tapehub decode ig`. Only the file is read.

What a file is, its content tells:

    {"prices": [..]}                        answer of `/prices`, any version: candles of mid prices
    {"instrument": .., "snapshot": ..}      answer of `/markets/{epic}`
    {"lightstreamerEndpoint": ..}           answer of a login, or of `GET /session`
    {"dealingEnabled": ..}                  answer of `PUT /session`
    [{"apiKey": ..}]                        answer of `/operations/application`
    {"chart_tick": .., "price": ..}         what was seen of the stream, as quoted in notes: quotes
    [{"steps": [{"lines": ..}, ..]}, ..]    TLCP sessions
    {"prev": .., "line": .., "fields": ..}  a case of decoding an update, one a line

An answer of `/prices` does not name its epic, so its candles are of the symbol UNNAMED. Versions 1 and 2 tell the wall
clock of the account but not its zone: it stands in the messages as if it were UTC, and the summary says `local`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.collector.ig import tlcp
from actors.collector.ig.prices import BANDS, Scale, number, time_ns
from actors.collector.ig.rest_shapes import (
    TIMEFRAMES,
    Application,
    Candle,
    Market,
    PricesBody,
    SessionBody,
    decode,
    parse_prices,
)
from actors.collector.ig.updates import decode as decode_update
from actors.collector.outcomes import Ignored, Reject
from actors.collector.recorded.recordings import UnreadableRecording
from protocol.instruments import Catalog
from protocol.messages import Bar, Message, Quote
from protocol.sessions import timeframe_ns

VENUE: Final = "ig"
UNNAMED: Final = "UNNAMED"
_MARKET: Final = "cfd"
_MAX_BYTES: Final = 64 * 1024 * 1024
_MINUTE: Final = "1m"
_MAX_FIELDS: Final = 1000
_PAIR: Final = re.compile(r"CS\.D\.([A-Z]{3})([A-Z]{3})\.")
_NAME: Final = re.compile(r"[A-Z0-9]{1,20}")


class _Line(msgspec.Struct):
    line: str


class _Chart(msgspec.Struct):
    group: str
    schema: str
    lines: list[str] = []


class _Tick(msgspec.Struct):
    bid: str
    ask: str
    ts: str


class _Price(msgspec.Struct):
    epic: str
    observed_ticks: list[_Tick] = []


class _Observed(msgspec.Struct):
    """What was seen of the stream."""

    conok: _Line | None = None
    chart_tick: _Chart | None = None
    price: _Price | None = None


class _Step(msgspec.Struct):
    lines: list[str] = []


class _Session(msgspec.Struct):
    """Requests and answers in their order; only what the server said is read."""

    steps: list[_Step]


class _Case(msgspec.Struct):
    """A line, the fields before and after it."""

    line: str
    fields: list[str | None]
    prev: list[str | None] | None = None


class IgSummary:
    """Counts of one file, as plain numbers."""

    def __init__(self) -> None:
        self.frames = 0
        self.kind = ""
        """What the file is; empty: nothing that is known."""
        self.content: dict[str, Any] = {}
        """What it holds, in words of its kind."""
        self.kinds: Counter[str] = Counter()
        self.symbols: dict[str, Counter[str]] = {}
        self.rejects: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.first_event_ns = self.last_event_ns = 0

    def note(self, message: Bar | Quote) -> None:
        """Count one message."""
        self.kinds[message.KIND] += 1
        self.symbols.setdefault(message.symbol, Counter())[message.KIND] += 1
        self.first_event_ns = min(self.first_event_ns or message.ts_event_ns, message.ts_event_ns)
        self.last_event_ns = max(self.last_event_ns, message.ts_event_ns)

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        return {
            "venue": VENUE,
            "frames": self.frames,
            "by_kind": dict(sorted(self.kinds.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "gaps": [],
            "symbols": {
                symbol: dict(sorted(kinds.items())) for symbol, kinds in sorted(self.symbols.items())
            },
            "answer": self.kind,
            **({self.kind: self.content} if self.kind else {}),
        }


class IgDecoder:
    """Decodes one file.

    Args:
        catalog: Canonical names of epics; those that it does not map get derived ones.
    """

    def __init__(self, catalog: Catalog | None = None) -> None:
        self.summary = IgSummary()
        self._catalog = catalog

    def messages(self, path: Path) -> Iterator[Message]:
        """Messages of a file, oldest first; `summary` is complete at the end.

        Raises:
            UnreadableRecording: says why.
        """
        try:
            body = _read(path)
            kind, read = self._reader(body)
            self.summary.kind = kind
            for message in read(body):
                self.summary.note(message)
                yield message
        except (OSError, ValueError, RecursionError) as fault:
            raise UnreadableRecording(f"{path}: {fault}") from fault

    def _reader(self, body: bytes) -> tuple[str, Callable[[bytes], Iterable[Bar | Quote]]]:
        if body.startswith(b'{"prev":'):
            return "vectors", self._vectors
        found = msgspec.json.decode(body)
        first = found[0] if isinstance(found, list) and found else found
        keys = set(first) if isinstance(first, dict) else set()
        if isinstance(found, list):
            if "steps" in keys:
                return "sessions", self._sessions
            if "apiKey" in keys:
                return "applications", self._applications
        elif "prices" in keys:
            return "prices", self._prices
        elif {"instrument", "snapshot"} <= keys:
            return "market", self._market
        elif "lightstreamerEndpoint" in keys:
            return "session", self._session
        elif "chart_tick" in keys or "price" in keys:
            return "stream", self._stream
        elif "dealingEnabled" in keys:
            return "switch", self._switch
        raise ValueError("neither an answer of IG's REST side nor lines of its stream")

    # answers

    def _prices(self, body: bytes) -> Iterable[Bar]:
        found = self._decoded(body, PricesBody)
        raw = msgspec.json.decode(body)
        rows: list[dict[str, Any]] = raw["prices"]
        history = parse_prices(VENUE, UNNAMED, body, _MINUTE, zone=UTC)
        if isinstance(history, Reject):
            raise ValueError(f"{history.reason}: {history.detail}")
        opens = [bar.ts_open_ns for bar in history.bars]
        step_ns = min((after - before for before, after in pairwise(opens)), default=0)
        timeframe = next((name for name in TIMEFRAMES.values() if timeframe_ns(name) == step_ns), "")
        times = "utc" if all(candle.snapshotTimeUTC for candle in found.prices) else "local"
        self.summary.content = _of_candles(found.prices, rows) | {
            "allowance": msgspec.to_builtins(history.allowance),
            "other_keys": [key for key in raw if key != "prices"],
            "timeframe": timeframe,
            "times": times,
            "skipped": history.skipped,
        }
        if not timeframe:
            self.summary.rejects["unknown_resolution"] += len(opens)
            return
        for bar in history.bars:
            end_ns = bar.ts_open_ns + timeframe_ns(timeframe)
            yield msgspec.structs.replace(bar, timeframe=timeframe, ts_event_ns=end_ns)

    def _market(self, body: bytes) -> Iterable[Bar]:
        """Its prices have a time of day without a date: they make no quote."""
        market = self._decoded(body, Market)
        self.summary.content = {"epic": market.instrument.epic, **msgspec.to_builtins(market.snapshot)}
        return ()

    def _session(self, body: bytes) -> Iterable[Bar]:
        found = self._decoded(body, SessionBody)
        self.summary.content = {
            "account": found.account,
            "endpoint": found.lightstreamerEndpoint,
            "timezone_offset_h": found.timezoneOffset,
        }
        return ()

    def _switch(self, body: bytes) -> Iterable[Bar]:
        self.summary.content = self._decoded(body, dict[str, bool | None])
        return ()

    def _applications(self, body: bytes) -> Iterable[Bar]:
        self.summary.content = {"n": 0, "allowances": []}
        for application in self._decoded(body, list[Application]):
            self.summary.content["n"] += 1
            self.summary.content["allowances"].append(msgspec.to_builtins(application))
        return ()

    def _decoded(self, body: bytes, shape: Any) -> Any:
        self.summary.frames += 1
        found: Any = decode(body, shape)
        if isinstance(found, Reject):
            raise ValueError(f"{found.reason}: {found.detail}")
        return found

    # lines of the stream

    def _stream(self, body: bytes) -> Iterable[Quote]:
        seen = msgspec.json.decode(body, type=_Observed)
        if seen.conok is not None:
            self._line(seen.conok.line)
        chart = seen.chart_tick
        for text in chart.lines if chart else ():
            line = self._line(text)
            if chart is not None and isinstance(line, tlcp.Update):
                epic = chart.group.removeprefix("CHART:").removesuffix(":TICK")
                yield from self._tick(epic, chart.schema.split(" "), line.payload)
        price = seen.price
        for tick in price.observed_ticks if price else ():
            self.summary.frames += 1
            yield from self._quote(price.epic if price else "", tick.bid, tick.ask, tick.ts)

    def _tick(self, epic: str, schema: list[str], payload: str) -> Iterable[Quote]:
        values = decode_update(payload, [None] * len(schema))
        if isinstance(values, Reject):
            self.summary.rejects[values.reason] += 1
            return
        fields = dict(zip(schema, values, strict=True))
        yield from self._quote(epic, fields.get("BID"), fields.get("OFR"), fields.get("UTM"))

    def _quote(
        self, epic: str, bid_text: str | None, ask_text: str | None, time: str | None
    ) -> Iterable[Quote]:
        bid, ask, ts_ns = number(bid_text), number(ask_text), time_ns(time)
        if not bid or not ask or ts_ns is None:
            self.summary.rejects["incomplete_quote"] += 1
            return
        symbol = self._symbol(epic)
        scale = Scale(epic, None, BANDS.get(symbol))
        if scale.needs_hint:
            scale.hint(None)
        real = scale.real(bid, ask)
        if isinstance(real, str):
            self.summary.rejects[real] += 1
            return
        yield Quote(symbol, VENUE, ts_ns, 0, *real, 0.0, 0.0)

    def _symbol(self, epic: str) -> str:
        mapped = self._catalog.canonical(VENUE, _MARKET, epic) if self._catalog else None
        if mapped:
            return mapped
        pair = _PAIR.match(epic)
        if pair:
            return f"{pair[1]}_{pair[2]}"
        name = _NAME.fullmatch(epic.upper().split(".")[2]) if epic.count(".") > 1 else None
        return name.group() if name else UNNAMED

    def _line(self, text: str) -> tlcp.Line:
        """Read one line and count what it is."""
        self.summary.frames += 1
        line = tlcp.parse(text)
        if isinstance(line, Reject):
            self.summary.rejects[line.reason] += 1
        elif isinstance(line, Ignored):
            self.summary.ignored["unknown line"] += 1
        else:
            lines = self.summary.content.setdefault("lines", {})
            name = text.partition(",")[0]
            lines[name] = lines.get(name, 0) + 1
        return line

    def _sessions(self, body: bytes) -> Iterable[Quote]:
        last_values: list[dict[str, list[str | None]]] = []
        self.summary.content = {"lines": {}, "last_values": last_values}
        for session in msgspec.json.decode(body, type=list[_Session]):
            values: dict[str, list[str | None]] = {}
            for text in (line for step in session.steps for line in step.lines):
                self._item(self._line(text), values)
            last_values.append(values)
        self.summary.content["n"] = len(last_values)
        return ()

    def _item(self, line: tlcp.Line, values: dict[str, list[str | None]]) -> None:
        """Keep the fields of the items of a session, by the number of their subscription."""
        if isinstance(line, tlcp.Subscribed):
            values[str(line.sub_id)] = [None] * min(line.fields, _MAX_FIELDS)
        elif isinstance(line, tlcp.Update) and str(line.sub_id) in values:
            after = decode_update(line.payload, values[str(line.sub_id)])
            if isinstance(after, Reject):
                self.summary.rejects[after.reason] += 1
            else:
                values[str(line.sub_id)] = after

    def _vectors(self, body: bytes) -> Iterable[Quote]:
        content = self.summary.content = {"n": 0, "equal": 0, "different": 0}
        for text in body.splitlines():
            case = msgspec.json.decode(text, type=_Case)
            self.summary.frames += 1
            line = tlcp.parse(case.line)
            payload = line.payload if isinstance(line, tlcp.Update) else ""
            values = decode_update(payload, case.prev or [None] * len(case.fields))
            content["n"] += 1
            content["equal" if values == case.fields else "different"] += 1
        return ()


def _of_candles(candles: list[Candle], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the answer says, in the words of the independently computed tables."""
    if not candles:
        return {"n": 0}
    first, last = candles[0], candles[-1]
    sides = [side for one in candles for side in (one.openPrice, one.highPrice, one.lowPrice, one.closePrice)]
    return {
        "n": len(candles),
        "first_time": first.snapshotTime,
        "first_time_utc": first.snapshotTimeUTC,
        "last_time": last.snapshotTime,
        "keys": sorted(rows[0]),
        "null_prices": sum(side.bid is None or side.ask is None for side in sides),
        "lastTraded_null": sum(row["closePrice"].get("lastTraded") is None for row in rows),
        "volume": sum(one.lastTradedVolume or 0 for one in candles),
        "first_mid_close": first.closePrice.mid(1.0),
    }


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    return body
