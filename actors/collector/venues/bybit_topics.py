"""Topics of a Bybit connection: what each says, and what is remembered of it. Pure.

`S` of a trade is the taker's side; `S` of a liquidation is the side of the position, so the forced order is the opposite.
Sizes of inverse are USD: divided by their price they are base units.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from actors.collector.outcomes import Ignored, Outcome, Reject
from actors.collector.venues import bybit_frames as frames
from actors.collector.venues.bybit_books import ONE_SIDED, BestLevels, BookIds, Ticker
from protocol.messages import BUY, SELL, Liquidation, Quote, Trade

NAME: Final = "bybit"
_BEST: Final = "1"
_DEPTHS: Final = frozenset({"25", "50", "100", "200", "500", "1000"})
"""Levels of a book that begins with a snapshot; 500 until 2025-09."""
_MAX_NAME_LENGTH: Final = 32

Outcomes = Sequence[Outcome]

_decode_trades: Final = frames.decoder(list[frames.TradeRow])
_decode_book: Final = frames.decoder(frames.BookFrame)
_decode_ticker: Final = frames.decoder(frames.TickerFrame)
_decode_liquidations: Final = frames.decoder(list[frames.LiquidationRow])


class Topic(abc.ABC):
    """One topic of one connection."""

    fault = ""
    """Reason under which its bad frames are counted."""

    def __init__(self, raw: str, names: Mapping[str, str], *, is_inverse: bool) -> None:
        self._raw = raw
        self._names = names
        self._is_inverse = is_inverse

    @abc.abstractmethod
    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """Read one frame.

        Raises:
            msgspec.DecodeError: it does not fit.
        """

    def _symbol_of(self, raw: str) -> str | None:
        """Canonical symbol; None if it is not mapped."""
        if raw != self._raw:
            raise msgspec.ValidationError(f"{raw[:32]} in a topic of {self._raw[:32]}")
        return self._names.get(raw)

    def _base(self, size: float, price: float) -> float:
        return size / price if self._is_inverse else size


def _stranger(raw: str) -> Outcomes:
    return (Reject("unmapped_symbol", raw[:_MAX_NAME_LENGTH]),)


def _book_ns(envelope: frames.Envelope) -> int:
    """When the matching engine made it, else when the frame was made."""
    ms = envelope.cts or envelope.ts
    if ms is None:
        raise msgspec.ValidationError("it says no time")
    return ms * 1_000_000


class Trades(Topic):
    """`publicTrade`: up to 1024 trades in the order of the matching engine."""

    fault = "invalid_publicTrade"

    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """Trades; a block trade is refused by itself."""
        rows: list[frames.TradeRow] = _decode_trades(envelope.data)
        found: list[Outcome] = []
        is_inverse = self._is_inverse
        for row in rows:
            symbol = self._symbol_of(row.s)
            if symbol is None:
                return _stranger(row.s)
            if row.BT:
                found.append(Reject("block_trade", f"{symbol} {row.i}"))
                continue
            size = row.v / row.p if is_inverse else row.v
            side = BUY if row.S == "Buy" else SELL
            found.append(Trade(symbol, NAME, row.T * 1_000_000, ts_recv_ns, row.p, size, side, row.i))
        return found


class Book(Topic):
    """`orderbook.N`: a snapshot, then changes."""

    fault = "invalid_orderbook"

    def __init__(self, raw: str, names: Mapping[str, str], *, is_inverse: bool) -> None:
        super().__init__(raw, names, is_inverse=is_inverse)
        self._ids = BookIds()

    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """An image or a change."""
        book: frames.BookFrame = _decode_book(envelope.data)
        symbol = self._symbol_of(book.s)
        if symbol is None:
            return _stranger(book.s)
        ts_event_ns = _book_ns(envelope)
        bids, asks = book.b, book.a
        if self._is_inverse:
            bids = [(price, usd / price) for price, usd in bids]
            asks = [(price, usd / price) for price, usd in asks]
        match envelope.type:
            case "snapshot":
                return (self._ids.image(symbol, ts_event_ns, ts_recv_ns, book.u, bids, asks),)
            case "delta":
                return (self._ids.change(symbol, ts_event_ns, ts_recv_ns, book.u, bids, asks),)
            case _:
                raise msgspec.ValidationError(f"type {envelope.type[:32]!r}")


class Best(Topic):
    """`orderbook.1`: snapshots, sent again when nothing has changed for 3 s; in 2023 also changes."""

    fault = "invalid_orderbook"

    def __init__(self, raw: str, names: Mapping[str, str], *, is_inverse: bool) -> None:
        super().__init__(raw, names, is_inverse=is_inverse)
        self._levels = BestLevels()

    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """A quote, if the frame says anything new."""
        book: frames.BookFrame = _decode_book(envelope.data)
        symbol = self._symbol_of(book.s)
        if symbol is None:
            return _stranger(book.s)
        ts_event_ns = _book_ns(envelope)
        if envelope.type not in ("snapshot", "delta"):
            raise msgspec.ValidationError(f"type {envelope.type[:32]!r}")
        best = self._levels
        useless = best.snapshot(book) if envelope.type == "snapshot" else best.delta(book)
        if useless or best.bid is None or best.ask is None:
            return (Ignored(useless or ONE_SIDED),)
        (bid, bid_size), (ask, ask_size) = best.bid, best.ask
        quote = Quote(
            symbol, NAME, ts_event_ns, ts_recv_ns, bid, ask,
            self._base(bid_size, bid), self._base(ask_size, ask), book.seq,
        )  # fmt: skip
        return (quote,)


class Tickers(Topic):
    """`tickers` of derivatives: a snapshot, then what has changed."""

    fault = "invalid_tickers"

    def __init__(self, raw: str, names: Mapping[str, str], *, is_inverse: bool) -> None:
        super().__init__(raw, names, is_inverse=is_inverse)
        self._fields = Ticker()

    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """A quote, if the frame says anything of bid or ask."""
        fields, self._fields = self._fields, Ticker()  # what a bad frame has changed is not known
        frame: frames.TickerFrame = _decode_ticker(envelope.data)
        symbol = self._symbol_of(frame.symbol)
        if symbol is None:
            return _stranger(frame.symbol)
        if envelope.ts is None:
            raise msgspec.ValidationError("it says no time")
        if envelope.type not in ("snapshot", "delta"):
            raise msgspec.ValidationError(f"type {envelope.type[:32]!r}")
        has_news = fields.merge(frame, is_snapshot=envelope.type == "snapshot")
        self._fields = fields
        best = fields.best if has_news else None
        if best is None:
            return (Ignored("tickers"),)
        bid, bid_size, ask, ask_size = best
        quote = Quote(
            symbol, NAME, envelope.ts * 1_000_000, ts_recv_ns, bid, ask,
            self._base(bid_size, bid), self._base(ask_size, ask), envelope.cs,
        )  # fmt: skip
        return (quote,)


class Liquidations(Topic):
    """`allLiquidation`: all of the last 500 ms."""

    fault = "invalid_allLiquidation"

    def take(self, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        """Forced orders."""
        rows: list[frames.LiquidationRow] = _decode_liquidations(envelope.data)
        found: list[Outcome] = []
        for row in rows:
            symbol = self._symbol_of(row.s)
            if symbol is None:
                return _stranger(row.s)
            side = SELL if row.S == "Buy" else BUY  # a long position is closed by selling
            found.append(
                Liquidation(
                    symbol, NAME, row.T * 1_000_000, ts_recv_ns, row.p, self._base(row.v, row.p), side
                )
            )
        return found


def kind_of(market: str, family: str, depth: str) -> type[Topic] | None:
    """What reads `family.symbol`, or `orderbook.depth.symbol`; None if nobody does."""
    match family:
        case "publicTrade":
            return Trades
        case "orderbook" if depth == _BEST:
            return Best
        case "orderbook" if depth in _DEPTHS:
            return Book
        case "tickers" if market != "spot":  # on spot they have neither bid nor ask
            return Tickers
        case "allLiquidation" if market != "spot":
            return Liquidations
        case _:
            return None
