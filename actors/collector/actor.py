"""The collector: one venue's markets, from WebSocket frames to messages on the bus. Wiring only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, ClassVar, Final

from actors.collector.checkpoint import Checkpoint, Recollection, SymbolState, decode, encode
from actors.collector.checks import market_of, venue_of
from actors.collector.feeds import complete, feed_maker, markets_of
from actors.collector.gaps import Gaps
from actors.collector.market_clock import VenueClock
from actors.collector.market_feed import Answering, HasBars, HasPushed, MarketFeed
from actors.collector.outbox import Outbox
from actors.collector.questions import Questions
from actors.collector.reconciling import INTERVAL_S, Reconciling
from actors.collector.resume import end_rest
from actors.collector.settings import CollectorSettings
from actors.runtime.actor import Actor
from actors.runtime.clock import Clock
from actors.runtime.remembering import Remembering
from actors.runtime.settings import Loaded
from protocol.errors import InvalidRequest
from protocol.instruments import Instrument
from protocol.messages import Watermark
from protocol.record import RecordKind
from protocol.requests import Reply, Request
from protocol.topics import mark_topic, market_topic, parse_topic

MEMORY: Final = "feeds"
MEMORY_FRAMES: Final = 20_000
"""After so many frames what is known is written without waiting for `checkpoint_s`: a restart reads what follows."""
TICK_S: Final = 0.05
SWEEP_S: Final = 1.0
RATED: Final = ("frames_received", "trades_received", "quotes_received", "books_received")
"""Counters whose rate per second is told in each full heartbeat."""


class Collector(Actor):
    """Collects the market data of one venue."""

    kind = "collector"
    Settings: ClassVar[type[CollectorSettings]] = CollectorSettings

    def __init__(self, name: str, loaded: Loaded, clock: Clock | None = None) -> None:
        super().__init__(name, loaded, clock)
        self.brokers = loaded.brokers
        self.venue = venue_of(self.name, self.settings)
        self._make_feed = feed_maker(self.venue)

    def setup(self) -> None:
        """Check what the types cannot, then connect."""
        self.settings = complete(self.name, self.venue, self.settings, self.catalog)
        self.markets = markets_of(self.venue, self.settings)
        self.gaps = Gaps(self.venue, f"{self.name}-{self.publisher.epoch}")
        self._store = Questions(self, "persistence")
        self.feeds = {market: self._feed(market) for market in self.markets}
        self.venue_clock = VenueClock()
        self._reached_ns = 0
        self._remembered_seq = 0
        self._memory = Remembering(self, MEMORY, self.settings.checkpoint_s)
        self._snapped_ns: dict[str, int] = {}
        self._snaps_wanted: set[str] = set()
        self._rates: dict[str, float] = {}
        self._counted: dict[str, int] = {}
        self._counted_ns = self.clock.mono_ns()
        wanted = [self.catalog.get(name) for name in self.settings.symbols] or self._instruments()
        for market, rows in self._by_market(wanted).items():
            self.feeds[market].subscribe(rows)
        self._resume()
        self.every(TICK_S, self._tick)
        self.every(SWEEP_S, self._sweep)
        self.every(self.settings.watermark_s, self._mark)
        self.every(self.settings.checkpoint_s, self._remember)
        self.every(INTERVAL_S, Reconciling(self, self.venue, self.gaps.knows).tick)

    def _feed(self, market: str) -> MarketFeed:
        outbox = Outbox(self.publish, self.counters)
        places = [(self._place(instrument), instrument.symbol) for instrument in self._instruments()]
        names = {raw: symbol for (place, raw), symbol in places if place == market}
        random = Random(f"{self.name}-{self.publisher.epoch}-{market}-{os.getpid()}")
        return self._make_feed(self, market, outbox, names, random)

    # restarts

    def _resume(self) -> None:
        """Go on where the process before stopped, as our own journal says."""
        began_ns, now_ns = self.clock.mono_ns(), self.clock.now_ns()
        found = self._memory.read()
        start = decode(found.data) if found is not None else Checkpoint()
        if start is None:
            self.log.warning("the memory in the journal is of another version: nothing is known of before")
        fold = Recollection(start)
        for frame in found.after if found is not None and start is not None else ():
            fold.apply(frame)
        past = fold.checkpoint()
        for feed in self.feeds.values():
            feed.resume(past, now_ns)
        kinds = {symbol: kinds for feed in self.feeds.values() for symbol, kinds in feed.kinds.items()}
        for gap in end_rest(self.gaps, kinds, past):
            self.publish(market_topic(gap.KIND, gap.venue, gap.symbol), [gap], RecordKind.UPSTREAM_GAP)
        if past.symbols:
            took_s = (self.clock.mono_ns() - began_ns) / 1e9
            self.log.info(
                "goes on with %d symbols of the journal, %d trades missing (read in %.3f s, %d frames unreadable)",
                len(past.symbols), self.gaps.missing, took_s, fold.rejected,
            )  # fmt: skip
        self._remember()

    def _remember(self) -> None:
        """Put what the next process must know into the journal, unless that stands in its newest record already."""
        if self.publisher.seq == self._remembered_seq:
            return
        mono_ns, now_ns = self.clock.mono_ns(), self.clock.now_ns()
        symbols: dict[str, SymbolState] = {}
        for feed in self.feeds.values():
            symbols.update(feed.remember())
        past = Checkpoint(
            at_ns=now_ns,
            reached_ns=self._reached_ns,
            symbols=symbols,
            open_gaps=self.gaps.unsettled,
            budgets={
                market: state
                for market, feed in self.feeds.items()
                if (state := feed.budget_state(mono_ns, now_ns)) is not None
            },
            news_ids=[news_id for feed in self.feeds.values() for news_id in feed.news_ids],
            bars=next((feed.bars for feed in self.feeds.values() if isinstance(feed, HasBars)), None),
            pushed=next((feed.pushed for feed in self.feeds.values() if isinstance(feed, HasPushed)), None),
        )
        self._memory.write(encode(past), mono_ns)
        self._remembered_seq = self.publisher.seq

    def keep(self, name: str, data: bytes) -> None:
        """Write a memory of a feed's own into the journal now."""
        Remembering(self, name, 0.0).write(data, self.clock.mono_ns())

    def kept(self, name: str) -> bytes:
        """The newest memory of that name of an earlier process, empty if there is none."""
        found = Remembering(self, name, 0.0).read()
        return found.data if found is not None else b""

    @property
    def is_journal_ok(self) -> bool:
        """Whether what is published is in the journal, and not only in memory because its disk is full."""
        return self._speaking.journalling.journal.state == "ok"

    # the store

    @property
    def has_store(self) -> bool:
        """Whether a persistence actor is in the topology."""
        return bool(self._store)

    def ask_store(
        self, requests: Sequence[Request], timeout_s: float, done: Callable[[list[Reply] | Exception], None]
    ) -> None:
        """Ask the persistence actor; `done` is called in the loop."""
        self._store.ask(requests, timeout_s, done)

    # instruments

    def _instruments(self) -> list[Instrument]:
        """Instruments of this venue in the markets that are collected."""
        found = self.catalog.of_venue(self.venue)
        return [instrument for instrument in found if self._place(instrument)[0] in self.markets]

    def _place(self, instrument: Instrument) -> tuple[str, str]:
        """(market, raw name) of an instrument of this venue."""
        market, _, raw = instrument.venues[self.venue].partition(":")
        return market, raw

    def raw_name(self, symbol: str) -> str:
        """The venue's name of an instrument."""
        return self._place(self.catalog.get(symbol))[1]

    def _by_market(self, instruments: Iterable[Instrument]) -> dict[str, list[tuple[str, str]]]:
        rows: dict[str, list[tuple[str, str]]] = {}
        for instrument in instruments:
            market, raw = self._place(instrument)
            rows.setdefault(market, []).append((instrument.symbol, raw))
        return rows

    def _market_of(self, symbol: str) -> str:
        """Market in which this collector has a symbol; see `checks.market_of` for what it raises."""
        return market_of(symbol, self.venue, self.markets, self.catalog)

    # timers

    def _tick(self) -> None:
        mono_ns = self.clock.mono_ns()
        for feed in self.feeds.values():
            feed.tick(mono_ns)
        for symbol in list(self._snaps_wanted):
            self._snap(symbol, mono_ns)

    def _sweep(self) -> None:
        mono_ns = self.clock.mono_ns()
        for feed in self.feeds.values():
            feed.sweep(mono_ns)
        if self.publisher.seq - self._remembered_seq >= MEMORY_FRAMES:
            self._remember()
        counts = {name: self.counters[name] for name in RATED}
        elapsed_s = max(1e-9, (mono_ns - self._counted_ns) / 1e9)
        self._rates = {
            name.replace("received", "per_s"): round((count - self._counted.get(name, 0)) / elapsed_s, 1)
            for name, count in counts.items()
        }
        self._counted, self._counted_ns = counts, mono_ns

    def _mark(self) -> None:
        """Say how far the venue's time has come; nothing before its first event."""
        clocks = [(feed.clock, feed.is_connected) for feed in self.feeds.values()]
        reached_ns = self.venue_clock.reached(clocks, self.clock.mono_ns())
        if reached_ns:
            self._reached_ns = reached_ns
            is_connected = any(connected for _, connected in clocks)
            mark = Watermark(self.name, self.venue, reached_ns, is_connected)
            self.publish(mark_topic(self.name), [mark], RecordKind.TIME)

    # control

    def on_request(self, request: Request) -> object:
        """subscribe, unsubscribe, snap, rotate, repair, connections, and what a feed answers itself."""
        match request.op:
            case "subscribe":
                return self._subscribe(_symbols(request))
            case "unsubscribe":
                return self._unsubscribe(_symbols(request))
            case "snap":
                return self._on_snap(request)
            case "rotate":
                return self._rotate(str(request.args.get("connection", "")))
            case "repair":
                return self._repair(str(request.args.get("gap_id", "")))
            case "connections":
                mono_ns = self.clock.mono_ns()
                return [row for feed in self.feeds.values() for row in feed.connections(mono_ns)]
            case op:
                for feed in self.feeds.values():
                    if isinstance(feed, Answering) and op in feed.OPERATIONS:
                        return feed.answer(request)
                return super().on_request(request)

    def _subscribe(self, symbols: list[str]) -> dict[str, list[str]]:
        names = [self.catalog.get(symbol).symbol for symbol in symbols]
        markets = [self._market_of(name) for name in names]  # all of them or none
        already = [name for name, market in zip(names, markets, strict=True) if self._has(name, market)]
        new = [self.catalog.get(name) for name in names if name not in already]
        for market, rows in self._by_market(new).items():
            self.feeds[market].subscribe(rows)
        return {"subscribed": [instrument.symbol for instrument in new], "already": already}

    def _unsubscribe(self, symbols: list[str]) -> dict[str, list[str]]:
        names = [self.catalog.get(symbol).symbol for symbol in symbols]
        markets = {name: self._market_of(name) for name in names}
        here = [name for name in names if self._has(name, markets[name])]
        for name in here:
            self.feeds[markets[name]].unsubscribe(name)
        return {"unsubscribed": here, "unknown": [name for name in names if name not in here]}

    def _has(self, symbol: str, market: str) -> bool:
        return self.feeds[market].has(symbol)

    def _on_snap(self, request: Request) -> dict[str, Any]:
        """Publish the whole book of `symbol` (or `topic`) on the bus, in its place; at most once per interval."""
        symbol = request.symbol
        if not symbol and request.topic:
            try:
                symbol = parse_topic(request.topic).symbol
            except ValueError as fault:
                raise InvalidRequest(str(fault)) from fault
        symbol = self.catalog.get(symbol).symbol
        market = self._market_of(symbol)
        if not self._has(symbol, market):
            raise InvalidRequest(f"{symbol} is not subscribed here")
        if self.feeds[market].is_unsynced(symbol):
            return {"symbol": symbol, "state": "unsynced"}  # its snapshot is on the way anyway
        self._snaps_wanted.add(symbol)
        self._snap(symbol, self.clock.mono_ns())
        return {"symbol": symbol, "state": "pending" if symbol in self._snaps_wanted else "published"}

    def _snap(self, symbol: str, mono_ns: int) -> None:
        last_ns = self._snapped_ns.get(symbol)
        if last_ns is not None and mono_ns - last_ns < self.settings.snap_interval_s * 1e9:
            return
        self._snaps_wanted.discard(symbol)
        if self.feeds[self._market_of(symbol)].republish(symbol):
            self._snapped_ns[symbol] = mono_ns
            self.counters["books_republished"] += 1

    def _rotate(self, connection: str) -> list[str]:
        mono_ns = self.clock.mono_ns()
        names = [str(row["name"]) for feed in self.feeds.values() for row in feed.connections(mono_ns)]
        chosen = [name for name in names if connection in ("", name)]
        if not chosen:
            raise InvalidRequest(f"no connection {connection!r}; there are: {', '.join(names) or 'none'}")
        return [name for name in chosen if any(feed.rotate(name) for feed in self.feeds.values())]

    def _repair(self, gap_id: str) -> dict[str, Any]:
        """Fetch what is missing of a gap of trades (again)."""
        gap = self.gaps.get(gap_id)
        if gap is None:
            raise InvalidRequest(f"no gap {gap_id!r} here of which trades with known ids are missing")
        feed = self.feeds[self._market_of(gap.symbol)]
        if not self._has(gap.symbol, feed.market):
            raise InvalidRequest(f"{gap.symbol} is not subscribed here")
        if gap.state == "unfillable":
            refusal = feed.retry(gap_id)
            if refusal:
                raise InvalidRequest(f"{gap_id}: {refusal}")
            gap = self.gaps.get(gap_id) or gap
        return gap.to_dict()

    def detail(self) -> dict[str, Any]:
        """State of each market, for the heartbeat."""
        mono_ns = self.clock.mono_ns()
        return {
            "venue": self.venue,
            "connected": any(feed.is_connected for feed in self.feeds.values()),
            "gaps_open": self.gaps.open_count,
            "trades_missing": self.gaps.missing,
            "rates": self._rates,
            "markets": {market: feed.detail(mono_ns) for market, feed in self.feeds.items()},
        }

    def drain(self) -> None:
        """Hang up: nothing more is to come."""
        for feed in self.feeds.values():
            feed.close()
        self._remember()


def _symbols(request: Request) -> list[str]:
    symbols = request.symbols or ([request.symbol] if request.symbol else [])
    if not symbols:
        raise InvalidRequest(f"{request.op} needs symbols")
    return symbols
