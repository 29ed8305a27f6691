"""Waiting for backfills: a bar, why it does not go on, and what Ctrl-C leaves behind. Not a command."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.progress import Ticker

if TYPE_CHECKING:
    from actors.runtime.clock import Clock
    from tapehub.bar_desks import Running

LOOK_S: Final = 0.25
"""Between two looks."""
ABSENT_S: Final = 30.0
"""A collector that does not answer for so long is not waited for: supervisord would have started it again."""


def jobs_until_done(
    desks: Sequence[tuple[Running, Sequence[str]]],
    calls: int,
    least_s: float,
    timeout_s: float | None,
    clock: Clock,
) -> dict[str, dict[str, Any]]:
    """Wait for the end of some backfills.

    Args:
        desks: Collectors with the ids of the backfills there.
        calls: What they cost.
        least_s: Time they take at least.
        timeout_s: Longest wait; None: no limit.
        clock: For deadlines.

    Returns:
        Id to what its collector told last.

    Raises:
        Failure: a collector has gone, or the time is up.
        KeyboardInterrupt: Ctrl-C; the backfills go on.
    """
    from tapehub.refill_progress import RUNNING, Pace, merged_jobs, progress_text, sums

    known: dict[str, dict[str, Any]] = {}
    pace = Pace(clock.mono_ns())

    def look() -> bool:
        for desk, ids in desks:
            merged_jobs(known, ids, desk.backfills())
        found = sums(list(known.values()))
        pace.see(found.share, found.minutes)
        return all(job["state"] != RUNNING for job in known.values())

    def text(now_ns: int) -> str:
        return progress_text(sums(list(known.values())), calls, least_s, pace, now_ns)

    until(look, text, timeout_s, clock)
    return known


def until(
    look: Callable[[], bool], text: Callable[[int], str], timeout_s: float | None, clock: Clock
) -> None:
    """Look again and again until it is done, and show how far it is.

    Args:
        look: Asks; returns whether it is done. What it raises because a collector is away is waited out for a while.
        text: Makes the line of the time (monotonic, ns).
        timeout_s: Longest wait; None: no limit.
        clock: For deadlines.

    Raises:
        Failure: a collector has gone, or the time is up.
    """
    from tapehub.bar_desks import ABSENT

    ticker, pause = Ticker(clock), threading.Event()
    began_ns = heard_ns = clock.mono_ns()
    try:
        while True:
            try:
                if look():
                    return
                heard_ns = clock.mono_ns()
                ticker.draw(text)
            except ABSENT as fault:
                _patience(fault.message, heard_ns, ticker, clock)
            if timeout_s is not None and clock.mono_ns() - began_ns >= timeout_s * 1e9:
                what = f"not done within {timeout_s:g} s; it goes on"
                raise Failure(what, "tapehub backfill status", exit_codes.TIMEOUT)
            pause.wait(LOOK_S)
    finally:
        ticker.close()


def _patience(why: str, heard_ns: int, ticker: Ticker, clock: Clock) -> None:
    """A collector is away: it is started again, and goes on where it was."""
    if clock.mono_ns() - heard_ns >= ABSENT_S * 1e9:
        fix = "tapehub up -d: what was ordered goes on then; tapehub backfill status"
        raise Failure(why, fix, exit_codes.UNREACHABLE)
    ticker.draw(lambda _now_ns: f"waiting for the collector: {why}")
