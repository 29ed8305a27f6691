"""Frames in, alerts out: every market of this detector, and which publisher feeds which. Pure.

A function of the frames in their order, with a state that goes on after a restart. Time is the venue's, told by the
watermarks of who feeds a market. Where two collectors of one venue do, each event counts once and the watermarks of
one are heard; it is interrupted by what neither of them has seen.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Final

import msgspec

from actors.detector.market import Market
from actors.detector.routes import BESIDE, ROUTES, SHARED, TIMEFRAME, BarRoute, QuoteRoute, Route, TradeRoute
from actors.detector.rule import Rule, Shown, World
from actors.detector.thresholds import ThresholdBook
from actors.detector.usd import Rates
from actors.detector.watch import Watch, WatchState
from protocol.codec import decode_as, decode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError
from protocol.first_copy import Copies, CopiesState
from protocol.instruments import Catalog
from protocol.message import Message
from protocol.messages import Alert, Bar, Gap, Watermark
from protocol.record import Frame
from protocol.topics import market_topic, parse_topic

MOST_ROWS: Final = 200
"""Rows of one rule in the status."""
Output = list[tuple[str, list[Alert]]]
"""(topic, alerts) to publish, one frame each."""


class RouteState(msgspec.Struct, array_like=True):
    """What is remembered of a topic."""

    venue: str
    symbol: str
    publisher: bytes
    epoch: int
    newest_ns: int
    others: dict[str, int] = {}
    """Publisher to its epoch, where there are several."""
    copies: CopiesState | None = None


class FoldState(msgspec.Struct, array_like=True):
    """Everything that a fold remembers."""

    epochs: dict[str, int]
    """Publisher to its epoch."""
    routes: dict[str, RouteState]
    watches: list[WatchState]


class Fold:
    """All markets of one detector.

    Args:
        catalog: Instruments: their currencies and calendars.
        book: Rules and thresholds.
        counters: Where alerts and refusals are counted.
    """

    def __init__(self, catalog: Catalog, book: ThresholdBook, counters: Counter[str]) -> None:
        self._catalog = catalog
        self._book = book
        self._counters = counters
        self._rates = Rates(book.stable_coins)
        self._world = World({}, self._rates, counters)
        self._watches: dict[tuple[str, str], Watch] = {}
        """By venue and symbol."""
        self._peers: dict[str, list[Watch]] = {}
        """By symbol."""
        self._routes: dict[str, Route] = {}
        """By topic."""
        self._unheard: set[str] = set()
        """Topics that no rule hears."""
        self._epochs: dict[bytes, int] = {}
        self._fed: dict[bytes, list[Watch]] = {}
        """Publisher to the markets that it feeds; made anew when that changes."""

    @property
    def markets(self) -> int:
        """How many it watches."""
        return len(self._watches)

    def apply(self, frame: Frame) -> Output:
        """Take one frame; returns the alerts that it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
            UnknownSymbol: nobody configured the instrument.
        """
        topic = frame.topic
        route = self._routes.get(topic)
        if route is None or route.epoch != frame.epoch or route.publisher != frame.publisher_padded:
            if topic in self._unheard:
                return []
            if route is not None and route.others.get(frame.publisher) == frame.epoch:
                alerts = route.take(frame)
                return _by_topic(alerts) if alerts else []
            self._note_epoch(frame)
            if topic.startswith("mark."):
                return self._advance(frame)
            if topic.startswith("gap."):
                return self._note_gaps(frame)
            route = self._admit(frame, route)
            if route is None:
                self._unheard.add(topic)
                return []
        alerts = route.take(frame)
        return _by_topic(alerts) if alerts else []

    def rows(self) -> dict[str, dict[str, dict[str, float]]]:
        """What the rules show in the status, by rule and name of the row; of many rows the worst."""
        found: dict[str, list[Shown]] = {
            rule.name: [] for rule in self._book.rules if rule.rows is not Rule.rows
        }
        for watch in self._watches.values():
            for rule in watch.enabled:
                if rule.name in found:
                    found[rule.name] += rule.rows()
        return {
            name: {row.name: row.numbers() for row in heapq.nlargest(MOST_ROWS, rows, _badness_of)}
            for name, rows in found.items()
        }

    def use(self, book: ThresholdBook) -> None:
        """Other thresholds from now on; statistics stay."""
        self._book = book
        self._rates.replace_stable_coins(book.stable_coins)
        for watch in self._watches.values():
            watch.use(book)
        for route in self._routes.values():
            route.refresh()

    def note_lost(self, hole: Hole) -> list[tuple[str, Message]]:
        """Records are gone for good: what runs in the markets of their publisher begins anew.

        The gap ledger has no entry of it: what the bus lost is told by who builds candles of it.
        """
        self._interrupt(_padded(hole.publisher))
        return []

    def snapshot(self) -> bytes:
        """Everything it remembers, between two frames."""
        routes = {
            topic: RouteState(
                route.watch.market.venue,
                route.watch.market.symbol,
                route.publisher,
                route.epoch,
                route.newest_ns,
                route.others,
                route.copies.state() if route.copies is not None else None,
            )
            for topic, route in self._routes.items()
        }
        epochs = {
            name.rstrip(b"\0").decode("ascii", "replace"): epoch for name, epoch in self._epochs.items()
        }
        watches = [watch.snapshot() for watch in self._watches.values()]
        return msgspec.msgpack.encode(FoldState(epochs, routes, watches))

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of a fold with the same rules: the same frames give the same alerts.

        A rule that is new, or whose state has changed, begins anew; so does an instrument that is gone.

        Raises:
            msgspec.DecodeError: it is not one.
        """
        state = msgspec.msgpack.decode(snapshot, type=FoldState)
        self._epochs = {_padded(name): epoch for name, epoch in state.epochs.items()}
        for kept in state.watches:
            if kept.market.symbol in self._catalog:
                self._add(kept.market, kept)
        for topic, row in state.routes.items():
            watch = self._watches.get((row.venue, row.symbol))
            if watch is not None:
                make = ROUTES[parse_topic(topic).kind]
                route = make(watch, row.publisher, row.epoch, row.newest_ns, self._counters)
                self._routes[topic] = route
                if row.copies is not None:
                    route.others, route.copies = row.others, Copies(row.venue, row.copies.leader)
                    route.copies.restore(row.copies)

    def _advance(self, frame: Frame) -> Output:
        if frame.schema >> 8 != Watermark.SCHEMA >> 8:
            return []  # EPOCH, SNAP and CLEAN_STOP: the epoch in the header says all that matters here
        output: Output = []
        fed = self._fed_by(frame.publisher_padded)
        for mark in decode_events(frame):
            for watch in fed:
                if watch.market.venue == mark.venue and watch.counts(
                    frame.publisher, mark.ts_event_ns, is_connected=mark.is_connected
                ):
                    alerts = watch.mark(mark.ts_event_ns, is_connected=mark.is_connected)
                    if alerts:
                        output += _by_topic(alerts)
        return output

    def _note_gaps(self, frame: Frame) -> Output:
        for gap in decode_as(frame, Gap):
            watch = self._watches.get((gap.venue, gap.symbol))
            if watch is not None and watch.breaks(frame.publisher, gap):
                watch.interrupt()
        return []

    # who feeds what

    def _fed_by(self, publisher: bytes) -> list[Watch]:
        """Markets whose trades or quotes this publisher was the last to send."""
        fed = self._fed.get(publisher)
        if fed is None:
            name = publisher.rstrip(b"\0").decode("ascii", "replace")
            watches = (
                route.watch
                for route in self._routes.values()
                if (route.publisher == publisher or name in route.others)
                and isinstance(route, TradeRoute | QuoteRoute)
            )
            fed = self._fed[publisher] = list(dict.fromkeys(watches))
        return fed

    def _note_epoch(self, frame: Frame) -> None:
        """A publisher that starts anew has not seen everything, and its venue's clock may have been set back."""
        publisher = frame.publisher_padded
        before = self._epochs.get(publisher)
        if before == frame.epoch:
            return
        self._epochs[publisher] = frame.epoch
        if before is not None:
            for watch in self._fed_by(publisher):
                if watch.feeders is not None:
                    watch.feeders.restart(frame.publisher)
            self._interrupt(publisher)
            for route in self._routes.values():
                if route.publisher == publisher and route.copies is None:
                    route.newest_ns = 0

    def _interrupt(self, publisher: bytes) -> None:
        name = publisher.rstrip(b"\0").decode("ascii", "replace")
        for watch in self._fed_by(publisher):
            if not watch.goes_on_without(name, ""):
                watch.interrupt()

    def _admit(self, frame: Frame, route: Route | None) -> Route | None:
        """The route of a topic that comes from somebody for the first time in an epoch; None if no rule hears it."""
        publisher, epoch = frame.publisher_padded, frame.epoch
        if route is None:
            try:
                kind, venue, symbol, timeframe = parse_topic(frame.topic)
            except ValueError as fault:
                raise PayloadError(str(fault)) from fault
            make = ROUTES.get(kind)
            if make is None or (make.kind is Bar and timeframe != TIMEFRAME):
                return None
            watch = self._watches.get((venue, symbol)) or self._add(self._new_market(venue, symbol))
            route = self._routes[frame.topic] = make(watch, publisher, epoch, 0, self._counters)
        elif isinstance(route, SHARED) and (route.copies is not None or route.publisher != publisher):
            first = route.publisher.rstrip(b"\0").decode("ascii", "replace")
            route.share(first, frame.publisher, epoch)
            if route.publisher == publisher:
                route.epoch = epoch
            self._fed.clear()
            return route
        elif route.publisher != publisher:
            if frame.flags & BESIDE and isinstance(route, BarRoute):
                return route  # candles of a collector beside those of the aggregator, whose topic it stays
            route.newest_ns = 0
        route.publisher, route.epoch = publisher, epoch
        self._fed.clear()
        return route

    def _new_market(self, venue: str, symbol: str) -> Market:
        instrument = self._catalog.get(symbol)
        return Market(instrument.symbol, venue, instrument.base, instrument.quote, instrument.session)

    def _add(self, market: Market, kept: WatchState | None = None) -> Watch:
        watch = self._watches[market.venue, market.symbol] = Watch(market, self._book, self._world, kept)
        watch.peers = self._peers.setdefault(market.symbol, [])
        watch.peers.append(watch)
        self._world.markets.setdefault(market.symbol, []).append(market)
        self._rates.add(market)
        if kept is None:
            market.usd_rate = self._rates.rate(market.quote_currency)
        return watch


def _padded(publisher: str) -> bytes:
    return publisher.encode().ljust(32, b"\0")


def _badness_of(row: Shown) -> tuple[float, ...]:
    return row.badness


def _by_topic(alerts: list[Alert]) -> Output:
    """A frame per market: what one venue says may concern another one."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(market_topic(Alert.KIND, alert.venue, alert.symbol), []).append(alert)
    return list(found.items())
