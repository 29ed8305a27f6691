"""The live look at an instrument: whom to ask for its newest minutes, and what the answers are worth. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.collector.bars.asking import Ask, Found, Result, context
from actors.collector.bars.candidate import flat
from actors.collector.bars.choosing import Blocked, Market, Wish, choose
from actors.collector.bars.hearing import Hearing
from actors.collector.bars.line import LIVE_NS, REVISIT_NS, Line
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.outlet import Outlet, Switch
from actors.collector.bars.providers.provider import PERMANENT, Query, Refusal
from actors.collector.bars.rebasing import apart_is_known
from actors.collector.bars.rules import Rules
from actors.collector.bars.timeline import IsEnough

RETRY_NS: Final = 10_000_000_000
"""Longest pause after a look in which nobody gave anything."""
UNANIMOUS: Final = "all providers asked so far"


class Looking:
    """Live looks at all instruments.

    Args:
        market: Providers and their budgets.
        rules: When a minute is late, when an answer is stale.
        outlet: Takes what is to be published.
        random: Returns a number from 0 to 1, for jitter.
    """

    def __init__(self, market: Market, rules: Rules, outlet: Outlet, random: Callable[[], float]) -> None:
        self._market = market
        self._rules = rules
        self._outlet = outlet
        self._random = random
        self._hearing = Hearing(rules, outlet)

    def ask(self, line: Line, now_ns: int) -> Ask | None:
        """Whom to ask now, None if nobody; it is paid for."""
        if line.is_under_way or now_ns < line.due_ns or self._rests(line, now_ns):
            return None
        from_ns, to_ns = self._range(line, now_ns)
        queries = {name: Query(one.raw, from_ns, to_ns) for name, one in line.standings.items()}
        providers = self._market.providers
        cost_of = {name: providers[name].cost(query) for name, query in queries.items()}
        is_second = line.has_answer  # a second opinion is not urgent: it takes what is to spare
        choice = choose(
            self._market, line.standings, line.tier.order, Wish(cost_of, line.tried, is_second), now_ns
        )
        if isinstance(choice, Blocked):
            self._blocked(line, choice, now_ns)
            return None
        name = choice.provider
        account = self._market.accounts[name]
        self._outlet.breaker(account.begin(choice.endpoint, cost_of[name], now_ns, is_history=is_second))
        line.passed = choice.passed
        line.is_under_way, line.asking = True, name
        query = queries[name]
        query = query._replace(from_ns=max(from_ns, to_ns - providers[name].bars_per_call * MINUTE_NS))
        return Ask(
            line.symbol, "", name, choice.endpoint, query, "live", to_ns,
            context(line.timeline.recent, query.from_ns), line.others(name),
        )  # fmt: skip

    def answered(self, line: Line, ask: Ask, result: Result, now_ns: int) -> None:
        """Take the answer; a refusal sends the look to the next provider."""
        line.is_under_way, line.asking = False, ""
        if isinstance(result, Refusal):
            if result.kind in PERMANENT and result.kind != "auth":
                line.standings[ask.provider].turn_off(result, now_ns)
            line.tried[ask.provider] = f"{result.kind}: {result.text}"
            line.has_answer = line.has_answer or result.kind == "empty"
            line.due_ns = now_ns
            return
        why = line.rebasing.contradiction(ask.provider, line.timeline.recent, result.page.bars, now_ns)
        if why:
            line.tried[ask.provider] = why
            line.has_answer = True
            line.due_ns = now_ns
            return
        self._demote_liars(line, ask.provider, result, now_ns)
        before = line.source
        self._hearing.take(line, ask, result, now_ns)
        self.release(line, now_ns)
        if line.source != before and before:
            reason = line.tried.get(before) or line.passed.get(before) or "it is preferred, and answers again"
            self._outlet.switched(Switch(now_ns, line.symbol, before, line.source, reason))
        self._conclude(line, ask, result, now_ns)

    def release(self, line: Line, now_ns: int) -> None:
        """Publish what can go out, and what is too late as a gap."""
        timeline, rules = line.timeline, self._rules
        newest = timeline.newest
        self._outlet.add(
            timeline.release(
                now_ns // MINUTE_NS * MINUTE_NS,
                min(now_ns - rules.late_ns, line.looked_ns - rules.settle_ns),
                self._is_enough(line, now_ns),
                lambda: self._why(line),
                now_ns,
            )
        )
        if timeline.newest is not newest:
            fresh = timeline.newest
            if fresh is not None and fresh.status == "closed":
                line.source = fresh.source
            line.running = (
                None if line.running and line.running.ts_open_ns < timeline.state.until_ns else line.running
            )

    def degrade(self, line: Line, now_ns: int) -> None:
        """Market hours, and nobody has anything new: the last value, marked stale, as the running minute."""
        newest, session = line.timeline.newest, line.timeline.session
        start_ns = now_ns // MINUTE_NS * MINUTE_NS
        if newest is None or not line.looked_ns or start_ns < line.timeline.state.until_ns:
            return
        if not session.is_open(start_ns):
            return
        old_ns = now_ns - self._rules.stale_after_ns
        told_ns = next((bar.ts_open_ns for bar in reversed(line.timeline.recent) if bar.status != "gap"), 0)
        if (
            max(line.newest_ns, told_ns) > old_ns
            or session.open_time_ns(old_ns, now_ns) < self._rules.stale_after_ns
        ):
            return
        shown = line.running
        if shown is not None and shown.ts_open_ns == start_ns and shown.status == "stale":
            return
        close = shown.close if shown is not None else newest.close
        reason = line.why or "nobody has anything newer"
        bar = flat(line.symbol, start_ns, close, "stale", line.source or newest.source, now_ns, reason)
        line.running = bar
        self._outlet.add([bar])

    def _demote_liars(self, line: Line, provider: str, found: Found, now_ns: int) -> None:
        """An answer fits what went out: those that contradict it are wrong."""
        if not apart_is_known(line.timeline.recent, found.page.bars):
            return
        for name in line.rebasing.names:
            line.rebasing.forget(name)
            if name in line.standings and name != provider:
                reason = f"{provider} and what went out before say something else"
                line.standings[name].demote(reason, now_ns + self._rules.demote_ns)

    def _conclude(self, line: Line, ask: Ask, found: Found, now_ns: int) -> None:
        """Good enough, or is another provider asked?"""
        starts = [bar.ts_open_ns for bar in found.page.bars]
        newest_ns = max(starts) + MINUTE_NS if starts else 0
        for name, ended_ns in line.stale.items():
            if newest_ns > ended_ns + MINUTE_NS:
                reason = f"stale: its newest bar was {(now_ns - ended_ns) / 1e9:.0f} s old"
                line.standings[name].demote(reason, now_ns + self._rules.demote_ns)
        if line.suspect is not None:
            line.tried[ask.provider] = f"suspect: {line.suspect}"
        elif line.timeline.deniers(line.timeline.next_ns):
            line.tried[ask.provider] = "it has no bar of the next minute"
        elif self._hearing.is_stale(line, starts, now_ns) or line.timeline.next_ns + 2 * MINUTE_NS <= now_ns:
            line.stale[ask.provider] = newest_ns
            age = f"{(now_ns - newest_ns) / 1e9:.0f} s old" if newest_ns else "not there"
            line.tried[ask.provider] = f"stale: its newest bar is {age}"
        else:
            line.succeeded(now_ns, self._rules.settle_ns)
            return
        line.has_answer = True
        line.due_ns = now_ns

    # what stands in the way

    def _blocked(self, line: Line, blocked: Blocked, now_ns: int) -> None:
        line.passed = blocked.reasons
        line.looked_ns = now_ns
        why = "; ".join(f"{name}: {why}" for name, why in {**line.tried, **blocked.reasons}.items())
        if line.has_answer:
            line.succeeded(now_ns, self._rules.settle_ns)
        elif line.tried or not blocked.until_ns:
            doubled_ns = RETRY_NS << min(line.failures, 16)
            line.failed(now_ns, round(min(doubled_ns, line.tier.refresh_ns) * (0.5 + 0.5 * self._random())))
        else:
            line.due_ns = max(now_ns + 1, min(blocked.until_ns, now_ns + line.tier.refresh_ns))
        line.why = why

    def _rests(self, line: Line, now_ns: int) -> bool:
        """The market is closed, and all its minutes are out: nothing to look for before it opens."""
        timeline, settle_ns = line.timeline, self._rules.settle_ns
        span = timeline.session.span(now_ns)
        if span.is_open or timeline.next_ns < now_ns or timeline.holes.first_after(now_ns - LIVE_NS):
            return False
        if line.looked_ns and now_ns < span.start_ns + 2 * MINUTE_NS + settle_ns:
            return False  # its last minute may have been half there
        open_ns = span.end_ns
        line.due_ns = open_ns + MINUTE_NS + settle_ns
        return True

    def _range(self, line: Line, now_ns: int) -> tuple[int, int]:
        """Minutes to ask for: those that are not out, a few before them, and holes that are not old."""
        timeline = line.timeline
        oldest_ns = timeline.next_ns - REVISIT_NS
        if timeline.state.until_ns and not timeline.session.is_open(now_ns):
            oldest_ns = timeline.state.until_ns - REVISIT_NS  # the last minutes before the close
        hole_ns = timeline.holes.first_after(now_ns - LIVE_NS)
        if hole_ns:
            oldest_ns = min(oldest_ns, hole_ns - REVISIT_NS)
        to_ns = now_ns // MINUTE_NS * MINUTE_NS + MINUTE_NS
        return min(oldest_ns, to_ns - 2 * MINUTE_NS), to_ns

    def _is_enough(self, line: Line, now_ns: int) -> IsEnough:
        everybody = line.askable(now_ns)
        quiet = self._rules.quiet_minutes
        return lambda run, names, is_late: names >= everybody or (is_late and run <= quiet)

    def _why(self, line: Line) -> tuple[str, str]:
        """Cause and reason of a minute that nobody could tell."""
        if line.timeline.next_ns in line.suspects:
            return "venue_jump", f"suspect: {line.suspects[line.timeline.next_ns]}"
        tried = {**line.passed, **line.tried}
        reason = line.why or "; ".join(f"{name}: {why}" for name, why in tried.items())
        return (
            ("disconnect", reason) if reason else ("venue_jump", f"no bar yet at {line.source or UNANIMOUS}")
        )
