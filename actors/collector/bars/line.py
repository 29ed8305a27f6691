"""One instrument, as the orchestrator looks after it. Pure.

A look asks one provider after another until an answer is good: fresh, and without a bar that needs a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from actors.collector.bars.choosing import Standing, askable
from actors.collector.bars.judging.judged import Judged, Market, Opinion
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import ProviderBar
from actors.collector.bars.rebasing import Rebasing
from actors.collector.bars.timeline import Timeline
from protocol.messages import Bar
from protocol.sessions import Session

LIVE_NS: Final = 6 * 3_600_000_000_000
"""What is further behind, in market hours, is history."""
REVISIT_NS: Final = 5 * MINUTE_NS
"""Minutes that are asked for again: providers correct them."""
OPINIONS: Final = 30
"""Minutes of which is remembered what each provider said."""


class Tier(msgspec.Struct, frozen=True):
    """How an instrument is treated."""

    rank: int
    refresh_ns: int
    order: tuple[str, ...]


class Suspect(NamedTuple):
    """A minute that needs a second opinion."""

    provider: str
    """Who told it."""
    reason: str

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"


class Stretch:
    """Minutes that are fetched as history: an instrument's own beginning, or a stretch of its past.

    Args:
        timeline: Of them.
        to_ns: Where it ends; 0: it has become live there.
        provider: Whom to ask; empty: anybody.
        job_id: Empty: the instrument's own.
    """

    def __init__(self, timeline: Timeline, to_ns: int = 0, provider: str = "", job_id: str = "") -> None:
        self.timeline = timeline
        self.to_ns = to_ns
        self.provider = provider
        self.job_id = job_id
        self.page_end_ns = 0
        """End of the page under way; 0: none is."""
        self.page_by = ""
        """Who gave it."""
        self.run_ns = 0
        """First of the minutes that a second opinion was asked on."""
        self.tried: dict[str, str] = {}
        """Provider to why its answer for this page, or for these minutes, was not enough."""
        self.suspects: dict[int, tuple[str, Judged]] = {}
        """Minutes of the page that need a second opinion, with who told them."""
        self.is_under_way = False
        self.due_ns = 0
        self.free_ns = 0
        """When somebody may be asked again, as far as was known; 0: not known."""
        self.why = ""
        """Why it does not go on."""
        self.minutes = 0
        """Minutes that went out."""
        self.calls = 0


class Line:
    """One instrument.

    Args:
        market: What the judge must know of it.
        tier: How it is treated.
        standings: Provider to what is thought of it, of those that have a name for the instrument.
        timeline: Its minutes.
    """

    def __init__(
        self, market: Market, tier: Tier, standings: Mapping[str, Standing], timeline: Timeline
    ) -> None:
        self.symbol = market.symbol
        self.market = market
        self.tier = tier
        self.standings = dict(standings)
        self.timeline = timeline
        self.own = Stretch(timeline)
        self.jobs: list[Stretch] = []
        self.is_under_way = False
        self.asking = ""
        """Whom the live look is asking now."""
        self.due_ns = 0
        self.check_due_ns = self.hole_due_ns = 0
        self.is_checking = self.is_filling = False
        self.apart_bp: dict[str, float] = {}
        """Provider to how far its closes were from those that went out, at the last comparison, basis points."""
        self.tried: dict[str, str] = {}
        """Provider to why its answer was not enough, in this look."""
        self.passed: dict[str, str] = {}
        """Provider to why it was not asked."""
        self.stale: dict[str, int] = {}
        """Provider to the end of its newest bar, where that was too old."""
        self.has_answer = False
        """Somebody has answered in this look, though not as well as wished."""
        self.failures = 0
        """Looks in a row in which nobody answered."""
        self.why = ""
        """Why the last look gave nothing."""
        self.running: Bar | None = None
        """The running minute as it was published last."""
        self.source = ""
        """Provider of the newest minute."""
        self.looked_ns = 0
        """When a look was over, with an answer or without: what ended shortly before is late from then on."""
        self.ok_ns = 0
        """When an answer was good."""
        self.newest_ns = 0
        """End of the newest minute that any provider had."""
        self.told_ns: dict[str, int] = {}
        """Provider to the newest start that it ever told."""
        self.suspects: dict[int, Suspect] = {}
        """Minutes that need a second opinion, and why."""
        self.rebasing = Rebasing(market.tolerance * 1e4)
        self._opinions: dict[int, dict[str, ProviderBar]] = {}

    def askable(self, now_ns: int) -> frozenset[str]:
        """Providers that have it."""
        return askable(self.standings, self.tier.order, now_ns)

    @property
    def has_begun(self) -> bool:
        """Whether it is known where its minutes begin."""
        return self.timeline.state.begin_ns > 0

    def is_behind(self, now_ns: int) -> bool:
        """Whether its next minute is history."""
        next_ns = self.timeline.next_ns
        return next_ns < now_ns - LIVE_NS and self.timeline.session.open_time_ns(next_ns, now_ns) > LIVE_NS

    @property
    def suspect(self) -> Suspect | None:
        """The first of the minutes that have not gone out and need a second opinion."""
        next_ns = self.timeline.next_ns
        waiting = [start_ns for start_ns in self.suspects if start_ns >= next_ns]
        return self.suspects[min(waiting)] if waiting else None

    # opinions

    def hear(self, provider: str, bars: Iterable[ProviderBar]) -> None:
        """Remember what a provider says of the newest minutes."""
        for bar in bars:
            if not bar.is_running:
                self._opinions.setdefault(bar.ts_open_ns, {})[provider] = bar
        for start_ns in sorted(self._opinions)[:-OPINIONS]:
            del self._opinions[start_ns]
            self.suspects.pop(start_ns, None)

    def others(self, provider: str) -> dict[int, tuple[Opinion, ...]]:
        """What all but one provider said."""
        return {
            start_ns: tuple(Opinion(name, bar) for name, bar in said.items() if name != provider)
            for start_ns, said in self._opinions.items()
            if len(said) > (provider in said)
        }

    # looks

    def failed(self, now_ns: int, pause_ns: int) -> None:
        """Nobody answered: look again later."""
        self._end_look()
        self.failures += 1
        self.due_ns = now_ns + pause_ns

    def succeeded(self, now_ns: int, settle_ns: int) -> None:
        """The look is over: the next one comes with the next minute, or after `refresh_ns`."""
        self._end_look()
        self.failures = 0
        self.why = ""
        self.ok_ns = self.looked_ns = now_ns
        self.due_ns = next_look_ns(now_ns, self.tier.refresh_ns, settle_ns, self.timeline.session)
        if self.timeline.next_ns < now_ns - MINUTE_NS:  # the last minute of a session may come late too
            self.due_ns = min(self.due_ns, now_ns + MINUTE_NS)

    def _end_look(self) -> None:
        self.tried.clear()
        self.stale.clear()
        self.has_answer = False

    def describe(self, now_ns: int) -> dict[str, Any]:
        """For people."""
        newest = self.timeline.newest
        return {
            "source": self.source,
            "newest_age_s": round((now_ns - self.newest_ns) / 1e9, 1) if self.newest_ns else None,
            "next_look_s": round(max(0, self.due_ns - now_ns) / 1e9, 1),
            "missing": self.timeline.holes.missing,
            "begin_ns": self.timeline.state.begin_ns,
            "next_ns": self.timeline.next_ns if self.has_begun else 0,
            "behind_s": round(max(0, now_ns - self.timeline.next_ns) / 1e9),
            "close": newest.close if newest else None,
            "why": self.why,
            "apart_bp": {name: round(apart, 2) for name, apart in self.apart_bp.items()},
            "off": {
                name: one.off_reason for name, one in self.standings.items() if one.off_until_ns > now_ns
            },
            "demoted": {
                name: one.demoted_reason
                for name, one in self.standings.items()
                if one.demoted_until_ns > now_ns
            },
        }


def next_look_ns(now_ns: int, refresh_ns: int, settle_ns: int, session: Session) -> int:
    """When to look again: a little after the end of a minute where each minute is looked at, and after that of the session.

    Args:
        now_ns: Now.
        refresh_ns: Time between two looks.
        settle_ns: How long after its end providers have a minute.
        session: In whose hours there are minutes.
    """
    span = session.span(now_ns)
    if not span.is_open:
        again_ns = span.start_ns + MINUTE_NS + settle_ns  # the last minute may have been half there
        return again_ns if now_ns < again_ns else span.end_ns + MINUTE_NS + settle_ns
    due_ns = now_ns + refresh_ns
    if refresh_ns >= MINUTE_NS:
        due_ns = (due_ns - settle_ns) // MINUTE_NS * MINUTE_NS + settle_ns
        if due_ns <= now_ns:
            due_ns += MINUTE_NS
    return min(due_ns, span.end_ns + settle_ns)
