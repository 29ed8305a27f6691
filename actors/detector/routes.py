"""From the frames of one topic to the rules that hear it, one way per kind of event. Pure.

What is late, and what comes out of a repaired gap, goes to rules that learn of it and raises nothing.
"""

from __future__ import annotations

import collections
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from actors.detector.rule import HANDLERS, ON_REVISION, Handler, Rule
from actors.detector.watch import Watch
from protocol.codec import decode_as
from protocol.first_copy import RECENT, Copies, copies_after
from protocol.instruments import REST
from protocol.message import Message
from protocol.messages import Alert, Bar, Liquidation, Quote, Sweep, Trade
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, Frame

LATE_NS: Final = 5_000_000_000
"""An event so far behind the newest one of its topic is late."""
TIMEFRAME: Final = "1m"
"""Candles that rules hear."""
BESIDE: Final = FLAG_REPAIRED | FLAG_REFERENCE
"""Flags of candles that a collector sends on the topic of an aggregator."""
_INFINITE: Final = math.inf


class Route:
    """One topic: whose events they are, and who hears them.

    Args:
        watch: The market.
        publisher: Who was the last to send it, as padded in the frame.
        epoch: That publisher's.
        newest_ns: Time of its newest event in this epoch.
        counters: Where refusals are counted.
    """

    kind: ClassVar[type[Message]]

    def __init__(
        self, watch: Watch, publisher: bytes, epoch: int, newest_ns: int, counters: Counter[str]
    ) -> None:
        self.watch = watch
        self.publisher = publisher
        self.epoch = epoch
        self.newest_ns = newest_ns
        self.others: dict[str, int] = {}
        """Publisher to its epoch, where there are several."""
        self.copies: Copies | None = None
        """What came of it, where several send it."""
        self._recent: collections.deque[Sequence[Any]] = collections.deque(maxlen=RECENT)
        self._counters = counters
        self._handlers: list[tuple[Rule, Handler]] = []
        self._late_handlers: list[tuple[Rule, Handler]] = []
        self.refresh()

    def refresh(self) -> None:
        """Who hears it may have changed."""
        method = HANDLERS[self.kind]
        self._handlers = self.watch.handlers(method)
        self._late_handlers = self.watch.handlers(method, only_late=True)

    def take(self, frame: Frame) -> list[Alert]:
        """Take a frame of the topic; returns the alerts that it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
        """
        events: Sequence[Any] = decode_as(frame, self.kind)
        if self.copies is not None:
            events = self._first_copies(frame.publisher, events, self.copies)
        else:
            self._recent.append(events)
        return self._take(events, frame.flags & FLAG_REPAIRED)

    def share(self, first: str, publisher: str, epoch: int) -> None:
        """A further publisher sends this topic: each event counts once from now on."""
        if self.copies is None:
            known = [event for events in self._recent for event in events]
            self.copies = copies_after(self.watch.market.venue, first, known)
            self.others[first] = self.epoch
        self.others[publisher] = epoch
        self.watch.share(first, publisher)

    def _first_copies(self, publisher: str, events: Sequence[Any], copies: Copies) -> Sequence[Any]:
        feeders, second = self.watch.feeders, copies.second
        assert feeders is not None
        if events:
            feeders.heard(publisher, max(event.ts_event_ns for event in events))
        fresh = copies.fresh(publisher, events, feeders.follow(copies.leader, self.kind.KIND))
        self._counters["second_copies"] += copies.second - second
        return fresh

    def _take(self, events: Sequence[Any], is_repaired: int) -> list[Alert]:
        alerts: list[Alert] = []
        for event in events:
            if is_repaired or event.ts_event_ns < self.newest_ns - LATE_NS:
                self._learn(event)
                continue
            self.newest_ns = max(self.newest_ns, event.ts_event_ns)
            for rule, handler in self._handlers:
                finding = handler(event)
                if finding is not None:
                    alerts += self.watch.judge(rule, finding)
        return alerts

    def _learn(self, event: Any) -> None:
        self._counters["late"] += 1
        for _, handler in self._late_handlers:
            handler(event)


