"""One market of an exchange, live: its lines, its symbols, its books, its clock. Wiring; the rules are elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from actors.collector.budget import Budget
from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.exchange.book_recovery import BookRecovery
from actors.collector.exchange.contract_source import ContractSource
from actors.collector.exchange.line import Line, Take
from actors.collector.exchange.silence import Patience, Remedy, Watches
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.intake.tape import Tape
from actors.collector.market_clock import MarketClock
from actors.collector.market_feed import Host
from actors.collector.mending.kline_check import KlineCheck
from actors.collector.mending.mender import Mender
from actors.collector.mending.recent_mender import RecentMender
from actors.collector.outbox import Outbox
from actors.collector.resume import STOPPED, remember, resume
from actors.collector.venue import Venue

LONGEST_BAN_NS: Final = 3 * 86_400 * 1_000_000_000
"""A ban that is remembered over a restart is not believed to be longer, whatever the clocks say."""
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
        host: The collector: loop, settings, publishing.
        venue: Whose market it is.
        market: One of its markets.
        outbox: Takes what is to be published.
        names: Raw name to canonical symbol.
        random: For jitter.
    """

    def __init__(
        self, host: Host, venue: Venue, market: str, outbox: Outbox, names: dict[str, str], random: Random
    ) -> None:
        settings = host.settings
        mono_ns = host.clock.mono_ns()
        trade_type = next((name for name in settings.streams[market] if venue.kind_of(name) == "trade"), "")
        self.market = market
        self.clock = MarketClock()
        is_streamed = not venue.snapshot_path(market, "", settings.snapshot_depth)
        self._contracts = ContractSource(host, venue, market, names, random)
        self.normaliser = Normaliser(
            venue.name,
            venue.parser(market, names, self._contracts.contracts),
            host.gaps,
            outbox.add,
            host.drop,
            Rules(round(settings.max_ahead_s * 1e9), venue.trade_ids(market, trade_type), is_streamed),
        )
        self.normaliser.times.venue_now_ns = lambda: self.clock.reached(host.clock.mono_ns())
        self.lines: list[Line] = []
        self.streams: dict[str, Stream] = {}
        allowed = venue.connect_allowance(market)
        self.connects = Budget(allowed.burst, allowed.per_s, mono_ns)
        self._host = host
        self._venue = venue
        self._settings = settings
        self._outbox = outbox
        self._random = random
        self._line_of: dict[str, Line] = {}
        self._members: dict[str, set[str]] = {}
        """Stream to the symbols that want it: some serve all of them."""
        self._flowing_early: list[Line] = []
        """Lines that flow while the venue's time is not known yet."""
        self._has_quotes_only = all(venue.kind_of(name) == "quote" for name in settings.streams[market])
        """Then the venue may say no time at all (Binance spot), and our receive time has to do."""
        self._watches = Watches(
            Patience(
                settings.silence_factor,
                settings.silence_floor_s,
                settings.silence_cap_s,
                settings.first_message_s,
            )
        )
        self._books = BookRecovery(host, venue, market, self.normaliser, outbox, random)
        mender = RecentMender if venue.recent_path(market, "") else Mender
        self._mender = mender(host, venue, market, self.normaliser, outbox, random, self._event_ns)
        self._check = KlineCheck(host, venue, market, self.normaliser, outbox, self._mender, random)

    def taker(self) -> Take:
        """Takes the frames of one new connection."""
        return self.normaliser.taker()

    # symbols

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Want all configured streams of these (canonical symbol, raw name)."""
        for symbol, raw in symbols:
            for stream_type in self._settings.streams[self.market]:
                kind = self._venue.kind_of(stream_type)
                url = self._venue.stream_url(self.market, self._settings.ws_url[self.market], stream_type)
                stream = Stream(self._venue.stream(raw, stream_type), symbol, raw, kind, url)
                members = self._members.setdefault(stream.name, set())
                if symbol in members:
                    continue
                members.add(symbol)
                if len(members) > 1:
                    continue
                self.streams[stream.name] = stream
                self.normaliser.watch(symbol, book=kind == "book")
                line = self._line_with_room(url)
                self._line_of[stream.name] = line
                if kind == "book":
                    self._books.keep(symbol, stream.name, raw, line)
                line.add([stream.name])

    def unsubscribe(self, symbol: str) -> None:
        """Want nothing of this symbol any more."""
        for stream in [stream for name, stream in self.streams.items() if symbol in self._members[name]]:
            self._members[stream.name].discard(symbol)
            if self._members[stream.name]:
                continue
            del self.streams[stream.name], self._members[stream.name]
            self._watches.disarm(stream.name)
            line = self._line_of.pop(stream.name)
            line.remove([stream.name])
            if not line.streams:
                line.close()
                self.lines.remove(line)
        self._books.forget(symbol)
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
        line = Line(name, url, self.market, self, self._host, self._venue, self._settings, self._random)
        self.lines.append(line)
        return line

    def has(self, symbol: str) -> bool:
        """Whether a symbol is subscribed."""
        return symbol in self.normaliser.tapes

    @property
    def is_connected(self) -> bool:
        """Whether data flows on any line."""
        return any(line.is_flowing for line in self.lines)

    def close(self) -> None:
        """End all connections; what is still missing stays missing."""
        for line in self.lines:
            line.close()
        self._check.stop()
        self._mender.give_up(STOPPED)
        self._outbox.flush()

    # restarts

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Canonical symbol to the kinds of messages that are collected of it."""
        found: dict[str, set[str]] = {}
        for name, stream in self.streams.items():
            for symbol in self._members[name]:
                found.setdefault(symbol, set()).add(stream.kind)
        return found

    @property
    def news_ids(self) -> list[str]:
        """None."""
        return []

    def resume(self, past: Checkpoint, now_ns: int) -> None:
        """Go on where the process before stopped; its symbols are subscribed already."""
        mono_ns = self._host.clock.mono_ns()
        budget = past.budgets.get(self.market)
        if budget is not None:
            elapsed_s = (now_ns - past.at_ns) / 1e9
            self._books.budget.resume(budget.snapshot_tokens, elapsed_s)
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
        closed_ns = max(0, self._books.closed_until_ns - mono_ns)
        return BudgetState(
            self._books.budget.left(mono_ns),
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
        counters = self._host.counters
        counters["frames_received"] += len(frames)
        counters["bytes_received"] += sum(map(len, frames))
        times = self.normaliser.times
        newest_ns = times.newest_ns
        if not newest_ns and self._has_quotes_only:
            newest_ns = times.newest_local_ns
        self.clock.saw(newest_ns, self._host.clock.mono_ns())
        if self._flowing_early and self.clock.has_begun:
            lines, self._flowing_early = self._flowing_early, []
            for line in lines:
                self.on_flowing(line)
        self._outbox.flush()

    def on_subscribed(self, streams: Iterable[str]) -> None:
        """From now on silence means something."""
        mono_ns = self._host.clock.mono_ns()
        for name in streams:
            if name not in self.streams:
                continue
            if self.streams[name].kind not in UNWATCHED:
                self._watches.arm(name, self._count(name), mono_ns)
            self._books.confirmed(self.streams[name].symbol, name, mono_ns)

    def on_down(self, line: Line, reason: str) -> None:
        """Say at once what is missing from now on."""
        at_ns = self._event_ns()
        self._books.down(stream.symbol for stream in self._streams_of(line) if stream.kind == "book")
        for stream in self._streams_of(line):
            self._watches.disarm(stream.name)
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
        reached_ns = self.clock.reached(self._host.clock.mono_ns())
        return reached_ns or self.normaliser.times.newest_ns or self._host.clock.now_ns()

    def _count(self, name: str) -> int:
        stream = self.streams[name]
        tape = self.normaliser.tapes.get(stream.symbol)
        return tape.seen(stream.kind) if tape else 0

    # timers

    def tick(self, mono_ns: int) -> None:
        """Connections, snapshots and missing trades: several times a second."""
        self._contracts.tick(mono_ns)
        if not self._contracts.is_ready:
            return
        for line in self.lines:
            line.tick(mono_ns)
        self._books.hold(self._mender.closed_until_ns)
        self._mender.hold(self._books.closed_until_ns)
        self._books.tick(mono_ns)
        self._mender.tick(mono_ns)
        self._check.tick(mono_ns, self._flowing_ns, self._traded)

    def _flowing_ns(self) -> int:
        """The venue's time, 0 while nothing comes of it."""
        return self.clock.reached(self._host.clock.mono_ns()) if self.is_connected else 0

    def _traded(self) -> list[str]:
        """Symbols whose trades are collected."""
        return [symbol for symbol, kinds in self.kinds.items() if "trade" in kinds]

    def sweep(self, mono_ns: int) -> None:
        """Silence: about once a second."""
        for name, remedy in self._watches.look(self._count, mono_ns):
            stream, line = self.streams[name], self._line_of[name]
            if not line.is_flowing:
                continue
            self._host.drop("silent_stream", f"{name}: {remedy.value}")
            if stream.kind == "trade":  # its ids will tell whether anything was missing
                at_ns = self.normaliser.tapes[stream.symbol].trades.newest_ns
                self.normaliser.interrupt(stream.symbol, stream.kind, at_ns, "silence")
                self._outbox.flush()
            if remedy is Remedy.RESUBSCRIBE:
                line.renew(name)
            else:
                line.rotate()

    # books

    def is_unsynced(self, symbol: str) -> bool:
        """Whether its book is wanted and cannot be vouched for now."""
        return symbol in self.normaliser.unsynced

    def republish(self, symbol: str) -> bool:
        """Publish one whole book between its changes; False if it is not synced."""
        done = self.normaliser.republish(symbol, self._host.clock.now_ns())
        self._outbox.flush()
        return done

    # people

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:
        """Each line."""
        return [line.describe(mono_ns) for line in self.lines]

    def rotate(self, name: str) -> bool:
        """Replace the connection of a line."""
        line = next((line for line in self.lines if line.name == name), None)
        if line is not None:
            line.rotate()
        return line is not None

    def detail(self, mono_ns: int) -> dict[str, Any]:
        """Small summary for the heartbeat."""
        tapes: Sequence[Tape] = list(self.normaliser.tapes.values())
        unsynced = sorted(self.normaliser.unsynced)
        return {
            "symbols": len(tapes),
            "streams": len(self.streams),
            "connected": self.is_connected,
            **({"waits_for": self._contracts.problem} if self._contracts.problem else {}),
            "lines": {line.name: line.state for line in self.lines},
            "silence": self._watches.summary(mono_ns),
            "silent": self._watches.silent()[:10],
            "books_synced": len(self._books) - len(unsynced),
            "books_unsynced": len(unsynced),
            "unsynced": unsynced[:10],
            "books_lost": sum(tape.book.times_lost for tape in tapes),
            "snapshots_under_way": self._books.under_way,
            "repairs_under_way": len(self._mender),
            "budgets": {
                "snapshots": self._books.budget.describe(mono_ns),
                "repairs": self._mender.budget.describe(mono_ns),
            },
            "ignored_types": dict(self.normaliser.ignored.most_common(10)),
            "last_trade_ids": {
                symbol: tape.trades.expected - 1
                for symbol, tape in itertools.islice(self.normaliser.tapes.items(), 20)
                if tape.trades.expected
            },
        }
