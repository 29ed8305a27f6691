"""Frames in, candles and their indicators out: every builder of this aggregator, and which publisher feeds which. Pure.

A publisher's watermarks move the builders that it feeds and no others. Two collectors of one venue may feed the same
builder: it takes the first copy of each event, see `BarBuilder.share`. A provider's minutes have a builder of another
kind: what they say closes candles, no watermark does. What a frame causes is returned by the call that took it, so the
whole is a function of the frames in their order, and can go on from its state.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from actors.aggregator.bars import BarBuilder, Output
from actors.aggregator.builder_state import BuilderState
from actors.aggregator.minutes.builder import MINUTE, MinuteBuilder, MinutesState
from actors.aggregator.rules import Rules
from protocol.chain import bus_gap
from protocol.codec import decode_as
from protocol.consumer import Hole
from protocol.errors import PayloadError
from protocol.instruments import REST, Catalog
from protocol.messages import Bar, Gap, Message, Quote, Trade, Watermark
from protocol.pushing import is_pushed
from protocol.record import FLAG_REPAIRED, Frame
from protocol.sessions import session_named
from protocol.topics import market_topic, parse_topic
from protocol.trust import is_believed


class FeedState(msgspec.Struct, array_like=True):
    """What is known of one publisher."""

    epoch: int
    watermarks: dict[str, int]
    """Newest watermark per venue."""
    topics: list[str]
    """Topics that it sends."""
    newest_ns: int = 0
    """Newest watermark of all epochs."""
    minute_topics: list[str] = []
    """Topics of minutes that it sends."""


class FoldState(msgspec.Struct, array_like=True):
    """Everything that a fold remembers."""

    feeds: dict[str, FeedState]
    builders: dict[str, BuilderState]
    minutes: dict[str, MinutesState] = {}


class Feed:
    """One publisher of events."""

    def __init__(self, name: str, epoch: int) -> None:
        self.name = name
        self.epoch = epoch
        self.watermarks: dict[str, int] = {}
        self.newest_ns = 0
        """Newest watermark of all epochs, 0 before the first."""
        self.builders: dict[str, BarBuilder] = {}
        """By the topic that feeds them."""
        self.minutes: dict[str, MinuteBuilder] = {}
        """The same, of those that are fed with a provider's minutes."""


