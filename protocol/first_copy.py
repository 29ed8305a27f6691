"""The first copy of each message of one topic that several publishers send; the others are left out. Pure.

    trades        by the venue's id (protocol/trade_ids.py); without an id those of the publisher that is followed
    quotes        by the venue's update id; without one those of the publisher that is followed
    liquidations  by what they say
    books         of the publisher that is followed; a replica of every other one is kept, so that following another
                  one begins with a snapshot and what comes out is one whole book all the time
    anything else, bars among them, has a key of its own where it is used: it passes

Whom to follow is decided by whoever hears them (`Feeders.follow`, the fleet of a hub): here it is an argument. But one
that stays behind another one is not followed, whatever is said of it.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocol.book import OrderBook
from protocol.messages import Book, Liquidation, Quote, Trade
from protocol.trade_ids import ANEW_NS, SPANNED, IdsState, TradeIds

BEHIND_NS: Final = 1_000_000_000
"""Venue time that another one goes on alone before the one that is followed is behind."""
MAX_LIQUIDATIONS: Final = 512
"""Newest ones that are known again, per topic."""

RECENT: Final = 16
"""Frames that are known again when a second publisher begins to send their topic."""
SHARED: Final = ("trade.", "quote.", "book.", "liquidation.")
"""What two collectors of one venue both send."""

Told = tuple[int, float, float, int]
"""A liquidation: venue time, price, size, side."""


class CopiesState(msgspec.Struct, array_like=True):
    """What is remembered of one topic."""

    leader: str = ""
    """Whom to follow where copies cannot be told apart."""
    ids: IdsState = msgspec.field(default_factory=IdsState)
    update_id: int = 0
    """Highest one of a quote."""
    update_ns: int = 0
    """Venue time of that quote."""
    told: list[Told] = []
    """Newest liquidations, oldest first."""
    replicas: dict[str, Book] = {}
    """Books that are followed, by publisher."""
    pending: dict[str, Quote] = {}
    """Publisher to its newest quote without an id that was left out."""
    owed_ns: int = 0
    led_ns: int = 0
    behind: list[str] = []


class Replica:
    """The book as one publisher sends it."""

    __slots__ = ("book", "is_followed", "last")

    def __init__(self) -> None:
        self.book = OrderBook()
        self.last: Book | None = None
        self.is_followed = False

    def take(self, message: Book) -> None:
        """Take a snapshot or a change; one that is not the next one ends the following until the next snapshot."""
        if message.is_snapshot:
            self.book.snapshot(message.bids, message.asks, message.last_update_id)
            self.is_followed = True
        elif self.is_followed and message.last_update_id <= self.book.update_id:
            return  # a snapshot holds it already
        elif not self.is_followed or message.prev_update_id != self.book.update_id:
            self.is_followed = False
            return
        else:
            self.book.apply_later(message.bids, message.asks, message.last_update_id)
        self.last = message

    @classmethod
    def of(cls, snapshot: Book) -> Replica:
        """A replica that begins with a snapshot."""
        made = cls()
        made.take(snapshot)
        return made

    def snapshot(self) -> Book:
        """All of it as one message."""
        last = self.last
        assert last is not None
        bids, asks = self.book.top()
        update_id = self.book.update_id
        return Book(
            last.symbol, last.venue, last.ts_event_ns, last.ts_recv_ns, True, update_id, update_id, bids, asks  # noqa: FBT003 - a snapshot
        )  # fmt: skip


class Copies:
    """One topic of several publishers.

    Args:
        venue: Where.
        leader: Whom to follow to begin with: who sent the topic first.
        ids: Which trades have come already.
    """

    def __init__(self, venue: str, leader: str, ids: IdsState | None = None) -> None:
        self.leader = leader
        self.second = 0
        """Messages left out: somebody else's copy came first."""
        self._ids = TradeIds(ids, is_spanned=venue in SPANNED)
        self._update_id = self._update_ns = 0
        self._told: dict[Told, None] = {}
        self._replicas: dict[str, Replica] = {}
        self._pending: dict[str, Quote] = {}
        self._owed_ns = 0
        """First message of another one behind the newest of the one that is followed; 0: none."""
        self._led_ns = 0
        """Newest message of the one that is followed."""
        self._behind: set[str] = set()

    def fresh(self, publisher: str, events: Sequence[Any], follow: str) -> Sequence[Any]:
        """Those of one frame's messages, all of one type, that are news; at a change of whom to follow, more.

        Args:
            publisher: Who sent them.
            events: In order.
            follow: Whom to follow from now on.
        """
        kind = events[0].__class__ if events else None
        if kind is Quote or kind is Book:
            follow = self._not_behind(publisher, events[-1].ts_event_ns, follow)
        if kind is Trade:
            found = self._trades(publisher, events, follow)
        elif kind is Quote:
            return self._quotes(publisher, events, follow)
        elif kind is Book:
            return self._books(publisher, events, follow)
        elif kind is Liquidation:
            found = [one for one in events if self._is_told_first(one)]
        else:
            return events
        self.leader = follow
        self.second += len(events) - len(found)
        return found

    def turn(self, follow: str) -> list[Any]:
        """Follow somebody else: what has to be known of that one to go on; nothing if it is not known yet."""
        if follow == self.leader or follow in self._behind:
            return []
        replica = self._replicas.get(follow)
        if replica is not None:
            if not replica.is_followed:
                return []  # at its next snapshot
            self._lead(follow)
            return [replica.snapshot()]
        if self._replicas:
            return []
        self._lead(follow)
        quote = self._pending.pop(follow, None)
        return [] if quote is None else [quote]

    def _lead(self, publisher: str) -> None:
        self.leader = publisher
        self._owed_ns = 0

    def book(self) -> Book | None:
        """The whole book of who is followed; None: it is not known."""
        replica = self._replicas.get(self.leader)
        return replica.snapshot() if replica is not None and replica.is_followed else None

    def is_known(self, publisher: str) -> bool:
        """Whether a book could go on with this publisher now."""
        replica = self._replicas.get(publisher)
        return replica is not None and replica.is_followed

    def _not_behind(self, publisher: str, ts_ns: int, follow: str) -> str:
        """Whom to follow, once it is looked at who keeps up."""
        if publisher == self.leader:
            self._led_ns, self._owed_ns = max(self._led_ns, ts_ns), 0
        elif publisher in self._behind:
            if ts_ns > self._led_ns - BEHIND_NS:
                self._behind.discard(publisher)
        elif ts_ns > self._led_ns:
            self._owed_ns = self._owed_ns or ts_ns
            if ts_ns - self._owed_ns > BEHIND_NS:
                self._behind.add(self.leader)
                self._led_ns = ts_ns
                return publisher
        return self.leader if follow in self._behind else follow

    def state(self) -> CopiesState:
        """What to keep; shared, so encode it before the next message."""
        return CopiesState(
            self.leader,
            self._ids.state,
            self._update_id,
            self._update_ns,
            list(self._told),
            {name: one.snapshot() for name, one in self._replicas.items() if one.is_followed},
            self._pending,
            self._owed_ns,
            self._led_ns,
            sorted(self._behind),
        )

    def restore(self, state: CopiesState) -> None:
        """Go on from a decoded state."""
        self.leader = state.leader
        self._ids.state = state.ids
        self._update_id, self._update_ns = state.update_id, state.update_ns
        self._told = dict.fromkeys(state.told)
        self._replicas = {name: Replica.of(book) for name, book in state.replicas.items()}
        self._pending = state.pending
        self._owed_ns, self._led_ns, self._behind = state.owed_ns, state.led_ns, set(state.behind)

    def _trades(self, publisher: str, trades: Sequence[Trade], follow: str) -> Sequence[Trade]:
        fresh = self._ids.fresh(trades)
        if publisher == follow:
            return fresh
        return [one for one in fresh if one.trade_id]

    def _quotes(self, publisher: str, quotes: Sequence[Quote], follow: str) -> list[Quote]:
        found = self.turn(follow)
        for quote in quotes:
            number = quote.update_id
            if number > 0:
                if number <= self._update_id and quote.ts_event_ns <= self._update_ns + ANEW_NS:
                    self.second += 1
                    continue
                self._update_id, self._update_ns = number, quote.ts_event_ns
                found.append(quote)
            elif publisher == self.leader:
                found.append(quote)
            else:
                self._pending[publisher] = quote
                self.second += 1
        return found

    def _books(self, publisher: str, books: Sequence[Book], follow: str) -> Sequence[Book]:
        replica = self._replicas.get(publisher)
        if replica is None:
            replica = self._replicas[publisher] = Replica()
        for message in books:
            replica.take(message)
        found = self.turn(follow)
        if found:
            return found
        if self.leader in self._behind and publisher == follow:
            self._lead(publisher)  # without a snapshot: whoever applies it sees that it does not follow on
        if publisher == self.leader:
            return books
        self.second += len(books)
        return []

    def _is_told_first(self, one: Liquidation) -> bool:
        told = (one.ts_event_ns, one.price, one.size, one.side)
        if told in self._told:
            return False
        self._told[told] = None
        if len(self._told) > MAX_LIQUIDATIONS:
            del self._told[next(iter(self._told))]
        return True


