"""Coinbase Advanced Trade: frames to outcomes. Pure.

Facts: the "Advanced Trade WebSocket" pages and a recording of 2026-08, which decides where they differ: `side` of
`market_trades` is the side of the order that rested; lists of trades are newest first; the first list of a
subscription is a hundred old trades, which are no news; `sequence_num` steps by one over all channels of a connection,
and `subscriptions` lists all channels each time. `level2` is subscribed, `l2_data` comes. Trade ids step by one per
product. Tickers have no time but that of sending.

A `-USDC` product is the `-USD` one under another name: its messages come under the `-USD` id. They are taken for the
symbol that the `-USD` id maps to, and only if there is none for that of the `-USDC` id: map one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Broken,
    Ignored,
    Outcome,
    PastTrade,
    Pong,
    Refusal,
    Reject,
    Subscribed,
)
from actors.collector.venues import coinbase_frames as frames
from actors.collector.venues import coinbase_klines as klines
from actors.collector.venues import coinbase_repair as repair
from actors.collector.venues.coinbase_books import BookNumbers
from actors.collector.venues.coinbase_exchange import refused
from actors.collector.venues.coinbase_frames import NAME
from actors.collector.venues.coinbase_sides import SideCheck
from actors.collector.venues.coinbase_time import event_ns
from protocol.messages import BUY, SELL, Bar, Level, Quote, Trade

STREAM_TYPES: Final = ("market_trades", "tickers", "level2")
HEARTBEATS: Final = "heartbeats"
"""Stream that every connection needs: the others end after a minute or so in which nothing happened."""
_LISTED: Final = {"ticker": "tickers"}
"""Channel to stream type, where they differ; see `coinbase.py`."""
_MAX_NAME: Final = 32
_NEW: Final = -1
_DUPLICATE: Final = Ignored("duplicate_sequence_num")

Outcomes = Sequence[Outcome]
_decode: Final = frames.decoder(frames.AdvancedFrame)
_decode_envelope: Final = frames.decoder(frames.AdvancedEnvelope)


class AdvancedParser:
    """See `actors.collector.venue.Parser`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def reader(self) -> AdvancedReader:
        """A reader of one new connection."""
        return AdvancedReader(self._names)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:  # noqa: ARG002 - none
        """Never asked for: the stream begins with the book."""
        return Reject("no_rest_snapshot", symbol)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST `.../products/{id}/ticker`."""
        return repair.parse_advanced(symbol, body, ts_recv_ns)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST `.../products/{id}/candles`; the answer does not name its product."""
        return klines.parse_advanced(symbol, body)