class Fold:
    """All candles of one aggregator.

    Args:
        catalog: Instruments: whether their candles come from trades or quotes, and their calendar.
        rules: How candles are built.
        counters: Where events, candles and refusals are counted.
    """

    def __init__(self, catalog: Catalog, rules: Rules, counters: Counter[str]) -> None:
        self.feeds: dict[str, Feed] = {}
        self.builders: dict[str, BarBuilder] = {}
        """By the topic that feeds them."""
        self.minutes: dict[str, MinuteBuilder] = {}
        """The same, of those that are fed with a provider's minutes."""
        self._catalog = catalog
        self._rules = rules
        self._counters = counters

    def apply(self, frame: Frame) -> Output:
        """Take one frame of a collector; returns what it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
            UnknownSymbol: nobody configured the instrument.
        """
        feed = self._feed_of(frame)
        topic = frame.topic
        builder = feed.builders.get(topic)
        if builder is None:
            if topic.startswith("mark."):
                return self._advance(feed, frame)
            if topic.startswith("gap."):
                return self._note_gaps(feed, frame)
            if topic.startswith("bar."):
                return self._take_bars(feed, frame)
            builder = self._assign(feed, topic)
            if builder is None:
                return []
        if builder.source == Trade.KIND:
            trades = decode_as(frame, Trade)
            self._counters["ticks_received"] += len(trades)
            builder.add_trades(trades, feed.name)
        else:
            quotes = decode_as(frame, Quote)
            self._counters["ticks_received"] += len(quotes)
            builder.add_quotes(quotes, feed.name)
        return builder.take()

    def note_lost(self, hole: Hole) -> list[tuple[str, Message]]:
        """Records of a collector are gone for good: events of everything that it feeds were not seen.

        Returns what the gap ledger is to know of it, a gap per symbol with its topic.
        """
        feed = self.feeds.get(hole.publisher)
        if feed is None:
            return []
        for series in feed.builders.values():
            series.note_lost(f"bus-{hole.publisher}-{hole.epoch}-{hole.first_seq}", hole.publisher)
        found: list[tuple[str, Message]] = []
        known: list[BarBuilder | MinuteBuilder] = [*feed.builders.values(), *feed.minutes.values()]
        for builder in known:  # of minutes the next one shows which did not come
            if builder.is_started:
                venue, symbol = builder.venue, builder.symbol
                entry = bus_gap(hole, "bus", venue, symbol, builder.source, builder.event_ns)
                found.append((market_topic(Gap.KIND, venue, symbol), entry))
        return found

    def builder(self, venue: str, symbol: str) -> BarBuilder | MinuteBuilder | None:
        """The builder of one symbol at one venue, None before its first event."""
        if venue == REST:
            return self.minutes.get(market_topic(Bar.KIND, venue, symbol, MINUTE))
        return self.builders.get(market_topic(self._source_of(venue, symbol), venue, symbol))

    def _source_of(self, venue: str, symbol: str) -> str:
        """What candles are built from: terminals push quotes and no trades, whatever the instrument."""
        return Quote.KIND if is_pushed(venue) else self._catalog.get(symbol).bars_from

    def snapshot(self) -> bytes:
        """Everything it remembers, between two frames."""
        return msgspec.msgpack.encode(
            FoldState(
                {
                    name: FeedState(
                        feed.epoch, feed.watermarks, list(feed.builders), feed.newest_ns, list(feed.minutes)
                    )
                    for name, feed in self.feeds.items()
                },
                {topic: builder.state() for topic, builder in self.builders.items()},
                {topic: builder.state() for topic, builder in self.minutes.items()},
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of a fold with the same rules: the same frames give the same output.

        Raises:
            msgspec.DecodeError: it is not one.
            UnknownSymbol: it holds an instrument that is configured no longer.
        """
        state = msgspec.msgpack.decode(snapshot, type=FoldState)
        for topic, kept in state.builders.items():
            builder = self.builders[topic] = self._build(topic)
            builder.restore(kept)
        for topic, minutes in state.minutes.items():
            self._build_minutes(topic).restore(minutes)
        for name, feed_state in state.feeds.items():
            feed = self.feeds[name] = Feed(name, feed_state.epoch)
            feed.watermarks, feed.newest_ns = feed_state.watermarks, feed_state.newest_ns
            feed.builders = {topic: self.builders[topic] for topic in feed_state.topics}
            feed.minutes = {topic: self.minutes[topic] for topic in feed_state.minute_topics}

    def _feed_of(self, frame: Frame) -> Feed:
        name = frame.publisher
        feed = self.feeds.get(name)
        if feed is None:
            feed = self.feeds[name] = Feed(name, frame.epoch)
        elif feed.epoch != frame.epoch:
            feed.epoch = frame.epoch
            feed.watermarks.clear()
            for builder in feed.builders.values():
                builder.note_restart(frame.epoch, name)
        return feed

    def _assign(self, feed: Feed, topic: str) -> BarBuilder | None:
        """The builder of a topic that this publisher sends for the first time; None if candles do not need it."""
        builder = self.builders.get(topic)
        if builder is None:
            try:
                parts = parse_topic(topic)
            except ValueError as fault:
                raise PayloadError(str(fault)) from fault
            if parts.kind != self._source_of(parts.venue, parts.symbol):
                return None
            builder = self.builders[topic] = self._build(topic)
        self._join(feed, topic, builder)
        return builder

    def _join(self, feed: Feed, topic: str, builder: BarBuilder) -> None:
        """A publisher feeds a builder from now on, alone or beside others."""
        first = next((other.name for other in self.feeds.values() if topic in other.builders), "")
        feed.builders[topic] = builder
        if first:
            builder.share(first, feed.name)

    def _build(self, topic: str) -> BarBuilder:
        kind, venue, symbol, _ = parse_topic(topic)
        session = session_named(self._catalog.get(symbol).session)
        return BarBuilder(venue, symbol, kind, self._rules, session, self._counters)

    def _advance(self, feed: Feed, frame: Frame) -> Output:
        if frame.schema >> 8 != Watermark.SCHEMA >> 8:
            return []  # EPOCH and CLEAN_STOP: the epoch in the header says all that matters here
        output: Output = []
        for mark in decode_as(frame, Watermark):
            self._counters["watermarks_received"] += 1
            if not is_believed(mark, frame.ts_pub_ns, feed.newest_ns, self._rules.max_ahead_ns):
                self._counters["rejected_watermark"] += 1
                continue
            feed.newest_ns = max(feed.newest_ns, mark.ts_event_ns)
            feed.watermarks[mark.venue] = max(mark.ts_event_ns, feed.watermarks.get(mark.venue, 0))
            for builder in feed.builders.values():
                if builder.venue == mark.venue:
                    builder.advance(mark.ts_event_ns, is_connected=mark.is_connected, publisher=feed.name)
                    output += builder.take()
        return output

    def _note_gaps(self, feed: Feed, frame: Frame) -> Output:
        output: Output = []
        for gap in decode_as(frame, Gap):
            self._counters["gaps_received"] += 1
            topic = market_topic(gap.kind, gap.venue, gap.symbol)
            builder = self.builders.get(topic)
            if builder is not None:
                if topic not in feed.builders:
                    self._join(feed, topic, builder)
                builder.note_gap(gap, feed.name)
                output += builder.take()
        return output

    def _build_minutes(self, topic: str) -> MinuteBuilder:
        _, venue, symbol, _ = parse_topic(topic)
        session = session_named(self._catalog.get(symbol).session)
        builder = self.minutes[topic] = MinuteBuilder(venue, symbol, self._rules, session, self._counters)
        return builder

    def _take_bars(self, feed: Feed, frame: Frame) -> Output:
        """A provider's minutes, or candles of the venue for minutes of which trades are missing."""
        if frame.flags & FLAG_REPAIRED:
            return self._absorb(frame)
        builder = feed.minutes.get(frame.topic)
        if builder is None:
            try:
                parts = parse_topic(frame.topic)
            except ValueError as fault:
                raise PayloadError(str(fault)) from fault
            if parts.venue != REST or parts.timeframe != MINUTE:
                return []
            builder = self.minutes.get(frame.topic) or self._build_minutes(frame.topic)
            feed.minutes[frame.topic] = builder
        builder.add(decode_as(frame, Bar))
        return builder.take()

    def _absorb(self, frame: Frame) -> Output:
        touched: dict[str, BarBuilder] = {}
        for bar in decode_as(frame, Bar):
            self._counters["klines_received"] += 1
            topic = market_topic(Trade.KIND, bar.venue, bar.symbol)
            builder = self.builders.get(topic)
            if builder is None:
                self._counters["klines_unwanted"] += 1
            else:
                builder.absorb(bar)
                touched[topic] = builder
        return [made for builder in touched.values() for made in builder.take()]
