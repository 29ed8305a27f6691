"""What a collector has published, judged as a subscriber would: chains, crossed books, trades twice, gaps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from protocol.book import OrderBook
from protocol.codec import decode_events
from protocol.messages import Book, Gap, Quote, Trade
from protocol.record import FLAG_REPAIRED, Frame, RecordKind

_KINDS: Final = (RecordKind.DATA, RecordKind.UPSTREAM_GAP)


class Missed(NamedTuple):
    """How far a subscriber was when a gap was announced."""

    gap: Gap
    """As first announced."""
    trades: int
    books: int
    quotes: int
    """Messages of that symbol before it."""


class Heard:
    """Takes every frame of one publisher, in their order."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.trades: dict[str, dict[str, Trade]] = {}
        """Symbol to id to trade, in the order in which they came."""
        self.repaired: dict[str, list[str]] = {}
        """Symbol to the trades that came later, and said so."""
        self.books: dict[str, OrderBook] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        """(symbol, kind) to messages."""
        self.gaps: dict[str, Gap] = {}
        """Id to the newest announcement."""
        self.announced: dict[str, Missed] = {}
        """Id to the first announcement."""
        self.snapshots: Counter[str] = Counter()
        self._chains: dict[str, int] = {}

    def take(self, frames: Iterable[Frame]) -> None:
        """Some more of them."""
        for frame in frames:
            if frame.kind in _KINDS and not frame.topic.startswith("bar."):
                for event in decode_events(frame):
                    self._take(event, is_repaired=bool(frame.flags & FLAG_REPAIRED))

    def _take(self, event: Any, *, is_repaired: bool) -> None:
        if isinstance(event, Trade):
            self._trade(event)
            if is_repaired:
                self.repaired.setdefault(event.symbol, []).append(str(event.trade_id))
        elif isinstance(event, Book):
            self._book(event)
        elif isinstance(event, Quote):
            if event.bid > event.ask:
                self.faults.append(f"{event.symbol}: crossed quote {event.bid} {event.ask}")
        elif isinstance(event, Gap):
            self._gap(event)
            return
        else:
            return
        self.counts[event.symbol, event.KIND] += 1

    def _trade(self, trade: Trade) -> None:
        seen = self.trades.setdefault(trade.symbol, {})
        if str(trade.trade_id) in seen:
            self.faults.append(f"{trade.symbol}: trade {trade.trade_id} twice")
        seen[str(trade.trade_id)] = trade

    def _book(self, book: Book) -> None:
        symbol = book.symbol
        replica = self.books.setdefault(symbol, OrderBook())
        if book.is_snapshot:
            self.snapshots[symbol] += 1
            replica.snapshot(book.bids, book.asks, book.last_update_id)
        else:
            if symbol not in self._chains or book.prev_update_id != self._chains[symbol]:
                self.faults.append(
                    f"{symbol}: book {book.last_update_id} builds on {book.prev_update_id}, "
                    f"the one before was {self._chains.get(symbol)}"
                )
            replica.apply(book.bids, book.asks, book.last_update_id)
        self._chains[symbol] = book.last_update_id
        if replica.is_crossed:
            self.faults.append(f"{symbol}: crossed after {book.last_update_id}")

    def _gap(self, gap: Gap) -> None:
        if gap.gap_id not in self.gaps:
            counts = (self.counts[gap.symbol, kind] for kind in ("trade", "book", "quote"))
            self.announced[gap.gap_id] = Missed(gap, *counts)
        self.gaps[gap.gap_id] = gap

    def of(self, symbol: str, kind: str) -> list[Gap]:
        """Gaps of one symbol and kind, as they are now."""
        return [gap for gap in self.gaps.values() if (gap.symbol, gap.kind) == (symbol, kind)]


def same_trades(heard: Mapping[str, Trade], wanted: Iterable[str]) -> str:
    """What differs between the trades heard and the ids that must have come, each once; empty if nothing does."""
    missing = [trade_id for trade_id in wanted if trade_id not in heard]
    strange = set(heard).difference(wanted)
    if missing or strange:
        return f"{len(missing)} trades missing {missing[:3]}, {len(strange)} that nobody made {sorted(strange)[:3]}"
    return ""