class AdvancedReader:
    """Reads one connection; remembers its numbers. See `actors.collector.venue.Reader`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._sequence_num = _NEW
        self._is_broken = False
        self._numbers = BookNumbers()
        self._sides = SideCheck()
        self._readers: dict[type, Callable[[Any, int], list[Outcome]]] = {
            frames.MarketTrades: self._trades,
            frames.Tickers: self._tickers,
            frames.L2Data: self._l2_data,
            frames.Heartbeats: lambda _frame, _ts_recv_ns: [Pong()],
            frames.SubscribedNow: self._subscriptions,
        }

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame."""
        try:
            found = _decode(frame)
        except (msgspec.DecodeError, ValueError, RecursionError) as fault:
            return self._unread(frame, fault)
        number = found.sequence_num
        broken: list[Outcome] = []
        if number != self._sequence_num + 1:
            verdict = self._jump(number)
            if verdict is _DUPLICATE:
                return (_DUPLICATE,)
            broken = [verdict] if verdict is not None else []
        self._sequence_num = number
        try:
            read = self._readers[type(found)](found, ts_recv_ns)
        except ValueError as fault:  # a time that is none
            return [*broken, self._invalid(found.__struct_config__.tag, fault)]
        return [*broken, *read] if broken else read

    def _jump(self, number: int) -> Outcome | None:
        """What a number that is not the next one means; None: nothing new."""
        last = self._sequence_num
        if last == _NEW:
            return None
        if number <= last and (number or not last):
            return _DUPLICATE
        self._numbers.skip()
        if not number:  # another connection, in a recording that does not tell them apart
            self._is_broken = False
            return None
        if self._is_broken:
            return None
        self._is_broken = True
        return Broken(f"sequence_num jumped from {last} to {number}")

    def _unread(self, frame: bytes, fault: Exception) -> Outcomes:
        """A channel that nobody reads, an error, or a frame that does not fit; each with a number takes it."""
        try:
            envelope: frames.AdvancedEnvelope = _decode_envelope(frame)
        except msgspec.ValidationError:
            self._numbers.skip()
            return (Reject("invalid_frame", str(fault)),)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self._numbers.skip()
            return (Reject("malformed_json", str(fault)),)
        found: list[Outcome] = []
        number = envelope.sequence_num
        if number is not None:
            verdict = None if number == self._sequence_num + 1 else self._jump(number)
            if verdict is _DUPLICATE:
                return (_DUPLICATE,)
            found = [verdict] if verdict is not None else []
            self._sequence_num = number
        found.append(self._left(envelope, fault))
        return found

    def _left(self, envelope: frames.AdvancedEnvelope, fault: Exception) -> Outcome:
        if envelope.channel in frames.ADVANCED_CHANNELS:
            return self._invalid(envelope.channel, fault)
        if envelope.type == "error":
            text = envelope.message
            return Refusal(0, 0, text, refused(text, STREAM_TYPES, self._names))
        if envelope.channel or envelope.type:
            return Ignored((envelope.channel or envelope.type)[:_MAX_NAME])
        return Reject("invalid_frame", str(fault))

    def _invalid(self, channel: Any, fault: Exception) -> Reject:
        if channel == "l2_data":
            self._numbers.skip()
        return Reject(f"invalid_{channel}", str(fault))

    def _symbol(self, product: str) -> str | None:
        symbol = self._names.get(product)
        if symbol is None and product.endswith("-USD"):
            return self._names.get(f"{product}C")
        return symbol

    # readers: each raises ValueError on a time that is none

    def _trades(self, frame: frames.MarketTrades, ts_recv_ns: int) -> list[Outcome]:
        found: list[Outcome] = []
        for event in frame.events:
            is_past = event.type == "snapshot"
            for row in reversed(event.trades):
                product = row.product_id
                symbol = self._symbol(product)
                if symbol is None:
                    found.append(Reject("unmapped_symbol", product))
                    continue
                side = BUY if row.side == "SELL" else SELL
                ts_event_ns = event_ns(row.time, ts_recv_ns)
                trade = Trade(symbol, NAME, ts_event_ns, ts_recv_ns, row.price, row.size, side, row.trade_id)
                if is_past:
                    found.append(PastTrade(trade))
                    continue
                found.append(trade)
                if self._sides.trade(product, ts_event_ns, row.price, side):
                    found.append(Reject("side_looks_inverted", self._measured()))
        return found

    def _measured(self) -> str:
        sides = self._sides
        return f"{sides.agreed} of {sides.seen} trades lie at the side they are said to have taken"

    def _tickers(self, frame: frames.Tickers, ts_recv_ns: int) -> list[Outcome]:
        found: list[Outcome] = []
        ts_event_ns = event_ns(frame.timestamp, ts_recv_ns)
        for event in frame.events:
            for row in event.tickers:
                symbol = self._symbol(row.product_id)
                bid, ask = row.best_bid, row.best_ask
                if symbol is None:
                    found.append(Reject("unmapped_symbol", row.product_id))
                elif not bid or not ask:  # nobody bids or offers: there is no quote to tell
                    found.append(Ignored("ticker"))
                else:
                    sizes = row.best_bid_quantity, row.best_ask_quantity
                    found.append(Quote(symbol, NAME, ts_event_ns, ts_recv_ns, bid, ask, *sizes))
                    self._sides.quote(row.product_id, ts_event_ns, bid, ask)
        return found

    def _l2_data(self, frame: frames.L2Data, ts_recv_ns: int) -> list[Outcome]:
        sent_ns = event_ns(frame.timestamp, ts_recv_ns)
        return [self._levels(event, sent_ns, ts_recv_ns) for event in frame.events]

    def _levels(self, event: frames.LevelUpdates, sent_ns: int, ts_recv_ns: int) -> Outcome:
        product = event.product_id
        symbol = self._symbol(product)
        if symbol is None:
            return Reject("unmapped_symbol", product)
        bids: list[Level] = []
        asks: list[Level] = []
        times: set[str] = set()
        for row in event.updates:
            (bids if row.side == "bid" else asks).append((row.price_level, row.new_quantity))
            times.add(row.event_time)
        ts_event_ns = max((event_ns(time, sent_ns) for time in times), default=sent_ns)
        if event.type == "snapshot":
            bids.sort(reverse=True)  # they are sorted already, which costs next to nothing
            asks.sort()
            number = self._numbers.image(product, ts_recv_ns)
            return BookImage(symbol, ts_event_ns, ts_recv_ns, number, bids, asks)
        number = self._numbers.change(product)
        return BookChange(symbol, ts_event_ns, ts_recv_ns, number, number - 1, number, bids, asks)

    def _subscriptions(self, frame: frames.SubscribedNow, ts_recv_ns: int) -> list[Outcome]:  # noqa: ARG002 - no time
        listed: set[str] = set()
        for event in frame.events:
            for channel, products in event.subscriptions.items():
                if channel == HEARTBEATS:
                    listed.add(HEARTBEATS)
                    continue
                stream_type = _LISTED.get(channel, channel)
                for product in products or ():
                    listed.add(f"{stream_type}:{product}")
                    if product not in self._names and f"{product}C" in self._names:
                        listed.add(f"{stream_type}:{product}C")
        return [Subscribed(frozenset(listed))]
