"""The summary of a decoded recording: counts of what came in, tallies of what came out, per symbol. Pure."""

from __future__ import annotations

import collections
from typing import Any

from actors.collector.outcomes import BookChange, BookImage, Outcome, PastTrade
from actors.collector.recorded.tally import SymbolTally
from actors.collector.venue import Contract
from protocol.messages import Book, Gap, Liquidation, Message, Quote, Trade


class Summary:
    """Counts of one recording, as plain numbers."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.frames = 0
        self.streams: collections.Counter[str] = collections.Counter()
        self.kinds: collections.Counter[str] = collections.Counter()
        self.rejects: collections.Counter[str] = collections.Counter()
        self.ignored: collections.Counter[str] = collections.Counter()
        self.symbols: dict[str, SymbolTally] = collections.defaultdict(SymbolTally)
        self.raw_names: dict[str, str] = {}
        self.gaps: list[Gap] = []
        self.first_recv_ns = self.last_recv_ns = 0
        self.first_event_ns = self.last_event_ns = 0
        self.contracts: dict[str, Contract] = {}
        """Canonical symbol to contract, where sizes were contracts."""

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        return {
            "venue": self.venue,
            "frames": self.frames,
            "by_kind": dict(sorted(self.kinds.items())),
            "by_stream": dict(sorted(self.streams.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "first_local_ns": self.first_recv_ns,
            "last_local_ns": self.last_recv_ns,
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "gaps": [gap.to_dict() for gap in self.gaps],
            "symbols": {
                symbol: self._symbol(symbol, tally) for symbol, tally in sorted(self.symbols.items())
            },
        }

    def _symbol(self, symbol: str, tally: SymbolTally) -> dict[str, Any]:
        row = {
            "venue_symbol": self.raw_names.get(symbol, ""),
            "by_kind": dict(sorted(tally.kinds.items())),
            "trades": tally.trades.to_dict(),
            **tally.quotes.to_dict(),
            **tally.books.to_dict(),
        }
        if tally.past_trades.n:
            row["trades_before_subscription"] = tally.past_trades.to_dict()
        if tally.liquidations.n:
            row["liquidations"] = tally.liquidations.to_dict()
        contract = self.contracts.get(symbol)
        if contract is not None:
            row["contract"] = {"size": contract.size, "inverse": contract.is_inverse}
        return row

    def note(self, message: Message) -> None:
        """Count one message that came out."""
        kind = message.KIND
        self.kinds[kind] += 1
        if isinstance(message, Gap):
            self.gaps.append(message)
            return
        ts_event_ns: int = message.ts_event_ns  # type: ignore[attr-defined]  # every market message has one
        self.first_event_ns = min(self.first_event_ns or ts_event_ns, ts_event_ns)
        self.last_event_ns = max(self.last_event_ns, ts_event_ns)
        symbol: str = message.symbol  # type: ignore[attr-defined]  # and a symbol
        tally = self.symbols[symbol]
        tally.kinds[kind] += 1
        if isinstance(message, Trade):
            tally.trades.add(message, self.contracts.get(symbol))
        elif isinstance(message, Quote):
            tally.quotes.add(message)
        elif isinstance(message, Book):
            tally.books.add_published(message)
        elif isinstance(message, Liquidation):
            tally.liquidations.add(message)

    def note_outcome(self, outcome: Outcome) -> None:
        """Count what the venue said before synchronisation took or refused it."""
        if isinstance(outcome, BookChange):
            books = self.symbols[outcome.symbol].books
            books.add_change(outcome.first_id, outcome.after_id, outcome.last_id)
        elif isinstance(outcome, BookImage):
            books = self.symbols[outcome.symbol].books
            books.add_image(outcome.last_id, (len(outcome.bids), len(outcome.asks)))
        elif isinstance(outcome, PastTrade):
            self.symbols[outcome.trade.symbol].past_trades.add(outcome.trade, None)
