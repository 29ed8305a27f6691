"""One market of the venue, live: its lines, its symbols, its books, its clock. Wiring; the rules are elsewhere."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actors.collector import rest
from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.line import Line
from actors.collector.market_clock import MarketClock
from actors.collector.mender import Mender
from actors.collector.normaliser import Normaliser
from actors.collector.outbox import Outbox
from actors.collector.recovery import Recovery
from actors.collector.resume import STOPPED, remember, resume
from actors.collector.silence import Patience, Remedy, Watches
from actors.collector.venue import Venue

if TYPE_CHECKING:
    from actors.collector.actor import Collector

QUIET_BOOK_NS: Final = 2_000_000_000
"""A book without any change is asked for so long after its stream was confirmed."""
LONGEST_BAN_NS: Final = 3 * 86_400 * 1_000_000_000
"""A ban that is remembered over a restart is not believed to be longer, whatever the clocks say."""
SNAPSHOT_CAP_S: Final = 30.0
UNWATCHED: Final = frozenset({"liquidation"})
"""Kinds that may be silent for hours while all is well."""


class Stream(NamedTuple):
    """One stream of one symbol."""

    name: str
    symbol: str
    raw: str
    kind: str
    url: str


class Feed:
    """Everything of one market.

    Args:
        actor: The collector: loop, settings, publishing.
        venue: Whose market it is.
        market: spot, usdm, coinm.
        normaliser: Takes its frames.
        outbox: Takes what the normaliser emits.
        random: For jitter.
    """

    def __init__(
        self,
        actor: Collector,
        venue: Venue,
        market: str,
        normaliser: Normaliser,
        outbox: Outbox,
        random: Random,
    ) -> None:
        settings = actor.settings
        mono_ns = actor.clock.mono_ns()
        self.market = market
        self.normaliser = normaliser
        self.clock = MarketClock()
        normaliser.venue_now_ns = lambda: self.clock.reached(actor.clock.mono_ns())
        self.lines: list[Line] = []
        self.streams: dict[str, Stream] = {}
        self.take = normaliser.take
        self._actor = actor
        self._venue = venue
        self._settings = settings
        self._outbox = outbox
        self._random = random
        self._line_of: dict[str, Line] = {}
        self._flowing_early: list[Line] = []
        """Lines that flow while the venue's time is not known yet."""
        self._has_quotes_only = all(venue.kind_of(name) == "quote" for name in settings.streams[market])
        """Then the venue may say no time at all (Binance spot), and our receive time has to do."""
        self._confirmed_ns: dict[str, int] = {}
        """Book stream to when the venue confirmed it, monotonic."""
        self._book_stream: dict[str, str] = {}
        self._watches = Watches(
            Patience(
                settings.silence_factor,
                settings.silence_floor_s,
                settings.silence_cap_s,
                settings.first_message_s,
            )
        )
        weight_per_min = settings.snapshot_weight_per_min.get(market, 1000)
        weight = venue.snapshot_weight(market, settings.snapshot_depth)
        self._budget = Budget(weight_per_min, weight_per_min / 60.0, mono_ns)
        self._recovery = Recovery(
            weight,
            self._budget,
            lambda: Backoff(settings.snapshot_retry_s, SNAPSHOT_CAP_S, random.random),
            patience_s=3.0 * settings.rest_timeout_s,
        )
        self._mender = Mender(actor, venue, market, normaliser, outbox, random, self._event_ns)

    # symbols

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Want all configured streams of these (canonical symbol, raw name)."""
        for symbol, raw in symbols:
            for stream_type in self._settings.streams[self.market]:
                kind = self._venue.kind_of(stream_type)
                url = self._venue.stream_url(self.market, self._settings.ws_url[self.market], stream_type)
                stream = Stream(self._venue.stream(raw, stream_type), symbol, raw, kind, url)
                if stream.name in self.streams:
                    continue
                self.streams[stream.name] = stream
                self.normaliser.watch(symbol, book=kind == "book")
                if kind == "book":
                    self._book_stream[symbol] = stream.name
                line = self._line_with_room(url)
                self._line_of[stream.name] = line
                line.add([stream.name])

    def unsubscribe(self, symbol: str) -> None:
        """Want nothing of this symbol any more."""
        for stream in [stream for stream in self.streams.values() if stream.symbol == symbol]:
            del self.streams[stream.name]
            self._watches.disarm(stream.name)
            self._confirmed_ns.pop(stream.name, None)
            line = self._line_of.pop(stream.name)
            line.remove([stream.name])
            if not line.streams:
                line.close()
                self.lines.remove(line)
        self._book_stream.pop(symbol, None)
        self._recovery.forget(symbol)
        self._mender.give_up("unsubscribed", symbol)
        self.normaliser.forget(symbol)
        self._outbox.flush()

    def _line_with_room(self, url: str) -> Line:
        limit = self._settings.max_streams_per_connection
        for line in self.lines:
            if line.url == url and len(line.streams) < limit:
                return line
        number = sum(line.url == url for line in self.lines) + 1
        name = f"{self.market}{url.removeprefix(self._settings.ws_url[self.market].rstrip('/'))}#{number}"
        line = Line(name, url, self.market, self, self._actor, self._venue, self._settings, self._random)
        self.lines.append(line)
        return line

    @property
    def symbols(self) -> list[str]:
        """Canonical symbols subscribed here."""
        return sorted({stream.symbol for stream in self.streams.values()})

    @property
    def is_connected(self) -> bool:
        """Whether data flows on any line."""
        return any(line.is_flowing for line in self.lines)

    def close(self) -> None:
        """End all connections; what is still missing stays missing."""
        for line in self.lines:
            line.close()
        self._mender.give_up(STOPPED)
        self._outbox.flush()

    # restarts

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Canonical symbol to the kinds of messages that are collected of it."""
        found: dict[str, set[str]] = {}
        for stream in self.streams.values():
            found.setdefault(stream.symbol, set()).add(stream.kind)
        return found

    def resume(self, past: Checkpoint, now_ns: int) -> None:
        """Go on where the process before stopped; its symbols are subscribed already."""
        mono_ns = self._actor.clock.mono_ns()
        budget = past.budgets.get(self.market)
        if budget is not None:
            elapsed_s = (now_ns - past.at_ns) / 1e9
            self._budget.resume(budget.snapshot_tokens, elapsed_s)
            self._mender.budget.resume(budget.repair_tokens, elapsed_s)
            left_ns = min(budget.closed_until_ns - now_ns, LONGEST_BAN_NS)
            if left_ns > 0:
                self._mender.hold(mono_ns + left_ns)
        resume(self.normaliser, self.kinds, past)
        self._outbox.flush()

    def remember(self) -> dict[str, SymbolState]:
        """What the next process must know, after everything gathered has gone out."""
        self._outbox.flush()
        return remember(self.normaliser)

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState:
        """What is left of the venue's request weight."""
        closed_ns = max(0, self._recovery.closed_until_ns - mono_ns)
        return BudgetState(
            self._budget.left(mono_ns),
            self._mender.budget.left(mono_ns),
            now_ns + closed_ns if closed_ns else 0,
        )

    def retry(self, gap_id: str) -> str:
        """Fetch what is missing of a gap of trades (again); returns why not."""
        refusal = self.normaliser.retry(gap_id)
        self._outbox.flush()
        return refusal

    # what the lines say

    def on_batch(self, frames: list[bytes]) -> None:
        """Publish what one turn has brought; advance the clock first."""
        counters = self._actor.counters
        counters["frames_received"] += len(frames)
        counters["bytes_received"] += sum(map(len, frames))
        newest_ns = self.normaliser.newest_ns
        if not newest_ns and self._has_quotes_only:
            newest_ns = self.normaliser.newest_local_ns
        self.clock.saw(newest_ns, self._actor.clock.mono_ns())
        if self._flowing_early and self.clock.has_begun:
            lines, self._flowing_early = self._flowing_early, []
            for line in lines:
                self.on_flowing(line)
        self._outbox.flush()

    def on_subscribed(self, streams: Iterable[str]) -> None:
        """From now on silence means something."""
        mono_ns = self._actor.clock.mono_ns()
        for name in streams:
            if name not in self.streams:
                continue
            if self.streams[name].kind not in UNWATCHED:
                self._watches.arm(name, self._count(name), mono_ns)
            self._confirmed_ns.setdefault(name, mono_ns)

    def on_down(self, line: Line, reason: str) -> None:
        """Say at once what is missing from now on."""
        at_ns = self._event_ns()
        for stream in self._streams_of(line):
            self._watches.disarm(stream.name)
            self._confirmed_ns.pop(stream.name, None)
            self.normaliser.interrupt(stream.symbol, stream.kind, at_ns, "disconnect", reason)
        self._outbox.flush()

    def on_flowing(self, line: Line) -> None:
        """Say that it goes on; what is missing shows the next trade of each symbol."""
        if not self.clock.has_begun:  # after a restart: only the venue's own time can end a gap
            self._flowing_early.append(line)
            return
        if not line.is_flowing:
            return
        at_ns = self._event_ns()
        for stream in self._streams_of(line):
            self.normaliser.resume(stream.symbol, stream.kind, at_ns)
        self._outbox.flush()

    def _streams_of(self, line: Line) -> list[Stream]:
        return [self.streams[name] for name in line.streams if name in self.streams]

    def _event_ns(self) -> int:
        reached_ns = self.clock.reached(self._actor.clock.mono_ns())
        return reached_ns or self.normaliser.newest_ns or self._actor.clock.now_ns()

    def _count(self, name: str) -> int:
        stream = self.streams[name]
        tape = self.normaliser.tapes.get(stream.symbol)
        return tape.seen(stream.kind) if tape else 0

    # timers

    def tick(self, mono_ns: int) -> None:
        """Connections, snapshots and missing trades: several times a second."""
        for line in self.lines:
            line.tick(mono_ns)
        self._recovery.closed_until_ns = max(self._recovery.closed_until_ns, self._mender.closed_until_ns)
        self._mender.hold(self._recovery.closed_until_ns)
        if self.normaliser.unsynced:
            ready = [symbol for symbol in self.normaliser.unsynced if self._is_ready(symbol, mono_ns)]
            for symbol in self._recovery.due(ready, mono_ns):
                self._ask_snapshot(symbol)
        self._mender.tick(mono_ns)

    def sweep(self, mono_ns: int) -> None:
        """Silence: about once a second."""
        for name, remedy in self._watches.look(self._count, mono_ns):
            stream, line = self.streams[name], self._line_of[name]
            if not line.is_flowing:
                continue
            self._actor.drop("silent_stream", f"{name}: {remedy.value}")
            if stream.kind == "trade":  # its ids will tell whether anything was missing
                at_ns = self.normaliser.tapes[stream.symbol].trades.newest_ns
                self.normaliser.interrupt(stream.symbol, stream.kind, at_ns, "silence")
                self._outbox.flush()
            if remedy is Remedy.RESUBSCRIBE:
                line.renew(name)
            else:
                line.rotate()

    # books

    def _is_ready(self, symbol: str, mono_ns: int) -> bool:
        """Whether a snapshot makes sense: changes are coming, or the venue has confirmed and nothing changes."""
        name = self._book_stream.get(symbol)
        if name is None or not self._line_of[name].is_active(name):
            return False
        quiet_ns = mono_ns - self._confirmed_ns.get(name, mono_ns)
        return self.normaliser.tapes[symbol].book.waiting > 0 or quiet_ns >= QUIET_BOOK_NS

    def _ask_snapshot(self, symbol: str) -> None:
        raw = self.streams[self._book_stream[symbol]].raw
        base = self._settings.rest_url[self.market].rstrip("/")
        url = base + self._venue.snapshot_path(self.market, raw, self._settings.snapshot_depth)
        generation = self.normaliser.tapes[symbol].book.generation
        self._actor.counters["snapshots_asked"] += 1
        self._actor.submit(
            functools.partial(rest.get, url, self._settings.rest_timeout_s),
            functools.partial(self._on_snapshot, symbol, generation),
        )

    def _on_snapshot(self, symbol: str, generation: int, result: bytes | Exception) -> None:
        mono_ns = self._actor.clock.mono_ns()
        if isinstance(result, rest.RestError):
            pause_s = self._recovery.failed(symbol, mono_ns, result.status, result.retry_after_s)
            self._actor.drop("snapshot_failed", f"{symbol}: {result}; again in {pause_s:.1f} s")
            return
        if isinstance(result, Exception):
            raise result
        if symbol not in self.normaliser.tapes:
            return
        ts_recv_ns = self._actor.clock.now_ns()
        if self.normaliser.take_snapshot(symbol, result, ts_recv_ns, generation):
            self._actor.counters["books_synced"] += 1
            self._recovery.synced(symbol, mono_ns)
        else:
            self._recovery.failed(symbol, mono_ns)
        self._outbox.flush()

    def republish(self, symbol: str) -> bool:
        """Publish one whole book between its changes; False if it is not synced."""
        done = self.normaliser.republish(symbol, self._actor.clock.now_ns())
        self._outbox.flush()
        return done

    # people

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """Small summary for the heartbeat."""
        tapes: Sequence[Any] = list(self.normaliser.tapes.values())
        unsynced = sorted(self.normaliser.unsynced)
        return {
            "symbols": len(tapes),
            "streams": len(self.streams),
            "connected": self.is_connected,
            "lines": {line.name: line.state for line in self.lines},
            "silence": self._watches.summary(mono_ns),
            "silent": self._watches.silent()[:10],
            "books_synced": len(self._book_stream) - len(unsynced),
            "books_unsynced": len(unsynced),
            "unsynced": unsynced[:10],
            "books_lost": sum(tape.book.times_lost for tape in tapes),
            "snapshots_under_way": self._recovery.under_way,
            "repairs_under_way": len(self._mender),
            "ignored_types": dict(self.normaliser.ignored.most_common(10)),
            "last_trade_ids": {
                symbol: tape.trades.expected - 1
                for symbol, tape in itertools.islice(self.normaliser.tapes.items(), 20)
                if tape.trades.expected
            },
        }
