"""The minutes of one instrument on their way out: every one in market hours once, in order of time. Pure.

A minute goes out as soon as all before it have: as a provider's bar (`closed`), as `quiet` if enough providers say that
there is none, or, when the time for it is over, as `gap`. What comes later is a revision. Providers are heard in any
order; which of them are asked is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from actors.collector.bars.candidate import Candidate, closed, flat, is_other
from actors.collector.bars.holes import Holes
from actors.collector.bars.memory import MINUTE_NS, LineState, enter
from protocol.messages import Bar, Gap
from protocol.sessions import Session

Minute = Bar | Gap
"""What goes out: a gap is told before the minute that revealed it."""
IsEnough = Callable[[int, frozenset[str], bool], bool]
"""(minutes without a bar in a row, who says so, whether there is no time to ask others) -> whether they are quiet."""


_NO_TIME: Final = True


class Timeline:
    """The minutes of one instrument, or of a stretch of its past.

    Args:
        symbol: Canonical.
        session: Its calendar.
        prefix: For ids of gaps.
        state: Where it goes on; kept up to date.
        longest_run: Minutes without a bar in a row that are counted; more are as many.
    """

    def __init__(
        self, symbol: str, session: Session, prefix: str, state: LineState, longest_run: int
    ) -> None:
        self._longest_run = longest_run
        self.symbol = symbol
        self.session = session
        self.state = state
        self.holes = Holes(symbol, prefix, state)
        self._waiting: dict[int, Candidate] = {}
        """Closed minutes that a provider has, and an older one is missing."""
        self._absent: dict[int, frozenset[str]] = {}
        """Minutes of which these providers say that there is no bar."""
        self._quiet_behind = self._quiet_run()

    # where it stands

    @property
    def next_ns(self) -> int:
        """Start of the next minute to go out."""
        return self.session.next_open_ns(max(self.state.until_ns, self.state.begin_ns))

    @property
    def newest(self) -> Bar | None:
        """The newest closed minute that went out."""
        return self.state.recent[-1] if self.state.recent else None

    @property
    def recent(self) -> Sequence[Bar]:
        """The newest closed minutes that went out, oldest first."""
        return self.state.recent

    def knows(self, start_ns: int) -> bool:
        """Whether a minute has gone out with a bar, or waits to."""
        if start_ns in self._waiting:
            return True
        return start_ns < self.state.until_ns and start_ns not in self.holes

    def lacking(self, until_ns: int) -> tuple[int, int]:
        """The first minutes in a row that stand in the way up to a moment, as a range; an empty one if none do."""
        first_ns = end_ns = start_ns = self.next_ns
        while start_ns < until_ns and start_ns not in self._waiting:
            end_ns = start_ns + MINUTE_NS
            start_ns = self.session.next_open_ns(end_ns)
        return first_ns, end_ns

    def deniers(self, start_ns: int) -> frozenset[str]:
        """Providers that say that there is no bar of a minute."""
        return self._absent.get(start_ns, frozenset())

    # what providers say

    def offer(self, candidates: Iterable[Candidate]) -> list[Minute]:
        """Take minutes that are over; returns revisions of what is out already."""
        told: list[Minute] = []
        next_ns = self.next_ns  # revisions do not move it
        for found in candidates:
            start_ns = found.bar.ts_open_ns
            if start_ns < self.state.begin_ns or not self.session.is_open(start_ns):
                continue
            if start_ns >= next_ns:
                self._waiting.setdefault(start_ns, found)
            else:
                told += self._revise(start_ns, found)
        return told

    def miss(self, provider: str, starts_ns: Iterable[int]) -> None:
        """A provider has bars before and behind these minutes, and none of them."""
        for start_ns in starts_ns:
            if start_ns >= self.state.until_ns or start_ns in self.holes:
                self._absent[start_ns] = self._absent.get(start_ns, frozenset()) | {provider}

    def _revise(self, start_ns: int, found: Candidate) -> list[Minute]:
        known = next((bar for bar in self.state.recent if bar.ts_open_ns == start_ns), None)
        if start_ns in self.holes:
            reason = found.reason or "it came late"
            fresh = closed(self.symbol, found._replace(reason=reason), known.revision + 1 if known else 2)
        elif known is None or (known.source != found.provider and known.status != "quiet"):
            return []
        else:
            fresh = closed(self.symbol, found, known.revision + 1)
            if not is_other(known, fresh):
                return []
        return self._publish(fresh)

    # what goes out

    def release(
        self,
        until_ns: int,
        deadline_ns: int,
        is_enough: IsEnough,
        why: Callable[[], tuple[str, str]],
        now_ns: int,
    ) -> list[Minute]:
        """What can go out now, in order.

        Args:
            until_ns: Minutes that begin here or later are not looked at.
            deadline_ns: Minutes that end by then go out as gaps where nobody could tell.
            is_enough: Whether a minute without a bar is quiet.
            why: Cause and reason of a gap, for the ledger and for people.
            now_ns: When this is said.
        """
        told: list[Minute] = []
        start_ns = self.next_ns
        while start_ns < until_ns:
            found = self._waiting.pop(start_ns, None)
            if found is not None:
                told += self._publish(closed(self.symbol, found, 1))
            else:
                made = self._without(start_ns, deadline_ns, is_enough, why, now_ns)
                if made is None:
                    break
                told += made
            self._absent.pop(start_ns, None)
            start_ns = self.session.next_open_ns(start_ns + MINUTE_NS)
        return told + self._fill_quiet(is_enough, now_ns)

    def skip_to(self, start_ns: int, reason: str) -> list[Minute]:
        """Nobody has what is older: go on at a later minute."""
        from_ns = self.next_ns
        if start_ns <= from_ns:
            return []
        self.state.begin_ns = start_ns
        return list(self.holes.skip(from_ns, start_ns, reason))

    def _without(
        self,
        start_ns: int,
        deadline_ns: int,
        is_enough: IsEnough,
        why: Callable[[], tuple[str, str]],
        now_ns: int,
    ) -> list[Minute] | None:
        """A minute that nobody has given: quiet, gap, or None: wait."""
        names = self._absent.get(start_ns, frozenset())
        is_late = start_ns + MINUTE_NS <= deadline_ns
        is_quiet = bool(names) and is_enough(self._run(start_ns), names, is_late)
        if not is_quiet and not is_late:
            return None
        before = self.newest
        if before is None:  # there is no price to repeat: the series begins with its first bar
            if not is_quiet and not self._waiting:
                return None
            self.state.until_ns = start_ns + MINUTE_NS
            return []
        if is_quiet:
            return self._publish(self._quiet(start_ns, before.close, before.source, names, now_ns))
        cause, reason = why()
        gap = flat(self.symbol, start_ns, before.close, "gap", before.source, now_ns, reason)
        return [*self.holes.mark(start_ns, cause, reason), *self._publish(gap)]

    def _fill_quiet(self, is_enough: IsEnough, now_ns: int) -> list[Minute]:
        """Minutes that went out as gaps, and of which enough providers say by now that there is nothing."""
        told: list[Minute] = []
        late = [start_ns for start_ns in self._absent if start_ns < self.state.until_ns]
        for start_ns in sorted(late):
            if start_ns not in self.holes:
                del self._absent[start_ns]
                continue
            names = self._absent[start_ns]
            if is_enough(len(late), names, _NO_TIME):
                del self._absent[start_ns]
                told += self._publish(self._quiet_late(start_ns, names, now_ns))
        return told

    def _quiet_late(self, start_ns: int, names: frozenset[str], now_ns: int) -> Bar:
        known = next((bar for bar in self.state.recent if bar.ts_open_ns == start_ns), None)
        source = known.source if known else self.state.recent[0].source
        close = self.holes.close_before(start_ns)
        quiet = self._quiet(start_ns, close, source, names, now_ns)
        return replace(quiet, revision=known.revision + 1 if known else 2)

    def _quiet(self, start_ns: int, close: float, source: str, names: frozenset[str], now_ns: int) -> Bar:
        who = ", ".join(sorted(names))
        return flat(self.symbol, start_ns, close, "quiet", source, now_ns, f"no bar at {who}")

    def _publish(self, bar: Bar) -> list[Minute]:
        """Enter a minute; with it what the ledger has to say of it."""
        start_ns = bar.ts_open_ns
        if start_ns < self.state.until_ns:
            settled = self.holes.fill(start_ns, bar.source)
            enter(self.state, bar)
            return [bar, *settled]
        ended = self.holes.end(start_ns) if bar.status != "gap" else []
        enter(self.state, bar)
        self._quiet_behind = self._quiet_behind + 1 if bar.status != "closed" else 0
        return [*ended, bar]

    # runs

    def _run(self, start_ns: int) -> int:
        """Minutes without a bar in a row, of which this is one."""
        count = self._quiet_behind
        while count <= self._longest_run and start_ns in self._absent and start_ns not in self._waiting:
            count += 1
            start_ns = self.session.next_open_ns(start_ns + MINUTE_NS)
        return count

    def _quiet_run(self) -> int:
        count = 0
        for bar in reversed(self.state.recent):
            if bar.status == "closed":
                break
            count += 1
        return count
