"""What a recording holds: the counts, sums, candles and books that `tapehub decode --summary` prints. Pure.

The words are those of the independently computed tables that the tests compare with.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from actors.collector.venue import Contract
from protocol.book import OrderBook
from protocol.messages import BUY, SELL, Book, Level, Liquidation, Quote, Trade

_MS: Final = 1_000_000
_MINUTE_NS: Final = 60_000_000_000
_TOP: Final = 5


class Sum:
    """A sum of floats that keeps what rounding takes away (Neumaier 1974): many small sizes add up exactly."""

    __slots__ = ("_lost", "_sum")

    def __init__(self) -> None:
        self._sum = self._lost = 0.0

    def add(self, value: float) -> None:
        """Add one value."""
        total = self._sum + value
        if abs(self._sum) >= abs(value):
            self._lost += (self._sum - total) + value
        else:
            self._lost += (value - total) + self._sum
        self._sum = total

    @property
    def value(self) -> float:
        """The sum, rounded once."""
        return self._sum + self._lost


class TradeTally:
    """Trades of one symbol, in the order in which they arrived."""

    def __init__(self) -> None:
        self.n = 0
        self.volume, self.notional, self.buy_volume, self.sell_volume = Sum(), Sum(), Sum(), Sum()
        self.volume_contracts = Sum()
        self.low = self.high = self.first_price = self.last_price = 0.0
        self.first_ts_ns = self.last_ts_ns = 0
        self.timestamps_going_back = 0
        self.first_id: int | str = 0
        self.last_id: int | str = 0
        self.steps_of_one = self.other_steps = 0
        self.bars: dict[int, list[Any]] = {}

    def add(self, trade: Trade, contract: Contract | None) -> None:
        """Count one trade; `contract` is None where the venue counts base units."""
        price, size, ts_ns = trade.price, trade.size, trade.ts_event_ns
        if self.n == 0:
            self.first_price = self.low = self.high = price
            self.first_ts_ns, self.first_id = ts_ns, trade.trade_id
        else:
            self._count_steps(trade)
        self.n += 1
        self.volume.add(size)
        self.notional.add(price * size)
        if contract is not None:
            contracts = size * price / contract.size if contract.is_inverse else size / contract.size
            self.volume_contracts.add(round(contracts, 8))
        if trade.side == BUY:
            self.buy_volume.add(size)
        elif trade.side == SELL:
            self.sell_volume.add(size)
        self.low, self.high = min(self.low, price), max(self.high, price)
        self.last_price, self.last_ts_ns, self.last_id = price, ts_ns, trade.trade_id
        self._add_to_bar(ts_ns // _MINUTE_NS * _MINUTE_NS // _MS, price, size)

    def _count_steps(self, trade: Trade) -> None:
        self.timestamps_going_back += trade.ts_event_ns < self.last_ts_ns
        if isinstance(trade.trade_id, int) and isinstance(self.last_id, int):
            is_next = trade.trade_id == self.last_id + 1
            self.steps_of_one += is_next
            self.other_steps += not is_next

    def _add_to_bar(self, minute_ms: int, price: float, size: float) -> None:
        bar = self.bars.get(minute_ms)
        if bar is None:
            bar = self.bars[minute_ms] = [minute_ms, price, price, price, price, Sum(), 0]
        bar[2], bar[3], bar[4] = max(bar[2], price), min(bar[3], price), price
        bar[5].add(size)
        bar[6] += 1

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers; None for what no trade can say."""
        if self.n == 0:
            return {"n": 0}
        row: dict[str, Any] = {
            "n": self.n,
            "volume": self.volume.value,
            "notional": self.notional.value,
            "vwap": self.notional.value / self.volume.value if self.volume.value else None,
            "taker_buy_volume": self.buy_volume.value,
            "taker_sell_volume": self.sell_volume.value,
            "first_price": self.first_price,
            "last_price": self.last_price,
            "low": self.low,
            "high": self.high,
            "first_ts_ms": self.first_ts_ns // _MS,
            "last_ts_ms": self.last_ts_ns // _MS,
            "timestamps_going_back": self.timestamps_going_back,
            "bars_1m": [[*bar[:5], bar[5].value, bar[6]] for _, bar in sorted(self.bars.items())],
            "bars_columns": "minute_ms,o,h,l,c,volume,n (arrival order within the minute)",
            "ids": {
                "first": self.first_id,
                "last": self.last_id,
                "steps_of_one": self.steps_of_one,
                "other_steps": self.other_steps,
            },
        }
        if self.volume_contracts.value:
            row["volume_contracts"] = round(self.volume_contracts.value, 8)
        return row


