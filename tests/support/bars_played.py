"""A collector of bars that is played: every message checked, every call watched, killed at any record, and started again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from actors.collector.bars import making
from actors.collector.bars.asking import Ask
from actors.collector.bars.jobs import Jobs, Order
from actors.collector.bars.line import Stretch
from actors.collector.bars.memory import MINUTE_NS, BarsState
from actors.collector.bars.rules import rules_of
from actors.collector.bars.settings import LimitSettings, ProviderSettings, RestSettings
from actors.collector.bars.spending.account import AccountState
from actors.collector.checkpoint import Checkpoint, decode, encode
from protocol.instruments import Instrument
from protocol.messages import Bar, Gap, Message
from protocol.sessions import session_named
from tests.support.bars_laws import Laws
from tests.support.providers.faults import Fault
from tests.support.providers.listings import LISTINGS
from tests.support.providers.market import Market
from tests.support.providers.tape import Traits
from tests.support.providers.world import PROVIDERS, World
from tests.support.virtual_bars import KEYS, SECOND_NS, VirtualBars

HOUR_NS: Final = 3600 * SECOND_NS
DAY_NS: Final = 24 * HOUR_NS
TUESDAY_NS: Final = 1_767_657_600 * SECOND_NS
"""2026-01-06T00:00Z."""
FOREVER: Final = dict.fromkeys(PROVIDERS, ((1000000, 60.0),))
"""Limits that nobody reaches."""
CLOSE: Final = 2e-6
"""Yahoo rounds."""
Memory = tuple[BarsState, dict[str, AccountState]]


def settings(*providers: str, **changes: Any) -> RestSettings:
    """Only these providers are asked, the best first, and nothing is compared, but where `changes` say so.

    Args:
        *providers: Who is asked.
        **changes: Of `RestSettings`; a provider's name: its limits, as (calls, seconds).
    """
    parts = {}
    for name in providers:
        limits = [LimitSettings(calls=calls, per_s=per_s) for calls, per_s in changes.pop(name, ())]
        parts[name] = ProviderSettings(key=KEYS[name].key if name in KEYS else "", limits=limits)
    chosen: dict[str, Any] = {"bootstrap_days": 0, "cross_check_s": 0.0} | changes
    return RestSettings(providers=parts, order=list(providers), **chosen)


def market_of(*symbols: str, seed: int = 1) -> Market:
    """The market of these instruments."""
    return Market([one for one in LISTINGS if one.symbol in symbols], seed=seed)


def instruments_of(market: Market) -> list[Instrument]:
    """The instruments of a market."""
    return [
        msgspec.convert({**one.entry(), "symbol": one.symbol}, Instrument) for one in market.listings.values()
    ]


def world_of(
    market: Market,
    start_ns: int,
    faults: Iterable[Fault] = (),
    *,
    delay_s: float = 2.0,
    limits: Mapping[str, Iterable[tuple[float, float]]] | None = None,
) -> World:
    """Providers that all tell the same prices, and have a minute so long after its end."""
    traits = {name: Traits(delay_s=delay_s) for name in PROVIDERS}
    return World(market, start_ns, faults=faults, traits=traits, limits=limits)


class Sent(NamedTuple):
    """One call."""

    at_ns: int
    ask: Ask


class PlayedBars(VirtualBars):
    """As `VirtualBars`; with stretches of the past, and every law checked at every message.

    Args:
        world: The providers.
        now_ns: Where the clock begins: the start of a minute.
        settings: Of the collector.
        memory: Of a process before.
        seed: Of jitter and delays.
        laws: Go on with these: the journal of a process before.
    """

    def __init__(
        self,
        world: World,
        now_ns: int,
        settings: RestSettings,
        memory: Memory | None = None,
        seed: int = 1,
        laws: Mapping[str, Laws] | None = None,
    ) -> None:
        self.instruments = {one.symbol: one for one in instruments_of(world.market)}
        super().__init__(world, self.instruments.values(), now_ns, settings, memory, seed)
        self.laws = dict(laws or {})
        for symbol, line in self.orchestrator.lines.items():
            self._outlet.add(line.timeline.holes.resume())
            self.laws.setdefault(symbol, Laws(line.timeline.session, line.timeline.state.begin_ns))
        for one in self.laws.values():
            one.restarted()
        self.jobs = Jobs(f"jobs-{now_ns}")
        self.job_laws: dict[str, Laws] = {}
        self.sent: list[Sent] = []
        self.twice: list[Ask] = []
        """Calls to a provider that was being asked for the same instrument."""
        self.on_message = self._check
        for job in self.state.jobs:
            self.jobs.running[job.job_id] = job
            self._begin(job.job_id)
        self.snap()

    def backfill(self, order: Order) -> str:
        """Order a stretch of the past."""
        job = self.jobs.add(order, self.now_ns)
        self._begin(job.job_id)
        return job.job_id

    def turn(self) -> None:
        """One turn, and what is over is forgotten."""
        super().turn()
        for _, stretch in self.orchestrator.finished(self.now_ns):
            self.jobs.finish(stretch.job_id, stretch, "done")
        for laws in (*self.laws.values(), *self.job_laws.values()):
            laws.settled()

    def run_until(self, is_there: Any, limit_ns: int, step_ns: int = 10 * SECOND_NS) -> None:
        """Let the time pass until something is so."""
        end_ns = self.now_ns + limit_ns
        while not is_there():
            assert self.now_ns < end_ns, "it does not happen"
            self.run(min(end_ns, self.now_ns + step_ns))

    def remembered(self) -> Memory:
        """What the next process finds if this one is killed now: through the bytes of the journal."""
        self.state.jobs = list(self.jobs.running.values())
        state, spent = self.memory()
        past = decode(encode(Checkpoint(bars=state)))
        assert past is not None
        assert past.bars is not None
        return past.bars, msgspec.msgpack.decode(msgspec.msgpack.encode(spent), type=dict[str, AccountState])

    def snap(self) -> None:
        """Write a memory into the journal."""
        self._snap = len(self.messages), self.remembered()

    def found(self) -> Memory:
        """What the next process finds if this one is killed now: the newest memory, and the records behind it."""
        number, (state, _) = self._snap
        for message in self.messages[number:]:
            if isinstance(message, Gap):
                state.enter_gap(message)
            elif isinstance(message, Bar):
                state.enter_bars([message])
        return state, self.remembered()[1]

    @property
    def is_loading(self) -> bool:
        """Whether any instrument is still loading its beginning."""
        lines = self.orchestrator.lines.values()
        return any(self.orchestrator.is_loading(line, self.now_ns) for line in lines)

    def bars(self, symbol: str) -> dict[int, Bar]:
        """Newest revision of each minute that went out."""
        return self.laws[symbol].newest

    def asked(self, provider: str = "", symbol: str = "", purpose: str = "") -> list[Sent]:
        """Calls of one kind."""
        return [
            one
            for one in self.sent
            if provider in ("", one.ask.provider)
            and symbol in ("", one.ask.symbol)
            and purpose in ("", one.ask.purpose)
        ]

    def of(self, kind: type[Any]) -> list[Any]:
        """Messages of one type, in order."""
        return [message for message in self.messages if isinstance(message, kind)]

    def _begin(self, job_id: str) -> None:
        job = self.jobs.running[job_id]
        timeline = making.timeline_of(
            self.instruments[job.symbol], rules_of(self.settings), f"{self.now_ns}-{job_id}", job.line
        )
        self.job_laws[job_id] = Laws(timeline.session, job.from_ns, job.line.until_ns)
        self.orchestrator.order(job.symbol, Stretch(timeline, job.to_ns, job.provider, job_id))

    def _send(self, ask: Ask) -> None:
        same = [one for _, _, one, _ in self._answers if (one.symbol, one.job_id) == (ask.symbol, ask.job_id)]
        assert all(one.purpose != ask.purpose for one in same), f"asked twice at once: {same}, {ask}"
        under_way = [one for _, _, one, _ in self._answers if one.symbol == ask.symbol]
        self.twice += [ask] * any(one.provider == ask.provider for one in under_way)
        self.sent.append(Sent(self.now_ns, ask))
        super()._send(ask)

    def _check(self, message: Message) -> None:
        self.messages.append(message)
        if not isinstance(message, (Bar, Gap)):
            return
        laws = self._of_job(message) or self.laws[message.symbol]
        try:
            laws.take(message)
        except AssertionError as broken:
            raise AssertionError(f"at {self.now_ns}: {broken}: {message}") from broken

    def _of_job(self, message: Bar | Gap) -> Laws | None:
        """A stretch of the past is what lies before an instrument's beginning."""
        if isinstance(message, Gap):
            return next((one for job_id, one in self.job_laws.items() if job_id in message.gap_id), None)
        if message.ts_open_ns >= self.orchestrator.lines[message.symbol].timeline.state.begin_ns:
            return None
        for job_id, job in self.jobs.running.items():
            if job.symbol == message.symbol and job.from_ns <= message.ts_open_ns < job.to_ns:
                return self.job_laws[job_id]
        raise AssertionError(f"nobody ordered {message}")


