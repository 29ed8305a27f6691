"""Frames in; flows, footprints and sweeps out: every symbol of this actor, and which publisher feeds which. Pure.

A publisher's watermarks move the symbols that it feeds and no others. Two collectors of one venue may feed the same
symbol: it takes the first copy of each event, see `SymbolFlow.share`. What a frame causes is returned by the call that
took it, so the whole is a function of the frames in their order, and can go on from its state. A future that says
`flow_for` feeds its own flow and that of the pair it stands for, turned over where it quotes the reciprocal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from actors.orderflow.inversion import inverse_books, inverse_quotes, inverse_trades
from actors.orderflow.rules import Rules
from actors.orderflow.series import SymbolFlow
from actors.orderflow.series_state import SeriesState
from actors.orderflow.steps import Output
from protocol.chain import bus_gap
from protocol.codec import decode_as, decode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError
from protocol.instruments import Catalog
from protocol.messages import Book, Gap, Message, Quote, Trade, Watermark
from protocol.record import FLAG_REPAIRED, Frame
from protocol.sessions import session_named
from protocol.topics import market_topic, parse_topic
from protocol.trust import is_believed

KINDS: Final = (Trade.KIND, Quote.KIND, Book.KIND)
_TRADES: Final = Trade.SCHEMA >> 8
_QUOTES: Final = Quote.SCHEMA >> 8
_BOOKS: Final = Book.SCHEMA >> 8
_INVERSE: Final[dict[int, Callable[[Any], list[Any]]]] = {
    _TRADES: inverse_trades,
    _QUOTES: inverse_quotes,
    _BOOKS: inverse_books,
}
_KIND_OF: Final = {_TRADES: Trade.KIND, _QUOTES: Quote.KIND, _BOOKS: Book.KIND}


class FeedState(msgspec.Struct, array_like=True):
    """What is known of one publisher."""

    epoch: int
    newest_ns: int
    """Newest watermark of all epochs."""
    topics: list[str]
    """Topics that it sends."""


class FoldState(msgspec.Struct, array_like=True):
    """Everything that a fold remembers."""

    rules: str
    """What was measured, see `Rules`: another memory does not fit."""
    feeds: dict[str, FeedState]
    series: dict[str, SeriesState]
    """By (venue, symbol), joined by a blank."""


class Target(msgspec.Struct, frozen=True):
    """Where the events of a topic go."""

    series: SymbolFlow
    is_inverse: bool


class Feed:
    """One publisher of events."""

    def __init__(self, name: str, epoch: int) -> None:
        self.name = name
        self.epoch = epoch
        self.newest_ns = 0
        """Newest watermark of all epochs, 0 before the first."""
        self.targets: dict[str, tuple[int, list[Target]]] = {}
        """By topic: number of the schema that it must have, and where its events go."""

    @property
    def series(self) -> list[SymbolFlow]:
        """Everything that it feeds, each once."""
        found = {id(one.series): one.series for _, targets in self.targets.values() for one in targets}
        return list(found.values())


class Fold:
    """The order flow of all symbols.

    Args:
        catalog: Instruments: calendar, tick size, and for which pair a future stands.
        rules: What is measured.
        counters: Where events and refusals are counted.
    """

    def __init__(self, catalog: Catalog, rules: Rules, counters: Counter[str]) -> None:
        self.feeds: dict[bytes, Feed] = {}
        """By name of the publisher as it stands in the header."""
        self.series: dict[str, SymbolFlow] = {}
        self._catalog = catalog
        self._rules = rules
        self._counters = counters

    def apply(self, frame: Frame) -> Output:
        """Take one frame of a collector; returns what it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
            UnknownSymbol: nobody configured the instrument.
        """
        feed = self.feeds.get(frame.publisher_padded)
        if feed is None or feed.epoch != frame.epoch:
            feed = self._begin_epoch(frame)
        topic = frame.topic
        found = feed.targets.get(topic)
        if found is None:
            if topic.startswith("mark."):
                return self._advance(feed, frame)
            if topic.startswith("gap."):
                return self._note_gaps(feed, frame)
            found = self._assign(feed, topic)
            if found is None:
                return []
        schema, targets = found
        if frame.schema >> 8 != schema:
            raise PayloadError(f"{topic} carries schema {frame.schema >> 8}, not {schema}")
        events = decode_events(frame)
        self._counters["events_received"] += len(events)
        if len(targets) == 1:
            series = targets[0].series
            self._add(targets[0], schema, events, frame.flags, feed.name)
            return series.take()
        output: Output = []
        for target in targets:
            self._add(target, schema, events, frame.flags, feed.name)
            output += target.series.take()
        return output

    def note_lost(self, hole: Hole) -> list[tuple[str, Message]]:
        """Records of a collector are gone for good: events of everything that it feeds were not seen.

        Returns what the gap ledger is to know of it, a gap per symbol with its topic.
        """
        feed = self.feeds.get(_padded(hole.publisher))
        found: list[tuple[str, Message]] = []
        for series in feed.series if feed else ():
            if series.is_started:
                series.note_lost(f"bus-{hole.publisher}-{hole.epoch}-{hole.first_seq}", hole.publisher)
                topic = market_topic(Gap.KIND, series.venue, series.symbol)
                found.append(
                    (topic, bus_gap(hole, "flow", series.venue, series.symbol, Trade.KIND, series.event_ns))
                )
        return found

    def snapshot(self) -> bytes:
        """Everything it remembers, between two frames."""
        return msgspec.msgpack.encode(
            FoldState(
                repr(self._rules),
                {
                    name.rstrip(b"\x00").decode(): FeedState(feed.epoch, feed.newest_ns, list(feed.targets))
                    for name, feed in self.feeds.items()
                },
                {key: series.state() for key, series in self.series.items()},
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of a fold with the same rules: the same frames give the same output.

        Raises:
            msgspec.DecodeError: it is not one.
            ValueError: it was made with other rules.
            UnknownSymbol: it holds an instrument that is configured no longer.
        """
        state = msgspec.msgpack.decode(snapshot, type=FoldState)
        if state.rules != repr(self._rules):
            raise ValueError("it was made with other settings")
        for key, kept in state.series.items():
            self._series_of(*key.split(" ")).restore(kept)
        for name, feed_state in state.feeds.items():
            feed = self.feeds[_padded(name)] = Feed(name, feed_state.epoch)
            feed.newest_ns = feed_state.newest_ns
            for topic in feed_state.topics:
                self._assign(feed, topic)

    def _add(self, target: Target, schema: int, events: Sequence[Any], flags: int, publisher: str) -> None:
        series = target.series
        if target.is_inverse:
            events = _INVERSE[schema](events)
        if series.feeders is not None:
            events = series.first_copies(_KIND_OF[schema], events, publisher)
        if schema == _QUOTES:
            series.add_quotes(events)
        elif schema == _TRADES:
            series.add_trades(events, is_repaired=bool(flags & FLAG_REPAIRED))
        else:
            series.add_books(events)

    def _begin_epoch(self, frame: Frame) -> Feed:
        feed = self.feeds.get(frame.publisher_padded)
        if feed is None:
            feed = self.feeds[frame.publisher_padded] = Feed(frame.publisher, frame.epoch)
        else:
            feed.epoch = frame.epoch
            for series in feed.series:
                series.note_restart(frame.epoch, feed.name)
        return feed

    def _assign(self, feed: Feed, topic: str) -> tuple[int, list[Target]] | None:
        """Where the events of a topic go that this publisher sends for the first time; None: nowhere."""
        try:
            kind, venue, symbol, _ = parse_topic(topic)
        except ValueError as fault:
            raise PayloadError(str(fault)) from fault
        if kind not in KINDS:
            return None
        schema = (_TRADES, _QUOTES, _BOOKS)[KINDS.index(kind)]
        found = schema, self._targets_of(venue, symbol)
        self._join(feed, topic, kind, found)
        return found

    def _join(self, feed: Feed, topic: str, kind: str, found: tuple[int, list[Target]]) -> None:
        """A publisher sends a topic from now on, alone or beside others."""
        first = next((other.name for other in self.feeds.values() if topic in other.targets), "")
        feed.targets[topic] = found
        if first and first != feed.name:
            for target in found[1]:
                target.series.share(kind, first, feed.name)

    def _targets_of(self, venue: str, symbol: str) -> list[Target]:
        instrument = self._catalog.get(symbol)
        found = [Target(self._series_of(venue, instrument.symbol), is_inverse=False)]
        pair = instrument.flow_for
        if pair:
            pair = self._catalog.get(pair).symbol
            found.append(Target(self._series_of(venue, pair), is_inverse=instrument.inverse_of == pair))
        return found

    def _series_of(self, venue: str, symbol: str) -> SymbolFlow:
        key = f"{venue} {symbol}"
        found = self.series.get(key)
        if found is None:
            instrument = self._catalog.get(symbol)
            session = session_named(instrument.session)
            found = self.series[key] = SymbolFlow(
                venue, symbol, self._rules, session, instrument.tick_size, self._counters
            )
        return found

    def _advance(self, feed: Feed, frame: Frame) -> Output:
        if frame.schema >> 8 != Watermark.SCHEMA >> 8:
            return []  # EPOCH and CLEAN_STOP: the epoch in the header says all that matters here
        output: Output = []
        for mark in decode_events(frame):
            self._counters["watermarks_received"] += 1
            if not is_believed(mark, frame.ts_pub_ns, feed.newest_ns, self._rules.max_ahead_ns):
                self._counters["rejected_watermark"] += 1
                continue
            feed.newest_ns = max(feed.newest_ns, mark.ts_event_ns)
            for series in feed.series:
                if series.venue == mark.venue:
                    series.advance(mark.ts_event_ns, is_connected=mark.is_connected, publisher=feed.name)
                    output += series.take()
        return output

    def _note_gaps(self, feed: Feed, frame: Frame) -> Output:
        output: Output = []
        for gap in decode_as(frame, Gap):
            self._counters["gaps_received"] += 1
            if f"{gap.venue} {gap.symbol}" in self.series:
                topic = market_topic(gap.kind, gap.venue, gap.symbol)
                if topic not in feed.targets and any(topic in other.targets for other in self.feeds.values()):
                    self._assign(feed, topic)
                for target in self._targets_of(gap.venue, gap.symbol):
                    target.series.note_gap(gap, feed.name)
                    output += target.series.take()
        return output


def _padded(publisher: str) -> bytes:
    return publisher.encode().ljust(32, b"\x00")
