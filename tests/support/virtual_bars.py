"""The orchestrator of bars over REST with a virtual clock, against providers that are played. No socket, no thread."""

from __future__ import annotations

import collections
import heapq
import itertools
from collections.abc import Callable, Iterable
from random import Random

from actors.collector.bars import making
from actors.collector.bars.asking import Ask, Result, look_at
from actors.collector.bars.memory import BarsState, LineState
from actors.collector.bars.orchestrator import Orchestrator
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import Answer, Refusal
from actors.collector.bars.rules import ns, rules_of
from actors.collector.bars.settings import ProviderSettings, RestSettings
from actors.collector.bars.spending.account import AccountState
from protocol.instruments import Instrument
from protocol.messages import Message
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World

SECOND_NS = 1_000_000_000
KEYS = {name: ProviderSettings(key=TEST_KEY) for name in ("alphavantage", "twelvedata", "polygon")}
SETTINGS = RestSettings(providers=KEYS, bootstrap_days=0)


class VirtualBars:
    """A collector of bars, without the collector.

    Args:
        world: The providers.
        instruments: What is collected.
        now_ns: Where the clock begins.
        settings: Of the collector.
        memory: Of a process before: its minutes and its budgets.
        seed: Of jitter and of how long answers take.
    """

    def __init__(
        self,
        world: World,
        instruments: Iterable[Instrument],
        now_ns: int,
        settings: RestSettings = SETTINGS,
        memory: tuple[BarsState, dict[str, AccountState]] | None = None,
        seed: int = 1,
    ) -> None:
        self.world = world
        self.settings = settings
        self.now_ns = now_ns
        self.counters: collections.Counter[str] = collections.Counter()
        self.messages: list[Message] = []
        """Everything that went out."""
        self.state, spent = memory or (BarsState(), {})
        self._random = Random(seed)
        self._outlet = Outlet(self.counters)
        self.switches = self._outlet.switches
        rules = rules_of(settings)
        providers = making.asked(settings)
        market = making.market_of(settings, providers, self._random.random, now_ns)
        for name, account in market.accounts.items():
            if name in spent:
                account.resume(spent[name], now_ns)
        lines = []
        for instrument in instruments:
            state = self.state.lines.setdefault(instrument.symbol, LineState())
            if not state.begin_ns:
                state.begin_ns = now_ns - settings.bootstrap_days * 86_400 * SECOND_NS
            lines.append(making.line_of(settings, rules, providers, instrument, f"test-{now_ns}", state))
        self.orchestrator = Orchestrator(lines, market, rules, self._outlet, self._random.random)
        self._answers: list[tuple[int, int, Ask, Result]] = []
        self._numbers = itertools.count()
        self._cycle_ns = ns(settings.cycle_s)
        self._next_cycle_ns = now_ns
        self.on_message: Callable[[Message], None] = self.messages.append

    def memory(self) -> tuple[BarsState, dict[str, AccountState]]:
        """What the next process would know."""
        accounts = self.orchestrator.market.accounts
        return self.state, {name: account.state() for name, account in accounts.items()}

    def run(self, until_ns: int) -> None:
        """Let the time pass, a cycle at a time."""
        while self.now_ns < until_ns:
            self.turn()
            self.now_ns = min(until_ns, self._next_cycle_ns)

    def turn(self) -> None:
        """Answers that have come by now, then what is due."""
        while self._answers and self._answers[0][0] <= self.now_ns:
            at_ns, _, ask, result = heapq.heappop(self._answers)
            self.orchestrator.answered(ask, result, at_ns)
            self._take()
        asks = self.orchestrator.advance(self.now_ns)
        if self.now_ns >= self._next_cycle_ns:
            self._next_cycle_ns = self.now_ns + self._cycle_ns
            asks += self.orchestrator.cycle(self.now_ns)
        self._take()
        for ask in asks:
            self._send(ask)

    def _send(self, ask: Ask) -> None:
        self.counters["calls"] += 1
        provider = self.orchestrator.market.providers[ask.provider]
        given = making.settings_of(self.settings, ask.provider)
        call = provider.call(ask.query, given.url or provider.base_url, given.key, self.now_ns)
        delivery = self.world.ask(call.url, call.params, call.headers, self.now_ns)
        took_ns = round((0.05 + 0.4 * self._random.random()) * SECOND_NS)
        result: Result
        if not delivery.status or delivery.act:
            took_ns += round(min(delivery.pause_s, given.timeout_s) * SECOND_NS)
            result = Refusal("unavailable", delivery.act or "no answer")
        else:
            headers = {name.lower(): value for name, value in delivery.headers.items()}
            answer = Answer(delivery.status, headers, delivery.body, self.now_ns + took_ns)
            market = self.orchestrator.lines[ask.symbol].market
            result = look_at(ask, provider, market, answer)
        heapq.heappush(self._answers, (self.now_ns + took_ns, next(self._numbers), ask, result))

    def _take(self) -> None:
        for message in self._outlet.take():
            self.on_message(message)
