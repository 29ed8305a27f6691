"""Minutes in which a market trades, and those of them that are not there. Closed time is never walked. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actors.collector.bars.providers.provider import MINUTE_NS
from protocol.sessions import Session


def open_stretches(session: Session, from_ns: int, to_ns: int) -> Iterator[tuple[int, int]]:
    """Stretches of trading within `[from_ns, to_ns)`, oldest first, cut to whole minutes that start in it."""
    at_ns = -(-from_ns // MINUTE_NS) * MINUTE_NS
    end_ns = -(-to_ns // MINUTE_NS) * MINUTE_NS
    while at_ns < end_ns:
        span = session.span(at_ns)
        until_ns = min(span.end_ns, end_ns)
        if span.is_open:
            yield at_ns, until_ns
        at_ns = until_ns


def expected_minutes(session: Session, from_ns: int, to_ns: int) -> Iterator[int]:
    """Starts of the minutes in `[from_ns, to_ns)` in which the market trades, oldest first."""
    for start_ns, end_ns in open_stretches(session, from_ns, to_ns):
        yield from range(start_ns, end_ns, MINUTE_NS)


def count_minutes(session: Session, from_ns: int, to_ns: int) -> int:
    """How many `expected_minutes` there are."""
    stretches = open_stretches(session, from_ns, to_ns)
    return sum((end_ns - start_ns) // MINUTE_NS for start_ns, end_ns in stretches)


def missing_runs(
    starts_ns: Collection[int], session: Session, from_ns: int, to_ns: int
) -> list[tuple[int, int]]:
    """Runs of minutes in `[from_ns, to_ns)` in which the market trades and of which there is no bar.

    Args:
        starts_ns: Starts of the bars that are there, in any order; others than asked for do no harm.
        session: Calendar; it knows no holidays, so a holiday is missing as a whole.
        from_ns: Minutes that start here or later.
        to_ns: Minutes that start before.

    Returns:
        `[start, end)` of each run in ns, oldest first; none goes over a time in which the market is closed.
    """
    there = sorted({start_ns for start_ns in starts_ns if from_ns <= start_ns < to_ns})
    runs: list[tuple[int, int]] = []
    place = 0
    for start_ns, end_ns in open_stretches(session, from_ns, to_ns):
        at_ns = start_ns
        while place < len(there) and there[place] < end_ns:
            found_ns = there[place]
            place += 1
            if found_ns < at_ns or found_ns % MINUTE_NS:
                continue
            if found_ns > at_ns:
                runs.append((at_ns, found_ns))
            at_ns = found_ns + MINUTE_NS
        if at_ns < end_ns:
            runs.append((at_ns, end_ns))
    return runs
