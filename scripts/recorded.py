"""What a hub must hold after a recording: candles and books straight from the file, by the decoder's path."""

from __future__ import annotations

import collections
import datetime as dt
import math
from pathlib import Path
from typing import Any, Final, NamedTuple

from actors.collector.decode import Decoder
from actors.collector.settings import CollectorSettings
from actors.runtime.settings import load
from protocol.book import OrderBook
from protocol.instruments import Catalog
from protocol.messages import Book, Level, Trade
from tests.support.data import data_dir, truth
from tests.support.paths import ROOT

VENUE: Final = "binance"
STREAM_TYPES: Final = ("trade", "aggTrade", "bookTicker", "depth")
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
    """What one symbol of the recording must look like at the end."""

    trades: int
    quotes: int
    candles: list[Candle]
    book: FinalBook | None


class Recorded:
    """A decoded recording.

    Args:
        path: The file.
        market: spot, usdm or coinm; empty lets each frame tell.
    """

    def __init__(self, path: Path, market: str = "") -> None:
        self.path = path
        self.catalog = Catalog(load(ROOT / "config" / "tapehub.yaml", environ={}).instruments)
        decoder = Decoder(VENUE, self.catalog, market)
        books: dict[str, OrderBook] = {}
        self._fills: collections.Counter[tuple[str, int]] = collections.Counter()
        for message in decoder.messages(path):
            if isinstance(message, Trade):
                self._fills[message.symbol, message.ts_event_ns // MINUTE_NS] += message.count
            elif isinstance(message, Book):
                book = books.setdefault(message.symbol, OrderBook())
                change = book.snapshot if message.is_snapshot else book.apply
                change(message.bids, message.asks, message.last_update_id)
        self.summary = decoder.summary.to_dict()
        self._tallies = decoder.summary.symbols
        self.events = sum(self.summary["by_kind"].values())
        self.raw_names: dict[str, str] = decoder.summary.raw_names
        self.symbols = {name: self._symbol(name, books.get(name)) for name in self.summary["symbols"]}

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
        suffix = symbol.partition(".")[2]
        inverse = symbol.partition(".")[0].endswith("_USD")
        return "coinm" if suffix and inverse else "usdm" if suffix else "spot"

    def symbols_file(self) -> dict[str, dict[str, Any]]:
        """Entries of symbols.yaml for what is in the recording."""
        found: dict[str, dict[str, Any]] = {}
        for name, raw in self.raw_names.items():
            known = self.catalog.get(name).contract_size if name in self.catalog else 1.0
            found[name] = {"venues": {VENUE: f"{self.market_of(name)}:{raw}"}, "contract_size": known}
        return found

    def streams(self) -> dict[str, list[str]]:
        """Market to the stream types that the recording has, as the collector's setting wants them."""
        types = [name for name in self.summary["by_stream"] if name.partition("@")[0] in STREAM_TYPES]
        return CollectorSettings().streams | {self.market_of(name): types for name in self.symbols}

    def truth(self, symbol: str) -> list[Candle] | None:
        """Candles computed independently of this project, where somebody did that.

        They count prints, which says nothing of fills where prints merge several, and contracts of an inverse
        contract, which says nothing of base units: both are NaN then.
        """
        folder = data_dir()
        if folder is None or not self.path.resolve().is_relative_to(folder.resolve()):
            return None
        entry = truth(str(self.path.resolve().relative_to(folder.resolve())))
        trades = entry.get("symbols", {}).get(self.raw_names[symbol], {}).get("trades", {})
        if "bars_1m" not in trades:
            return None
        are_prints_fills = "aggTrade" not in self.summary["by_stream"]
        is_base = self.market_of(symbol) != "coinm"
        return [
            Candle(
                int(minute), float(first), float(high), float(low), float(last),
                float(volume) if is_base else math.nan,
                int(count) if are_prints_fills else math.nan,
            )
            for minute, first, high, low, last, volume, count in trades["bars_1m"]
        ]  # fmt: skip
