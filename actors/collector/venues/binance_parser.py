"""Reads the frames and REST answers of Binance. Pure.

Facts as in `binance.py`. `m` says that the buyer was the maker, so the aggressor sold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.collector.outcomes import (
    Ack,
    BookChange,
    BookImage,
    Excluded,
    Ignored,
    Outcome,
    Refusal,
    Reject,
    Shutdown,
)
from actors.collector.venue import Contract, Reader
from actors.collector.venues import binance_frames as frames
from actors.collector.venues import binance_klines as klines
from actors.collector.venues import binance_repair as repair
from protocol.errors import DECODE_ERRORS
from protocol.messages import BUY, SELL, Bar, Level, Liquidation, Quote, Trade

NAME: Final = "binance"
_MICROSECONDS_FROM: Final = 10**14
_COINM: Final = 2
"""`st` of COIN-M instruments, whose sizes are contracts."""
_MAX_CACHED_STREAMS: Final = 10_000
_MAX_STREAM_LENGTH: Final = 64

Outcomes = Sequence[Outcome]
Read = Callable[[msgspec.Raw | bytes, int], Outcomes]


class BinanceParser:
    """Reads the frames of one market; see `actors.collector.venue.Parser`. It remembers nothing of a connection."""

    def __init__(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> None:
        self._names = names
        self._contracts = contracts
        self._is_coinm = market == "coinm"
        self._foreign_st = _COINM if market == "usdm" else -1
        self._readers: dict[str, Read] = {}
        self._envelope = frames.decoder(frames.Envelope)
        self._decode_trade = frames.decoder(frames.TradeFrame)
        self._decode_agg_trade = frames.decoder(frames.AggTradeFrame)
        self._decode_ticker = frames.decoder(frames.TickerFrame)
        self._decode_snapshot = frames.decoder(frames.SnapshotBody)
        self._decode_force_order = frames.decoder(frames.ForceOrderFrame | list[frames.ForceOrderFrame])
        depth: Any = frames.SpotDepthFrame if market == "spot" else frames.FuturesDepthFrame
        self._decode_depth = frames.decoder(depth)
        self._families: dict[str, Read] = {
            "trade": self._trade,
            "aggTrade": self._agg_trade,
            "bookTicker": self._ticker,
            "depth": self._spot_depth if market == "spot" else self._futures_depth,
            "depthUpdate": self._spot_depth if market == "spot" else self._futures_depth,
            "forceOrder": self._force_order,
            "serverShutdown": _constant(Shutdown()),
        }

    def reader(self) -> Reader:
        """Itself."""
        return self

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame, combined or bare, or a control answer."""
        try:
            envelope = self._envelope(frame)
        except msgspec.ValidationError as fault:
            return (Reject("invalid_frame", str(fault)),)
        except DECODE_ERRORS as fault:
            return (Reject("malformed_json", str(fault)),)
        reader = self._readers.get(envelope.stream)
        data = envelope.data
        if reader is None:
            if not envelope.stream:
                reader, data = self._bare_reader(envelope), frame
            else:
                reader = self._reader_of(envelope.stream)
        try:
            return reader(data, ts_recv_ns)
        except DECODE_ERRORS as fault:
            return (Reject(f"invalid_{self._type_of(envelope)}", str(fault)),)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """REST depth; the answer need not name its symbol."""
        try:
            book = self._decode_snapshot(body)
        except DECODE_ERRORS as fault:
            return Reject("invalid_snapshot", str(fault))
        bids, asks = book.bids, book.asks
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return Reject("unknown_contract", symbol)
            bids, asks = _in_base(bids, contract), _in_base(asks, contract)
        ts_event_ns = _ns(book.T) if book.T else ts_recv_ns
        return BookImage(symbol, ts_event_ns, ts_recv_ns, book.lastUpdateId, bids, asks)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST aggTrades or historicalTrades; the answer does not name its symbol."""
        contract = self._contracts.get(symbol) if self._is_coinm else None
        if self._is_coinm and contract is None:
            return Reject("unknown_contract", symbol)
        return repair.parse(NAME, symbol, body, ts_recv_ns, _ns, contract)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST klines; the answer does not name its symbol."""
        contract = self._contracts.get(symbol) if self._is_coinm else None
        if self._is_coinm and contract is None:
            return Reject("unknown_contract", symbol)
        return klines.parse(NAME, symbol, body, contract)

    # which reader

    def _reader_of(self, stream: str) -> Read:
        family = _family(stream)
        reader = self._families.get(family)
        if reader is None:
            return _ignore(family)
        if len(stream) < _MAX_STREAM_LENGTH and len(self._readers) < _MAX_CACHED_STREAMS:
            self._readers[stream] = reader
        return reader

    def _bare_reader(self, envelope: frames.Envelope) -> Read:
        """Of a frame without envelope: a payload that names its type, a control answer, or a spot bookTicker."""
        if envelope.e:
            return self._families.get(envelope.e) or _ignore(envelope.e)
        if envelope.error is not None:
            return _constant(Refusal(_number(envelope.id), envelope.error.code, envelope.error.msg))
        if envelope.code is not None:
            return _constant(Refusal(_number(envelope.id), envelope.code, envelope.msg))
        if envelope.id is not None or envelope.result:
            return _constant(Ack(_number(envelope.id)))
        return self._ticker

    def _type_of(self, envelope: frames.Envelope) -> str:
        """Name for a count: one of ours, or `frame`, so that a peer cannot make up names."""
        family = _family(envelope.stream) or envelope.e
        return family if family in self._families else "frame"

    # readers: each raises msgspec.DecodeError on what does not fit

    def _trade(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_trade(data)
        raw = frame.s
        symbol = self._names.get(raw)
        if symbol is None or frame.st == self._foreign_st:
            return self._stranger(raw, frame.st)
        t = frame.T
        ts_event_ns = t * 1_000_000 if t < frames.LATEST_MS else _ns(t)
        if frame.X != "MARKET":
            return (Excluded(symbol, ts_event_ns, frame.t, frame.X),)
        size = frame.q
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return _unknown(symbol)
            size = contract.base(size, frame.p)
        side = SELL if frame.m else BUY
        return (Trade(symbol, NAME, ts_event_ns, ts_recv_ns, frame.p, size, side, frame.t),)

    def _agg_trade(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_agg_trade(data)
        symbol = self._names.get(frame.s)
        if symbol is None or frame.st == self._foreign_st:
            return self._stranger(frame.s, frame.st)
        size = frame.q
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return _unknown(symbol)
            size = contract.base(size, frame.p)
        count = frame.l - frame.f + 1 if 0 <= frame.f <= frame.l else 0
        side = SELL if frame.m else BUY
        return (Trade(symbol, NAME, _ns(frame.T), ts_recv_ns, frame.p, size, side, frame.a, count),)

    def _ticker(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_ticker(data)
        symbol = self._names.get(frame.s)
        if symbol is None or frame.st == self._foreign_st:
            return self._stranger(frame.s, frame.st)
        ts_event_ns = _ns(frame.T) if frame.T else ts_recv_ns
        bid, ask, bid_size, ask_size = frame.b, frame.a, frame.B, frame.A
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return _unknown(symbol)
            bid_size, ask_size = contract.base(bid_size, bid), contract.base(ask_size, ask)
        return (Quote(symbol, NAME, ts_event_ns, ts_recv_ns, bid, ask, bid_size, ask_size, frame.u),)

    def _spot_depth(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_depth(data)
        symbol = self._names.get(frame.s)
        if symbol is None:
            return self._stranger(frame.s, 0)
        if frame.u < frame.U:
            return (Reject("invalid_depth", f"{frame.s}: first update {frame.U} after last {frame.u}"),)
        after_id = frame.U - 1
        return (BookChange(symbol, _ns(frame.E), ts_recv_ns, frame.U, after_id, frame.u, frame.b, frame.a),)

    def _futures_depth(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_depth(data)
        symbol = self._names.get(frame.s)
        if symbol is None or frame.st == self._foreign_st:
            return self._stranger(frame.s, frame.st)
        if frame.u < frame.U:
            return (Reject("invalid_depth", f"{frame.s}: first update {frame.U} after last {frame.u}"),)
        bids, asks = frame.b, frame.a
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return _unknown(symbol)
            bids, asks = _in_base(bids, contract), _in_base(asks, contract)
        # `pu` is below `U` in every recording since 2020; before, it could lie inside the event itself
        after_id = min(frame.pu, frame.U - 1)
        return (BookChange(symbol, _ns(frame.T), ts_recv_ns, frame.U, after_id, frame.u, bids, asks),)

    def _force_order(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        found = self._decode_force_order(data)
        orders = found if isinstance(found, list) else [found]  # the all-market stream is called an array
        return [self._liquidation(order.o, order.o.st or order.st, ts_recv_ns) for order in orders]

    def _liquidation(self, order: frames.ForcedOrder, st: int, ts_recv_ns: int) -> Outcome:
        symbol = self._names.get(order.s)
        if symbol is None or st == self._foreign_st:
            return self._stranger(order.s, st)[0]
        size = order.z
        if self._is_coinm:
            contract = self._contracts.get(symbol)
            if contract is None:
                return _unknown(symbol)[0]
            size = contract.base(size, order.ap)
        side = SELL if order.S == "SELL" else BUY
        return Liquidation(symbol, NAME, _ns(order.T), ts_recv_ns, order.ap, size, side)

    def _stranger(self, raw: str, st: int) -> tuple[Reject]:
        return (Reject("coinm_in_usdm" if st == self._foreign_st else "unmapped_symbol", raw),)


def _ns(t: int) -> int:
    """Venue time to ns: 13 digits are ms, 16 are us."""
    if t < frames.LATEST_MS:
        return t * 1_000_000
    if t < _MICROSECONDS_FROM:
        raise msgspec.ValidationError(f"time {t} is after 2100")
    return t * 1_000


def _family(stream: str) -> str:
    """`depth` of `btcusdt@depth@100ms`, `forceOrder` of `!forceOrder@arr`."""
    if stream.startswith("!"):
        return stream[1:].partition("@")[0]
    return stream.partition("@")[2].partition("@")[0]


def _number(request_id: int | str | None) -> int:
    return request_id if isinstance(request_id, int) else 0


def _in_base(levels: list[Level], contract: Contract) -> list[Level]:
    """Contracts to base units, level by level."""
    return [(price, contract.base(contracts, price)) for price, contracts in levels]


def _unknown(symbol: str) -> tuple[Reject]:
    return (Reject("unknown_contract", symbol),)


def _ignore(type_name: str) -> Read:
    return _constant(Ignored(type_name[:32]))


def _constant(outcome: Outcome) -> Read:
    return lambda _data, _ts_recv_ns: (outcome,)
