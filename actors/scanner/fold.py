"""Frames in, signals out: markets, one round per second of venue time and venue. Pure.

A round takes place once the venue's time has passed its second and every market has what it can expect by then. One
whose inputs do not come is waited for until whoever runs the fold says that it was long enough (`lapse`), or the venue's
time is far ahead; then the others go on without it. What a round looks at is what was known at that second, whichever
publisher's frames came first: so the same recording gives the same signals, live or played. Venues do not know of each
other: whose second comes first is chance.

Headlines count from when they are heard: of news alone the order of publishers matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.scanner.desk import Desk, DeskState
from actors.scanner.market import Limits, Market, MarketState
from actors.scanner.shield import Headline, Shield
from actors.scanner.venue import ROUND_NS, Feed, Venue
from protocol.codec import decode_as, decode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError, UnknownSymbol
from protocol.instruments import Catalog
from protocol.message import Message
from protocol.messages import Bar, Feature, Flow, Gap, News, Quote, Signal, Watermark
from protocol.record import Frame, is_fetched_bar
from protocol.topics import market_topic, parse_topic
from protocol.trust import TRUST_NS, is_believed

__all__ = ["ROUND_NS", "Fold", "FoldState", "Output", "Rules"]

MOST_BEHIND_NS: Final = 600 * ROUND_NS
"""A venue whose time jumps further than this, as over a weekend, is looked at from there on."""
MAX_AHEAD_NS: Final = 5 * ROUND_NS
"""Venue times further ahead of their publication are not believed, as by the aggregators."""
Output = list[tuple[str, list[Signal]]]
Take = Callable[["Fold", Market, Frame], None]
_UNHEARD: Final = Feed(-ROUND_NS)
"""A collector before its first mark."""


def _take_quotes(fold: Fold, market: Market, frame: Frame) -> None:
    name, feed = fold.feed_of(market, frame)
    most_ns = max(frame.ts_pub_ns + MAX_AHEAD_NS, feed.reached_ns + TRUST_NS)
    fold.counters["quotes_refused"] += market.take_quotes(decode_as(frame, Quote), name, feed.due_ns, most_ns)


def _take_gaps(fold: Fold, market: Market, frame: Frame) -> None:
    market.take_gaps(decode_as(frame, Gap), fold.feed_of(market, frame)[1].due_ns)


def _take_bars(_: Fold, market: Market, frame: Frame) -> None:
    if not is_fetched_bar(frame):
        market.take_bars(decode_as(frame, Bar))


def _take_features(_: Fold, market: Market, frame: Frame) -> None:
    market.take_features(decode_as(frame, Feature))


def _take_flows(fold: Fold, market: Market, frame: Frame) -> None:
    fold.counters["flows_dropped"] += market.take_flows(decode_as(frame, Flow))


_TAKES: Final[dict[str, Take]] = {
    "quote": _take_quotes,
    "bar": _take_bars,
    "feature": _take_features,
    "flow": _take_flows,
    "gap": _take_gaps,
}
_AWAITED: Final = (_take_bars, _take_features, _take_flows)
"""What a round may wait for."""


class FoldState(msgspec.Struct, array_like=True):
    """Everything that a fold remembers."""

    venues: dict[str, Venue]
    markets: list[MarketState]
    desk: DeskState


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of the settings."""

    limits: Limits
    give_up_ns: int
    news_keep_ns: int


