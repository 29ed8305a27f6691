"""How far backfills and the first history are, in numbers and on one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.collector.bars.judging.calendar import count_minutes
from protocol.sessions import Session
from tapehub.provider_rows import clock_text

DAY_NS: Final = 86_400_000_000_000
RUNNING: Final = "running"
DONE: Final = "done"
CANCELLED: Final = "cancelled"
FORGOTTEN: Final = "forgotten"
"""Of a backfill that its collector knows no longer: it was over before a restart."""
_NOTHING: Final[Mapping[str, Any]] = {
    "symbol": "", "provider": "", "from_ns": 0, "to_ns": 0, "reached_ns": 0, "minutes": 0, "missing": 0, "calls": 0,
    "why": "",
}  # fmt: skip
_BAR_WIDTH: Final = 24


class Sums(NamedTuple):
    """Several backfills together."""

    label: str
    """The instrument, or how many of them."""
    running: int
    share: float
    days: float
    """Reached."""
    of_days: float
    minutes: int
    """Published, those without a bar too."""
    missing: int
    calls: int
    why: str
    """Why one of them does not go on; empty if all do."""


class History(NamedTuple):
    """The beginnings of all instruments of a collector."""

    loading: int
    """Instruments that are not there yet."""
    minutes: int
    """In market hours, that are there."""
    of_minutes: int
    share: float
    calls: int
    why: str
    eta_s: float | None


def sums(jobs: Sequence[Mapping[str, Any]]) -> Sums:
    """Several backfills as one.

    Args:
        jobs: As their collector describes them, or as they were when it did so last.
    """
    symbols = list(dict.fromkeys(job["symbol"] for job in jobs))
    wanted_ns = sum(job["to_ns"] - job["from_ns"] for job in jobs)
    reached_ns = sum(reached(job) for job in jobs)
    return Sums(
        label=symbols[0] if len(symbols) == 1 else f"{len(symbols)} symbols",
        running=sum(job["state"] == RUNNING for job in jobs),
        share=reached_ns / wanted_ns if wanted_ns else 1.0,
        days=reached_ns / DAY_NS,
        of_days=wanted_ns / DAY_NS,
        minutes=sum(job["minutes"] for job in jobs),
        missing=sum(job["missing"] for job in jobs),
        calls=sum(job["calls"] for job in jobs),
        why=next((job["why"] for job in jobs if job["state"] == RUNNING and job["why"]), ""),
    )


def reached(job: Mapping[str, Any]) -> int:
    """How much of its stretch a backfill is over with, ns."""
    whole: int = job["to_ns"] - job["from_ns"]
    return whole if job["state"] in (DONE, FORGOTTEN) else job["reached_ns"] - job["from_ns"]


def history_of(
    found: Mapping[str, Any], sessions: Mapping[str, Session], uptime_s: float, now_ns: int
) -> History:
    """How far the first history is.

    Args:
        found: What a collector answers to `rest`.
        sessions: Calendar of each instrument.
        uptime_s: How long it runs.
        now_ns: Now.
    """
    told = found["history"]
    there = wanted = 0
    for symbol, one in found["instruments"].items():
        begin_ns, next_ns = one.get("begin_ns", 0), one.get("next_ns", 0)
        if begin_ns and symbol in sessions:
            there += count_minutes(sessions[symbol], begin_ns, min(next_ns, now_ns))
            wanted += count_minutes(sessions[symbol], begin_ns, now_ns)
    loading = told["waiting"] + told["loading"]
    per_s = told["minutes"] / uptime_s if uptime_s > 0 else 0.0
    eta_s = (wanted - there) / per_s if loading and per_s and wanted else None
    share = there / wanted if wanted else told["share"]
    return History(loading, there, wanted, share, told["calls"], "; ".join(told["why"]), eta_s)


def history_text(history: History) -> str:
    """`history 43%, 1.1 M of 2.6 M minutes, eta 02:10  (why it waits)`."""
    if not history.loading:
        return (
            f"history is there: {many_text(history.minutes)} minutes"
            if history.minutes
            else "history is there"
        )
    parts = [f"history {int(100 * history.share)}%"]
    if history.of_minutes:
        parts.append(f"{many_text(history.minutes)} of {many_text(history.of_minutes)} minutes")
    parts.append(f"{history.loading} instruments loading" if history.loading > 1 else "1 instrument loading")
    if history.eta_s is not None:
        parts.append(f"eta {clock_text(history.eta_s)}")
    return ", ".join(parts) + (f"  ({history.why})" if history.why else "")


class Pace:
    """How fast it goes, since it is looked at: what was done before says nothing of what is left.

    Args:
        now_ns: When that begins, monotonic.
    """

    def __init__(self, now_ns: int) -> None:
        self._began_ns = now_ns
        self._share: float | None = None
        self._minutes = 0

    def see(self, share: float, minutes: int) -> None:
        """Take the first look as the beginning; after a restart of the collector minutes count anew."""
        if self._share is None:
            self._share, self._minutes = share, minutes
        self._minutes = min(self._minutes, minutes)

    def per_s(self, minutes: int, now_ns: int) -> float:
        """Minutes in each second."""
        elapsed_s = (now_ns - self._began_ns) / 1e9
        return (minutes - self._minutes) / elapsed_s if elapsed_s > 0 else 0.0

    def eta_s(self, share: float, now_ns: int) -> float | None:
        """Time that is left, seconds; None: nothing has moved yet."""
        moved = share - (self._share or 0.0)
        if moved <= 0:
            return None
        return (now_ns - self._began_ns) / 1e9 / moved * (1.0 - share)


def bar(share: float) -> str:
    """`################--------`."""
    filled = int(_BAR_WIDTH * min(1.0, max(0.0, share)))
    return "#" * filled + "-" * (_BAR_WIDTH - filled)


def progress_text(found: Sums, expected_calls: int, least_s: float, pace: Pace, now_ns: int) -> str:
    """One line of progress.

    Args:
        found: Where the backfills are.
        expected_calls: What they cost.
        least_s: Time they take at least, for as long as nothing has moved.
        pace: How fast it goes.
        now_ns: Monotonic.
    """
    eta_s = pace.eta_s(found.share, now_ns)
    left_s = least_s if eta_s is None else eta_s
    parts = [
        found.label,
        f"{bar(found.share)} {int(100 * found.share):3d}%",
        f"{found.days:.0f}/{found.of_days:.0f} days" if found.of_days >= 2 else "",
        f"{pace.per_s(found.minutes, now_ns):,.0f} minutes/s",
        f"calls {found.calls} of ~{max(found.calls, expected_calls)}",
        f"eta {clock_text(left_s)}" if left_s else "",
        f"({found.why})" if found.why else "",
    ]
    return "  ".join(filter(None, parts))


def many_text(number: int) -> str:
    """A count as a person reads it: `812`, `43,200`, `2.6 M`."""
    return f"{number / 1e6:.1f} M" if number >= 1_000_000 else f"{number:,}"


def merged_jobs(
    known: dict[str, dict[str, Any]], ids: Iterable[str], told: Mapping[str, Mapping[str, Any]]
) -> None:
    """Enter what a collector says of some backfills; one that it knows no longer was over before a restart.

    Args:
        known: What was known of them, changed in place.
        ids: Those that are waited for.
        told: By id, all that it knows.
    """
    for job_id in ids:
        if job_id in told:
            known[job_id] = dict(told[job_id])
        elif job_id not in known or known[job_id]["state"] == RUNNING:
            known[job_id] = {**_NOTHING, "job_id": job_id, **known.get(job_id, {}), "state": FORGOTTEN}
