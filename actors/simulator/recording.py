"""Recordings of the venue's messages, read as a stream: two formats of others, told apart by their content.

* Lines `<receive time, ns> <json>` (usually gzipped): combined envelopes `{"stream":..,"data":..}`, and one
  REST depth answer among them, which has no envelope.
* cryptofeed's `.jsonl` (usually zstd): one object per line with `t` = header, http, connect, send, recv.
  The http lines stand at the head with the time they really had: they are put back to their place.

Every payload is passed on byte for byte.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import msgspec

from protocol.errors import DECODE_ERRORS

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_HEAD_ITEMS: Final = 5_000
_COINM: Final = re.compile(r"USD_(?:PERP|\d{6})\Z")
_ENVELOPE: Final = b'{"stream":"'
_DATA: Final = b'","data":'


class Played(NamedTuple):
    """One stream message."""

    ts_ns: int
    """When its recorder received it."""
    stream: str
    body: bytes
    """What stands in the envelope's `data`."""


class Answered(NamedTuple):
    """One REST answer, at its place among the messages."""

    ts_ns: int
    endpoint: str
    """Last part of the path, for example `depth`."""
    symbol: str
    """Venue's name of the instrument; empty where the recording does not say."""
    body: bytes


Item = Played | Answered
Damages = tuple[type[Exception], ...]
"""What a damaged file raises when it is read."""


class Head(NamedTuple):
    """What a recording is of, as far as its first messages tell."""

    market: str
    """spot, usdm or coinm."""
    streams: list[str]
    symbols: list[str]


class _Line(msgspec.Struct):
    t: str
    ts: float = 0.0
    url: str = ""
    data: str = ""


class _Envelope(msgspec.Struct):
    stream: str
    data: msgspec.Raw


class _Snapshot(msgspec.Struct):
    lastUpdateId: int  # noqa: N815 - the venue's name
    symbol: str = ""


_decode_line: Final = msgspec.json.Decoder(_Line).decode
_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_snapshot: Final = msgspec.json.Decoder(_Snapshot).decode


class Recording:
    """A file of recorded messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped: Counter[str] = Counter()
        """Lines that are no message, by reason."""

    def items(self) -> Generator[Item]:
        """Every message and REST answer in order; the file is read as they are taken."""
        self.skipped.clear()
        stream, damages = _open(self.path)
        with stream:
            whole = self._lines(stream, damages)
            first = next(whole, b"")
            rest = itertools.chain([first], whole)
            yield from self._cryptofeed(rest) if first.startswith(b"{") else self._stamped(rest)

    def _lines(self, stream: IO[bytes], damages: Damages) -> Iterator[bytes]:
        """Lines up to where the file is damaged, which a recording is whose recorder was killed."""
        try:
            yield from stream
        except damages:
            self.skipped["damaged end"] += 1

    def head(self) -> Head:
        """Look at the first messages.

        Raises:
            ValueError: it holds nothing by which the market can be told.
        """
        market, streams, symbols = "", dict[str, None](), dict[str, None]()
        with contextlib.closing(self.items()) as items:
            for item in itertools.islice(items, _HEAD_ITEMS):
                if isinstance(item, Played):
                    streams[item.stream] = None
                    symbols[item.stream.partition("@")[0].upper()] = None
                    market = market or market_of(item.body)
        if not market:
            raise ValueError(f"{self.path}: no message tells which market it was recorded from")
        return Head(market, list(streams), list(symbols))

    def _stamped(self, lines: Iterator[bytes]) -> Iterator[Item]:
        for line in lines:
            stamp, _, text = line.rstrip().partition(b" ")
            if not stamp.isdigit():
                self.skipped["no time"] += 1
                continue
            item = self._message(int(stamp), text)
            if item is not None:
                yield item

    def _cryptofeed(self, lines: Iterator[bytes]) -> Iterator[Item]:
        answers: list[Answered] = []
        for text in lines:
            try:
                line = _decode_line(text)
            except DECODE_ERRORS:
                self.skipped["no json"] += 1
                continue
            ts_ns = round(line.ts * 1e6) * 1_000
            if line.t == "http":
                parts = urlsplit(line.url)
                symbol = parse_qs(parts.query).get("symbol", [""])[0]
                answers.append(Answered(ts_ns, parts.path.rpartition("/")[2], symbol, line.data.encode()))
                answers.sort(key=lambda answer: answer.ts_ns)
            elif line.t == "recv":
                while answers and answers[0].ts_ns <= ts_ns:
                    yield answers.pop(0)
                item = self._message(ts_ns, line.data.encode())
                if item is not None:
                    yield item
        yield from answers

    def _message(self, ts_ns: int, text: bytes) -> Item | None:
        if text.startswith(_ENVELOPE):
            end = text.find(_DATA, len(_ENVELOPE))
            if end > 0 and text.endswith(b"}"):
                stream = text[len(_ENVELOPE) : end].decode("utf-8", "replace")
                return Played(ts_ns, stream, text[end + len(_DATA) : -1])
        try:
            if b'"lastUpdateId"' in text[:40]:
                return Answered(ts_ns, "depth", _decode_snapshot(text).symbol, text)
            found = _decode_envelope(text)
        except DECODE_ERRORS:
            self.skipped["no stream message"] += 1
            return None
        return Played(ts_ns, found.stream, bytes(found.data))


def market_of(body: bytes) -> str:
    """Market that a message came from, empty if it does not tell.

    USD-M and COIN-M name themselves by `st` since 2026; before, a COIN-M symbol ends in `USD_PERP` or
    `USD_<date>`. Spot depth has no `pu`, spot bookTicker no `e`, and only spot trades have `M`.
    """
    try:
        data = msgspec.json.decode(body, type=dict[str, Any])
    except DECODE_ERRORS:
        return ""
    futures = "coinm" if data.get("st") == 2 or _COINM.search(str(data.get("s", ""))) else "usdm"
    match data.get("e"):
        case "depthUpdate":
            return futures if "pu" in data else "spot"
        case "trade" | "aggTrade":
            return "spot" if "M" in data else futures
        case "bookTicker":
            return futures
        case None:
            return "spot" if {"u", "b", "B", "a", "A"} <= data.keys() else ""
    return futures if "st" in data else ""


def _open(path: Path) -> tuple[IO[bytes], Damages]:
    """Open for reading lines, unpacking what is packed; told by the first bytes, not by the name."""
    damages: Damages = (EOFError, OSError, zlib.error)
    with path.open("rb") as probe:
        magic = probe.read(4)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(path, "rb")), damages
    if magic == _ZSTD:
        try:
            import zstandard  # noqa: PLC0415 - only for those who play such a file
        except ModuleNotFoundError as fault:
            raise ValueError(f"{path}: is zstd; install the package zstandard to read it") from fault
        unpacked = cast("io.RawIOBase", zstandard.open(path, "rb"))
        return io.BufferedReader(unpacked), (*damages, zstandard.ZstdError)
    return path.open("rb"), damages