class Fold:
    """All markets of one scanner.

    Args:
        catalog: Instruments: their calendars, tick and pip sizes.
        desk: Strategies and shield.
        rules: When an input is too old.
        counters: Where rounds and refusals are counted.
    """

    def __init__(self, catalog: Catalog, desk: Desk, rules: Rules, counters: Counter[str]) -> None:
        self.desk = desk
        self.venues: dict[str, Venue] = {}
        self.markets: dict[tuple[str, str], Market] = {}
        """By venue and symbol."""
        self.counters = counters
        self._catalog = catalog
        self._rules = rules
        self._most_behind_ns = max(MOST_BEHIND_NS, rules.limits.quote_ttl_ns)
        self._of_venue: dict[str, list[Market]] = {}
        """Venue to its markets, by symbol."""
        self._held_by: dict[str, Market] = {}
        """Venue to a market that its next round waits for."""
        self._names: dict[bytes, str] = {}
        self._routes: dict[str, tuple[Take | None, Market | None]] = {}
        """Topic to what takes its frames for which market; None: nobody looks at it."""

    def use(self, shield: Shield) -> None:
        """Other rules from now on."""
        self.desk.shield = shield

    def apply(self, frame: Frame) -> Output:
        """Take one frame; returns the signals that it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
            UnknownSymbol: nobody configured the instrument.
        """
        topic = frame.topic
        if topic.startswith("mark."):
            return self._advance(frame)
        if topic.startswith("news."):
            self._take_news(frame)
            return []
        take, market = self._routes.get(topic) or self._admit(topic)
        if market is None or take is None:
            return []
        take(self, market, frame)
        # quotes and gaps end no waiting, and those of other markets do not end that for this one
        if take in _AWAITED and self._held_by.get(market.venue) is market:
            return self._pump(market.venue)
        return []

    def note_lost(self, hole: Hole) -> list[tuple[str, Message]]:
        """Records are gone for good; the gap ledger is told of it by who builds candles."""
        self.counters["frames_lost"] += max(0, hole.last_seq - hole.first_seq + 1)
        return []

    def feed_of(self, market: Market, frame: Frame) -> tuple[str, Feed]:
        """Name of a frame's publisher, and what is known of its time at the market's venue."""
        padded = frame.publisher_padded
        name = self._names.get(padded)
        if name is None:
            name = self._names[padded] = frame.publisher
        venue = self.venues.get(market.venue)
        return name, venue.feeds.get(name, _UNHEARD) if venue is not None else _UNHEARD

    def _admit(self, topic: str) -> tuple[Take | None, Market | None]:
        try:
            kind, venue, symbol, timeframe = parse_topic(topic)
        except ValueError as fault:
            raise PayloadError(str(fault)) from fault
        take, market = _TAKES.get(kind), self._market(venue, symbol)
        if market is not None and not market.wants(kind, timeframe):
            market = None
        self._routes[topic] = take, market
        return take, market

    def _market(self, venue: str, symbol: str) -> Market | None:
        market = self.markets.get((venue, symbol))
        if market is None:
            if symbol not in self._catalog:
                raise UnknownSymbol(f"{symbol} is not in the symbols file")
            chairs = self.desk.chairs_of(venue, symbol)
            if not chairs:
                return None
            needs = [chair.needs for chair in chairs]
            market = Market(venue, self._catalog.get(symbol), needs, self._rules.limits)
            self.markets[venue, symbol] = market
            peers = self._of_venue.setdefault(venue, [])
            peers.append(market)
            peers.sort(key=lambda one: one.symbol)
        return market

    def _take_news(self, frame: Frame) -> None:
        news = [
            Headline(min(one.ts_event_ns, frame.ts_pub_ns), tuple(one.symbols), one.title, one.source)
            for one in decode_as(frame, News)
        ]
        self.desk.hear_news(news, self._rules.news_keep_ns)

    # time

    def _advance(self, frame: Frame) -> Output:
        if frame.schema >> 8 != Watermark.SCHEMA >> 8:
            return []  # EPOCH, SNAP and CLEAN_STOP say nothing of venue time
        output: Output = []
        publisher = frame.publisher
        for mark in decode_events(frame):
            venue = self.venues.get(mark.venue)
            feed = venue.feeds.get(publisher) if venue is not None else None
            if not is_believed(
                mark, frame.ts_pub_ns, feed.reached_ns if feed is not None else 0, MAX_AHEAD_NS
            ):
                self.counters["rejected_watermark"] += 1
                continue
            if venue is None:
                first_ns = mark.ts_event_ns - mark.ts_event_ns % ROUND_NS + ROUND_NS
                venue = self.venues[mark.venue] = Venue(first_ns)
            if feed is None:  # one that comes later than others is waited for once it has caught up
                feed = venue.feeds[publisher] = Feed(mark.ts_event_ns)
                feed.is_lapsed = feed.due_ns < venue.next_ns
            feed.mark(mark.ts_event_ns, is_connected=mark.is_connected, most_behind_ns=self._most_behind_ns)
            feed.is_lapsed = feed.is_lapsed and feed.due_ns < venue.next_ns
            output += self._pump(mark.venue)
        return output

    def _pump(self, name: str) -> Output:
        """Hold the rounds of a venue that are due."""
        venue = self.venues.get(name)
        output: Output = []
        if venue is None:
            return output
        markets = self._of_venue.get(name, [])
        while True:
            while venue.leap():
                pass
            now_ns, reached_ns = venue.next_ns, venue.reached_ns
            if reached_ns < now_ns:
                break
            if reached_ns - now_ns < self._rules.give_up_ns:
                if venue.behind() or self._is_held(name, markets, now_ns):
                    break
            else:
                self._give_up(venue, markets)
            output += self._round(name, markets, now_ns, is_connected=venue.is_connected())
            venue.go_on()
        return output

    def _is_held(self, name: str, markets: list[Market], now_ns: int) -> bool:
        """Whether a market is waited for."""
        holder = self._held_by.pop(name, None)
        if holder is None or not holder.is_waiting(now_ns):
            holder = next((one for one in markets if one.is_waiting(now_ns)), None)
        if holder is None:
            return False
        self._held_by[name] = holder
        return True

    def due(self) -> dict[str, int]:
        """Venue to the second of the round that waits for somebody, ns."""
        return {
            name: venue.next_ns for name, venue in self.venues.items() if venue.next_ns <= venue.reached_ns
        }

    def lapse(self, venue: str) -> Output:
        """Wait no longer for those that a venue's round waits for; returns the signals of what is held then."""
        self._give_up(self.venues[venue], self._of_venue.get(venue, []))
        return self._pump(venue)

    def _give_up(self, venue: Venue, markets: list[Market]) -> None:
        for feed in venue.behind():
            feed.is_lapsed = True
            self.counters["collectors_late"] += 1
        for market in markets:
            if market.is_waiting(venue.next_ns):
                market.give_up(venue.next_ns)
                self.counters["markets_late"] += 1

    def _round(self, venue: str, markets: list[Market], now_ns: int, *, is_connected: bool) -> Output:
        self.counters["rounds"] += 1
        output: Output = []
        for signal in self.desk.orphans(venue, now_ns):
            output.append((market_topic(Signal.KIND, venue, signal.symbol), [signal]))
        for market in markets:
            market.advance(now_ns)
            said = self.desk.round(market, now_ns, is_connected=is_connected)
            if said:
                output.append((market_topic(Signal.KIND, venue, market.symbol), said))
        return output

    # memory and status

    def snapshot(self) -> bytes:
        """Everything it remembers, between two frames."""
        markets = [market.state() for market in self.markets.values()]
        return msgspec.msgpack.encode(FoldState(self.venues, markets, self.desk.state()))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of a fold with the same strategies: the same frames give the same signals.

        Raises:
            msgspec.DecodeError: it is not one.
        """
        state = msgspec.msgpack.decode(snapshot, type=FoldState)
        self.venues = state.venues
        self._held_by.clear()
        self.desk.restore(state.desk)
        for kept in state.markets:
            market = self._market(kept.venue, kept.symbol) if kept.symbol in self._catalog else None
            if market is not None:
                market.restore(kept)
        for name, venue in self.venues.items():
            self._is_held(name, self._of_venue.get(name, []), venue.next_ns)

    def rows(self) -> dict[str, Any]:
        """Per strategy what it is asked about and why it says nothing, most frequent first."""
        rows: dict[str, Any] = {}
        for chair in self.desk.chairs:
            reasons = self.desk.reasons[chair.name].most_common(8)
            mine = [key for key in self.markets if chair.looks_at(*key)]
            is_open = sum(key[0] == chair.name for key in self.desk.open)
            slowest_ms = self.desk.slowest_ns[chair.name] / 1e6
            rows[chair.name] = {
                "markets": len(mine), "open": is_open, "reasons": dict(reasons), "slowest_ms": round(slowest_ms, 3),
            }  # fmt: skip
        return rows
