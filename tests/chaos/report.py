"""The tables of a run and its verdict. Pure."""

from __future__ import annotations

import bisect
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocol.crash import POINTS
from tests.chaos.checks import Check
from tests.chaos.plan import CRASH, KINDS, Done

FRESH_LIMIT_S: Final = 5.0
_SLACK_NS: Final = 1_000_000_000
_NOBODY: Final = "(no fault)"


class Run(msgspec.Struct, kw_only=True):
    """Everything a run has brought."""

    settings: dict[str, Any]
    actors: list[str]
    skipped: list[str]
    """What could not be done here, and why."""
    done: list[Done]
    crashes_ns: list[int]
    """Wall clock of each actor that ended itself."""
    crash_points: dict[str, int]
    storms_s: list[float]
    troubles: list[str]
    """What was not well when patience ended."""
    checks: list[Check]
    events: int
    """Orders that the simulator made."""
    skipped_ms: int
    """Time that the simulator could not keep up with."""
    restarts: int
    promised: int
    is_without_replay: bool


class KindRow(msgspec.Struct):
    """One line of the table of faults."""

    kind: str
    times: int = 0
    lost: int = 0
    doubled: int = 0
    bad_candles: int = 0
    fresh_s: list[float] = []


def count_of(run: Run) -> int:
    """Faults that happened, those that actors did to themselves included."""
    return sum(1 for one in run.done if not one.refusal) + len(run.crashes_ns)


def rows_of(run: Run) -> list[KindRow]:
    """What each kind of fault did: a loss belongs to the last fault that had begun before it."""
    rows = {kind: KindRow(kind, fresh_s=[]) for kind in (*KINDS, _NOBODY)}
    timeline = sorted(
        [(one.begun_ns, one.fault.kind) for one in run.done if not one.refusal]
        + [(at_ns, CRASH) for at_ns in run.crashes_ns]
    )
    for _, kind in timeline:
        rows[kind].times += 1
    for one in run.done:
        if one.fresh_s is not None and not one.refusal:
            rows[one.fault.kind].fresh_s.append(one.fresh_s)
    starts = [at_ns for at_ns, _ in timeline]

    def blamed(ts_ns: int) -> KindRow:
        at = bisect.bisect_right(starts, ts_ns + _SLACK_NS) - 1
        return rows[timeline[at][1] if at >= 0 else _NOBODY]

    for check in decisive(run.checks):
        for ts_ns in check.lost_ts_ns:
            blamed(ts_ns).lost += 1
        for ts_ns in check.doubled_ts_ns:
            blamed(ts_ns).doubled += 1
        for ts_ns in check.bad_bars_ns:
            blamed(ts_ns).bad_candles += 1
    return [row for row in rows.values() if row.times or row.lost or row.doubled or row.bad_candles]


def decisive(checks: Sequence[Check]) -> list[Check]:
    """Storage's trades and minutes, or the next best: one loss is not to be counted in three places."""
    found = []
    for names in (
        ("storage trades", "journal trades", "hub trades"),
        ("storage candles 1m", "hub candles 1m"),
    ):
        by_name = {check.what: check for check in checks}
        found += [by_name[name] for name in names if name in by_name][:1]
    return found


def complaints_of(checks: Sequence[Check]) -> list[str]:
    """What is not as it is in truth."""
    return [
        f"{one.what}: lost {one.lost:,}, doubled {one.doubled:,}, wrong {one.wrong:,} of {one.expected:,}"
        if one.expected or one.wrong
        else f"{one.what}: nothing to compare"
        for one in checks
        if one.is_fatal and not one.is_clean
    ]


def complaints(run: Run) -> list[str]:
    """Why the run has failed; empty if it has not."""
    found = complaints_of(run.checks)
    if count_of(run) < run.promised:
        found.append(f"{count_of(run)} faults, promised were {run.promised}")
    kills = [one for one in run.done if one.fault.kind == "kill" and not one.refusal]
    late = [one for one in kills if (one.fresh_s or 0.0) > FRESH_LIMIT_S]
    found += [
        f"{one.fault.target} fresh {one.fresh_s:.1f} s after kill -9 {one.complaint}".rstrip() for one in late
    ]
    return [*found, *run.troubles]


