"""What an answer to a live look holds: minutes to publish, the running one, second opinions, and what is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from actors.collector.bars.asking import Ask, Found
from actors.collector.bars.candidate import Candidate, running
from actors.collector.bars.judging.agreement import difference_bp
from actors.collector.bars.judging.judged import Judged
from actors.collector.bars.line import Line, Suspect
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.outlet import Outlet
from actors.collector.bars.providers.provider import ProviderBar
from actors.collector.bars.rules import Rules
from actors.collector.bars.timeline import Timeline
from protocol.messages import Bar


class Hearing:
    """Takes answers apart.

    Args:
        rules: When an answer is stale, how long a wrong provider comes last.
        outlet: Takes what is to be published.
    """

    def __init__(self, rules: Rules, outlet: Outlet) -> None:
        self._rules = rules
        self._outlet = outlet

    def is_stale(self, line: Line, starts_ns: Iterable[int], now_ns: int) -> bool:
        """Whether an answer ends too long ago, in market hours: the provider stands still, and its last bar may be half."""
        old_ns = now_ns - self._rules.stale_after_ns
        open_ns = line.timeline.session.open_time_ns(old_ns, now_ns)
        return max(starts_ns, default=0) + MINUTE_NS < old_ns and open_ns >= self._rules.stale_after_ns

    def take(self, line: Line, ask: Ask, found: Found, now_ns: int) -> None:
        """Enter what a provider says into the minutes of an instrument."""
        told = [self._hear(line, ask, one, found, now_ns) for one in found.judged]
        candidates = [one for one in told if one is not None]
        line.hear(ask.provider, [one.sent for one in found.judged if one.verdict != "quarantine"])
        starts = [bar.ts_open_ns for bar in found.page.bars]
        newest_ns = max(starts, default=0)
        is_old = self.is_stale(line, starts, now_ns) or newest_ns < line.told_ns.get(ask.provider, 0)
        half_ns = newest_ns if is_old else -1  # it may have been cut off in the middle of its last minute
        line.told_ns[ask.provider] = max(newest_ns, line.told_ns.get(ask.provider, 0))
        over = [one for one in candidates if not one.bar.is_running and one.bar.ts_open_ns != half_ns]
        self._outlet.add(line.timeline.offer(over))
        if starts:
            line.timeline.miss(ask.provider, absent(line.timeline, starts, ask.query.from_ns, max(starts)))
            ends = [min(start_ns + MINUTE_NS, now_ns) for start_ns in starts]
            line.newest_ns = max(line.newest_ns, *ends)
        self._show(line, [one for one in candidates if one.bar.is_running], now_ns)

    def _hear(self, line: Line, ask: Ask, one: Judged, found: Found, now_ns: int) -> Candidate | None:
        self._outlet.judged(line.symbol, ask.provider, one, now_ns)
        start_ns = one.sent.ts_open_ns
        if one.verdict == "suspect":
            if not line.timeline.knows(start_ns) and not one.sent.is_running:
                line.suspects.setdefault(start_ns, Suspect(ask.provider, ", ".join(one.reasons)))
            return None
        if one.bar is None or self._waits(line, ask.provider, start_ns, now_ns):
            return None
        if start_ns in line.suspects:
            del line.suspects[start_ns]
            self._settle(line, ask.provider, one.bar, now_ns)
        reason = f"repaired: {', '.join(one.reasons)}" if one.verdict == "repair" else ""
        return Candidate(one.bar, ask.provider, found.recv_ns, found.page.is_adjusted, reason)

    def _waits(self, line: Line, provider: str, start_ns: int, now_ns: int) -> bool:
        """Whether only the one who told a suspect minute speaks for it, with what followed, and others may yet be asked."""
        suspect = line.suspects.get(start_ns)
        if suspect is None or suspect.provider != provider or len(line.askable(now_ns)) < 2:
            return False
        return now_ns < start_ns + MINUTE_NS + self._rules.late_ns

    def _settle(self, line: Line, provider: str, bar: ProviderBar, now_ns: int) -> None:
        """A second opinion on a suspect minute: whoever said something else was wrong."""
        for opinion in line.others(provider).get(bar.ts_open_ns, ()):
            apart_bp = difference_bp(opinion.bar, bar)
            if apart_bp > line.market.tolerance * 1e4:
                reason = (
                    f"{provider} says {bar.close:g} and not {opinion.bar.close:g}: {apart_bp:.1f} bp apart"
                )
                wrong = Judged(opinion.bar, None, "quarantine", (reason,))
                self._outlet.judged(line.symbol, opinion.provider, wrong, now_ns)
                if opinion.provider in line.standings:
                    line.standings[opinion.provider].demote(reason, now_ns + self._rules.demote_ns)

    def _show(self, line: Line, found: Iterable[Candidate], now_ns: int) -> None:
        """Publish the running minute, if it has changed."""
        for one in found:
            start_ns = one.bar.ts_open_ns
            if start_ns < line.timeline.next_ns or not line.timeline.session.is_open(start_ns):
                continue
            if start_ns > now_ns:
                continue
            bar = running(line.symbol, one, "open")
            if line.running is None or _looks(line.running) != _looks(bar):
                line.running = bar
                self._outlet.add([bar])


def absent(timeline: Timeline, starts_ns: Iterable[int], from_ns: int, to_ns: int) -> list[int]:
    """Minutes in market hours of a range that are not among those of a page, and have not gone out."""
    there = set(starts_ns)
    session = timeline.session
    found = []
    start_ns = session.next_open_ns(from_ns)
    while start_ns < to_ns:
        if start_ns not in there and not timeline.knows(start_ns):
            found.append(start_ns)
        start_ns = session.next_open_ns(start_ns + MINUTE_NS)
    return found


def _looks(bar: Bar) -> Bar:
    return replace(bar, ts_recv_ns=0, ts_event_ns=0)
