"""Frames of OKX v5 to outcomes, one market: channels, sizes in base units, chains of books. Pure.

`side` is the taker's, of a liquidation the order's, so both stand as they are. Sizes of swaps and futures are contracts,
also fractions of one.

The first push of `trades` on a subscription repeats the newest trade (recordings of 2022: 0.3 and 10 s old), that of
`liquidation-orders` the newest orders. What is older than `REPLAY_NS` then is history, not news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from actors.collector.outcomes import (
    BookChange,
    BookImage,
    Ignored,
    Outcome,
    PastTrade,
    Reject,
)
from actors.collector.venue import Contract
from actors.collector.venues import okx_books as books
from actors.collector.venues import okx_control as control
from actors.collector.venues import okx_frames as frames
from actors.collector.venues import okx_klines as klines
from actors.collector.venues import okx_repair as repair
from actors.collector.venues import okx_rest as rest
from protocol.errors import DECODE_ERRORS
from protocol.messages import BUY, SELL, Bar, Level, Liquidation, Quote, Trade

NAME: Final = "okx"
SPOT: Final = "spot"
REPLAY_NS: Final = 60_000_000_000
_MAX_TYPE: Final = 32
_SIDES: Final = {"buy": BUY, "sell": SELL}
_NO_SIDE: Final = frozenset({"", "0"})
_BASE_UNITS: Final = Contract(1.0)

Outcomes = Sequence[Outcome]
Channel = Callable[[frames.Arg, frames.Envelope, int], Outcomes]

_envelope: Final = frames.decoder(frames.Envelope)
_decode_trades: Final = frames.decoder(list[frames.TradeRow])
_decode_books: Final = frames.decoder(list[frames.BookRow])
_decode_tickers: Final = frames.decoder(list[frames.TickerRow])
_decode_sides: Final = frames.decoder(list[frames.TickerSides])
_decode_liquidations: Final = frames.decoder(list[frames.LiquidationRow])
_decode_forced: Final = frames.decoder(list[frames.ForcedRow])


class OkxParser:
    """Reads what one market says; see `actors.collector.venue.Parser`."""

    def __init__(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> None:
        self._market = market
        self._names = names
        self._contracts = contracts

    def reader(self) -> OkxReader:
        """A new one: it remembers the chains of its connection."""
        return OkxReader(self, self._market, self._names)

    def contract(self, symbol: str) -> Contract | None:
        """What sizes of a symbol count; None: nobody knows."""
        return _BASE_UNITS if self._market == SPOT else self._contracts.get(symbol)

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """REST `books`; the answer does not name its symbol. Live books begin in the stream."""
        contract = self.contract(symbol)
        if contract is None:
            return Reject("unknown_contract", symbol)
        rows = rest.rows(body, _decode_books, "invalid_snapshot")
        if isinstance(rows, Reject):
            return rows
        if len(rows) != 1:
            return Reject("invalid_snapshot", f"{symbol}: {len(rows)} books")
        row = rows[0]
        bids, asks = in_base(row.bids, contract), in_base(row.asks, contract)
        return BookImage(symbol, row.ts * frames.NS_PER_MS, ts_recv_ns, row.seqId or 0, bids, asks)

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """REST `history-trades` or `trades`; oldest first."""
        contract = self.contract(symbol)
        if contract is None:
            return Reject("unknown_contract", symbol)
        return repair.parse(NAME, symbol, body, ts_recv_ns, contract)

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """REST `history-candles`; oldest first."""
        return klines.parse(NAME, symbol, body, is_spot=self._market == SPOT)


class OkxReader:
    """Reads the frames of one connection; see `actors.collector.venue.Reader`.

    Args:
        parser: Knows contracts.
        market: One of the venue's.
        names: Raw name to canonical symbol.
    """

    def __init__(self, parser: OkxParser, market: str, names: Mapping[str, str]) -> None:
        self._contract = parser.contract
        self._market = market
        self._names = names
        self._books: dict[str, books.BookChain] = {}
        self._begun: set[str] = set()
        """Of trades and liquidations: subscriptions whose first push has come."""
        self._newest_seq: dict[str, int] = {}
        """Stream of quotes to its newest seqId."""
        self._channels: dict[str, tuple[Channel, str]] = {
            "trades": (self._trades, "invalid_trades"),
            "trades-all": (self._trades, "invalid_trades_all"),
            "books": (self._book, "invalid_books"),
            "books5": (self._quotes, "invalid_books5"),
            "bbo-tbt": (self._quotes, "invalid_bbo_tbt"),
            "tickers": (self._tickers, "invalid_tickers"),
            "liquidation-orders": (self._liquidations, "invalid_liquidation_orders"),
        }

    def parse(self, frame: bytes, ts_recv_ns: int) -> Outcomes:
        """One text frame: data of a channel, a control message, or the text pong."""
        if frame == control.PONG:
            return control.ALIVE
        try:
            envelope: frames.Envelope = _envelope(frame)
        except msgspec.ValidationError as fault:
            return self._unread("invalid_frame", fault)
        except DECODE_ERRORS as fault:
            return self._unread("malformed_json", fault)
        arg = envelope.arg
        if arg is None or envelope.event:
            if arg is not None and envelope.event == "subscribe":
                self._begun.discard(_first_push(arg))
            return control.read(envelope)
        channel = self._channels.get(arg.channel)
        if channel is None:
            return (Ignored(arg.channel[:_MAX_TYPE]),)
        read, reason = channel
        try:
            return read(arg, envelope, ts_recv_ns)
        except DECODE_ERRORS as fault:
            if arg.channel == "books" and arg.instId in self._books:
                self._books[arg.instId].lose()
            return (Reject(reason, f"{arg.instId}: {fault}"),)

    def _unread(self, reason: str, fault: Exception) -> Outcomes:
        """Nobody knows what it was: books that only count their changes cannot tell whether one was in it."""
        for chain in self._books.values():
            if chain.is_counted:
                chain.lose()
        return (Reject(reason, str(fault)),)

    # channels: each raises msgspec.DecodeError on what does not fit

    def _trades(self, arg: frames.Arg, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        rows: list[frames.TradeRow] = _decode_trades(envelope.data)
        symbol = self._names.get(arg.instId)
        if symbol is None:
            return (Reject("unmapped_symbol", arg.instId),)
        contract = self._contract(symbol)
        if contract is None:
            return (Reject("unknown_contract", symbol),)
        size, is_inverse = contract
        found: list[Outcome] = [
            Trade(
                symbol, NAME, row.ts * 1_000_000, ts_recv_ns, row.px,
                row.sz * size / row.px if is_inverse else row.sz * size, _SIDES[row.side], row.tradeId, row.count,
            )
            for row in rows
        ]  # fmt: skip
        if arg.instId not in self._begun:
            self._begun.add(_first_push(arg))
            return [_past(trade) if _is_history(trade, ts_recv_ns) else trade for trade in found]
        return found

    def _book(self, arg: frames.Arg, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        rows: list[frames.BookRow] = _decode_books(envelope.data)
        if envelope.action not in ("snapshot", "update"):
            raise msgspec.ValidationError(f"action {envelope.action[:_MAX_TYPE]!r}")
        symbol = self._names.get(arg.instId)
        if symbol is None:
            return (Reject("unmapped_symbol", arg.instId),)
        chain = self._books.get(arg.instId)
        if chain is None:
            chain = self._books[arg.instId] = books.BookChain()
        contract = self._contract(symbol)
        if contract is None:
            chain.lose()
            return (Reject("unknown_contract", symbol),)
        found: list[Outcome] = []
        is_snapshot = envelope.action == "snapshot"
        for index, row in enumerate(rows):
            step = books.Step(0, chain.begin(row.seqId, row.ts)) if is_snapshot else chain.step(row)
            ts_event_ns = row.ts * 1_000_000
            if not chain.is_counted or books.is_true(
                chain, index, row, envelope.data, is_snapshot=is_snapshot
            ):
                bids, asks = in_base(row.bids, contract), in_base(row.asks, contract)
            else:
                found.append(Reject("book_checksum", symbol))
                step = chain.lose()
                bids, asks = [], []
            if is_snapshot and chain.is_whole:
                found.append(BookImage(symbol, ts_event_ns, ts_recv_ns, step.last_id, bids, asks))
            else:
                first_id = min(step.after_id + 1, step.last_id)
                found.append(
                    BookChange(symbol, ts_event_ns, ts_recv_ns, first_id, step.after_id, step.last_id, bids, asks)
                )  # fmt: skip
        return found

    def _quotes(self, arg: frames.Arg, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        rows: list[frames.BookRow] = _decode_books(envelope.data)
        symbol = self._names.get(arg.instId)
        if symbol is None:
            return (Reject("unmapped_symbol", arg.instId),)
        contract = self._contract(symbol)
        if contract is None:
            return (Reject("unknown_contract", symbol),)
        found: list[Outcome] = []
        for row in rows:
            if not row.bids or not row.asks:
                found.append(Ignored("one-sided quote"))
                continue
            update_id = self._update_id(arg, row.seqId or 0)
            bid, ask = row.bids[0], row.asks[0]
            found.append(
                Quote(
                    symbol, NAME, row.ts * 1_000_000, ts_recv_ns, bid.price, ask.price,
                    contract.base(bid.size, bid.price), contract.base(ask.size, ask.price), update_id,
                )
            )  # fmt: skip
        return found

    def _update_id(self, arg: frames.Arg, seq_id: int) -> int:
        """Where the venue counts anew, 0 once: then whoever follows the ids does so too."""
        stream = arg.channel + arg.instId
        newest = self._newest_seq.get(stream, 0)
        self._newest_seq[stream] = seq_id
        return 0 if seq_id < newest else seq_id

    def _tickers(self, arg: frames.Arg, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        try:
            rows: list[frames.TickerRow] = _decode_tickers(envelope.data)
        except msgspec.ValidationError:
            sides: list[frames.TickerSides] = _decode_sides(envelope.data)
            if any(row.bidPx in _NO_SIDE or row.askPx in _NO_SIDE for row in sides):
                return (Ignored("one-sided quote"),)
            raise
        symbol = self._names.get(arg.instId)
        if symbol is None:
            return (Reject("unmapped_symbol", arg.instId),)
        contract = self._contract(symbol)
        if contract is None:
            return (Reject("unknown_contract", symbol),)
        return [
            Quote(
                symbol, NAME, row.ts * 1_000_000, ts_recv_ns, row.bidPx, row.askPx,
                contract.base(row.bidSz, row.bidPx), contract.base(row.askSz, row.askPx),
            )
            for row in rows
        ]  # fmt: skip

    def _liquidations(self, arg: frames.Arg, envelope: frames.Envelope, ts_recv_ns: int) -> Outcomes:
        if self._market == SPOT:  # of margin positions: the venue tells no price
            return (Ignored("liquidation-orders of margin"),)
        rows: list[frames.LiquidationRow] = _decode_liquidations(envelope.data)
        is_first = _first_push(arg) not in self._begun
        self._begun.add(_first_push(arg))
        found: list[Outcome] = []
        for row in rows:
            symbol = self._names.get(row.instId)
            if symbol is None:  # the stream is of all instruments, most of which nobody has asked for
                found.append(Ignored("liquidation-orders of others"))
                continue
            contract = self._contract(symbol)
            if contract is None:
                found.append(Reject("unknown_contract", symbol))
                continue
            forced: list[frames.ForcedRow] = _decode_forced(row.details)
            for order in forced:
                size = contract.base(order.sz, order.bkPx)
                liquidation = Liquidation(
                    symbol, NAME, order.ts * 1_000_000, ts_recv_ns, order.bkPx, size, _SIDES[order.side]
                )  # fmt: skip
                is_history = is_first and _is_history(liquidation, ts_recv_ns)
                found.append(Ignored("liquidation-orders of before") if is_history else liquidation)
        return found


def in_base(levels: list[frames.LevelRow], contract: Contract) -> list[Level]:
    """Levels with sizes in base units."""
    size, is_inverse = contract
    if is_inverse:
        return [(level.price, level.size * size / level.price) for level in levels]
    if size == 1.0:
        return [(level.price, level.size) for level in levels]
    return [(level.price, level.size * size) for level in levels]


def _first_push(arg: frames.Arg) -> str:
    """What is remembered of it: trades are looked up at each frame, so it is no text to be made first."""
    if arg.channel in control.BY_TYPE:
        return arg.channel
    return arg.instId if arg.channel.startswith("trades") else ""


def _is_history(event: Outcome, ts_recv_ns: int) -> bool:
    return isinstance(event, Trade | Liquidation) and ts_recv_ns - event.ts_event_ns > REPLAY_NS


def _past(event: Outcome) -> Outcome:
    return PastTrade(event) if isinstance(event, Trade) else event
