"""All instruments and providers of a collector of bars over REST: what to ask now, and what an answer causes. Pure.

Time is an argument, so a day can be played in seconds. Whoever runs it sends the asks, brings the answers back, and takes
what is to be published from the outlet after each call.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from actors.collector.bars.asking import Ask, Result
from actors.collector.bars.checking import Checking
from actors.collector.bars.choosing import Market
from actors.collector.bars.filling import Filling
from actors.collector.bars.history import History
from actors.collector.bars.line import Line, Stretch
from actors.collector.bars.looking import Looking
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import Refusal
from actors.collector.bars.rules import Rules

MOST_ASKS: Final = 12
"""Questions under way at once. A question is paid for when it is begun: one that then had to wait for a thread would
reach its provider in another stretch of its limit. The actor has 16 threads."""
SLICES: Final = 2
"""Pieces of history that go out in one turn, over all instruments."""

JOB_OVER: Final = "nobody had it when it was fetched"


class Orchestrator:
    """Live looks, history and comparisons.

    Args:
        lines: The instruments.
        market: Providers and their budgets.
        rules: When a minute is late, when an answer is stale.
        outlet: Takes what is to be published.
        random: Returns a number from 0 to 1, for jitter.
        most_asks: Questions under way at once; history has half of them.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        market: Market,
        rules: Rules,
        outlet: Outlet,
        random: Callable[[], float],
        most_asks: int = MOST_ASKS,
    ) -> None:
        self._most_asks = most_asks
        self._under_way = 0
        self.market = market
        self.outlet = outlet
        self.lines: dict[str, Line] = {}
        self._ranked: list[Line] = []
        self._turn: collections.deque[Line] = collections.deque()
        self._looking = Looking(market, rules, outlet, random)
        self._history = History(market, rules, outlet)
        self._filling = Filling(market, self._looking, outlet)
        self._checking = Checking(market, rules, outlet)
        for line in lines:
            self.add(line)

    def add(self, line: Line) -> None:
        """Look after one more instrument."""
        self.lines[line.symbol] = line
        self._ranked = sorted(self.lines.values(), key=lambda one: (one.tier.rank, one.symbol))
        self._turn = collections.deque(self._ranked)

    def remove(self, symbol: str) -> None:
        """Look after an instrument no longer; what is under way for it is thrown away."""
        self.lines.pop(symbol, None)
        self._ranked = sorted(self.lines.values(), key=lambda one: (one.tier.rank, one.symbol))
        self._turn = collections.deque(self._ranked)

    def order(self, symbol: str, stretch: Stretch) -> None:
        """Fetch a stretch of the past of an instrument."""
        self.lines[symbol].jobs.append(stretch)

    # turns

    def cycle(self, now_ns: int) -> list[Ask]:
        """Once a second: look at every instrument, the important ones first."""
        asks: list[Ask] = []
        for line in self._ranked:
            if not line.has_begun or self.is_loading(line, now_ns):
                continue
            self._looking.release(line, now_ns)
            self._looking.degrade(line, now_ns)
            for begin in (self._looking.ask, self._filling.ask, self._checking.ask):
                if self._under_way < self._most_asks and (ask := begin(line, now_ns)) is not None:
                    self._under_way += 1
                    asks.append(ask)
        return asks

    def advance(self, now_ns: int) -> list[Ask]:
        """Several times a second: go on with history, a little of it."""
        asks: list[Ask] = []
        slices = 0
        for line, stretch in self._stretches(now_ns):
            slices += bool(stretch.page_end_ns)
            is_busy = 2 * self._under_way >= self._most_asks
            if slices > SLICES if stretch.page_end_ns else is_busy:
                continue
            ask = self._history.step(line, stretch, now_ns, can_ask=not is_busy)
            if ask is not None:
                self._under_way += 1
                asks.append(ask)
        self._turn.rotate(-1)
        return asks

    def answered(self, ask: Ask, result: Result, now_ns: int) -> None:
        """Take an answer, or why there is none."""
        self._under_way -= 1
        account = self.market.accounts[ask.provider]
        if isinstance(result, Refusal):
            self.outlet.counters[f"refused_{result.kind}"] += 1
            self.outlet.breaker(account.refused(ask.endpoint, result, now_ns))
        else:
            self.outlet.counters["pages"] += 1
            self.outlet.counters["bars_received"] += len(result.page.bars)
            self.outlet.breaker(account.answered(ask.endpoint, result.page.told, now_ns))
        line = self.lines.get(ask.symbol)
        if line is None:
            return
        match ask.purpose:
            case "live":
                self._looking.answered(line, ask, result, now_ns)
            case "hole":
                self._filling.answered(line, ask, result, now_ns)
            case "check":
                self._checking.answered(line, ask, result, now_ns)
            case _:
                stretch = next((one for one in (line.own, *line.jobs) if one.job_id == ask.job_id), None)
                if stretch is not None:
                    self._history.answered(line, stretch, ask, result, now_ns)

    def hurry(self, now_ns: int) -> None:
        """Look at everything now."""
        for line in self._ranked:
            line.due_ns = min(line.due_ns, now_ns)

    # what there is

    def is_loading(self, line: Line, now_ns: int) -> bool:
        """Whether its own beginning is still being loaded."""
        return line.has_begun and not self._history.is_done(line, line.own, now_ns)

    def finished(self, now_ns: int) -> list[tuple[str, Stretch]]:
        """Stretches of the past that are done; they are forgotten."""
        found = []
        for line in self._ranked:
            done = [one for one in line.jobs if self._history.is_done(line, one, now_ns)]
            for stretch in done:
                self.drop(line.symbol, stretch, JOB_OVER)
                found.append((line.symbol, stretch))
        return found

    def drop(self, symbol: str, stretch: Stretch, reason: str) -> None:
        """Fetch a stretch of the past no longer; what it lacks stays so."""
        self.lines[symbol].jobs.remove(stretch)
        self.outlet.add(stretch.timeline.holes.close(stretch.timeline.next_ns, reason))

    def describe(self, now_ns: int) -> dict[str, Any]:
        """For people: providers, instruments, the newest switches."""
        return {
            "providers": {name: one.describe(now_ns) for name, one in self.market.accounts.items()},
            "instruments": {line.symbol: line.describe(now_ns) for line in self._ranked},
            "switches": [switch._asdict() for switch in self.outlet.switches],
        }

    def _stretches(self, now_ns: int) -> Iterator[tuple[Line, Stretch]]:
        for line in tuple(self._turn):
            if not line.has_begun:
                continue
            if self.is_loading(line, now_ns):
                yield line, line.own
            elif line.jobs:
                yield line, line.jobs[0]
