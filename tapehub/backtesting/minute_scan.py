"""Minutes through longer candles and the scanner: the folds of the live actors, fed frame by frame. Pure.

At the end of a minute come its prices, its candle and what follows of it, then the open of the next one, and only then the
mark of time that lets the scanner ask. So a strategy sees closed candles and the price that an idea of them is entered at.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Final

from actors.aggregator.minutes.builder import MinuteBuilder
from actors.aggregator.rules import Rules
from actors.scanner.fold import ROUND_NS, Fold, Output
from protocol.codec import decode_as
from protocol.instruments import Catalog
from protocol.messages import Bar, Quote, Signal, Watermark
from protocol.record import Frame, RecordKind
from protocol.sessions import session_named
from protocol.topics import mark_topic, market_topic
from tapehub.backtesting.minutes import MINUTE, MINUTE_NS, Minute
from tapehub.playing import Published


class MinuteCandles:
    """Longer candles and indicators of minutes, whatever the venue: the builder of the aggregator.

    Args:
        catalog: Instruments: their calendars.
        rules: Of the aggregator.
    """

    def __init__(self, catalog: Catalog, rules: Rules) -> None:
        self.counters: Counter[str] = Counter()
        self._catalog = catalog
        self._rules = rules
        self._builders: dict[str, MinuteBuilder] = {}

    def apply(self, frame: Frame) -> list[tuple[str, list[Bar]]]:
        """Take closed minutes of one symbol; returns what they caused, by topic."""
        bars = decode_as(frame, Bar)
        builder = self._builders.get(frame.topic)
        if builder is None:
            venue, symbol = bars[0].venue, bars[0].symbol
            session = session_named(self._catalog.get(symbol).session)
            builder = MinuteBuilder(venue, symbol, self._rules, session, self.counters)
            self._builders[frame.topic] = builder
        builder.add(bars)
        return builder.take()


class MinuteScan:
    """Runs the minutes of one venue.

    Args:
        venue: Where they come from.
        candles: What makes longer ones.
        scanner: Fold of a scanner.
        has_every_second: Hold the rounds between two minutes too, where nothing comes: none can say anything unless a strategy
            is asked each second.
    """

    def __init__(
        self, venue: str, candles: MinuteCandles, scanner: Fold, *, has_every_second: bool = False
    ) -> None:
        self._venue = venue
        self._candles = candles
        self._scanner = scanner
        self._collector: Final = Published(f"collector.{venue}.1"[:32])
        self._aggregator: Final = Published("aggregator.1")
        self._running: Sequence[Minute] = ()
        self._has_every_second = has_every_second or any(
            chair.strategy.needs.each_second for chair in scanner.desk.chairs
        )

    def take(self, minutes: Sequence[Minute]) -> list[Signal]:
        """Take all minutes that begin at one time, later than those before; returns the signals that are said by then."""
        open_ns = minutes[0].bar.ts_open_ns
        is_next = bool(self._running) and self._running[0].bar.ts_event_ns == open_ns
        signals = self._close(open_ns)
        if not is_next:
            signals += self._advance(open_ns - ROUND_NS)
        for minute in minutes:
            if minute.touches:
                signals += self._quotes(minute, 0, 1)
        self._running = minutes
        return signals + self._advance(open_ns)

    def end(self) -> list[Signal]:
        """There are no more: the last ones end, and nobody waits for candles any longer."""
        if not self._running:
            return []
        signals = self._close(self._running[0].bar.ts_event_ns + 1)
        while self._scanner.due().get(self._venue):
            signals += _signals(self._scanner.lapse(self._venue))
        return signals

    def _close(self, until_ns: int) -> list[Signal]:
        """The minutes that run are over, and time goes on to their end if nothing begins there."""
        if not self._running:
            return []
        end_ns = self._running[0].bar.ts_event_ns
        signals = self._advance(end_ns - ROUND_NS)
        for minute in self._running:
            if minute.touches:
                signals += self._quotes(minute, 1, None)
            bar = minute.bar
            topic = market_topic(Bar.KIND, self._venue, bar.symbol, MINUTE)
            frame = self._collector.frame(topic, [bar], bar.ts_event_ns)
            signals += self._heard(frame)
            for made, messages in self._candles.apply(frame):
                signals += self._heard(self._aggregator.frame(made, messages, bar.ts_event_ns))
        if end_ns < until_ns:
            signals += self._advance(end_ns)
        self._running = ()
        return signals

    def _quotes(self, minute: Minute, first: int, last: int | None) -> list[Signal]:
        symbol = minute.bar.symbol
        quotes = [
            Quote(symbol, self._venue, ts_ns, ts_ns, bid, ask, 0.0, 0.0)
            for ts_ns, bid, ask in minute.touches[first:last]
        ]
        topic = market_topic(Quote.KIND, self._venue, symbol)
        return self._heard(self._collector.frame(topic, quotes, quotes[-1].ts_event_ns))

    def _advance(self, ts_ns: int) -> list[Signal]:
        if not self._has_every_second:
            self._skip()
        name = self._collector.name
        mark = Watermark(name, self._venue, ts_ns, is_connected=True)
        return self._heard(self._collector.frame(mark_topic(name), [mark], ts_ns, RecordKind.TIME))

    def _skip(self) -> None:
        """Leave out rounds before the next whole minute in which no signal expires: nothing can be said in them."""
        state = self._scanner.venues.get(self._venue)
        if state is None:
            return
        ends_ns = (signal.ts_expires_ns for signal in self._scanner.desk.open.values())
        whole = [-(-end_ns // ROUND_NS) * ROUND_NS for end_ns in ends_ns]
        next_ns = -(-state.next_ns // MINUTE_NS) * MINUTE_NS
        state.next_ns = min(itertools.chain([next_ns], (one for one in whole if one >= state.next_ns)))

    def _heard(self, frame: Frame) -> list[Signal]:
        return _signals(self._scanner.apply(frame))


def _signals(output: Output) -> list[Signal]:
    return [signal for _, signals in output for signal in signals]
