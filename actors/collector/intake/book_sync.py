"""Order books that can be vouched for: the venue's synchronisation rules, per symbol. Pure.

The rules of Binance spot (procedure of 2025-11-12) and futures are one rule once a change says which updates it
covers, `after_id` exclusive to `last_id` inclusive (spot: U - 1 to u, futures: pu to u; sizes are absolute):

    last_id <= book             old, ignore
    after_id <= book < last_id  apply: this holds for the first change after the snapshot and for every other one
    book < after_id             a hole: the book is lost, ask for a snapshot

Until the snapshot is there, changes wait. A snapshot older than the first waiting change cannot be joined and is
asked for again. A book that is crossed after a change is not published either: it is lost.

Where the stream itself begins with a snapshot, nothing waits: a snapshot replaces whatever was there, and the connection
that it came on owns the book from then on. Changes of another connection (two overlap while one replaces the other) are
not heard: their numbers may be their own.
"""

from __future__ import annotations

import collections
from typing import Final

from actors.collector.outcomes import BookChange, BookImage
from protocol.book import OrderBook
from protocol.messages import Book

MAX_WAITING: Final = 4_000
"""Changes that wait for a snapshot, per symbol; older ones give way, then a newer snapshot is needed."""


class BookSync:
    """One symbol's book: lost, or equal to the venue's."""

    __slots__ = (
        "_waiting", "book", "generation", "is_streamed", "is_synced", "last_ts_ns", "reason", "source", "stale",
        "times_lost", "venue",
    )  # fmt: skip

    def __init__(self, venue: str, *, is_streamed: bool = False) -> None:
        self.venue = venue
        self.is_streamed = is_streamed
        """Snapshots come in the stream: changes need not wait for one."""
        self.source = 0
        """Connection that owns the book, where it is streamed."""
        self.book = OrderBook()
        self.is_synced = False
        self.reason = "no snapshot yet"
        """Why it is not synced."""
        self.generation = 0
        """Grows each time the book is lost: a snapshot asked for before that must not be used."""
        self.times_lost = 0
        self.stale = 0
        """Changes ignored because the book already held them."""
        self.last_ts_ns = 0
        """Venue time of the newest change or snapshot applied."""
        self._waiting: collections.deque[BookChange] = collections.deque()

    @property
    def waiting(self) -> int:
        """Changes that wait for a snapshot."""
        return len(self._waiting)

    def change(self, change: BookChange) -> Book | None:
        """Take a change; returns what to publish. None: old, waiting, or the book has just been lost."""
        if not self.is_synced:
            if not self.is_streamed:
                self._wait(change)
            return None
        book = self.book
        before_id = book.update_id
        if change.last_id <= before_id:
            self.stale += 1
            return None
        if change.after_id > before_id:
            self.lose(f"updates {before_id + 1} to {change.after_id} are missing")
            if not self.is_streamed:
                self._wait(change)
            return None
        book.apply(change.bids, change.asks, change.last_id)
        if book.is_crossed:
            self.lose(f"crossed after update {change.last_id}: {book.best_bid} {book.best_ask}")
            return None
        self.last_ts_ns = change.ts_event_ns
        return Book(
            change.symbol,
            self.venue,
            change.ts_event_ns,
            change.ts_recv_ns,
            False,  # noqa: FBT003 - positional is twice as fast, and this is the hot path
            change.first_id,
            change.last_id,
            change.bids,
            change.asks,
            before_id,
        )

    def _wait(self, change: BookChange) -> None:
        waiting = self._waiting
        if waiting:
            if change.last_id <= waiting[-1].last_id:
                self.stale += 1
                return
            if change.after_id > waiting[-1].last_id:
                waiting.clear()  # what came before the hole leads nowhere
            elif len(waiting) >= MAX_WAITING:
                waiting.popleft()
        waiting.append(change)

    def image(self, image: BookImage, generation: int) -> Book | None:
        """Take a snapshot that was asked for in `generation`; returns what to publish, None if it does not join."""
        if self.is_synced or generation != self.generation:
            return None
        usable = [change for change in self._waiting if change.last_id > image.last_id]
        if usable and usable[0].after_id > image.last_id:
            self.reason = (
                f"snapshot {image.last_id} is older than the first change after {usable[0].after_id}"
            )
            return None
        book = self.book
        book.snapshot(image.bids, image.asks, image.last_id)
        for change in usable:
            book.apply(change.bids, change.asks, change.last_id)
        if book.is_crossed:
            self.lose(f"snapshot {image.last_id} is crossed: {book.best_bid} {book.best_ask}")
            return None
        self.stale += len(self._waiting) - len(usable)
        self._waiting.clear()
        self.is_synced, self.reason = True, ""
        newest: BookChange | BookImage = usable[-1] if usable else image
        self.last_ts_ns = newest.ts_event_ns
        return self.snapshot(image.symbol, newest.ts_recv_ns)

    def replace(self, image: BookImage, source: int) -> Book | None:
        """Take a snapshot of the stream; returns what to publish, None if it is crossed: then the book is lost.

        Args:
            image: The whole book.
            source: Connection that it came on.
        """
        book = self.book
        book.snapshot(image.bids, image.asks, image.last_id)
        self.source = source
        if book.is_crossed:
            self.lose(f"snapshot {image.last_id} is crossed: {book.best_bid} {book.best_ask}")
            return None
        self.is_synced, self.reason = True, ""
        self.last_ts_ns = image.ts_event_ns
        return self.snapshot(image.symbol, image.ts_recv_ns)

    def snapshot(self, symbol: str, ts_recv_ns: int) -> Book:
        """The book as a message that starts a chain anew."""
        bids, asks = self.book.top()
        update_id = self.book.update_id
        return Book(
            symbol=symbol,
            venue=self.venue,
            ts_event_ns=self.last_ts_ns,
            ts_recv_ns=ts_recv_ns,
            is_snapshot=True,
            first_update_id=update_id,
            last_update_id=update_id,
            bids=bids,
            asks=asks,
        )

    def lose(self, reason: str) -> None:
        """Vouch for it no longer; what waited is forgotten."""
        if self.is_synced:
            self.times_lost += 1
        self.is_synced, self.reason = False, reason
        self.generation += 1
        self._waiting.clear()
