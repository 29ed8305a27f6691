"""What a recording of FX quotes or candles holds: the counts and sums that `tapehub decode fx --summary` prints. Pure.

The words are those of the independently computed tables that the tests compare with.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from actors.collector.recorded.tally import Sum
from protocol.messages import Bar, Quote

_MS: Final = 1_000_000
_DAY_MS: Final = 86_400_000
_BAR_NS: Final = 60_000_000_000


class FxQuotes:
    """Quotes of one symbol, in the order of the file."""

    def __init__(self) -> None:
        self.n = self.going_back = self.same_ms = self.crossed = self.locked = self.repeated = 0
        self.first: list[str] = []
        self.last: list[str] = []
        self.first_ns = self.last_ns = 0
        self._newest: Quote | None = None
        self._spread = Sum()
        self._bids = [float("inf"), 0.0]
        self._asks = [float("inf"), 0.0]

    def add(self, quote: Quote, texts: list[str]) -> None:
        """Count one quote; `texts` are the words of its line."""
        newest = self._newest
        if newest is None:
            self.first, self.first_ns = texts, quote.ts_event_ns
        else:
            self.going_back += quote.ts_event_ns < newest.ts_event_ns
            self.same_ms += quote.ts_event_ns == newest.ts_event_ns
            self.repeated += quote.bid == newest.bid and quote.ask == newest.ask
        self.n += 1
        self.crossed += quote.bid > quote.ask
        self.locked += quote.bid == quote.ask
        self._spread.add(quote.spread)
        self._bids = [min(self._bids[0], quote.bid), max(self._bids[1], quote.bid)]
        self._asks = [min(self._asks[0], quote.ask), max(self._asks[1], quote.ask)]
        self._newest, self.last, self.last_ns = quote, texts, quote.ts_event_ns

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers; `first_ms` and `last_ms` count from midnight UTC."""
        return {
            "n": self.n,
            "first_ms": self.first_ns // _MS % _DAY_MS,
            "last_ms": self.last_ns // _MS % _DAY_MS,
            "going_back": self.going_back,
            "same_ms": self.same_ms,
            "first": self.first,
            "last": self.last,
            "bid_min_max": self._bids,
            "ask_min_max": self._asks,
            "crossed": self.crossed,
            "locked": self.locked,
            "mean_spread": self._spread.value / self.n,
            "repeated_quote": self.repeated,
        }


class FxBars:
    """One-minute candles of one side of one symbol, in the order of the file."""

    def __init__(self) -> None:
        self.n = self.duplicates = self.going_back = self.steps_of_one_bar = self.impossible = 0
        self.longest_gap_ns = 0
        self.first_ns = self.last_ns = 0
        self._sums = {name: Sum() for name in ("open", "high", "low", "close")}

    def add(self, bar: Bar) -> None:
        """Count one candle."""
        at_ns = bar.ts_open_ns
        if self.n:
            step_ns = at_ns - self.last_ns
            self.going_back += step_ns < 0
            self.duplicates += step_ns == 0
            self.steps_of_one_bar += step_ns == _BAR_NS
            self.longest_gap_ns = max(self.longest_gap_ns, step_ns)
        else:
            self.first_ns = at_ns
        self.n += 1
        self.last_ns = at_ns
        self.impossible += bar.high < max(bar.open, bar.close) or bar.low > min(bar.open, bar.close)
        for name, total in self._sums.items():
            total.add(getattr(bar, name))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "n": self.n,
            "first_open_ns": self.first_ns,
            "last_open_ns": self.last_ns,
            "increasing": not self.going_back and not self.duplicates,
            "duplicates": self.duplicates,
            "steps_of_one_bar": self.steps_of_one_bar,
            "longest_gap_s": self.longest_gap_ns / 1e9,
            **{f"{name}_sum": total.value for name, total in self._sums.items()},
            "high_below_open_or_close": self.impossible,
        }


class FxSummary:
    """Counts of one recording, as plain numbers."""

    def __init__(self) -> None:
        self.venue = ""
        self.frames = 0
        """Lines of the file, without a header."""
        self.kinds: Counter[str] = Counter()
        self.first_event_ns = self.last_event_ns = 0
        self.quotes: dict[str, FxQuotes] = {}
        self.bars: dict[str, dict[str, FxBars]] = {}
        """Symbol to side to its candles."""

    def note_quote(self, quote: Quote, texts: list[str]) -> None:
        """Count a quote; `texts` are the words of its line."""
        tally = self.quotes.get(quote.symbol)
        if tally is None:
            tally = self.quotes[quote.symbol] = FxQuotes()
        tally.add(quote, texts)
        self._note(Quote.KIND, quote.ts_event_ns)

    def note_bar(self, bar: Bar) -> None:
        """Count a candle."""
        self.bars.setdefault(bar.symbol, {}).setdefault(bar.source, FxBars()).add(bar)
        self._note(Bar.KIND, bar.ts_event_ns)

    def _note(self, kind: str, ts_event_ns: int) -> None:
        self.kinds[kind] += 1
        self.first_event_ns = min(self.first_event_ns or ts_event_ns, ts_event_ns)
        self.last_event_ns = max(self.last_event_ns, ts_event_ns)

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        symbols: dict[str, dict[str, Any]] = {}
        for symbol, quotes in self.quotes.items():
            symbols.setdefault(symbol, {})["quotes"] = quotes.to_dict()
        for symbol, sides in self.bars.items():
            symbols.setdefault(symbol, {})["bars_1m"] = {side: bars.to_dict() for side, bars in sides.items()}
        return {
            "venue": self.venue,
            "frames": self.frames,
            "by_kind": dict(sorted(self.kinds.items())),
            "rejects": {},
            "ignored": {},
            "first_event_ns": self.first_event_ns,
            "last_event_ns": self.last_event_ns,
            "gaps": [],
            "symbols": symbols,
        }
