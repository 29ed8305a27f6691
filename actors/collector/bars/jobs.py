"""Stretches of the past that people order, and what they cost. Pure."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.bars.choosing import Standing
from actors.collector.bars.history import BEHIND
from actors.collector.bars.line import Stretch
from actors.collector.bars.memory import MINUTE_NS, JobState, LineState
from actors.collector.bars.providers.provider import Limit, Provider
from actors.collector.bars.settings import RestSettings
from protocol.sessions import Session

MAX_FINISHED: Final = 200


class Order(NamedTuple):
    """One instrument, one stretch."""

    symbol: str
    provider: str
    """Whom to ask; empty: anybody."""
    from_ns: int
    to_ns: int


class Cost(NamedTuple):
    """What a stretch costs, as far as it can be known before."""

    symbol: str
    provider: str
    """Who would be asked first; empty: nobody goes back so far."""
    calls: int
    minutes: int
    """In market hours."""
    from_ns: int
    """Where its bars begin, if they do not go back so far."""
    to_ns: int
    seconds: float
    """At least, with the share of the limits that history has."""


def cost_of(
    order: Order,
    standings: Mapping[str, Standing],
    turn: Sequence[str],
    providers: Mapping[str, Provider],
    session: Session,
    now_ns: int,
) -> Cost:
    """What an order costs at the provider that goes back farthest among those that may be asked; the first of equals.

    Args:
        order: The stretch.
        standings: Providers that have a name for the instrument.
        turn: Whom to ask, the best first.
        providers: All there are.
        session: Of the instrument.
        now_ns: Now.
    """
    known = [
        name for name in turn if name in standings and name in providers and order.provider in ("", name)
    ]
    whole = [name for name in known if now_ns - providers[name].reach_ns <= order.from_ns]
    chosen = whole[:1] or sorted(known, key=lambda name: -providers[name].reach_ns)[:1]
    if not chosen:
        return Cost(order.symbol, "", 0, 0, order.from_ns, order.to_ns, 0.0)
    provider = providers[chosen[0]]
    from_ns = max(order.from_ns, now_ns - provider.reach_ns)
    page_ns = min(provider.longest_ns, provider.bars_per_call * MINUTE_NS) - BEHIND * MINUTE_NS
    calls, at_ns = 0, session.next_open_ns(from_ns)
    while at_ns < order.to_ns:
        calls += 1
        at_ns = session.next_open_ns(at_ns + page_ns)
    minutes = session.open_time_ns(from_ns, order.to_ns) // MINUTE_NS if from_ns < order.to_ns else 0
    return Cost(order.symbol, chosen[0], calls, minutes, from_ns, order.to_ns, 0.0)


def with_time(costs: Sequence[Cost], limits: Mapping[str, Sequence[Limit]], share: float) -> list[Cost]:
    """The costs with how long all of them together take at least at their provider.

    Args:
        costs: Without.
        limits: Of each provider.
        share: Of each limit that history may use.
    """
    calls: collections.Counter[str] = collections.Counter()
    for one in costs:
        calls[one.provider] += one.calls

    def seconds(name: str) -> float:
        return max(
            (
                max(0, -(-calls[name] // max(1, int(limit.calls * share))) - 1) * limit.per_s
                for limit in limits.get(name, ())
            ),
            default=0.0,
        )

    return [one._replace(seconds=seconds(one.provider)) for one in costs]


def limits_of(settings: RestSettings, name: str, provider: Provider) -> tuple[Limit, ...]:
    """Limits of a provider: of the settings, else of its free plan."""
    given = settings.providers.get(name)
    return (
        tuple(Limit(one.calls, one.per_s) for one in given.limits)
        if given and given.limits
        else provider.limits
    )


class Jobs:
    """What has been ordered, by id, and what has become of it.

    Args:
        prefix: For ids: unique for ever.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self.running: dict[str, JobState] = {}
        self.finished: collections.OrderedDict[str, dict[str, Any]] = collections.OrderedDict()

    def add(self, order: Order, now_ns: int) -> JobState:
        """Take an order."""
        job_id = f"{self._prefix}-{next(self._numbers)}"
        line = LineState(begin_ns=order.from_ns)
        job = JobState(job_id, order.symbol, order.provider, order.from_ns, order.to_ns, line, now_ns)
        self.running[job_id] = job
        return job

    def same(self, order: Order) -> JobState | None:
        """One that is under way and holds the whole of an order."""
        for job in self.running.values():
            is_same = (job.symbol, job.provider) == (order.symbol, order.provider)
            if is_same and job.from_ns <= order.from_ns and order.to_ns <= job.to_ns:
                return job
        return None

    def finish(self, job_id: str, stretch: Stretch, outcome: str) -> None:
        """It is over."""
        job = self.running.pop(job_id, None)
        if job is None:
            return
        self.finished[job_id] = {**described(job, stretch), "state": outcome}
        while len(self.finished) > MAX_FINISHED:
            self.finished.popitem(last=False)


def described(job: JobState, stretch: Stretch) -> dict[str, Any]:
    """A job for people and programs."""
    reached_ns = min(max(stretch.timeline.next_ns, job.from_ns), job.to_ns)
    return {
        "job_id": job.job_id,
        "symbol": job.symbol,
        "provider": job.provider,
        "from_ns": job.from_ns,
        "to_ns": job.to_ns,
        "reached_ns": reached_ns,
        "share": (reached_ns - job.from_ns) / max(1, job.to_ns - job.from_ns),
        "minutes": stretch.minutes,
        "missing": stretch.timeline.holes.missing,
        "calls": stretch.calls,
        "why": stretch.why,
        "state": "running",
    }
