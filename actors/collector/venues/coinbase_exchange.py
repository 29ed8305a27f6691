"""Coinbase Exchange (the former Pro feed): frames to outcomes. Pure.

Facts: the "Exchange WebSocket" pages and recordings of 2019 to 2022. `side` of a match is the side of the order that
rested, so the taker did the opposite; `side` of a ticker is the taker's and is not read. Trade ids step by one per
product. `sequence` counts an unseen, fuller feed: it only grows. Books have no numbers; the venue promises not to drop
messages of their channel, so they are counted here. Times are ISO-8601; `0001-01-01` means that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Ignored,
    Outcome,
    PastTrade,
    Refusal,
    Reject,
    Subscribed,
    TradeMark,
)
from actors.collector.venues import coinbase_frames as frames
from actors.collector.venues import coinbase_klines as klines
from actors.collector.venues import coinbase_repair as repair
from actors.collector.venues.coinbase_books import BookNumbers
from actors.collector.venues.coinbase_frames import NAME
from actors.collector.venues.coinbase_time import event_ns
from protocol.messages import BUY, SELL, Bar, Quote, Trade

STREAM_TYPES: Final = ("matches", "ticker", "level2_batch")
_MAX_NAME: Final = 32
_BATCH_NAMES: Final = frozenset({"level2_50"})
"""How the venue lists `level2_batch` in its answers."""
_PRODUCT: Final = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}")

Outcomes = Sequence[Outcome]
_decode: Final = frames.decoder(frames.ExchangeFrame)
_decode_envelope: Final = frames.decoder(frames.ExchangeEnvelope)


class ExchangeParser:
    """See `actors.collector.venue.Parser`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def reader(self) -> ExchangeReader:
        """A reader of one new connection."""
        return ExchangeReader(self._names)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:  # noqa: ARG002 - none
        """Never asked for: the stream begins with the book."""
        return Reject("no_rest_snapshot", symbol)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST `/products/{id}/trades`; the answer does not name its product."""
        return repair.parse_exchange(symbol, body, ts_recv_ns)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST `/products/{id}/candles`; the answer does not name its product."""
        return klines.parse_exchange(symbol, body)


