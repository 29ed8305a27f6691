"""What a hub must hold after a recording: candles and books straight from the file, by the decoder's path."""

from __future__ import annotations

import collections
import datetime as dt
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

from actors.collector.recorded.decode import Decoder
from actors.collector.recorded.recordings import read_recording
from actors.collector.venues.binance import Binance
from actors.runtime.settings import load
from protocol.book import OrderBook
from protocol.client.hub import Hub
from protocol.errors import HubError
from protocol.instruments import Catalog
from protocol.messages import Book, Level, Trade
from tests.support.data import data_dir, truth
from tests.support.paths import ROOT

BINANCE: Final = "binance"
STREAM_TYPES: Final = ("trade", "aggTrade", "bookTicker", "depth")
_TABLES: Final = ("symbols", "instruments", "markets", "products")
"""Where the truth keeps instruments, by venue."""
_TRADES: Final = ("trades", "matches", "trades_in_updates")
_COUNTED: Final = ("coinm", "swap", "futures")
"""Markets whose truth counts contracts."""
MINUTE_NS: Final = 60_000_000_000


class Candle(NamedTuple):
    """One minute; NaN stands for what a source does not say."""

    minute_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: float
    """Fills; a print may merge several."""

    def equals(self, other: Candle) -> bool:
        """Prices and counts exactly, the volume to the last digits that a sum of floats has."""
        return self[:5] == other[:5] and not (
            abs(self.volume - other.volume) > 1e-9 * max(1.0, abs(self.volume))
            or abs(self.trades - other.trades) > 0
        )

    def cells(self) -> tuple[str, ...]:
        """As text."""
        minute = dt.datetime.fromtimestamp(self.minute_ms / 1000, dt.UTC)
        prices = (f"{price:.10g}" for price in self[1:5])
        return (f"{minute:%Y-%m-%d %H:%M}", *prices, f"{self.volume:.8g}", f"{self.trades:g}")


class FinalBook(NamedTuple):
    """All levels at the end, best first."""

    update_id: int
    bids: list[Level]
    asks: list[Level]


class Symbol(NamedTuple):
    """What one symbol looks like at the end, in the recording or in a hub."""

    trades: int
    quotes: int
    candles: list[Candle]
    book: FinalBook | None


