"""What must hold of every message that comes out, whatever went in. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import msgspec

from protocol.book import OrderBook
from protocol.messages import GAP_STATES, SIDE_NAMES, Bar, Book, Gap, Liquidation, Message, News, Quote, Trade

LATEST_NS: Final = 4_102_444_800_000_000_000
"""2100-01-01: no time that is believed lies behind it."""
_encode: Final = msgspec.msgpack.Encoder().encode


class Unsound(AssertionError):
    """A message that must never come out."""


class Soundness:
    """Hears the messages of one source and raises at the first that is wrong.

    Args:
        venue: Name that must stand in all of them.
        symbols: Those that may come; None: any.
        latest_ns: No event time that is believed lies behind it.
    """

    def __init__(
        self, venue: str, symbols: Collection[str] | None = None, latest_ns: int = LATEST_NS
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.books: dict[str, OrderBook] = {}
        """What a subscriber would hold; a lost book stays until the next whole one."""
        self._venue = venue
        self._symbols = symbols
        self._latest_ns = latest_ns
        self._gaps: dict[str, str] = {}

    def take(self, message: Message) -> None:
        """Check one message.

        Raises:
            Unsound: says what is wrong.
        """
        self.counts[message.KIND] += 1
        checked: Any = message
        _encode(checked)  # what cannot be sent must not come out either
        if isinstance(message, News):
            self._must(0 <= message.ts_event_ns < 2**63, message, "time")
            return
        self._must(checked.venue == self._venue, message, "venue")
        self._must(self._symbols is None or checked.symbol in self._symbols, message, "symbol")
        if isinstance(message, Gap):
            self._gap(message)
            return
        self._time(message, checked.ts_event_ns, checked.ts_recv_ns if not isinstance(message, Bar) else 0)
        if isinstance(message, Book):
            self._book(message)
            return
        faults = message.validate()
        self._must(not faults, message, "; ".join(faults))
        if isinstance(message, Trade):
            self._must(message.side in SIDE_NAMES and type(message.side) is int, message, "side")
            self._must(message.count >= 0 and type(message.trade_id) in (int, str), message, "count or id")
            self._must(not isinstance(message.trade_id, int) or 0 <= message.trade_id < 2**63, message, "id")
        elif isinstance(message, Liquidation):
            is_good = (
                0 < message.price < math.inf and 0 <= message.size < math.inf and message.side in (-1, 1)
            )
            self._must(is_good, message, "price, size or side")
        elif isinstance(message, Bar):
            self._must(math.isfinite(message.vwap) and message.count >= 0, message, "vwap or count")
        elif isinstance(message, Quote):
            self._must(0 <= message.update_id < 2**63, message, "update id")

    def _time(self, message: Message, ts_event_ns: int, ts_recv_ns: int) -> None:
        """Where the venue says none, it is our receive time, which an old recording may lack."""
        is_good = type(ts_event_ns) is int and 0 < ts_event_ns < self._latest_ns
        self._must(is_good or ts_event_ns == ts_recv_ns == 0, message, "time")

    def _book(self, book: Book) -> None:
        for levels in (book.bids, book.asks):
            for price, size in levels:
                self._must(0 < price < math.inf and 0 <= size < math.inf, book, "level")
        self._must(max(book.first_update_id, book.last_update_id) < 2**63, book, "update id")
        replica = self.books.get(book.symbol)
        if book.is_snapshot:
            self._must(book.prev_update_id == 0, book, "a snapshot builds on nothing")
            self._must(book.bids == sorted(book.bids, reverse=True), book, "bids are not best first")
            self._must(book.asks == sorted(book.asks), book, "asks are not best first")
            replica = self.books[book.symbol] = OrderBook()
            replica.snapshot(book.bids, book.asks, book.last_update_id)
        else:
            if replica is None:
                raise Unsound(f"a change before any snapshot: {book!r:.500}")
            self._must(book.prev_update_id == replica.update_id, book, f"builds not on {replica.update_id}")
            self._must(book.last_update_id > replica.update_id, book, "goes back")
            replica.apply(book.bids, book.asks, book.last_update_id)
        self._must(not replica.is_crossed, book, f"crossed: {replica.best_bid} {replica.best_ask}")

    def _gap(self, gap: Gap) -> None:
        self._must(gap.state in GAP_STATES and gap.kind in ("trade", "quote", "book"), gap, "state or kind")
        self._must(bool(gap.gap_id and gap.cause), gap, "id or cause")
        self._must(gap.from_ts_ns >= 0 and (not gap.to_ts_ns or gap.to_ts_ns >= gap.from_ts_ns), gap, "times")
        self._must(gap.from_id >= 0 and (not gap.to_id or gap.to_id >= gap.from_id), gap, "ids")
        self._must(gap.count >= 0, gap, "count")
        self._must(gap.state != "unfillable" or bool(gap.reason), gap, "no reason")
        self._must(self._gaps.get(gap.gap_id, "") != "filled", gap, "filled before")
        self._gaps[gap.gap_id] = gap.state
        if len(self._gaps) > 100_000:
            self._gaps.clear()

    def _must(self, holds: bool, message: Message, what: str) -> None:
        if not holds:
            raise Unsound(f"{what}: {message!r:.500}")
