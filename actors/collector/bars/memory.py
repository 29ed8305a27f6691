"""What is known of each instrument's minutes, to go on from after a restart. Pure.

It is a function of what went out: the newest SNAP of the journal holds it, and the bars and gaps published behind that
are entered one by one. So a killed process goes on behind the last minute that is in its journal.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from protocol.messages import Bar, Gap

MINUTE_NS: Final = 60_000_000_000
RECENT: Final = 60
"""Newest closed minutes that are remembered: what a later answer corrects, and what the next bar is compared with."""
MAX_HOLES: Final = 256
"""Holes of one instrument that are remembered."""


class HoleState(msgspec.Struct, array_like=True):
    """Minutes that nobody could tell, in a row."""

    gap: Gap
    """As it was announced; `to_id` 0: it may still grow."""
    minutes: list[int]
    """Starts of those that are still missing, ns."""
    close: float = 0.0
    """The price before them."""


class LineState(msgspec.Struct, array_like=True):
    """The minutes of one instrument."""

    begin_ns: int = 0
    """Where its history begins, 0: nobody has decided."""
    until_ns: int = 0
    """End of the newest closed minute that went out, 0: none."""
    recent: list[Bar] = []
    """The newest closed minutes, oldest first, each at its newest revision."""
    holes: list[HoleState] = []
    gaps: int = 0
    """Gaps announced so far."""


class JobState(msgspec.Struct, array_like=True):
    """A stretch of the past that somebody wants."""

    job_id: str
    symbol: str
    provider: str
    """Whom to ask; empty: anybody."""
    from_ns: int
    to_ns: int
    line: LineState
    """Of the stretch."""
    asked_ns: int = 0
    """When it was ordered."""


class BarsState(msgspec.Struct, array_like=True):
    """All instruments of a collector."""

    lines: dict[str, LineState] = {}
    jobs: list[JobState] = []

    def enter_bars(self, bars: list[Bar]) -> None:
        """Take minutes that went out."""
        for bar in bars:
            if bar.revision and bar.timeframe == "1m":
                enter(self._owner(bar), bar)

    def enter_gap(self, gap: Gap) -> None:
        """Take an entry of the gap ledger that went out."""
        for line in [self.lines.setdefault(gap.symbol, LineState()), *self._jobs_of(gap.symbol)]:
            known = next((hole for hole in line.holes if hole.gap.gap_id == gap.gap_id), None)
            if known is not None:
                known.gap = gap
                if gap.state in ("filled", "unfillable"):
                    line.holes.remove(known)
                return
        owner = self._owner_of(gap.symbol, gap.from_ts_ns, is_first=True)
        if gap.state in ("open", "filling"):
            owner.holes.append(HoleState(gap, []))
            owner.gaps += 1
        elif gap.state == "unfillable":  # nobody has bars so old: see `Timeline.skip_to`
            owner.gaps += 1
            owner.begin_ns = max(owner.begin_ns, gap.to_ts_ns)

    def _owner(self, bar: Bar) -> LineState:
        return self._owner_of(bar.symbol, bar.ts_open_ns, is_first=bar.revision == 1)

    def _owner_of(self, symbol: str, ts_ns: int, *, is_first: bool) -> LineState:
        """A first revision behind the newest minute belongs to a stretch of the past."""
        line = self.lines.setdefault(symbol, LineState())
        if is_first and ts_ns < max(line.until_ns, line.begin_ns):
            for job in self.jobs:
                if job.symbol == symbol and job.from_ns <= ts_ns < job.to_ns:
                    return job.line
        return line

    def _jobs_of(self, symbol: str) -> list[LineState]:
        return [job.line for job in self.jobs if job.symbol == symbol]


def enter(line: LineState, bar: Bar) -> None:
    """Take a closed minute, at its first revision in order of time, or a later one of any minute."""
    start_ns = bar.ts_open_ns
    if start_ns >= line.until_ns:
        line.until_ns = start_ns + MINUTE_NS
        line.recent.append(bar)
        del line.recent[:-RECENT]
        if bar.status == "gap" and line.holes and not line.holes[-1].gap.to_id:
            line.holes[-1].minutes.append(start_ns)
            line.holes[-1].close = bar.close
        return
    for at, known in enumerate(line.recent):
        if known.ts_open_ns == start_ns and known.revision <= bar.revision:
            line.recent[at] = bar
    if bar.status != "gap":
        for hole in line.holes:
            if start_ns in hole.minutes:  # behind a restart: `Holes` has done it otherwise
                hole.minutes.remove(start_ns)
                hole.gap = replace(hole.gap, count=hole.gap.count + 1, filled_by=bar.source)
