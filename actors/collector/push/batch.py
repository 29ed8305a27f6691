"""One push on its way: its items read, its sources' clocks judged, then each item decided. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actors.collector.push.body import Body
from actors.collector.push.flows import PushedFlow
from actors.collector.push.items import ItemFault, PushedBar, Tick, item_of
from actors.collector.push.memory import SourceState
from actors.collector.push.offset import rounded
from protocol.errors import HubError
from protocol.messages import Bar, Flow, Quote
from protocol.pushing import BAD_SOURCE, DUPLICATE, UNKNOWN_OFFSET, UNKNOWN_SYMBOL, Push, Pushed, Untaken
from protocol.topics import market_topic

if TYPE_CHECKING:
    from actors.collector.push.desk import Desk

HELPS: Final = "send gmt_offset (seconds its clock has over UTC; 0: UTC)"


class Outgoing(NamedTuple):
    """Messages of one topic."""

    topic: str
    events: list[Any]
    is_late: bool
    """Older than what was published before: it is never the newest value."""


class Taken(NamedTuple):
    """What becomes of a push."""

    result: Pushed
    outgoing: list[Outgoing]
    newest_ns: dict[str, int]
    """Source to the venue time of its newest tick in here; 0: it has sent something else, or nothing."""


class Batch:
    """One push.

    Args:
        desk: Decides of single items.
        source: Whose it is; empty: each item names its source.
        push: It.
        body: Its items.
        recv_ns: When it was received, our clock.
    """

    def __init__(self, desk: Desk, source: str, push: Push, body: Body, recv_ns: int) -> None:
        self._desk = desk
        self._source = source
        self._recv_ns = recv_ns
        said = body.gmt_offset_s if body.gmt_offset_s is not None else push.gmt_offset_s
        self._said_s = rounded(said)
        self._items: list[tuple[int, str, Tick | PushedBar | PushedFlow]] = []
        self._unreadable: list[Untaken] = []
        self._untaken: list[Untaken] = []
        self._sources: dict[str, SourceState | str] = {}
        self._newest: dict[str, int] = {}
        """Source to its newest tick that says no offset, by its clock."""
        self._events: dict[tuple[str, bool], list[Any]] = {}
        self._newest_ns: dict[str, int] = {}
        self._offsets: dict[str, int | None] = {}
        """Source to what its clock has over UTC, for items that say nothing."""
        self._duplicates = self._accepted = 0
        if source:
            self._state_of(source)

    def _state_of(self, source: str) -> SourceState | str:
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = self._desk.source(source)
            if not isinstance(found, str):
                self._newest_ns[source] = 0
                if self._said_s is not None:
                    self._desk.offset(source).say(self._said_s)
        return found

    def add(self, index: int, raw: Any) -> None:
        """Read one item."""
        try:
            item = item_of(raw)
        except ItemFault as fault:
            self._unreadable.append(Untaken(index, fault.code, fault.detail))
            return
        source = self._source
        if not source:
            named = raw.get("source")
            source = named if isinstance(named, str) else ""
        state = self._state_of(source)
        if isinstance(state, str):
            self._unreadable.append(Untaken(index, BAD_SOURCE, state))
            return
        if not item.is_utc:
            said = item.offset_s if item.offset_s is not None else self._said_s
            if said is not None:
                self._desk.offset(source).say(said)
            elif isinstance(item, Tick):
                self._newest[source] = max(self._newest.get(source, 0), item.ns)
        self._items.append((index, source, item))

    def take(self) -> None:
        """Decide of each, once it is known what the sources' clocks show."""
        for source, newest_ns in self._newest.items():
            self._desk.offset(source).see(newest_ns, self._recv_ns)
        self._offsets = {source: self._offset_s(source, None) for source in self._newest_ns}
        for index, source, item in self._items:
            try:
                found = self._take(source, item)
            except ItemFault as fault:
                self._untaken.append(Untaken(index, fault.code, fault.detail))
            except HubError as refusal:
                near = refusal.details.get("suggestions") or refusal.details.get("candidates") or []
                self._untaken.append(Untaken(index, UNKNOWN_SYMBOL, refusal.message, list(near)))
            else:
                if isinstance(found, str):
                    self._duplicates += 1
                    self._untaken.append(Untaken(index, DUPLICATE))
                else:
                    self._accepted += 1

    def _take(self, source: str, item: Tick | PushedBar | PushedFlow) -> Quote | Bar | Flow | str:
        desk = self._desk
        symbol = desk.symbol(source, item.name)
        ts_ns = item.ns
        if not item.is_utc:
            offset_s = (
                self._offsets[source] if item.offset_s is None else self._offset_s(source, item.offset_s)
            )
            if offset_s is None:
                raise ItemFault(
                    UNKNOWN_OFFSET, f"nobody knows what the clock of {source} has over UTC: {HELPS}"
                )
            ts_ns -= offset_s * 1_000_000_000
        if isinstance(item, PushedBar):
            bar = desk.bar(source, symbol, item, ts_ns, self._recv_ns)
            if isinstance(bar, Bar):
                topic = market_topic(Bar.KIND, bar.venue, symbol, bar.timeframe)
                self._events.setdefault((topic, False), []).append(bar)
            return bar
        if isinstance(item, PushedFlow):
            flow = desk.flow(source, symbol, item, ts_ns, self._recv_ns)
            if isinstance(flow, Flow):
                self._events.setdefault((market_topic(Flow.KIND, flow.venue, symbol), False), []).append(flow)
            return flow
        known = desk.state.sources[source].ticks.get(symbol)
        before_ns = known.newest_ns if known is not None else 0
        quote = desk.tick(source, symbol, item, ts_ns, self._recv_ns)
        if isinstance(quote, Quote):
            topic = market_topic(Quote.KIND, quote.venue, symbol)
            self._events.setdefault((topic, ts_ns < before_ns), []).append(quote)
            self._newest_ns[source] = max(self._newest_ns[source], ts_ns)
        return quote

    def _offset_s(self, source: str, said: Any) -> int | None:
        offset = self._desk.offset(source)
        own = rounded(said)
        if own is None:
            own = self._said_s
        fixed = self._desk.fixed_s(source)
        return fixed if fixed is not None else own if own is not None else offset.value_s

    def taken(self, max_told: int) -> Taken:
        """The result."""
        desk, refused = self._desk, len(self._unreadable) + len(self._untaken) - self._duplicates
        desk.count("push_accepted", self._accepted)
        desk.count("push_duplicates", self._duplicates)
        desk.count("push_rejected", refused)
        told = sorted(self._unreadable + self._untaken, key=lambda one: one.code == DUPLICATE)[:max_told]
        states = [source for source, state in self._sources.items() if not isinstance(state, str)]
        offset_s = desk.offset(states[0]).value_s if len(states) == 1 else None
        result = Pushed(
            self._accepted,
            self._duplicates,
            refused,
            sorted(told, key=lambda one: one.index),
            self._recv_ns,
            offset_s,
        )
        outgoing = [Outgoing(topic, events, is_late) for (topic, is_late), events in self._events.items()]
        return Taken(result, outgoing, self._newest_ns)
