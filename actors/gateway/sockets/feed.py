"""One topic on its way from the bus to WebSocket clients: numbered, without second copies, remembered. Pure.

Closed, it costs one reference per frame. Open, since somebody subscribes to it or did so lately, its messages are
numbered (`seq`, whoever published them) and kept in a ring, and a book is kept up to date.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any, Final

from actors.gateway.sockets.channels import BY_KIND, Channel, Row
from actors.gateway.sockets.dialects import Dialect, Place
from actors.gateway.sockets.ring import Entry, Rings
from actors.gateway.sockets.view import Shape, View, rows_of
from protocol.codec import decode_events, encode_events
from protocol.errors import PayloadError
from protocol.first_copy import FirstCopies, Replica
from protocol.messages import MESSAGE_TYPES, Book
from protocol.record import Frame
from protocol.topics import Topic

EARLY: Final = 5000
"""Changes of a book that are kept until its snapshot has come."""
_SCHEMAS: Final = {kind.KIND: kind.SCHEMA >> 8 for kind in MESSAGE_TYPES if kind.KIND in BY_KIND}
Mark = tuple[int, int]
"""Epoch and topic_seq of a frame."""


class Feed:
    """One topic.

    Args:
        topic: It.
        name: As text.
        rings: Where its newest messages are kept.
        waiting: Views that hold something back.
    """

    def __init__(self, topic: Topic, name: str, rings: Rings, waiting: dict[View, None]) -> None:
        self.topic = topic
        self.channel: Channel = BY_KIND[topic.kind]
        self.place = Place(self.channel.name, topic.kind, name, topic.symbol, topic.venue, topic.timeframe)
        self.last: dict[bytes, Frame] = {}
        """Publisher to its newest frame."""
        self.before: list[Frame] = []
        """Newest frames when it was opened."""
        self.seq = 0
        """Number of the newest message."""
        self.views: dict[tuple[Shape, str], View] = {}
        self.is_open = False
        self.idle_ns = 0
        """When the last view went, monotonic."""
        self.heard: dict[bytes, Mark] = {}
        """Publisher to the newest frame of its that was looked at."""
        self.skip: dict[bytes, Mark] = {}
        """Publisher to the frame up to which the first snapshot has everything."""
        self.is_settled = False
        """Whether somebody has had a snapshot, or does without: nothing may be skipped any more."""
        self.replica = Replica()
        self._early: collections.deque[Book] = collections.deque(maxlen=EARLY)
        self._mended: Book | None = None
        """The hub's book that ours begins with, until something newer has come."""
        self._firsts = FirstCopies()
        self._rings = rings
        self._waiting = waiting
        self.ring = rings.make()
        rings.drop(self.ring)

    def open(self) -> None:
        """Somebody wants it."""
        if self.is_open:
            return
        self.is_open, self.before = True, list(self.last.values())
        self.ring = self._rings.make()
        self._firsts = FirstCopies()
        self.heard = {one.publisher_padded: (one.epoch, one.topic_seq) for one in self.before}

    def close(self) -> None:
        """Nobody has wanted it for long: forget everything but its number."""
        self.is_open = self.is_settled = False
        self.seq += 1  # whoever resumes from before must see that something may be missing
        self.before = []
        self._rings.drop(self.ring)
        self.ring = self._rings.make()
        self._rings.drop(self.ring)
        self.heard, self.skip, self._mended = {}, {}, None
        self.replica, self._early, self._firsts = Replica(), collections.deque(maxlen=EARLY), FirstCopies()

    @property
    def floor(self) -> int:
        """From which number on a client misses nothing that is not in the ring."""
        return self.ring.entries[0].seq - 1 if self.ring.entries else self.seq

    def take(self, frame: Frame, mono_ns: int) -> None:
        """Take a frame of the open topic.

        Raises:
            PayloadError: it cannot be read.
        """
        publisher, mark = frame.publisher_padded, (frame.epoch, frame.topic_seq)
        self.last[publisher] = frame
        known = self.heard.get(publisher)
        if known is not None and mark <= known:
            return
        self.heard[publisher] = mark
        if self.skip and mark <= self.skip.get(publisher, (0, 0)):
            return
        if frame.schema >> 8 != _SCHEMAS[self.topic.kind]:
            raise PayloadError(f"{frame.topic}: schema {frame.schema >> 8} is not what this topic carries")
        events = decode_events(frame)
        fresh = self._firsts.fresh(frame.topic, publisher, events)
        if self._mended is not None and fresh:
            fresh = self._beyond_mended(fresh)
        if not fresh:
            return
        payload = frame.payload if fresh is events else encode_events(fresh)
        self.enter(Entry(self.seq + 1, frame.ts_pub_ns, frame.schema, payload, publisher, mark))
        if fresh[0].__class__ is Book:
            for book in fresh:
                self.take_book(book)
        self.say(frame.ts_pub_ns, rows_of(fresh) if self._has_rows() else (), mono_ns)

    def _has_rows(self) -> bool:
        return any(not view.is_whole for view in self.views.values())

    def enter(self, entry: Entry) -> None:
        """Keep the next message."""
        self.seq = entry.seq
        self._rings.add(self.ring, entry)

    def say(self, ts_ns: int, rows: Sequence[Row], mono_ns: int) -> None:
        """Give the newest message to all views."""
        for view in self.views.values():
            view.take(self.seq, ts_ns, rows, mono_ns)

    def view(self, shape: Shape, dialect: Dialect) -> View:
        """The view of that shape, made if nobody has it yet."""
        key = (shape, dialect.name)
        found = self.views.get(key)
        if found is None:
            self.open()
            found = self.views[key] = View(self.place, shape, dialect, self.book_row, self._waiting)
        return found

    def leave(self, view: View, mono_ns: int) -> None:
        """Nobody follows a view any more."""
        del self.views[view.shape, view.dialect.name]
        self._waiting.pop(view, None)
        self.idle_ns = mono_ns

    # books

    @property
    def needs_book(self) -> bool:
        """Whether a book is followed by somebody, but not known."""
        return self.topic.kind == Book.KIND and bool(self.views) and not self.replica.is_followed

    def take_book(self, book: Book) -> None:
        """Apply a snapshot or a change; what comes before the first snapshot is kept until then."""
        if not self.replica.is_followed and not book.is_snapshot:
            self._early.append(book)
            return
        self.replica.take(book)
        if not self.replica.is_followed:
            self._early.clear()
            self._early.append(book)
        elif book.is_snapshot:
            early, self._early = self._early, collections.deque(maxlen=EARLY)
            for change in early:
                self.take_book(change)

    def book_row(self, depth: int) -> Row | None:
        """The whole book, `depth` levels a side (0: all), as a row; None: it is not known."""
        replica = self.replica
        last = replica.last
        if not replica.is_followed or last is None:
            return None
        bids, asks = replica.book.top(depth)
        return {
            "symbol": last.symbol, "venue": last.venue, "ts_event_ns": last.ts_event_ns,
            "ts_recv_ns": last.ts_recv_ns, "is_snapshot": True, "last_update_id": replica.book.update_id,
            "bids": bids, "asks": asks,
        }  # fmt: skip

    def mend_book(self, book: Book, ts_ns: int, mono_ns: int) -> None:
        """Take the hub's book where ours is not known; whoever has followed it gets the whole one."""
        if self.replica.is_followed:
            return
        self._mended = book
        self.take_book(book)
        row = self.book_row(0)
        if row is not None and self.is_settled:
            whole = self.replica.snapshot()
            self.enter(Entry(self.seq + 1, ts_ns, Book.SCHEMA, encode_events([whole]), b"", (0, 0)))
            self.say(ts_ns, (row,), mono_ns)

    def is_past(self, book: Book) -> bool:
        """Whether changes went by before we listened that the hub's book does not hold yet: it cannot begin with that."""
        return any(_is_beyond(change, book) for last in self.before for change in decode_events(last))

    def _beyond_mended(self, books: Sequence[Book]) -> list[Book]:
        """Those that the hub's book does not hold already."""
        mended = self._mended
        assert mended is not None
        found = [book for book in books if _is_beyond(book, mended)]
        if found:
            self._mended = None
        return found

    # joining

    def settle(self, publisher_padded: bytes, mark: Mark, events: list[Any]) -> None:
        """The first snapshot holds everything of a publisher up to a frame, which may not have come here yet."""
        self.is_settled = True
        if mark > self.heard.get(publisher_padded, (0, 0)):
            self.skip[publisher_padded] = mark
        self._firsts.fresh(self.place.topic, publisher_padded, events)


def _is_beyond(change: Book, book: Book) -> bool:
    """Whether a change came after a book."""
    return change.last_update_id > book.last_update_id or change.ts_event_ns > book.ts_event_ns
