"""How the candles of one aggregator are divided between several, and brought together again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from actors.aggregator.fold import FeedState, FoldState
from protocol.topics import parse_topic


class AggregatorSharing:
    """Candles are divided by their own symbol: what feeds them has the same one."""

    def symbol_of(self, venue: str, symbol: str) -> str:  # noqa: ARG002 - the same at every venue
        """By which symbol something published is divided."""
        return symbol

    def part(self, snapshot: bytes, is_wanted: Callable[[str], bool]) -> bytes:
        """A snapshot with the wanted symbols alone."""
        state = msgspec.msgpack.decode(snapshot, type=FoldState)

        def is_in(topic: str) -> bool:
            return is_wanted(parse_topic(topic).symbol)

        for feed in state.feeds.values():
            feed.topics = [topic for topic in feed.topics if is_in(topic)]
            feed.minute_topics = [topic for topic in feed.minute_topics if is_in(topic)]
        state.builders = {topic: kept for topic, kept in state.builders.items() if is_in(topic)}
        state.minutes = {topic: kept for topic, kept in state.minutes.items() if is_in(topic)}
        return msgspec.msgpack.encode(state)

    def join(self, snapshots: Sequence[bytes]) -> bytes:
        """One snapshot of several, which have no symbol in common and know the same frames."""
        whole = FoldState({}, {}, {})
        for snapshot in snapshots:
            state = msgspec.msgpack.decode(snapshot, type=FoldState)
            whole.builders.update(state.builders)
            whole.minutes.update(state.minutes)
            for name, feed in state.feeds.items():
                known = whole.feeds.get(name)
                whole.feeds[name] = feed if known is None else _both(known, feed)
        return msgspec.msgpack.encode(whole)


def _both(one: FeedState, other: FeedState) -> FeedState:
    """What two folds know of one publisher; who came later to it has seen fewer watermarks, and none that is newer."""
    newer, older = (one, other) if one.epoch >= other.epoch else (other, one)
    marks = dict(newer.watermarks)
    if newer.epoch == older.epoch:
        for venue, ts_ns in older.watermarks.items():
            marks[venue] = max(ts_ns, marks.get(venue, 0))
    return FeedState(
        newer.epoch,
        marks,
        [*one.topics, *other.topics],
        max(one.newest_ns, other.newest_ns),
        [*one.minute_topics, *other.minute_topics],
    )
