"""A push to what is to be published, and what its sender is told of each item. Pure, time is an argument.

What it says is published must be published: from then on it is known, and repeated it counts as a duplicate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from actors.collector.push.batch import Batch, Taken
from actors.collector.push.body import body_of
from actors.collector.push.flows import MAX_WINDOWS, PushedFlow, key_of, message_of
from actors.collector.push.items import ItemFault, PushedBar, Tick, bar_key, tick_key
from actors.collector.push.memory import PushedState, SourceState
from actors.collector.push.offset import Offset
from actors.collector.push.seen import AGAIN, LATE, OLD, BarsState, TicksState
from actors.collector.push.settings import PushSettings, SourceSettings
from actors.collector.push.spelling import Spelling
from protocol.instruments import Catalog
from protocol.messages import Bar, Flow, Quote
from protocol.pushing import (
    AHEAD,
    BAD_ITEM,
    BAD_TIME,
    BUILT_HERE,
    TOO_OLD,
    Push,
    is_source,
    venue_of,
)
from protocol.sessions import session_named


class Desk:
    """Takes pushes.

    Args:
        settings: Limits.
        max_ahead_s: How far a tick may be ahead of our clock, seconds.
        catalog: Instruments.
        spelling: Their names.
        state: What is known; it changes.
        counters: Counts what becomes of items.
    """

    def __init__(
        self, settings: PushSettings, max_ahead_s: float, catalog: Catalog, spelling: Spelling, state: PushedState,
        counters: Counter[str],
    ) -> None:  # fmt: skip
        self._settings = settings
        self._ahead_ns = round(max_ahead_s * 1e9)
        self._behind_ns = round(settings.max_behind_s * 1e9)
        self._catalog = catalog
        self._spelling = spelling
        self.state = state
        self._counters = counters
        self._offsets: dict[str, Offset] = {}
        self._windows: dict[tuple[str, str], int] = {}
        """Source and symbol to the number of windows that metrics came over."""

    def take(self, push: Push, recv_ns: int) -> Taken:
        """Take a push received at `recv_ns`, our clock.

        Raises:
            InvalidRequest: its body cannot be read, or has too many items; nothing is taken.
        """
        body = body_of(push.body, push.media, self._settings.max_items)
        self._spelling.begin()
        batch = Batch(self, push.source or body.source, push, body, recv_ns)
        for index, raw in enumerate(body.items):
            batch.add(index, raw)
        batch.take()
        return batch.taken(self._settings.max_told)

    # sources

    def source(self, name: str) -> SourceState | str:
        """The state of a source, or why nothing is taken from it."""
        known = self.state.sources.get(name)
        if known is not None:
            return known
        settings = self._settings
        if not is_source(name):
            return f"source {name[:40]!r} is not a name like mt5: a-z, then a-z 0-9 _ -, at most 16" if name else (
                "whose is it? name a source: X-Source, ?source= or `source` in the item"
            )  # fmt: skip
        if settings.is_closed and name not in settings.sources:
            return f"source {name!r} is not one of push.sources"
        if len(self.state.sources) >= settings.max_sources:
            return f"{settings.max_sources} other sources push already (push.max_sources)"
        return self.state.source(venue_of(name))

    def offset(self, name: str) -> Offset:
        """What is known of a source's clock."""
        found = self._offsets.get(name)
        if found is None:
            settings = self._settings
            settle_ns = round(settings.settle_s * 1e9)
            found = self._offsets[name] = Offset(
                settle_ns, self.state.sources[name].offset, self.fixed_s(name)
            )
        return found

    def fixed_s(self, name: str) -> int | None:
        """The offset that the configuration says."""
        return self._settings.sources.get(name, SourceSettings()).gmt_offset_s

    # items

    def tick(self, source: str, symbol: str, tick: Tick, ts_ns: int, recv_ns: int) -> Quote | str:
        """What to publish of a tick whose time is UTC; `again` or `old` where nothing is to be."""
        lead_ns = ts_ns - recv_ns
        if lead_ns > self._ahead_ns:
            raise ItemFault(AHEAD, self._clock_text(source, lead_ns, self._ahead_ns))
        if -lead_ns > self._behind_ns:
            raise ItemFault(TOO_OLD, self._clock_text(source, lead_ns, self._behind_ns))
        ticks = self.state.sources[source].ticks
        seen = ticks.get(symbol)
        if seen is None:
            seen = ticks[symbol] = TicksState()
        key = tick_key(ts_ns, tick.bid, tick.ask, tick.item_id)
        found = seen.look(key, ts_ns)
        if found is OLD:
            text = f"older than the {len(seen.known)} ticks of {symbol} that are remembered: nobody knows whether it came before"
            raise ItemFault(TOO_OLD, text)
        if found is AGAIN:
            return AGAIN
        seen.enter(key, ts_ns, self._settings.remembered)
        self._counters["late_ticks"] += found is LATE
        return Quote(
            symbol,
            venue_of(source),
            ts_ns,
            recv_ns,
            tick.bid,
            tick.ask,
            tick.bid_size,
            tick.ask_size,
            tick.item_id,
        )

    def bar(self, source: str, symbol: str, bar: PushedBar, ts_ns: int, recv_ns: int) -> Bar | str:
        """What to publish of a bar whose time is UTC; `again` where nothing is to be."""
        session = session_named(self._catalog.get(symbol).session)
        start_ns = session.bar_open_ns(ts_ns, bar.timeframe)
        if start_ns != ts_ns:
            text = f"a {bar.timeframe} bar begins {(ts_ns - start_ns) / 1e9:g} s before its time (after the offset from UTC)"
            raise ItemFault(BAD_TIME, text)
        if ts_ns - recv_ns > self._ahead_ns:
            raise ItemFault(AHEAD, self._clock_text(source, ts_ns - recv_ns, self._ahead_ns))
        state = self.state.sources[source]
        ticks = state.ticks.get(symbol)
        end_ns = session.bar_close_ns(start_ns, bar.timeframe)
        if ticks is not None and ticks.first_ns and end_ns > ticks.first_ns:
            text = f"candles of {symbol} are built from the ticks of {source} since {ticks.first_ns} ns: send only bars of before"
            raise ItemFault(BUILT_HERE, text)
        seen = state.bars.setdefault(symbol, {}).setdefault(bar.timeframe, BarsState())
        prices = bar.open, bar.high, bar.low, bar.close
        key = bar_key(prices, bar.volume, bar.ticks)
        is_closed = end_ns <= recv_ns
        revision = seen.revision(start_ns, key, is_closed=is_closed)
        if revision == OLD:
            raise ItemFault(
                TOO_OLD, f"older than the {len(seen.known)} bars that are remembered: send the oldest first"
            )
        if revision == AGAIN:
            return AGAIN
        assert isinstance(revision, int)
        seen.enter(start_ns, key, revision, self._settings.remembered_bars)
        mean = (bar.high + bar.low + bar.close) / 3.0 if bar.volume else bar.close
        return Bar(
            symbol, venue_of(source), bar.timeframe, start_ns, min(end_ns, max(recv_ns, start_ns)), *prices, bar.volume,
            0.0, 0.0, mean, bar.ticks, "closed" if is_closed else "open", 1.0, revision, source, recv_ns,
        )  # fmt: skip

    def flow(self, source: str, symbol: str, flow: PushedFlow, ts_ns: int, recv_ns: int) -> Flow | str:
        """What to publish of metrics whose time is UTC; `again` where nothing is to be."""
        if ts_ns - recv_ns > self._ahead_ns:
            raise ItemFault(AHEAD, self._clock_text(source, ts_ns - recv_ns, self._ahead_ns))
        flows = self.state.sources[source].flows
        key = key_of(symbol, flow.window_s)
        newest_ns = flows.get(key, 0)
        if not newest_ns:
            self._open_window(source, symbol, flows)
        if ts_ns == newest_ns:
            return AGAIN
        if ts_ns < newest_ns:
            raise ItemFault(TOO_OLD, f"older than the newest metrics of {symbol} over {flow.window_s:g} s")
        flows[key] = ts_ns
        return message_of(flow, symbol, venue_of(source), ts_ns)

    def _open_window(self, source: str, symbol: str, flows: Mapping[str, int]) -> None:
        """What is remembered of each window must have an end."""
        count = self._windows.get((source, symbol))
        if count is None:
            count = sum(key.startswith(f"{symbol} ") for key in flows)
        if count >= MAX_WINDOWS:
            text = f"{source} has sent metrics of {symbol} over {count} other windows already"
            raise ItemFault(BAD_ITEM, text)
        self._windows[source, symbol] = count + 1

    def _clock_text(self, source: str, lead_ns: int, limit_ns: int) -> str:
        offset_s = self.offset(source).value_s
        word = "ahead of" if lead_ns > 0 else "behind"
        return (
            f"{abs(lead_ns) / 1e9:.3f} s {word} our clock, at most {limit_ns / 1e9:g} s "
            f"(offset from UTC taken as {offset_s if offset_s is not None else 'unknown'} s)"
        )

    def symbol(self, source: str, name: str) -> str:
        """Canonical name; raises as `Spelling.symbol`."""
        return self._spelling.symbol(source, name)

    def count(self, name: str, count: int) -> None:
        """Count items."""
        self._counters[name] += count