class Recorded:
    """A decoded recording.

    Args:
        path: The file.
        market: One of the venue's; empty lets each frame tell.
        venue: Name of an exchange.
    """

    def __init__(self, path: Path, market: str = "", venue: str = BINANCE) -> None:
        self.path = path
        self.venue = venue
        self.catalog = Catalog(load(ROOT / "config" / "tapehub.yaml", environ={}).instruments)
        decoder = Decoder(venue, self.catalog, market)
        books: dict[str, OrderBook] = {}
        sniffed: dict[str, str] = {}
        self._fills: collections.Counter[tuple[str, int]] = collections.Counter()
        for frame in read_recording(path):
            for message in decoder.take(frame):
                if isinstance(message, Trade):
                    self._fills[message.symbol, message.ts_event_ns // MINUTE_NS] += message.count
                elif isinstance(message, Book):
                    book = books.setdefault(message.symbol, OrderBook())
                    change = book.snapshot if message.is_snapshot else book.apply
                    change(message.bids, message.asks, message.last_update_id)
            if venue != BINANCE:
                told = decoder.sniffer.sniff(frame.data, frame.address)
                sniffed.setdefault(told.raw, market or told.market)
        decoder.end()
        self.summary = decoder.summary.to_dict()
        self._tallies = decoder.summary.symbols
        self.events = sum(self.summary["by_kind"].values())
        self.raw_names: dict[str, str] = decoder.summary.raw_names
        self.markets = {
            name: _market_of_binance(name) if venue == BINANCE else sniffed[self.raw_names[name]] or "linear"
            for name in self.summary["symbols"]
        }
        """Canonical symbol to the venue's market."""
        self.symbols = {name: self._symbol(name, books.get(name)) for name in self.summary["symbols"]}
        self._contracts = decoder.summary.contracts

    def _symbol(self, name: str, book: OrderBook | None) -> Symbol:
        row = self.summary["symbols"][name]
        bars = [
            Candle(minute, first, high, low, last, volume, self._fills[name, minute // 60_000])
            for minute, first, high, low, last, volume, _ in row["trades"].get("bars_1m", [])
        ]
        final = FinalBook(book.update_id, *book.top(0)) if book is not None else None
        return Symbol(row["trades"]["n"], row["by_kind"].get("quote", 0), bars, final)

    def market_of(self, symbol: str) -> str:
        """Which of the venue's markets a symbol is of."""
        return self.markets[symbol]

    def symbols_file(self) -> dict[str, dict[str, Any]]:
        """Entries of symbols.yaml for what is in the recording."""
        return {
            name: {"venues": {self.venue: f"{market}:{self.raw_names[name]}"}}
            for name, market in self.markets.items()
        }

    def found_in(self, hub: Hub, symbol: str) -> Symbol:
        """What a hub has of a symbol."""
        topics = {topic.topic: topic.events for topic in hub.topics()}
        return Symbol(
            topics.get(f"trade.{self.venue}.{symbol}", 0),
            topics.get(f"quote.{self.venue}.{symbol}", 0),
            candles_in(hub, symbol),
            book_in(hub, symbol),
        )

    def streams(self) -> dict[str, list[str]]:
        """Market to the stream types that the recording has, as the collector's setting wants them."""
        types = [name for name in self.summary["by_stream"] if name.partition("@")[0] in STREAM_TYPES]
        return Binance.defaults.streams | {self.market_of(name): types for name in self.symbols}

    def truth(self, symbol: str) -> list[Candle] | None:
        """Candles computed independently of this project, where somebody did that.

        They count prints, which says nothing of fills where prints merge several, and contracts of a derivative that
        is counted so, which says nothing of base units: both are NaN then.
        """
        entry = self._entry(symbol)
        trades: dict[str, Any] = next((entry[key] for key in _TRADES if key in entry), {})
        rows = trades.get("bars_1m")
        if rows is None:
            return None
        are_prints_fills = "aggTrade" not in self.summary["by_stream"]
        is_base = self.markets[symbol] not in _COUNTED
        return [
            Candle(
                int(minute), float(first), float(high), float(low), float(last),
                float(volume) if is_base else math.nan,
                int(count) if are_prints_fills else math.nan,
            )
            for minute, first, high, low, last, volume, count in rows
        ]  # fmt: skip

    def truth_of_book(self, symbol: str) -> tuple[list[Level], list[Level], list[int]] | None:
        """Best bids, best asks and the number of levels a side, computed independently; sizes as the venue counts."""
        book = self._entry(symbol).get("final_book")
        if book is None:
            return None
        bids, asks = (
            [(float(price), float(size)) for price, size in book[side]] for side in ("bids", "asks")
        )
        return bids, asks, book["levels"]

    def in_venue_units(self, symbol: str, levels: list[Level]) -> list[Level]:
        """Levels with sizes as the venue counts them."""
        contract = self._contracts.get(symbol)
        if contract is None:
            return levels
        return [(price, round(size / contract.base(1.0, price), 9)) for price, size in levels]

    def _entry(self, symbol: str) -> dict[str, Any]:
        """What was computed of one symbol of this file; empty if nothing was."""
        folder = data_dir()
        if folder is None or not self.path.resolve().is_relative_to(folder.resolve()):
            return {}
        table = truth(str(self.path.resolve().relative_to(folder.resolve())))
        rows: dict[str, Any] = next((table[key] for key in _TABLES if key in table), {})
        raw = self.raw_names[symbol]
        found: dict[str, Any] = next((row for key, row in rows.items() if key.split(" ")[-1] == raw), {})
        return found


def candles_in(hub: Hub, symbol: str) -> list[Candle]:
    """The hub's minutes in which something was traded."""
    try:
        candles = hub.candles(symbol, "1m", 0, allow_stale=True)
    except HubError:
        return []
    columns = ("ts_open_ns", "open", "high", "low", "close", "volume", "count")
    rows = zip(*(candles[name].tolist() for name in columns), strict=True)
    return [Candle(row[0] // 1_000_000, *row[1:]) for row in rows if row[-1]]


def book_in(hub: Hub, symbol: str) -> FinalBook | None:
    """All levels of the hub's book."""
    try:
        book = hub.book(symbol, 0, allow_stale=True)
    except HubError:
        return None
    return FinalBook(book.update_id, list(book.bids), list(book.asks))


def _market_of_binance(symbol: str) -> str:
    suffix = symbol.partition(".")[2]
    is_inverse = symbol.partition(".")[0].endswith("_USD")
    return "coinm" if suffix and is_inverse else "usdm" if suffix else "spot"