class FirstCopies:
    """Every topic that somebody hears: nothing is left out until a second publisher sends the same one.

    Nobody says here who is alive: the first publisher is followed until another one goes on without it.
    """

    def __init__(self) -> None:
        self._single: dict[str, tuple[bytes, collections.deque[list[Any]]]] = {}
        """Topic to the one publisher that sends it and its newest messages."""
        self._copies: dict[str, Copies] = {}

    def fresh(self, topic: str, publisher_padded: bytes, events: list[Any]) -> list[Any]:
        """What of the messages of one frame is news."""
        single = self._single.get(topic)
        if single is not None and single[0] == publisher_padded:
            single[1].append(events)
            return events
        if not topic.startswith(SHARED):
            return events
        publisher = publisher_padded.rstrip(b"\x00").decode("ascii", "replace")
        copies = self._copies.get(topic)
        if copies is None:
            if single is None:
                self._single[topic] = (publisher_padded, collections.deque([events], RECENT))
                return events
            first = single[0].rstrip(b"\x00").decode("ascii", "replace")
            known = [event for one in single[1] for event in one]
            copies = self._copies[topic] = copies_after(topic.split(".")[1], first, known)
            self._single[topic] = (b"", single[1])  # nobody's: every frame is looked at
        return list(copies.fresh(publisher, events, copies.leader))


def copies_after(venue: str, leader: str, known: Sequence[Any]) -> Copies:
    """What sifts a topic from now on.

    Args:
        venue: Where.
        leader: Who has sent it up to now.
        known: Newest messages of its; what is older counts as known too.
    """
    ids = None
    if known and known[0].__class__ is Trade:
        known = sorted(known, key=_number_of)
        ids = IdsState(highest=max(0, _number_of(known[0]) - 1))
    made = Copies(venue, leader, ids)
    made.fresh(leader, known, leader)
    made.second = 0
    return made


def _number_of(trade: Trade) -> int:
    return trade.trade_id if isinstance(trade.trade_id, int) else 0
