"""Bars of REST providers as one market of the collector: asks go out in threads, answers come back in its loop. Wiring."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from random import Random
from typing import Any, ClassVar, Final

import msgspec

from actors.collector.bars import making, starting
from actors.collector.bars.asking import Ask, Result, look_at
from actors.collector.bars.desk import Desk
from actors.collector.bars.holes import Holes
from actors.collector.bars.jobs import Jobs
from actors.collector.bars.line import Line, Stretch
from actors.collector.bars.memory import BarsState, JobState, LineState
from actors.collector.bars.orchestrator import MOST_ASKS, Orchestrator
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.fetching import Fetcher, FetchFault
from actors.collector.bars.providers.provider import Refusal
from actors.collector.bars.rules import ns, rules_of
from actors.collector.bars.sending import send
from actors.collector.bars.spending.account import AccountState
from actors.collector.checkpoint import BudgetState, Checkpoint, SymbolState
from actors.collector.market_clock import MarketClock
from actors.collector.market_feed import StoringHost
from actors.collector.outbox import Outbox
from actors.collector.resume import NOT_COLLECTED
from protocol.errors import DECODE_ERRORS, ConfigError, HubError
from protocol.messages import Bar
from protocol.requests import Reply, Request

SPENT: Final = "spent"
"""Memory of what was asked of each provider: written before each request goes out, so that a kill spends nothing twice."""
JOBS: Final = "backfills"
"""Memory of what was ordered and is not over: written before an order is answered, so that a kill forgets none."""
STORE_TIMEOUT_S: Final = 10.0
STORE_RETRY_NS: Final = 2_000_000_000
_decode_accounts: Final = msgspec.msgpack.Decoder(dict[str, AccountState])
_decode_jobs: Final = msgspec.msgpack.Decoder(list[JobState])


class BarsFeed:
    """All instruments of all providers.

    Args:
        host: The collector.
        market: `bars`.
        outbox: Not used: bars go out in an order of their own.
        random: For jitter.

    Raises:
        ConfigError: the settings cannot be.
    """

    OPERATIONS: ClassVar = ("rest", "backfill", "backfills", "cancel_backfill")

    def __init__(self, host: StoringHost, market: str, outbox: Outbox, random: Random) -> None:  # noqa: ARG002 - as all feeds
        self.market = market
        self.clock = MarketClock()
        self._host = host
        self._settings = settings = host.settings.rest
        providers = making.asked(settings)
        if not providers:
            lack = "rest.order: none of the providers can be asked: enable one, or set its key"
            raise ConfigError([f"actors.{host.name}.{lack}"])
        self._rules = rules_of(settings)
        self._start_ns = host.clock.now_ns()
        self._start_mono_ns = host.clock.mono_ns()
        self._outlet = Outlet(host.counters)
        accounts = making.market_of(settings, providers, random.random, self._start_ns)
        self._orchestrator = Orchestrator(
            [], accounts, self._rules, self._outlet, random.random, min(MOST_ASKS, settings.max_connections)
        )
        self._fetcher = Fetcher(host.clock, settings.max_connections)
        self._past = BarsState()
        self._prefix = f"{host.name}-{self._start_ns}"
        self._jobs = Jobs(self._prefix)
        self.desk = Desk(settings, self._orchestrator, self._jobs, host.catalog, self._order)
        self._next_cycle_ns = 0
        self._store_due_ns = 0
        self._is_asking_store = False
        self._spent = 0
        self._kept_jobs: set[str] = set()
        self._is_closed = False

    @property
    def _now_ns(self) -> int:
        """Wall clock of the start plus the time since: it never goes back."""
        return self._start_ns + self._host.clock.mono_ns() - self._start_mono_ns

    # instruments

    def subscribe(self, symbols: Iterable[tuple[str, str]]) -> None:
        """Collect these; they begin once it is known what is stored of them."""
        for symbol, _ in symbols:
            if self.has(symbol):
                continue
            line = self._line(symbol)
            if line.standings:
                self._orchestrator.add(line)
                for job_id in [one.job_id for one in self._jobs.running.values() if one.symbol == symbol]:
                    self._order(job_id)
            else:
                names = ", ".join(self._host.catalog.get(symbol).providers)
                self._host.log.warning("%s is not collected: %s has it, and is not asked", symbol, names)

    def _line(self, symbol: str) -> Line:
        state = self._past.lines.setdefault(symbol, LineState())
        instrument = self._host.catalog.get(symbol)
        return making.line_of(
            self._settings, self._rules, self._orchestrator.market.providers, instrument, self._prefix, state
        )

    def unsubscribe(self, symbol: str) -> None:
        """Collect it no longer; what is known of it stays known."""
        self._orchestrator.remove(symbol)

    def has(self, symbol: str) -> bool:
        """Whether a symbol is collected."""
        return symbol in self._orchestrator.lines

    @property
    def kinds(self) -> dict[str, set[str]]:
        """Bars of everything."""
        return {symbol: {Bar.KIND} for symbol in self._orchestrator.lines}

    # restarts

    def resume(self, past: Checkpoint, now_ns: int) -> None:  # noqa: ARG002 - the feed has a clock of its own
        """Go on behind the last minute that went out, with the budgets as they were left."""
        self._past = past.bars or BarsState()
        for symbol in list(self._orchestrator.lines):
            line = self._line(symbol)
            self._orchestrator.add(line)
            self._outlet.add(line.timeline.holes.resume())
        self._end_rest()
        known = {job.job_id: job for job in self._past.jobs}
        for job in [known.get(one.job_id, one) for one in self._read_jobs()]:
            if job.symbol in self._orchestrator.lines:
                self._jobs.running[job.job_id] = job
                self._order(job.job_id)
        accounts = self._orchestrator.market.accounts
        for name, state in self._read_spent().items():
            if name in accounts:
                accounts[name].resume(state, self._now_ns)
        self._spent = self._changes
        self._flush()

    def _end_rest(self) -> None:
        """Nobody looks after the gaps of what is collected no longer."""
        for symbol, state in self._past.lines.items():
            if state.holes and symbol not in self._orchestrator.lines:
                holes = Holes(symbol, f"{self._prefix}-{symbol}", state)
                self._outlet.add(holes.close(state.until_ns, NOT_COLLECTED))

    def _read_jobs(self) -> list[JobState]:
        data = self._host.kept(JOBS)
        try:
            return _decode_jobs.decode(data) if data else []
        except DECODE_ERRORS as fault:
            self._host.drop("bad_memory", f"what was ordered is not known: {fault}")
            return []

    def _keep_jobs(self) -> None:
        if set(self._jobs.running) != self._kept_jobs:
            self._kept_jobs = set(self._jobs.running)
            self._host.keep(JOBS, msgspec.msgpack.encode(list(self._jobs.running.values())))

    def _read_spent(self) -> dict[str, AccountState]:
        data = self._host.kept(SPENT)
        try:
            return _decode_accounts.decode(data) if data else {}
        except DECODE_ERRORS as fault:
            self._host.drop("bad_memory", f"what was asked of each provider is not known: {fault}")
            return {}

    @property
    def bars(self) -> BarsState:
        """What the next process must know."""
        self._past.jobs = list(self._jobs.running.values())
        return self._past

    def _order(self, job_id: str) -> None:
        """Begin, or go on with, a stretch of the past."""
        job = self._jobs.running[job_id]
        instrument = self._host.catalog.get(job.symbol)
        timeline = making.timeline_of(instrument, self._rules, f"{self._prefix}-{job_id}", job.line)
        self._orchestrator.order(job.symbol, Stretch(timeline, job.to_ns, job.provider, job_id))

    # turns

    def tick(self, mono_ns: int) -> None:  # noqa: ARG002 - its own clock follows the same
        """Go on with history; once a cycle, look at every instrument."""
        now_ns = self._now_ns
        self._begin_lines(now_ns)
        asks = self._orchestrator.advance(now_ns)
        if now_ns >= self._next_cycle_ns:
            self._next_cycle_ns = now_ns + ns(self._settings.cycle_s)
            asks += self._orchestrator.cycle(now_ns)
        for symbol, stretch in self._orchestrator.finished(now_ns):
            self._host.log.info("backfill %s of %s: %d minutes", stretch.job_id, symbol, stretch.minutes)
            self._jobs.finish(stretch.job_id, stretch, "done")
        self._keep_jobs()
        self._send(asks)
        self._flush()

    def _send(self, asks: list[Ask]) -> None:
        if self._changes != self._spent:  # before the requests: who is killed behind this line has spent them
            self._spent = self._changes
            states = {name: one.state() for name, one in self._orchestrator.market.accounts.items()}
            self._host.keep(SPENT, msgspec.msgpack.encode(states))
        for ask in asks:
            self._host.counters["calls"] += 1
            self._host.submit(self._work(ask), functools.partial(self._on_result, ask))

    @property
    def _changes(self) -> int:
        return sum(one.changes for one in self._orchestrator.market.accounts.values())

    def _work(self, ask: Ask) -> Any:
        provider = self._orchestrator.market.providers[ask.provider]
        given = making.settings_of(self._settings, ask.provider)
        market = self._orchestrator.lines[ask.symbol].market
        base_url = given.url or provider.base_url
        now_ns = self._now_ns

        def work() -> Result:
            try:
                call = provider.call(ask.query, base_url, given.key, now_ns)
            except ValueError as fault:
                return Refusal("bad_symbol", str(fault))
            try:
                return look_at(ask, provider, market, self._fetcher.fetch(call, given.timeout_s))
            except FetchFault as fault:
                return fault.refusal()

        return work

    def _on_result(self, ask: Ask, result: Result | Exception) -> None:
        if self._is_closed:
            return
        if isinstance(result, Exception):
            raise result
        if isinstance(result, Refusal):
            self._host.drop(f"{ask.provider}_{result.kind}", f"{ask.symbol}: {result.text}")
        now_ns = self._now_ns
        self._orchestrator.answered(ask, result, now_ns)
        if self.is_connected:
            self.clock.saw(now_ns, self._host.clock.mono_ns())
        self._flush()

    def _flush(self) -> None:
        self._host.counters["messages_out"] += send(self._outlet.take(), self._host.publish)

    # where lines begin

    def _begin_lines(self, now_ns: int) -> None:
        """Ask the store about instruments that the journal knows nothing of."""
        new = [line.symbol for line in self._orchestrator.lines.values() if not line.has_begun]
        if not new or self._is_asking_store or now_ns < self._store_due_ns:
            return
        if not self._host.has_store:
            for symbol in new:
                self._begin(symbol, [])
            return
        self._is_asking_store = True
        questions = [starting.question(symbol) for symbol in new]
        self._host.ask_store(questions, STORE_TIMEOUT_S, functools.partial(self._on_stored, new))

    def _on_stored(self, symbols: list[str], replies: list[Reply] | Exception) -> None:
        self._is_asking_store = False
        try:
            if isinstance(replies, Exception):
                raise replies
            for symbol, reply in zip(symbols, replies, strict=True):
                if self.has(symbol):
                    self._begin(symbol, starting.stored(reply))
        except HubError as fault:
            self._store_due_ns = self._now_ns + STORE_RETRY_NS
            self._host.drop("store_unknown", f"what is stored is not known yet, history waits: {fault}")

    def _begin(self, symbol: str, stored: list[Bar]) -> None:
        line = self._orchestrator.lines[symbol]
        starting.start(
            line.timeline.state, line.timeline.session, stored, self._now_ns, self._settings.bootstrap_days
        )
        behind_s = (self._now_ns - line.timeline.next_ns) / 1e9
        what = "goes on behind what is stored" if stored else "nothing is stored"
        self._host.log.info("%s: %s, %.1f days to load", symbol, what, max(0.0, behind_s) / 86_400)

    # control and people

    def answer(self, request: Request) -> object:
        """`rest`: everything of providers and instruments; `backfill`, `backfills`, `cancel_backfill`."""
        found = self.desk.answer(request, self._now_ns)
        self._keep_jobs()
        return found

    @property
    def is_connected(self) -> bool:
        """Whether the newest minute of any instrument is known, or all markets are closed."""
        now_ns = self._now_ns
        fresh_ns = now_ns - 2 * self._rules.stale_after_ns
        begun = [line for line in self._orchestrator.lines.values() if line.has_begun]
        opened = [line for line in begun if line.timeline.session.is_open(now_ns)]
        return any(line.ok_ns > fresh_ns for line in opened) or bool(begun and not opened)

    def detail(self, mono_ns: int) -> dict[str, Any]:  # noqa: ARG002 - its own clock follows the same
        """State of each provider, and how far history is."""
        return {"connected": self.is_connected, **self.desk.summary(self._now_ns)}

    def connections(self, mono_ns: int) -> list[dict[str, Any]]:  # noqa: ARG002 - its own clock follows the same
        """Each provider."""
        return self.desk.connections(self._now_ns)

    def rotate(self, name: str) -> bool:
        """Look at every instrument now; False if there is no provider of this name."""
        if name not in self._orchestrator.market.accounts:
            return False
        self._orchestrator.hurry(self._now_ns)
        return True

    def close(self) -> None:
        """Take nothing more."""
        self._is_closed = True
        self._flush()
        self._fetcher.close()

    # what bars do not have

    @property
    def news_ids(self) -> list[str]:
        """There is no news."""
        return []

    def remember(self) -> dict[str, SymbolState]:
        """Nothing of trades, quotes and books; see `bars`."""
        return {}

    def budget_state(self, mono_ns: int, now_ns: int) -> BudgetState | None:  # noqa: ARG002
        """Budgets are remembered apart, see `SPENT`."""
        return None

    def sweep(self, mono_ns: int) -> None:
        """Silence is judged by each look."""

    def is_unsynced(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def republish(self, symbol: str) -> bool:  # noqa: ARG002
        """There are no books."""
        return False

    def retry(self, gap_id: str) -> str:  # noqa: ARG002
        """Holes are asked for again by themselves."""
        return "missing bars are asked for again by themselves"
