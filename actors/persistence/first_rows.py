"""Rows of which another publisher's copy is stored already are left out: two collectors of one venue send the same. Pure.

Only of venues that several collectors are configured for. A copy of a trade is refused by its key in the database too;
quotes and liquidations have none there, so what is known of them is kept here: each key of the newest rows, and how far
those reach that have been forgotten. It is as old as the connection to the database: a copy that comes after a restart of
persistence is stored a second time.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping
from typing import Any, Final

from actors.persistence.tables import STORED, Row, columns_of
from protocol.first_copy import BEHIND_NS
from protocol.messages import Liquidation, Quote, Trade
from protocol.record import Frame

MAX_KEYS: Final = 8192
"""Newest rows that are known again, per topic."""
Key = Callable[[Row], Any]
"""What makes a row the same one again; None: nothing does."""


def _key_of(kind: str, *names: str) -> Key:
    columns = columns_of(STORED[kind].table)
    places = [columns.index(name) for name in names]
    return lambda row: tuple(row[place] for place in places)


_quote_id: Final = columns_of(STORED[Quote.KIND].table).index("update_id")
_trade_ref: Final = columns_of(STORED[Trade.KIND].table).index("trade_ref")
_trade_key: Final = _key_of(Trade.KIND, "ts_event_ns", "trade_id", "trade_ref")
KEYS: Final[dict[str, Key]] = {
    Quote.KIND: lambda row: row[_quote_id] or None,
    Trade.KIND: lambda row: None if row[_trade_ref].startswith("#") else _trade_key(row),
    Liquidation.KIND: _key_of(Liquidation.KIND, "ts_event_ns", "price", "size", "side"),
}
GROWING: Final = frozenset({Quote.KIND, Liquidation.KIND})
"""Kinds whose keys grow with time and of which nothing is repaired later."""
_EVENT_NS: Final = 1
"""Place of the event time in all of them."""


class _Topic:
    """One topic."""

    def __init__(self, leader: bytes) -> None:
        self.leader = leader
        """Whose rows without a key are taken."""
        self.led_ns = self.owed_ns = 0
        self.known: dict[Any, tuple[bytes, int]] = {}
        """Key to who sent it first, and its event time."""
        self._first: Any = None
        self._forgotten: Any = None
        """Highest key that is known no more; all from `_first` up to it were sent, at `_forgotten_ns` or before."""
        self._forgotten_ns = 0

    def is_first(self, key: Any, publisher: bytes, ts_ns: int, *, grows: bool) -> bool:
        """Whether nobody else has sent this row; `grows`: keys grow with time, and none comes late."""
        known = self.known.get(key)
        if known is not None:
            return known[0] == publisher  # what one publisher repeats is its own business
        if grows and self._forgotten is not None and ts_ns <= self._forgotten_ns:
            return not self._first <= key <= self._forgotten
        if self._first is None:
            self._first = key
        self.known[key] = publisher, ts_ns
        return True

    def forget(self) -> None:
        """Let go of the oldest keys."""
        while len(self.known) > MAX_KEYS:
            key = next(iter(self.known))
            _, ts_ns = self.known.pop(key)
            self._forgotten = key if self._forgotten is None else max(self._forgotten, key)
            self._forgotten_ns = max(self._forgotten_ns, ts_ns)


class FirstRows:
    """Everything that comes from several publishers."""

    def __init__(self) -> None:
        self.second = 0
        """Rows left out."""
        self.venues: frozenset[str] | None = None
        """Venues that several collectors send; None: any may be."""
        self._topics: dict[str, _Topic | None] = {}

    def fresh(self, kind: str, frame: Frame, rows: list[Row]) -> list[Row]:
        """Those rows of a frame that are not a second copy; `kind` is one of `KEYS`."""
        publisher = frame.publisher_padded
        if frame.topic not in self._topics:
            is_shared = self.venues is None or frame.topic.split(".")[1] in self.venues
            self._topics[frame.topic] = _Topic(publisher) if is_shared else None
        topic = self._topics[frame.topic]
        if topic is None:
            return rows
        key_of, grows = KEYS[kind], kind in GROWING
        found = []
        for row in rows:
            key, ts_ns = key_of(row), row[_EVENT_NS]
            if key is None:
                is_first = self._is_followed(topic, publisher, ts_ns)
            else:
                is_first = topic.is_first(key, publisher, ts_ns, grows=grows)
            if is_first:
                found.append(row)
        topic.forget()
        self.second += len(rows) - len(found)
        return found

    @staticmethod
    def _is_followed(topic: _Topic, publisher: bytes, ts_ns: int) -> bool:
        """Whether rows without a key are taken from this one: from the first one until another goes on alone."""
        if publisher == topic.leader:
            topic.led_ns, topic.owed_ns = max(topic.led_ns, ts_ns), 0
        elif ts_ns > topic.led_ns:
            topic.owed_ns = topic.owed_ns or ts_ns
            if ts_ns - topic.owed_ns > BEHIND_NS:
                topic.leader, topic.led_ns, topic.owed_ns = publisher, ts_ns, 0
        return publisher == topic.leader


def shared_venues(actors: Mapping[str, Mapping[str, Any] | None]) -> frozenset[str]:
    """Venues of which several collectors are configured: names of actors to their sections."""
    counts: collections.Counter[str] = collections.Counter()
    for name, section in actors.items():
        words = name.split(".")
        if words[0] == "collector" and len(words) > 2:
            counts[str((section or {}).get("venue") or words[1])] += 1
    return frozenset(venue for venue, count in counts.items() if count > 1)
