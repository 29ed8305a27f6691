"""Binance spot, USD-M and COIN-M market data: names, addresses, frames to outcomes. Pure.

Facts: binance-spot-api-docs (2026-07), the USD-M "Important WebSocket Change Notice" (split addresses since
2026-04-23, COIN-M frames in USD-M streams since 2026-06-30), and recordings of 2019 to 2026. `m` says that the
buyer was the maker, so the aggressor sold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from actors.collector.venue import (
    Ack,
    BookChange,
    BookImage,
    Excluded,
    Ignored,
    Outcome,
    Parser,
    Refusal,
    Reject,
    Shutdown,
)
from actors.collector.venues import binance_frames as frames
from actors.collector.venues import binance_klines as klines
from actors.collector.venues import binance_repair as repair
from protocol.messages import BUY, SELL, Bar, Level, Liquidation, Quote, Trade

NAME: Final = "binance"
_KINDS: Final = {
    "trade": "trade",
    "aggTrade": "trade",
    "bookTicker": "quote",
    "depth": "book",
    "forceOrder": "liquidation",
}
_PUBLIC: Final = frozenset({"depth", "rpiDepth", "bookTicker", "trade"})
"""USD-M stream families of `/public`; all others come from `/market`, and a wrong address stays silent."""
_MICROSECONDS_FROM: Final = 10**14
_COINM: Final = 2
"""`st` of COIN-M instruments, whose sizes are contracts."""
_MAX_CACHED_STREAMS: Final = 10_000
_MAX_STREAM_LENGTH: Final = 64
_SNAPSHOT_PATHS: Final = {"spot": "/api/v3/depth", "usdm": "/fapi/v1/depth", "coinm": "/dapi/v1/depth"}
_SPOT_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_FUTURES_WEIGHTS: Final = ((50, 2), (100, 5), (500, 10), (1000, 20))

Outcomes = Sequence[Outcome]
Reader = Callable[[msgspec.Raw | bytes, int], Outcomes]


class Binance:
    """The venue; see `actors.collector.venue.Venue`."""

    name = NAME
    markets = ("spot", "usdm", "coinm")

    def parser(self, market: str, names: dict[str, str], contract_usd: dict[str, float]) -> Parser:
        """A parser of one market; `contract_usd` is read for COIN-M only."""
        return BinanceParser(market, names, contract_usd)

    def kind_of(self, stream_type: str) -> str:
        """Message kind of `trade`, `aggTrade`, `bookTicker`, `depth[@speed]`, `forceOrder`; empty for others."""
        return _KINDS.get(stream_type.partition("@")[0], "")

    def stream(self, raw: str, stream_type: str) -> str:
        """Stream names are lower case: an upper-case one is acked and stays silent."""
        return f"{raw.lower()}@{stream_type}"

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:
        """Combined streams, because a spot bookTicker alone does not say what it is."""
        base = base_url.rstrip("/")
        if market != "usdm":
            return f"{base}/stream"
        family = stream_type.partition("@")[0]
        return f"{base}/{'public' if family in _PUBLIC else 'market'}/stream"

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """SUBSCRIBE; a stream that does not exist is acked all the same."""
        return _request("SUBSCRIBE", streams, request_id)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """UNSUBSCRIBE."""
        return _request("UNSUBSCRIBE", streams, request_id)

    def messages_per_s(self, market: str) -> float:
        """The venue allows 5 on spot and 10 on futures, pongs included."""
        return 3.0 if market == "spot" else 6.0

    def longest_silence_s(self, market: str) -> float:
        """Spot pings each 20 s, futures each 180 s."""
        return 45.0 if market == "spot" else 200.0

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:
        """Path and query of the depth snapshot; some symbols are not ASCII."""
        return f"{_SNAPSHOT_PATHS[market]}?symbol={quote(raw)}&limit={depth}"

    def snapshot_weight(self, market: str, depth: int) -> int:
        """Request weight by depth, as of 2026."""
        weights = _SPOT_WEIGHTS if market == "spot" else _FUTURES_WEIGHTS
        return next((weight for limit, weight in weights if depth <= limit), weights[-1][1])

    def repair_refusal(self, market: str, stream_type: str) -> str:
        """Spot has both kinds of trades by id, USD-M only `aggTrade`."""
        return repair.refusal(market, stream_type)

    def repair_path(self, market: str, stream_type: str, raw: str, from_id: int, limit: int) -> str:
        """`aggTrades` or `historicalTrades` from an id on."""
        return repair.path(market, stream_type, raw, from_id, limit)

    def repair_weight(self, market: str, stream_type: str) -> int:
        """Request weight of one page, as of 2026."""
        return repair.weight(market, stream_type)

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """GET klines of one minute each."""
        return klines.path(market, raw, first_minute, minutes)

    def klines_per_page(self, market: str) -> int:  # noqa: ARG002 - the same in all markets
        """As many as still have the smallest weight."""
        return klines.PAGE_MINUTES

    def klines_weight(self, market: str) -> int:  # noqa: ARG002 - the same in all markets
        """As of 2026."""
        return klines.weight()


def _request(method: str, streams: Sequence[str], request_id: int) -> str:
    body = {"method": method, "params": list(streams), "id": request_id}
    return msgspec.json.encode(body).decode()


class BinanceParser:
    """Reads the frames of one market; see `actors.collector.venue.Parser`."""

    def __init__(self, market: str, names: dict[str, str], contract_usd: dict[str, float]) -> None:
        self._names = names
        self._contract_usd = contract_usd if market == "coinm" else {}
        self._is_coinm = market == "coinm"
        self._foreign_st = _COINM if market == "usdm" else -1
        self._readers: dict[str, Reader] = {}
        self._envelope = frames.decoder(frames.Envelope)
        self._decode_trade = frames.decoder(frames.TradeFrame)
        self._decode_agg_trade = frames.decoder(frames.AggTradeFrame)
        self._decode_ticker = frames.decoder(frames.TickerFrame)
        self._decode_snapshot = frames.decoder(frames.SnapshotBody)
        self._decode_force_order = frames.decoder(frames.ForceOrderFrame | list[frames.ForceOrderFrame])
        depth: Any = frames.SpotDepthFrame if market == "spot" else frames.FuturesDepthFrame
        self._decode_depth = frames.decoder(depth)
        self._families: dict[str, Reader] = {
            "trade": self._trade,
            "aggTrade": self._agg_trade,
            "bookTicker": self._ticker,
            "depth": self._spot_depth if market == "spot" else self._futures_depth,
            "depthUpdate": self._spot_depth if market == "spot" else self._futures_depth,
            "forceOrder": self._force_order,
            "serverShutdown": _constant(Shutdown()),
        }

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame, combined or bare, or a control answer."""
        try:
            envelope = self._envelope(frame)
        except msgspec.ValidationError as fault:
            return (Reject("invalid_frame", str(fault)),)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            return (Reject(f"invalid_{self._type_of(envelope)}", str(fault)),)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """REST depth; the answer need not name its symbol."""
        try:
            book = self._decode_snapshot(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            return Reject("invalid_snapshot", str(fault))
        bids, asks = book.bids, book.asks
        if self._is_coinm:
            contract = self._contract_of(symbol)
            bids, asks = _in_base(bids, contract), _in_base(asks, contract)
        ts_event_ns = _ns(book.T) if book.T else ts_recv_ns
        return BookImage(symbol, ts_event_ns, ts_recv_ns, book.lastUpdateId, bids, asks)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST aggTrades or historicalTrades; the answer does not name its symbol."""
        contract_usd = self._contract_of(symbol) if self._is_coinm else 0.0
        return repair.parse(NAME, symbol, body, ts_recv_ns, _ns, contract_usd)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST klines; the answer does not name its symbol."""
        return klines.parse(NAME, symbol, body, self._contract_of(symbol) if self._is_coinm else 0.0)

    # which reader

    def _reader_of(self, stream: str) -> Reader:
        family = _family(stream)
        reader = self._families.get(family)
        if reader is None:
            return _ignore(family)
        if len(stream) < _MAX_STREAM_LENGTH and len(self._readers) < _MAX_CACHED_STREAMS:
            self._readers[stream] = reader
        return reader

    def _bare_reader(self, envelope: frames.Envelope) -> Reader:
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
        ts_event_ns = t * 1_000_000 if t < _MICROSECONDS_FROM else t * 1_000
        if frame.X != "MARKET":
            return (Excluded(symbol, ts_event_ns, frame.t, frame.X),)
        size = frame.q
        if self._is_coinm:
            size = size * self._contract_of(symbol) / frame.p
        side = SELL if frame.m else BUY
        return (Trade(symbol, NAME, ts_event_ns, ts_recv_ns, frame.p, size, side, frame.t),)

    def _agg_trade(self, data: msgspec.Raw | bytes, ts_recv_ns: int) -> Outcomes:
        frame = self._decode_agg_trade(data)
        symbol = self._names.get(frame.s)
        if symbol is None or frame.st == self._foreign_st:
            return self._stranger(frame.s, frame.st)
        size = frame.q
        if self._is_coinm:
            size = size * self._contract_of(symbol) / frame.p
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
            contract = self._contract_of(symbol)
            bid_size, ask_size = bid_size * contract / bid, ask_size * contract / ask
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
            contract = self._contract_of(symbol)
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
            size = size * self._contract_of(symbol) / order.ap
        side = SELL if order.S == "SELL" else BUY
        return Liquidation(symbol, NAME, _ns(order.T), ts_recv_ns, order.ap, size, side)

    # sizes and strangers

    def _contract_of(self, symbol: str) -> float:
        """USD per contract: the catalog's word, else 100 for BTC and 10 for all others."""
        return self._contract_usd.get(symbol) or (100.0 if symbol.startswith("BTC") else 10.0)

    def _stranger(self, raw: str, st: int) -> tuple[Reject]:
        return (Reject("coinm_in_usdm" if st == self._foreign_st else "unmapped_symbol", raw),)


def _ns(t: int) -> int:
    """Venue time to ns: 13 digits are ms, 16 are us."""
    return t * 1_000_000 if t < _MICROSECONDS_FROM else t * 1_000


def _family(stream: str) -> str:
    """`depth` of `btcusdt@depth@100ms`, `forceOrder` of `!forceOrder@arr`."""
    if stream.startswith("!"):
        return stream[1:].partition("@")[0]
    return stream.partition("@")[2].partition("@")[0]


def _number(request_id: int | str | None) -> int:
    return request_id if isinstance(request_id, int) else 0


def _in_base(levels: list[Level], contract_usd: float) -> list[Level]:
    """Contracts to base units, level by level."""
    return [(price, contracts * contract_usd / price) for price, contracts in levels]


def _ignore(type_name: str) -> Reader:
    return _constant(Ignored(type_name[:32]))


def _constant(outcome: Outcome) -> Reader:
    return lambda _data, _ts_recv_ns: (outcome,)
