"""The replica of one order book, fed by what the collector publishes. Pure.

A book is served only while its chain is whole: a snapshot, then every change on top of the one before. One
missing change, and the replica is out of step until the next snapshot, which the hub then asks for.
"""

from __future__ import annotations

import msgspec

from actors.hub.slots import Slot
from protocol.book import OrderBook
from protocol.codec import decode_events
from protocol.messages import Book
from protocol.record import Frame
from protocol.topics import Topic

_encode = msgspec.msgpack.Encoder().encode


class BookSlot(Slot):
    """Order book of one symbol at one venue."""

    __slots__ = ("asked_ns", "book", "ignored", "is_synced", "last", "reason", "times_lost")

    def __init__(self, name: str, topic: Topic, frame: Frame) -> None:
        super().__init__(name, topic, frame)
        self.book = OrderBook()
        self.last: Book | None = None
        """Newest message that the book contains."""
        self.is_synced = False
        self.reason = "no snapshot has arrived"
        """Why the book is not synced."""
        self.asked_ns = 0
        """When a snapshot was asked for last, monotonic ns; 0: not since it was synced."""
        self.times_lost = 0
        self.ignored = 0
        """Changes that came while there was nothing to apply them to."""

    def apply(self, frame: Frame) -> None:
        """Take snapshots and changes; what does not fit the chain makes the book untrusted, not wrong."""
        books: list[Book] = decode_events(frame)
        before = self.frame
        if (
            self.is_synced
            and frame.publisher_padded == before.publisher_padded
            and frame.epoch == before.epoch
            and frame.topic_seq != before.topic_seq + 1
        ):
            self.lose(f"{frame.topic_seq - before.topic_seq - 1} frames before {frame.topic_seq} never came")
        super().apply(frame)
        for book in books:
            self._take(book)

    def _take(self, book: Book) -> None:
        if book.is_snapshot:
            self.book.snapshot(book.bids, book.asks, book.last_update_id)
            self.is_synced, self.reason, self.asked_ns = True, "", 0
        elif not self.is_synced or book.last_update_id <= self.book.update_id:
            self.ignored += 1  # nothing to build on, or a snapshot already holds it
            return
        elif book.prev_update_id != self.book.update_id:
            self.lose(f"change builds on {book.prev_update_id}, the replica is at {self.book.update_id}")
            return
        else:
            self.book.apply_later(book.bids, book.asks, book.last_update_id)
        self.last = book

    def lose(self, reason: str) -> None:
        """The replica can no longer be vouched for."""
        if self.is_synced:
            self.times_lost += 1
        self.is_synced, self.reason = False, reason

    def newest(self) -> tuple[bytes, int]:
        """The whole book as a snapshot, and when its newest change was received."""
        return _encode(self.top(0)), self.last.ts_recv_ns if self.last else self.frame.ts_pub_ns

    def top(self, depth: int) -> Book:
        """The book as a snapshot message, at most `depth` levels a side; 0 means all."""
        last = self.last
        bids, asks = self.book.top(depth)
        update_id = self.book.update_id
        return Book(
            symbol=self.topic.symbol,
            venue=self.topic.venue,
            ts_event_ns=last.ts_event_ns if last else 0,
            ts_recv_ns=last.ts_recv_ns if last else 0,
            is_snapshot=True,
            first_update_id=update_id,
            last_update_id=update_id,
            bids=bids,
            asks=asks,
        )
