"""What a push receiver knows, to go on from after a restart: a function of what it published. Pure.

The newest SNAP of its journal holds it, and the frames behind that are entered one by one. So a killed process knows
every item that is in its journal, acknowledged or not, and an item that is not was not acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from actors.collector.push.flows import key_of
from actors.collector.push.items import bar_key, tick_key
from actors.collector.push.offset import OffsetState
from actors.collector.push.seen import BarsState, TicksState
from protocol.messages import Bar, Flow, Gap, Quote
from protocol.pushing import PREFIX, VENUE

MOST: Final = 1_000_000
"""Behind the newest SNAP all is kept: the limits of the settings come with the next item."""


class SourceState(msgspec.Struct, array_like=True):
    """One source."""

    offset: OffsetState = msgspec.field(default_factory=OffsetState)
    ticks: dict[str, TicksState] = {}
    """By canonical symbol."""
    bars: dict[str, dict[str, BarsState]] = {}
    """By canonical symbol and timeframe."""
    gaps: dict[str, Gap] = {}
    """Symbol to its gap that has no end."""

    flows: dict[str, int] = {}
    """Symbol and window to the venue time of the newest metrics."""

    @property
    def newest_ns(self) -> int:
        """Venue time of its newest tick, 0: none."""
        return max((one.newest_ns for one in self.ticks.values()), default=0)


class PushedState(msgspec.Struct, array_like=True):
    """All sources."""

    sources: dict[str, SourceState] = {}

    def source(self, venue: str) -> SourceState:
        """The state of a source, by its venue."""
        return self.sources.setdefault(venue.removeprefix(PREFIX), SourceState())

    def enter(self, events: Sequence[Any]) -> None:
        """What is in one frame is published."""
        kind = type(events[0]) if events else None
        if kind is Quote:
            self.enter_quotes(events)
        elif kind is Bar:
            self.enter_bars(events)
        elif kind is Flow:
            self.enter_flows(events)
        elif kind is Gap:
            self.enter_gap(events[-1])

    def enter_quotes(self, quotes: Iterable[Quote], limit: int = MOST) -> None:
        """Ticks are published."""
        for one in quotes:
            ticks = self.source(one.venue).ticks
            state = ticks.get(one.symbol)
            if state is None:
                state = ticks[one.symbol] = TicksState()
            state.enter(tick_key(one.ts_event_ns, one.bid, one.ask, one.update_id), one.ts_event_ns, limit)

    def enter_bars(self, bars: Iterable[Bar], limit: int = MOST) -> None:
        """Bars are published."""
        for one in bars:
            state = (
                self.source(one.venue).bars.setdefault(one.symbol, {}).setdefault(one.timeframe, BarsState())
            )
            key = bar_key((one.open, one.high, one.low, one.close), one.volume, one.count)
            state.enter(one.ts_open_ns, key, one.revision, limit)

    def enter_flows(self, flows: Iterable[Flow]) -> None:
        """Metrics are published."""
        for one in flows:
            newest = self.source(one.venue).flows
            key = key_of(one.symbol, one.window_s)
            newest[key] = max(one.ts_event_ns, newest.get(key, 0))

    def enter_gap(self, gap: Gap) -> None:
        """A gap is announced."""
        gaps = self.source(gap.venue).gaps
        if gap.state == "open":
            gaps[gap.symbol] = gap
        else:
            gaps.pop(gap.symbol, None)


def is_ours(topic: str) -> bool:
    """Whether a topic is of a source: `quote.push.mt5.EUR_USD`."""
    return topic.split(".", 2)[1:2] == [VENUE]
