"""How the flows of one order-flow actor are divided between several, and brought together again. Pure.

A future feeds its own flow and that of the pair it stands for: both belong to who hears the future.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from actors.orderflow.fold import FeedState, FoldState
from protocol.instruments import Catalog
from protocol.topics import parse_topic


class OrderFlowSharing:
    """Flows are divided by the symbol of the events they are made of.

    Args:
        catalog: Instruments: which future stands for which pair.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._sources: dict[tuple[str, str], str] = {}
        """(venue, pair) to the future that feeds it there."""
        for symbol in catalog.symbols:
            instrument = catalog.get(symbol)
            if instrument.flow_for and instrument.flow_for in catalog:
                pair = catalog.get(instrument.flow_for).symbol
                for venue in instrument.venues:
                    self._sources[venue, pair] = symbol

    def symbol_of(self, venue: str, symbol: str) -> str:
        """By which symbol something published is divided: that of the events it is made of."""
        return self._sources.get((venue, symbol), symbol)

    def part(self, snapshot: bytes, is_wanted: Callable[[str], bool]) -> bytes:
        """A snapshot with the wanted symbols alone."""
        state = msgspec.msgpack.decode(snapshot, type=FoldState)
        for feed in state.feeds.values():
            feed.topics = [topic for topic in feed.topics if is_wanted(parse_topic(topic).symbol)]
        state.series = {
            key: kept for key, kept in state.series.items() if is_wanted(self.symbol_of(*key.split(" ")))
        }
        return msgspec.msgpack.encode(state)

    def join(self, snapshots: Sequence[bytes]) -> bytes:
        """One snapshot of several, which have no symbol in common and know the same frames."""
        whole = FoldState("", {}, {})
        for snapshot in snapshots:
            state = msgspec.msgpack.decode(snapshot, type=FoldState)
            whole.rules = state.rules
            whole.series.update(state.series)
            for name, feed in state.feeds.items():
                known = whole.feeds.get(name)
                whole.feeds[name] = feed if known is None else _both(known, feed)
        return msgspec.msgpack.encode(whole)


def _both(one: FeedState, other: FeedState) -> FeedState:
    return FeedState(
        max(one.epoch, other.epoch), max(one.newest_ns, other.newest_ns), [*one.topics, *other.topics]
    )