class ExchangeReader:
    """Reads one connection; remembers the numbers of its books. See `actors.collector.venue.Reader`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._numbers = BookNumbers()
        self._readers: dict[type, Callable[[Any, int], Outcomes]] = {
            frames.Match: self._match,
            frames.LastMatch: self._last_match,
            frames.Ticker: self._ticker,
            frames.Snapshot: self._snapshot,
            frames.L2Update: self._l2update,
            frames.Heartbeat: self._heartbeat,
            frames.Subscriptions: self._subscriptions,
            frames.ExchangeError: self._error,
        }

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame."""
        try:
            found = _decode(frame)
            return self._readers[type(found)](found, ts_recv_ns)
        except (msgspec.DecodeError, ValueError, RecursionError) as fault:
            return (self._unread(frame, fault),)

    def _unread(self, frame: bytes, fault: Exception) -> Outcome:
        """A type that nobody reads, or a frame that does not fit: if that may have been of a book, it is lost."""
        try:
            envelope: frames.ExchangeEnvelope = _decode_envelope(frame)
        except msgspec.ValidationError:
            self._numbers.skip()
            return Reject("invalid_frame", str(fault))
        except (msgspec.DecodeError, ValueError, RecursionError):
            self._numbers.skip()
            return Reject("malformed_json", str(fault))
        if envelope.type not in frames.EXCHANGE_TYPES:
            return Ignored(envelope.type[:_MAX_NAME])
        if envelope.type in ("snapshot", "l2update"):
            self._numbers.skip(envelope.product_id)
        return Reject(f"invalid_{envelope.type}", str(fault))

    # readers: each raises ValueError on a time that is none

    def _match(self, frame: frames.Match, ts_recv_ns: int) -> Outcomes:
        symbol = self._names.get(frame.product_id)
        if symbol is None:
            return _stranger(frame.product_id)
        side = BUY if frame.side == "sell" else SELL
        ts_event_ns = event_ns(frame.time, ts_recv_ns)
        return (Trade(symbol, NAME, ts_event_ns, ts_recv_ns, frame.price, frame.size, side, frame.trade_id),)

    def _last_match(self, frame: frames.LastMatch, ts_recv_ns: int) -> Outcomes:
        return [
            PastTrade(found) if isinstance(found, Trade) else found
            for found in self._match(frame, ts_recv_ns)
        ]

    def _ticker(self, frame: frames.Ticker, ts_recv_ns: int) -> Outcomes:
        symbol = self._names.get(frame.product_id)
        if symbol is None:
            return _stranger(frame.product_id)
        ts_event_ns = event_ns(frame.time, ts_recv_ns)
        bid, ask = frame.best_bid, frame.best_ask
        if not bid or not ask:  # nobody bids or offers: there is no quote to tell
            return (Ignored("ticker"),)
        sizes = frame.best_bid_size, frame.best_ask_size
        return (Quote(symbol, NAME, ts_event_ns, ts_recv_ns, bid, ask, *sizes, frame.sequence),)

    def _snapshot(self, frame: frames.Snapshot, ts_recv_ns: int) -> Outcomes:
        product = frame.product_id
        symbol = self._names.get(product)
        if symbol is None:
            return _stranger(product)
        ts_event_ns = event_ns(frame.time, ts_recv_ns) if frame.time else ts_recv_ns
        bids, asks = frame.bids, frame.asks
        bids.sort(reverse=True)  # they are sorted already, which costs next to nothing
        asks.sort()
        number = self._numbers.image(product, ts_recv_ns)
        return (BookImage(symbol, ts_event_ns, ts_recv_ns, number, bids, asks),)

    def _l2update(self, frame: frames.L2Update, ts_recv_ns: int) -> Outcomes:
        product = frame.product_id
        symbol = self._names.get(product)
        if symbol is None:
            return _stranger(product)
        ts_event_ns = event_ns(frame.time, ts_recv_ns)
        bids = [(price, size) for side, price, size in frame.changes if side == "buy"]
        asks = [(price, size) for side, price, size in frame.changes if side == "sell"]
        number = self._numbers.change(product)
        return (BookChange(symbol, ts_event_ns, ts_recv_ns, number, number - 1, number, bids, asks),)

    def _heartbeat(self, frame: frames.Heartbeat, ts_recv_ns: int) -> Outcomes:
        symbol = self._names.get(frame.product_id)
        if symbol is None:
            return _stranger(frame.product_id)
        return (TradeMark(symbol, event_ns(frame.time, ts_recv_ns), frame.last_trade_id),)

    def _subscriptions(self, frame: frames.Subscriptions, ts_recv_ns: int) -> Outcomes:  # noqa: ARG002 - no time
        listed = [
            f"{'level2_batch' if channel.name in _BATCH_NAMES else channel.name}:{product}"
            for channel in frame.channels
            for product in channel.product_ids or ()
        ]
        return (Subscribed(frozenset(listed)),)

    def _error(self, frame: frames.ExchangeError, ts_recv_ns: int) -> Outcomes:  # noqa: ARG002 - no time
        text = ": ".join(part for part in (frame.message, frame.reason) if part)
        return (Refusal(0, 0, text, refused(text, STREAM_TYPES, self._names)),)


def refused(text: str, stream_types: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Streams of the products that an error names; only products that we know, so that nobody makes up names."""
    products = dict.fromkeys(product for product in _PRODUCT.findall(text) if product in names)
    return tuple(f"{stream_type}:{product}" for product in products for stream_type in stream_types)


def _stranger(product: str) -> tuple[Reject]:
    return (Reject("unmapped_symbol", product),)