class BookTally:
    """The books of one symbol: what the venue sent, and the replica of what we vouch for."""

    def __init__(self) -> None:
        self.depth_events = 0
        self.chain_breaks = 0
        self.first_id = self.last_id = 0
        self.snapshot: dict[str, Any] | None = None
        self.published = 0
        self._book: OrderBook | None = None

    def add_change(self, first_id: int, after_id: int, last_id: int) -> None:
        """Count one raw change, synchronised or not."""
        if self.depth_events == 0:
            self.first_id = first_id
        elif after_id != self.last_id:
            self.chain_breaks += 1
        self.depth_events += 1
        self.last_id = last_id

    def add_image(self, last_id: int, levels: tuple[int, int]) -> None:
        """Note the REST snapshot, the first one of the file."""
        if self.snapshot is None:
            self.snapshot = {
                "lastUpdateId": last_id,
                "levels": list(levels),
                "depth_events_before_it_in_file": self.depth_events,
            }

    def add_published(self, message: Book) -> None:
        """Apply a book message as a subscriber would."""
        self.published += 1
        if message.is_snapshot:
            self._book = OrderBook()
            self._book.snapshot(message.bids, message.asks, message.last_update_id)
        elif self._book is not None:
            self._book.apply(message.bids, message.asks, message.last_update_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        row: dict[str, Any] = {
            "depth_events": self.depth_events,
            "depth_chain_breaks": self.chain_breaks,
            "first_U": self.first_id,
            "last_u": self.last_id,
            "published": self.published,
        }
        if self.snapshot is not None:
            row["snapshot"] = {**self.snapshot, "joins_without_gap": self._book is not None}
        if self._book is not None:
            bids, asks = self._book.top(_TOP)
            row["final_book"] = {
                "bids": _pairs(bids),
                "asks": _pairs(asks),
                "levels": list(self._book.levels()),
                "crossed": self._book.is_crossed,
                "last_update_id": self._book.update_id,
            }
        return row


class QuoteTally:
    """Best bid and ask of one symbol."""

    def __init__(self) -> None:
        self.n = 0
        self.going_back = 0
        self.last: Quote | None = None

    def add(self, quote: Quote) -> None:
        """Count one quote."""
        self.n += 1
        if self.last is not None and quote.update_id < self.last.update_id:
            self.going_back += 1
        self.last = quote

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        last = self.last
        return {
            "bookTicker": self.n,
            "bookTicker_u_going_back": self.going_back,
            "last_bookTicker": last
            and {"u": last.update_id, "b": last.bid, "B": last.bid_size, "a": last.ask, "A": last.ask_size},
        }


class LiquidationTally:
    """Forced orders of one symbol."""

    def __init__(self) -> None:
        self.n = 0
        self.long_volume, self.short_volume = Sum(), Sum()
        self.last: Liquidation | None = None

    def add(self, liquidation: Liquidation) -> None:
        """Count one; a forced order that sells ends a long position."""
        self.n += 1
        (self.long_volume if liquidation.side == SELL else self.short_volume).add(liquidation.size)
        self.last = liquidation

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        last = self.last
        return {
            "n": self.n,
            "long_volume": self.long_volume.value,
            "short_volume": self.short_volume.value,
            "last": last
            and {
                "position": "long" if last.side == SELL else "short",
                "size": last.size,
                "price": last.price,
                "ts_ms": last.ts_event_ns // _MS,
            },
        }


class SymbolTally:
    """Everything of one symbol."""

    def __init__(self) -> None:
        self.trades = TradeTally()
        self.past_trades = TradeTally()
        """What the venue repeated at the begin of a subscription."""
        self.liquidations = LiquidationTally()
        self.quotes = QuoteTally()
        self.books = BookTally()
        self.kinds: Counter[str] = Counter()


def _pairs(levels: list[Level]) -> list[list[float]]:
    return [list(level) for level in levels]
