"""What to order of a stretch of the past so that nothing is fetched twice, and what has become of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.bars.judging.calendar import count_minutes, missing_runs
from actors.collector.bars.providers.provider import MINUTE_NS
from protocol.sessions import Session

RUN_UP: Final = 5
"""Minutes in market hours before each stretch that are ordered with it: a quiet first minute needs a price before it."""


class Piece(NamedTuple):
    """A stretch to order of one instrument."""

    symbol: str
    from_ns: int
    to_ns: int


class Span(NamedTuple):
    """What is wanted of one instrument, and where it can be had."""

    from_ns: int
    to_ns: int
    floor_ns: int = 0
    """No provider has bars before."""
    live_ns: int = 0
    """From here on the collector fetches by itself; 0: not known."""

    @property
    def begin_ns(self) -> int:
        """Where orders may begin."""
        return max(self.from_ns, self.floor_ns)

    @property
    def end_ns(self) -> int:
        """Where orders end."""
        return min(self.to_ns, self.live_ns) if self.live_ns else self.to_ns


def pieces_of(
    symbol: str, span: Span, stored: Collection[int], session: Session, page_ns: int
) -> list[Piece]:
    """Stretches that hold every minute that is not stored; two in one page are one.

    Args:
        symbol: The instrument.
        span: What is wanted.
        stored: Starts of the minutes that are there; gaps are not.
        session: Of the instrument.
        page_ns: Length of one page of history of the provider.
    """
    if span.begin_ns >= span.end_ns:
        return []
    runs = missing_runs(stored, session, span.begin_ns, span.end_ns)
    return [
        Piece(symbol, max(span.floor_ns, run_up(session, start_ns)), end_ns)
        for start_ns, end_ns in merged(runs, page_ns)
    ]


def merged(runs: Iterable[tuple[int, int]], page_ns: int) -> list[tuple[int, int]]:
    """Runs in order of time, those that lie closer together than a page as one."""
    found: list[tuple[int, int]] = []
    for start_ns, end_ns in runs:
        if found and start_ns - found[-1][1] < page_ns:
            found[-1] = found[-1][0], end_ns
        else:
            found.append((start_ns, end_ns))
    return found


def run_up(session: Session, start_ns: int) -> int:
    """Start of the minute in market hours that lies `RUN_UP` minutes of them before."""
    left_ns = RUN_UP * MINUTE_NS
    while True:
        span = session.span(start_ns - 1)
        if span.is_open:
            reached_ns = max(span.start_ns, start_ns - left_ns)
            left_ns -= start_ns - reached_ns
            start_ns = reached_ns
        else:
            start_ns = span.start_ns
        if left_ns <= 0:
            return start_ns


def expected_minutes(session: Session, pieces: Iterable[Piece]) -> int:
    """Minutes in market hours of some stretches of one instrument."""
    return sum(count_minutes(session, piece.from_ns, piece.to_ns) for piece in pieces)


def missing_minutes(session: Session, span: Span, stored: Collection[int]) -> int:
    """Minutes in market hours of what is wanted, up to what the collector fetches by itself, that are not stored."""
    if span.from_ns >= span.end_ns:
        return 0
    runs = missing_runs(stored, session, span.from_ns, span.end_ns)
    return sum((end_ns - start_ns) // MINUTE_NS for start_ns, end_ns in runs)


def got_minutes(jobs: Iterable[Mapping[str, Any]]) -> int:
    """Minutes that backfills have published with a bar, as far as their collector has told."""
    return sum(max(0, job["minutes"] - job["missing"]) for job in jobs)


def by_stretch(pieces: Iterable[Piece]) -> dict[tuple[int, int], list[str]]:
    """Stretch to the instruments of which it is to be ordered: one question each."""
    found: dict[tuple[int, int], list[str]] = {}
    for piece in pieces:
        found.setdefault((piece.from_ns, piece.to_ns), []).append(piece.symbol)
    return found


def summed(costs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Costs of stretches as one row for each instrument and provider, in their order."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cost in costs:
        row = rows.setdefault((cost["symbol"], cost["provider"]), {**cost, "calls": 0, "minutes": 0})
        row["calls"] += cost["calls"]
        row["minutes"] += cost["minutes"]
        row["from_ns"] = min(row["from_ns"], cost["from_ns"])
        row["to_ns"] = max(row["to_ns"], cost["to_ns"])
        row["seconds"] = max(row["seconds"], cost["seconds"])
    return list(rows.values())
