"""Messages of one socket drain, grouped by topic: one frame per topic, in the order in which they came. Pure."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any, Final

from protocol.messages import Bar, Book, Gap, Liquidation, Message, Quote, Trade
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, RecordKind
from protocol.topics import market_topic

Publish = Callable[..., object]
_COUNTERS: Final[dict[type[Message], tuple[str, ...]]] = {
    Trade: ("trades_received", "ticks_received"),
    Quote: ("quotes_received", "ticks_received"),
    Book: ("books_received",),
    Liquidation: ("liquidations_received",),
}


class Outbox:
    """Gathers messages and publishes them.

    Args:
        publish: Takes (topic, messages of one type, record kind[, flags]).
        counters: Counts what goes out, by kind.
    """

    def __init__(self, publish: Publish, counters: collections.Counter[str]) -> None:
        self._publish = publish
        self._counters = counters
        self._topics: dict[type[Message], dict[str, str]] = collections.defaultdict(dict)
        self._batches: dict[str, list[Any]] = {}

    def add(self, message: Any) -> None:
        """Take a message; a gap goes out at once, after everything that came before it."""
        kind = message.__class__
        topic = self._topics[kind].get(message.symbol)
        if topic is None:
            topic = market_topic(kind.KIND, message.venue, message.symbol)
            self._topics[kind][message.symbol] = topic
        if kind is Gap:
            self.flush()
            self._counters["gaps_announced"] += 1
            self._publish(topic, [message], RecordKind.UPSTREAM_GAP)
            return
        batch = self._batches.get(topic)
        if batch is None:
            self._batches[topic] = [message]
        else:
            batch.append(message)

    def add_repaired(self, trades: Sequence[Trade]) -> None:
        """Publish trades of one symbol, fetched later, in a frame of their own that says so."""
        if not trades:
            return
        self.flush()
        topic = market_topic(Trade.KIND, trades[0].venue, trades[0].symbol)
        self._publish(topic, trades, RecordKind.DATA, FLAG_REPAIRED)
        self._counters["trades_repaired"] += len(trades)

    def add_klines(self, bars: Sequence[Bar]) -> None:
        """Publish candles of the venue for one symbol and timeframe, for the aggregator to take in."""
        self._add_bars(bars, FLAG_REPAIRED)
        self._counters["klines_repaired"] += len(bars)

    def add_references(self, bars: Sequence[Bar]) -> None:
        """Publish candles of the venue for one symbol and timeframe, to compare ours with."""
        self._add_bars(bars, FLAG_REFERENCE)
        self._counters["klines_checked"] += len(bars)

    def _add_bars(self, bars: Sequence[Bar], flag: int) -> None:
        self.flush()
        topic = market_topic(Bar.KIND, bars[0].venue, bars[0].symbol, bars[0].timeframe)
        self._publish(topic, bars, RecordKind.DATA, flag)

    def flush(self) -> None:
        """Publish what has been gathered."""
        if not self._batches:
            return
        batches, self._batches = self._batches, {}
        counters = self._counters
        for topic, messages in batches.items():
            self._publish(topic, messages, RecordKind.DATA)
            for name in _COUNTERS[messages[0].__class__]:
                counters[name] += len(messages)
