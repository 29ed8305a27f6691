"""Now and then a second provider is asked for the newest minutes of an instrument, and the closes are compared. Pure.

Two against one: the odd one comes last for a while. One against one: it is told, and nobody is believed more.
"""

from __future__ import annotations

import statistics
from typing import Final

from actors.collector.bars.asking import Ask, Found, Result
from actors.collector.bars.choosing import Blocked, Market, Wish, choose
from actors.collector.bars.judging.agreement import difference_bp
from actors.collector.bars.line import Line
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import PERMANENT, ProviderBar, Query, Refusal
from actors.collector.bars.rules import Rules

MINUTES: Final = 10
"""So many are compared."""


class Checking:
    """Comparisons of all instruments.

    Args:
        market: Providers and their budgets.
        rules: How often.
        outlet: Takes what is to be told.
    """

    def __init__(self, market: Market, rules: Rules, outlet: Outlet) -> None:
        self._market = market
        self._rules = rules
        self._outlet = outlet

    def ask(self, line: Line, now_ns: int) -> Ask | None:
        """Ask another provider than the one that gives the minutes, where calls are to spare."""
        if line.is_checking or now_ns < line.check_due_ns or not self._rules.cross_check_ns:
            return None
        newest = line.timeline.newest
        line.check_due_ns = now_ns + self._rules.cross_check_ns
        if not line.source or newest is None or newest.ts_open_ns < now_ns - self._rules.stale_after_ns:
            return None
        from_ns, to_ns = newest.ts_open_ns - (MINUTES - 1) * MINUTE_NS, newest.ts_open_ns + MINUTE_NS
        queries = {name: Query(one.raw, from_ns, to_ns) for name, one in line.standings.items()}
        cost_of = {name: self._market.providers[name].cost(query) for name, query in queries.items()}
        heard = {
            line.source,
            line.asking,
            *(name for name, apart_bp in line.apart_bp.items() if self._is_apart(line, apart_bp)),
        }
        wish = Wish(cost_of, heard, is_history=True)
        choice = choose(self._market, line.standings, line.tier.order, wish, now_ns)
        if isinstance(choice, Blocked):
            line.apart_bp.clear()  # everybody has been heard: from the beginning
            return None
        name = choice.provider
        account = self._market.accounts[name]
        self._outlet.breaker(account.begin(choice.endpoint, cost_of[name], now_ns, is_history=True))
        line.is_checking = True
        return Ask(line.symbol, "", name, choice.endpoint, queries[name], "check", to_ns)

    def answered(self, line: Line, ask: Ask, result: Result, now_ns: int) -> None:
        """Compare."""
        line.is_checking = False
        name = ask.provider
        if isinstance(result, Refusal):
            if result.kind in PERMANENT and result.kind != "auth":
                line.standings[name].turn_off(result, now_ns)
            return
        line.hear(name, result.page.bars)
        apart_bp = self._apart_bp(line, result)
        if apart_bp is None:
            return
        known = {one: apart for one, apart in line.apart_bp.items() if one not in (name, line.source)}
        line.apart_bp = {**known, name: apart_bp}
        if not self._is_apart(line, apart_bp):
            self._outvote(line, [one for one, apart in known.items() if self._is_apart(line, apart)], now_ns)
            return
        others = [one for one, apart in known.items() if self._is_apart(line, apart)]
        values = {"apart_bp": apart_bp, "tolerance_bp": line.market.tolerance * 1e4}
        text = f"{name} is {apart_bp:.1f} bp from {line.source}, over {MINUTES} minutes"
        self._outlet.disagreement(line.symbol, text, values, now_ns)
        line.check_due_ns = now_ns  # a third one tells who is wrong
        if others and line.source in line.standings:
            reason = f"{name} and {', '.join(others)} say something else"
            line.standings[line.source].demote(reason, now_ns + self._rules.demote_ns)
            line.apart_bp.clear()
            line.check_due_ns = now_ns + self._rules.cross_check_ns

    def _outvote(self, line: Line, odd: list[str], now_ns: int) -> None:
        for name in odd:
            reason = f"{line.source} and others say something else"
            line.standings[name].demote(reason, now_ns + self._rules.demote_ns)
            line.apart_bp.pop(name, None)

    def _is_apart(self, line: Line, apart_bp: float) -> bool:
        return apart_bp > line.market.tolerance * 1e4

    def _apart_bp(self, line: Line, found: Found) -> float | None:
        """Median difference of the closes of the minutes that both have."""
        ours = {
            bar.ts_open_ns: ProviderBar(bar.ts_open_ns, bar.open, bar.high, bar.low, bar.close)
            for bar in line.timeline.recent
            if bar.status == "closed" and bar.source == line.source
        }
        apart = [
            difference_bp(ours[bar.ts_open_ns], bar) for bar in found.page.bars if bar.ts_open_ns in ours
        ]
        return statistics.median(apart) if apart else None
