"""Old holes of an instrument: asked for again now and then, until somebody has them or nobody can any more. Pure.

Holes of the last hours need nothing of this: each live look asks for them too.
"""

from __future__ import annotations

from typing import Final

from actors.collector.bars.asking import Ask, Found, Result, context
from actors.collector.bars.candidate import Candidate
from actors.collector.bars.choosing import Blocked, Market, Wish, choose
from actors.collector.bars.hearing import absent
from actors.collector.bars.history import BEHIND
from actors.collector.bars.line import LIVE_NS, REVISIT_NS, Line
from actors.collector.bars.looking import Looking
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import PERMANENT, Query, Refusal

RETRY_NS: Final = 600_000_000_000
"""Pause between two questions for the holes of one instrument."""
GIVE_UP_NS: Final = 7 * 86_400_000_000_000
"""What nobody has had for so long is given up."""
GIVEN_UP: Final = "nobody had it for a week"


class Filling:
    """Old holes of all instruments.

    Args:
        market: Providers and their budgets.
        looking: Publishes what has become known.
        outlet: Takes what is to be published.
    """

    def __init__(self, market: Market, looking: Looking, outlet: Outlet) -> None:
        self._market = market
        self._looking = looking
        self._outlet = outlet

    def ask(self, line: Line, now_ns: int) -> Ask | None:
        """Ask for the oldest hole; another provider each time."""
        if line.is_filling or now_ns < line.hole_due_ns:
            return None
        line.hole_due_ns = now_ns + RETRY_NS
        self._outlet.add(line.timeline.holes.give_up(now_ns - GIVE_UP_NS, GIVEN_UP))
        from_ns, to_ns = line.timeline.holes.oldest()
        if not from_ns or from_ns >= now_ns - LIVE_NS:
            return None
        queries = {}
        for name, standing in line.standings.items():
            provider = self._market.providers[name]
            if from_ns < now_ns - provider.reach_ns:
                continue
            longest_ns = min(provider.longest_ns, provider.bars_per_call * MINUTE_NS)
            end_ns = min(to_ns, from_ns + longest_ns - REVISIT_NS - BEHIND * MINUTE_NS)
            queries[name] = Query(standing.raw, from_ns - REVISIT_NS, end_ns + BEHIND * MINUTE_NS)
        cost_of = {name: self._market.providers[name].cost(query) for name, query in queries.items()}
        wish = Wish(cost_of, line.timeline.deniers(from_ns), is_history=True)
        choice = choose(self._market, line.standings, line.tier.order, wish, now_ns)
        if isinstance(choice, Blocked):
            return None
        name = choice.provider
        account = self._market.accounts[name]
        self._outlet.breaker(account.begin(choice.endpoint, cost_of[name], now_ns, is_history=True))
        line.is_filling = True
        query = queries[name]
        upto_ns = query.to_ns - BEHIND * MINUTE_NS
        before = context(line.timeline.recent, query.from_ns)
        return Ask(line.symbol, "", name, choice.endpoint, query, "hole", upto_ns, before)

    def answered(self, line: Line, ask: Ask, result: Result, now_ns: int) -> None:
        """Take what has come of it."""
        line.is_filling = False
        if isinstance(result, Refusal):
            if result.kind in PERMANENT and result.kind != "auth":
                line.standings[ask.provider].turn_off(result, now_ns)
            if result.kind != "empty":
                return
        timeline, name = line.timeline, ask.provider
        from_ns = ask.query.from_ns + REVISIT_NS
        missing, denied = timeline.holes.missing, name in timeline.deniers(from_ns)
        judged = result.judged if isinstance(result, Found) else []
        starts = [one.sent.ts_open_ns for one in judged]
        if isinstance(result, Found):
            for one in judged:
                self._outlet.judged(line.symbol, ask.provider, one, now_ns)
            candidates = [
                Candidate(one.bar, ask.provider, result.recv_ns, result.page.is_adjusted)
                for one in judged
                if one.bar is not None and one.verdict != "suspect" and one.sent.ts_open_ns in timeline.holes
            ]
            self._outlet.add(timeline.offer(candidates))
        timeline.miss(name, absent(timeline, starts, from_ns, ask.upto_ns))
        self._looking.release(line, now_ns)
        if timeline.holes.missing < missing or (name in timeline.deniers(from_ns)) > denied:
            line.hole_due_ns = now_ns  # it was worth it: the next one