def open_minutes(session: str, from_ns: int, to_ns: int) -> list[int]:
    """Starts of the minutes of market hours that begin in a range."""
    calendar = session_named(session)
    found, start_ns = [], calendar.next_open_ns(from_ns)
    while start_ns < to_ns:
        found.append(start_ns)
        start_ns = calendar.next_open_ns(start_ns + MINUTE_NS)
    return found


def untrue(market: Market, symbol: str, bars: Mapping[int, Bar], ignore: Collection[int] = ()) -> list[Bar]:
    """Closed minutes that are other than the market was, and quiet ones in which somebody traded."""
    if not bars:
        return []
    truth = market.minutes(symbol, min(bars), max(bars) + MINUTE_NS)
    columns = (truth.ts_open_ns, truth.open, truth.high, truth.low, truth.close, truth.trades)
    known: dict[int, Sequence[Any]] = {
        row[0]: row[1:] for row in zip(*(one.tolist() for one in columns), strict=True)
    }
    found = []
    for start_ns, bar in bars.items():
        *prices, trades = known[start_ns]
        told = (bar.open, bar.high, bar.low, bar.close)
        is_true = {
            "closed": trades > 0 and all(abs(a / b - 1.0) < CLOSE for a, b in zip(told, prices, strict=True)),
            "quiet": trades == 0,
            "gap": True,
        }[bar.status]
        if not is_true and start_ns not in ignore:
            found.append(bar)
    return found
