"""History, page by page in order of time: an instrument's beginning, stretches of its past, old holes. Pure.

A page is asked of the best provider that reaches so far back. What it lacks for longer than a few minutes is asked of the
others; then the page goes out, a slice in each turn. Where a page ends changes nothing in what goes out: the bars before
it and the first ones behind it are looked at with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from actors.collector.bars.asking import Ask, Found, Result, context
from actors.collector.bars.candidate import Candidate
from actors.collector.bars.choosing import Blocked, Market, Wish, choose
from actors.collector.bars.hearing import absent
from actors.collector.bars.judging.judged import Opinion
from actors.collector.bars.line import Line, Stretch
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import PERMANENT, Query, Refusal
from actors.collector.bars.rules import Rules
from protocol.messages import Bar

BEHIND: Final = 5
"""Minutes behind a page that are asked for with it."""
SLICE_NS: Final = 2_000 * MINUTE_NS
"""Minutes that go out in one turn."""
RETRY_NS: Final = 60_000_000_000
"""Pause after everybody has refused."""
WAIT_NS: Final = 120_000_000_000
"""A second opinion on a page is waited for so long."""
REACH_MARGIN_NS: Final = 30 * MINUTE_NS
FRESH_NS: Final = 86_400_000_000_000
"""What is younger a provider may not have yet: some plans are a day late."""
FOREVER_NS: Final = 1 << 62


class History:
    """Pages of history of all instruments.

    Args:
        market: Providers and their budgets.
        rules: How many minutes without a bar are quiet on the word of one provider.
        outlet: Takes what is to be published.
    """

    def __init__(self, market: Market, rules: Rules, outlet: Outlet) -> None:
        self._market = market
        self._rules = rules
        self._outlet = outlet

    def is_done(self, line: Line, stretch: Stretch, now_ns: int) -> bool:
        """Whether nothing of it is history any more."""
        if stretch.is_under_way or stretch.page_end_ns:
            return False
        if stretch.to_ns:
            return stretch.timeline.next_ns >= stretch.to_ns
        return not line.is_behind(now_ns)

    def step(self, line: Line, stretch: Stretch, now_ns: int, *, can_ask: bool = True) -> Ask | None:
        """Publish a slice of the page that is there, or ask for the next one; None: nothing to ask now."""
        if stretch.is_under_way or now_ns < stretch.due_ns:
            return None
        if not stretch.page_end_ns:
            return self._next_page(line, stretch, now_ns)
        if self._slice(line, stretch, now_ns, is_final=False) or not can_ask:
            return None
        return self._second_opinion(line, stretch, now_ns)

    # pages

    def _next_page(self, line: Line, stretch: Stretch, now_ns: int) -> Ask | None:
        start_ns = stretch.timeline.next_ns
        order = self._order(line, stretch)
        able = [name for name in order if name in line.askable(now_ns)]
        reaching = [name for name in able if self._reach_ns(name, now_ns) <= start_ns]
        if not able:
            off = [
                f"{name}: {one.off_reason}"
                for name, one in line.standings.items()
                if one.off_until_ns > now_ns
            ]
            stretch.why = "; ".join(off) or "no provider has it"
            stretch.due_ns = now_ns + RETRY_NS
            return None
        if not reaching:
            farthest_ns = min(self._reach_ns(name, now_ns) for name in able) + REACH_MARGIN_NS
            until_ns = min(farthest_ns // MINUTE_NS * MINUTE_NS, self._limit_ns(stretch, now_ns))
            reason = f"1m bars do not go back so far at {', '.join(able)}"
            self._outlet.add(stretch.timeline.skip_to(max(until_ns, start_ns + MINUTE_NS), reason))
            return None
        return self._ask(line, stretch, (start_ns, self._limit_ns(stretch, now_ns)), reaching, now_ns)

    def _second_opinion(self, line: Line, stretch: Stretch, now_ns: int) -> Ask | None:
        """The page lacks something: ask the others for it, or let it go out without."""
        from_ns, to_ns = stretch.timeline.lacking(stretch.page_end_ns)
        if from_ns != stretch.run_ns:  # other minutes: who was asked for those before may have these
            stretch.run_ns = from_ns
            heard = {stretch.page_by, *stretch.timeline.deniers(from_ns)}
            stretch.tried = {name: why for name, why in stretch.tried.items() if name in heard}
        others = [
            name
            for name in self._order(line, stretch)
            if name not in stretch.tried and self._reach_ns(name, now_ns) <= from_ns
        ]
        if others:
            ask = self._ask(line, stretch, (from_ns, min(to_ns, stretch.page_end_ns)), others, now_ns)
            if ask is not None or now_ns < stretch.free_ns <= now_ns + WAIT_NS:
                return ask
        stretch.due_ns = now_ns
        self._slice(line, stretch, now_ns, is_final=True)
        return None

    def _ask(
        self, line: Line, stretch: Stretch, wanted: tuple[int, int], names: Collection[str], now_ns: int
    ) -> Ask | None:
        from_ns, limit_ns = wanted
        queries, ends = {}, {}
        for name in names:
            provider = self._market.providers[name]
            longest_ns = min(provider.longest_ns, provider.bars_per_call * MINUTE_NS) - BEHIND * MINUTE_NS
            ends[name] = min(from_ns + longest_ns, limit_ns)
            now_end_ns = now_ns // MINUTE_NS * MINUTE_NS
            to_ns = max(ends[name], min(ends[name] + BEHIND * MINUTE_NS, now_end_ns))
            queries[name] = Query(line.standings[name].raw, from_ns, to_ns)
        cost_of = {name: self._market.providers[name].cost(query) for name, query in queries.items()}
        order = self._order(line, stretch)
        choice = choose(
            self._market, line.standings, order, Wish(cost_of, stretch.tried, is_history=True), now_ns
        )
        if isinstance(choice, Blocked):
            reasons = {**stretch.tried, **choice.reasons}
            stretch.why = "; ".join(f"{name}: {why}" for name, why in reasons.items())
            stretch.free_ns = choice.until_ns
            stretch.due_ns = max(now_ns + 1, min(choice.until_ns or now_ns + RETRY_NS, now_ns + RETRY_NS))
            if not stretch.page_end_ns and stretch.tried:
                stretch.tried.clear()
            return None
        name = choice.provider
        account = self._market.accounts[name]
        self._outlet.breaker(account.begin(choice.endpoint, cost_of[name], now_ns, is_history=True))
        stretch.is_under_way = True
        stretch.why = ""
        stretch.calls += 1
        others = {
            start_ns: (Opinion(who, one.sent),)
            for start_ns, (who, one) in stretch.suspects.items()
            if who != name
        }
        return Ask(
            line.symbol, stretch.job_id, name, choice.endpoint, queries[name], "history", ends[name],
            context(stretch.timeline.recent, from_ns), others,
        )  # fmt: skip

    # answers

    def answered(self, line: Line, stretch: Stretch, ask: Ask, result: Result, now_ns: int) -> None:
        """Take the answer to a page, or to what a page lacks."""
        stretch.is_under_way = False
        name = ask.provider
        if isinstance(result, Refusal):
            if result.kind in PERMANENT and result.kind != "auth":
                line.standings[name].turn_off(result, now_ns)
            stretch.tried[name] = f"{result.kind}: {result.text}"
            if result.kind == "empty" and ask.upto_ns <= now_ns - FRESH_NS:
                self._empty(stretch, ask)
            stretch.due_ns = now_ns
            return
        if result.page.cursor and not result.page.bars:
            stretch.tried[name] = "broken: a page without a bar, and more behind it"
            stretch.due_ns = now_ns
            return
        upto_ns = self._take(line, stretch, ask, result, now_ns)
        stretch.tried[name] = "it has no bar"
        if not stretch.page_end_ns:
            stretch.page_end_ns, stretch.page_by = upto_ns, name
        stretch.due_ns = now_ns

    def _take(self, line: Line, stretch: Stretch, ask: Ask, found: Found, now_ns: int) -> int:
        """Take the bars of a page; returns where it ends."""
        upto_ns, page = ask.upto_ns, found.page
        if page.cursor and page.bars:  # there is more of it: the next page begins behind its last bar
            upto_ns = min(upto_ns, page.bars[-1].ts_open_ns + MINUTE_NS)
        candidates = []
        for one in found.judged:
            start_ns = one.sent.ts_open_ns
            if start_ns >= upto_ns or one.sent.is_running:
                continue
            self._outlet.judged(line.symbol, ask.provider, one, now_ns)
            if one.verdict == "suspect":
                stretch.suspects.setdefault(start_ns, (ask.provider, one))
            elif one.bar is not None:
                reason = f"repaired: {', '.join(one.reasons)}" if one.verdict == "repair" else ""
                candidates.append(Candidate(one.bar, ask.provider, found.recv_ns, page.is_adjusted, reason))
        timeline = stretch.timeline
        starts = [bar.ts_open_ns for bar in page.bars]
        if starts and upto_ns > now_ns - FRESH_NS:  # what is behind its last bar it may not have yet
            upto_ns = min(upto_ns, max(starts) + MINUTE_NS)
        self._outlet.add(timeline.offer(candidates))
        missing = absent(timeline, starts, ask.query.from_ns, upto_ns)
        timeline.miss(ask.provider, missing)
        return upto_ns

    def _empty(self, stretch: Stretch, ask: Ask) -> None:
        """A provider has nothing in the range at all."""
        if not stretch.page_end_ns:
            stretch.page_end_ns, stretch.page_by = ask.upto_ns, ask.provider
        missing = absent(stretch.timeline, (), ask.query.from_ns, ask.upto_ns)
        stretch.timeline.miss(ask.provider, missing)

    # going out

    def _slice(self, line: Line, stretch: Stretch, now_ns: int, *, is_final: bool) -> bool:
        """Publish some of the page; whether anything went out, or the page is over."""
        timeline = stretch.timeline
        before_ns = timeline.next_ns
        if is_final:
            for who, one in stretch.suspects.values():
                if not timeline.knows(one.sent.ts_open_ns):
                    self._outlet.judged(
                        line.symbol, who, one._replace(bar=None, verdict="quarantine"), now_ns
                    )
        until_ns = min(stretch.page_end_ns, before_ns + SLICE_NS)
        everybody = frozenset(self._order(line, stretch)) & line.askable(now_ns)
        reaching = frozenset(name for name in everybody if self._reach_ns(name, now_ns) <= before_ns)
        quiet, tried = self._rules.quiet_minutes, stretch.tried
        told = timeline.release(
            until_ns,
            FOREVER_NS if is_final else -FOREVER_NS,
            lambda run, names, _is_late: run <= quiet or names >= reaching,
            lambda: (
                "venue_jump",
                "; ".join(f"{name}: {why}" for name, why in tried.items()) + f"; {stretch.why}",
            ),
            now_ns,
        )
        self._outlet.add(told)
        stretch.minutes += sum(isinstance(one, Bar) for one in told)
        is_over = timeline.next_ns >= stretch.page_end_ns
        if is_over:
            stretch.page_end_ns = 0
            stretch.tried.clear()
            stretch.suspects.clear()
            stretch.due_ns = now_ns + self._rules.page_pause_ns
        return is_over or timeline.next_ns > before_ns

    # who and how far

    def _order(self, line: Line, stretch: Stretch) -> tuple[str, ...]:
        known = [name for name in line.tier.order if name in line.standings]
        return tuple(name for name in known if stretch.provider in ("", name))

    def _reach_ns(self, name: str, now_ns: int) -> int:
        return now_ns - self._market.providers[name].reach_ns

    def _limit_ns(self, stretch: Stretch, now_ns: int) -> int:
        """Where pages end: the newest minutes are left to live looks, which know that they may come late."""
        return stretch.to_ns or (now_ns - self._rules.stale_after_ns) // MINUTE_NS * MINUTE_NS