class TradeRoute(Route):
    """Trades; the hot path."""

    kind = Trade

    def _take(self, events: Sequence[Any], is_repaired: int) -> list[Alert]:
        alerts: list[Alert] = []
        market, handlers = self.watch.market, self._handlers
        for trade in events:
            if not 0.0 < trade.price * trade.size < _INFINITE:
                self._counters["rejected_value"] += 1
                continue
            ts_ns = trade.ts_event_ns
            if is_repaired or ts_ns < self.newest_ns - LATE_NS:
                self._learn(trade)
                continue
            if ts_ns > self.newest_ns:  # noqa: PLR1730 - max() is four times as slow
                self.newest_ns = ts_ns
            market.events += 1
            for rule, handler in handlers:
                finding = handler(trade)
                if finding is not None:
                    alerts += self.watch.judge(rule, finding)
        return alerts


class QuoteRoute(Route):
    """Best bids and asks; the hot path. A late one says nothing about now: it is left out."""

    kind = Quote

    def _take(self, events: Sequence[Any], is_repaired: int) -> list[Alert]:
        alerts: list[Alert] = []
        market, handlers = self.watch.market, self._handlers
        for quote in events:
            bid, ask, ts_ns = quote.bid, quote.ask, quote.ts_event_ns
            if not (bid > 0.0 and ask > 0.0 and bid + ask < _INFINITE):
                self._counters["rejected_value"] += 1
                continue
            if is_repaired or ts_ns < self.newest_ns - LATE_NS:
                self._counters["late"] += 1
                continue
            self.newest_ns = ts_ns
            market.bid, market.ask, market.quote_ns = bid, ask, ts_ns
            market.events += 1
            market.quotes += 1
            for rule, handler in handlers:
                finding = handler(quote)
                if finding is not None:
                    alerts += self.watch.judge(rule, finding)
        return alerts


class BarRoute(Route):
    """Closed candles: the running one is no news. Those that a collector has fetched of its venue are for the aggregator,
    or to compare ours with; those of REST providers are that for every venue of their symbol that
    was heard of before.
    """

    kind = Bar
    _revision_handlers: list[tuple[Rule, Handler]]

    def refresh(self) -> None:
        """Who hears it may have changed."""
        super().refresh()
        self._revision_handlers = self.watch.handlers(ON_REVISION)

    def take(self, frame: Frame) -> list[Alert]:
        """Take a frame of the topic; returns the alerts that it caused.

        Raises:
            PayloadError: the payload is not what the topic promises.
        """
        if frame.flags & FLAG_REPAIRED:
            return []
        bars: Sequence[Bar] = decode_as(frame, Bar)
        if frame.flags & FLAG_REFERENCE:
            return self.watch.compare(bars)
        closed = [bar for bar in bars if bar.revision]
        if self.watch.market.venue == REST:
            others = [peer for peer in self.watch.peers if peer is not self.watch]
            return [alert for peer in others for alert in peer.compare(closed)]
        alerts = self._take([bar for bar in closed if bar.revision == 1], 0)
        return alerts + self._revise([bar for bar in closed if bar.revision > 1])

    def _revise(self, bars: Sequence[Bar]) -> list[Alert]:
        alerts: list[Alert] = []
        for bar in bars:
            for rule, handler in self._revision_handlers:
                finding = handler(bar)
                if finding is not None:
                    alerts += self.watch.judge(rule, finding)
        return alerts


class LiquidationRoute(Route):
    """Forced orders."""

    kind = Liquidation


class SweepRoute(Route):
    """Orders that went through several levels."""

    kind = Sweep


SHARED: Final = (TradeRoute, QuoteRoute, LiquidationRoute)
"""What two collectors of one venue both send."""
ROUTES: Final[dict[str, type[Route]]] = {
    route.kind.KIND: route for route in (TradeRoute, QuoteRoute, BarRoute, LiquidationRoute, SweepRoute)
}
"""Kind of message to its way."""
