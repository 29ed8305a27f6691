"""Bybit's frames to outcomes: one parser per market, one reader per connection. Pure.

A reader keeps the topics of its connection (`bybit_topics`), which remember what the venue does not repeat: the last
update id of a book, the fields of a ticker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.collector.outcomes import Ack, BookImage, Ignored, Outcome, Pong, Refusal, Reject
from actors.collector.venues import bybit_frames as frames
from actors.collector.venues import bybit_klines as klines
from actors.collector.venues import bybit_repair as repair
from actors.collector.venues.bybit_topics import NAME, Outcomes, Topic, kind_of
from protocol.errors import DECODE_ERRORS
from protocol.messages import Bar, Trade

_TOPIC: Final = re.compile(r"(?:publicTrade|tickers|allLiquidation|orderbook\.\d+)\.[A-Za-z0-9-]+")
_MAX_TOPICS: Final = 10_000
_MAX_TYPE_LENGTH: Final = 32
_MAX_TEXT_LENGTH: Final = 500

_decode_envelope: Final = frames.decoder(frames.Envelope)


class BybitParser:
    """Reads one market; see `actors.collector.venue.Parser`.

    Args:
        market: spot, linear, inverse.
        names: Raw name to canonical symbol.
    """

    def __init__(self, market: str, names: Mapping[str, str]) -> None:
        self.market = market
        self._names = names
        self._is_inverse = market == "inverse"

    def reader(self) -> BybitReader:
        """A reader of one new connection."""
        return BybitReader(self.market, self._names)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:  # noqa: ARG002 - never asked for
        """Refused: the REST book joins only the topic of 1000 levels."""
        return Reject("unused_snapshot", f"{symbol}: books begin in the stream")

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST recent-trade."""
        return repair.parse(NAME, symbol, body, ts_recv_ns, self._names, is_inverse=self._is_inverse)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST kline."""
        return klines.parse(NAME, symbol, body, self._names, is_inverse=self._is_inverse)


class BybitReader:
    """Reads one connection; see `actors.collector.venue.Reader`."""

    def __init__(self, market: str, names: Mapping[str, str]) -> None:
        self._market = market
        self._names = names
        self._is_inverse = market == "inverse"
        self._topics: dict[str, Topic] = {}

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame: data of a topic, or a control answer."""
        try:
            envelope: frames.Envelope = _decode_envelope(frame)
        except msgspec.ValidationError as fault:
            return (Reject("invalid_frame", str(fault)),)
        except DECODE_ERRORS as fault:
            return (Reject("malformed_json", str(fault)),)
        name = envelope.topic
        if not name:
            return (_control(envelope),)
        topic = self._topics.get(name) or self._open(name)
        if topic is None:
            return (Ignored(_type_of(name)),)
        try:
            return topic.take(envelope, ts_recv_ns)
        except DECODE_ERRORS as fault:
            return (Reject(topic.fault, str(fault)),)

    def _open(self, name: str) -> Topic | None:
        """What reads a topic; None if nobody does."""
        family, _, raw = name.partition(".")
        depth = ""
        if family == "orderbook":
            depth, _, raw = raw.partition(".")
        kind = kind_of(self._market, family, depth)
        if kind is None or not raw:
            return None
        topic = kind(raw, self._names, is_inverse=self._is_inverse)
        # what is not mapped is refused and need not be remembered: names of a peer's making would fill the memory
        if self._names.get(raw) is not None and len(self._topics) < _MAX_TOPICS:
            self._topics[name] = topic
        return topic


def _type_of(name: str) -> str:
    """`kline` of `kline.1.BTCUSDT`, `orderbook.rpi` of `orderbook.rpi.BTCUSDT`."""
    family, _, rest = name.partition(".")
    if family == "orderbook":
        family = f"{family}.{rest.partition('.')[0]}"
    return family[:_MAX_TYPE_LENGTH]


# control answers


def _control(answer: frames.Envelope) -> Outcome:
    """Answers to our requests; a ping is answered with `op` ping or pong, by market."""
    if answer.op in ("ping", "pong") or answer.ret_msg == "pong":
        return Pong()
    if answer.success is None:
        return Ignored("control") if answer.op else Reject("invalid_frame", "neither a topic nor an answer")
    if answer.success:
        is_ours = answer.op in ("subscribe", "unsubscribe")
        return Ack(_number(answer.req_id)) if is_ours else Ignored("control")
    text = answer.ret_msg[:_MAX_TEXT_LENGTH]
    streams = tuple(dict.fromkeys(_TOPIC.findall(text)))
    if streams and "already subscribed" in text:
        return Ack(streams=streams, is_partial=False)  # they flow; the rest of that request was not taken
    return Refusal(_number(answer.req_id), answer.ret_code, text, streams)


def _number(request_id: str | int | None) -> int:
    """Ours are numbers, as texts; 0 for any other."""
    text = str(request_id)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