def has_losses(run: Run) -> bool:
    """Whether the checker found anything lost or any candle wrong: what a run without replay must show."""
    return any(one.lost or one.bad_bars_ns for one in run.checks)


def is_passed(run: Run) -> bool:
    """Zeros, as many faults as promised, fresh in time; without replay: losses that were found."""
    return has_losses(run) if run.is_without_replay else not complaints(run)


def text_of(run: Run) -> str:
    """The tables for a terminal."""
    rows = rows_of(run)
    head = ("fault", "times", "lost", "doubled", "wrong candles", "measured", "fresh p50 s", "worst s")
    lines = [head, *(_line(row.kind, [row]) for row in rows), _line("total", rows)]
    totals = [
        f"actors {' '.join(run.actors)}",
        f"{run.events:,} orders simulated, {run.skipped_ms / 1000:.1f} s of them skipped; {run.restarts} restarts",
    ]
    if run.storms_s:
        p50, worst = statistics.median(run.storms_s), max(run.storms_s)
        totals.append(f"{len(run.storms_s)} storms: well again after p50 {p50:.2f} s, worst {worst:.2f} s")
    if CRASH in run.settings.get("faults", ()):
        totals.append(
            "crash points " + " ".join(f"{name}={count}" for name, count in run.crash_points.items())
        )
        alone = [name for name in POINTS if not name.startswith("claim.")]  # nothing is divided here
        never = [name for name in alone if name not in run.crash_points]
        totals += [f"crash points that ended nobody: {' '.join(never)}"] if never else []
    refused = Counter(f"{one.fault.kind}: {one.refusal}" for one in run.done if one.refusal)
    totals += [f"not done {count}x {what}" for what, count in refused.most_common(8)]
    totals += [f"left out: {what}" for what in run.skipped]
    return "\n".join(
        [_table(lines), "", *totals, "", _table(_check_lines(run)), *_examples(run), "", verdict_of(run)]
    )


def verdict_of(run: Run) -> str:
    """The last lines: passed, or every reason why not."""
    found = complaints(run)
    if run.is_without_replay:
        what = (
            "the checker found losses, as it must" if has_losses(run) else "FAILED: the checker found nothing"
        )
        return "\n".join([f"without replay: {what}", *(f"  {one}" for one in found)])
    return "\n".join(["FAILED", *(f"  {one}" for one in found)]) if found else "PASSED"


def document_of(run: Run) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "passed": is_passed(run),
        "complaints": complaints(run),
        "faults": count_of(run),
        "kinds": [msgspec.to_builtins(row) for row in rows_of(run)],
        "schedule": [one.to_dict() for one in run.done],
        **{
            name: msgspec.to_builtins(getattr(run, name))
            for name in run.__struct_fields__
            if name not in {"done", "checks"}
        },
        "checks": [
            {key: value for key, value in msgspec.to_builtins(one).items() if not key.endswith("_ns")}
            for one in run.checks
        ],
    }


def _line(name: str, rows: Sequence[KindRow]) -> Sequence[str]:
    fresh = [seconds for row in rows for seconds in row.fresh_s]
    return (
        name,
        f"{sum(row.times for row in rows):,}",
        f"{sum(row.lost for row in rows):,}",
        f"{sum(row.doubled for row in rows):,}",
        f"{sum(row.bad_candles for row in rows):,}",
        f"{len(fresh)}",
        f"{statistics.median(fresh):.2f}" if fresh else "",
        f"{max(fresh):.2f}" if fresh else "",
    )


def _check_lines(run: Run) -> list[Sequence[str]]:
    lines: list[Sequence[str]] = [("compared", "expected", "lost", "doubled", "wrong", "verdict", "note")]
    for one in run.checks:
        verdict = "ok" if one.is_clean else "BAD" if one.is_fatal else "told"
        numbers = (one.expected, one.lost, one.doubled, one.wrong)
        lines.append((one.what, *(f"{number:,}" for number in numbers), verdict, one.note))
    return lines


def _examples(run: Run) -> list[str]:
    return [f"  {text}" for one in run.checks if not one.is_clean for text in one.examples]


def _table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    found = []
    for line in lines:
        cells = zip(line[1:], widths[1:], strict=True)
        found.append(
            "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in cells)]).rstrip()
        )
    return "\n".join(found)
