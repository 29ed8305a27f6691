"""What a benchmark says: rows of goal, measured, ratio, verdict, and the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import zmq

from tests.support.paths import ROOT

VERDICTS: Final = ("ok", "MISS", "info")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing beside the thing it is compared with."""

    suite: str
    what: str
    measured: float
    baseline: float
    unit: str
    """Of `measured` and `baseline`."""
    ratio: float
    """`measured / baseline`, the median of the rounds; where the unit is a time and the goal a number of times faster,
    the other way round."""
    goal: float | None = None
    """What the ratio (or `measured`, where `of_value`) must reach; None: for information."""
    at_most: bool = True
    """True: reached when not above the goal (times). False: when not below it (throughput)."""
    of_value: bool = False
    """The goal is for `measured` itself."""
    note: str = ""
    goal_id: str = ""
    """Which promise of `goals.py` it decides or tells about; empty: none."""
    peer: str = ""
    """What it is compared with, in a word or two: `Redis GET`."""

    @property
    def verdict(self) -> str:
        """`ok`, `MISS`, or `info` where there is no goal."""
        if self.goal is None:
            return "info"
        value = self.measured if self.of_value else self.ratio
        return "ok" if (value <= self.goal if self.at_most else value >= self.goal) else "MISS"

    @property
    def goal_text(self) -> str:
        """The goal as a person writes it."""
        if self.goal is None:
            return ""
        sign = "<=" if self.at_most else ">="
        return f"{sign} {number(self.goal)} {self.unit}" if self.of_value else f"{sign} {self.goal:g}x"


def paired(rounds: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Medians of (ours, theirs) and the median ratio of the pairs: each pair ran back to back."""
    return (
        statistics.median(ours for ours, _ in rounds),
        statistics.median(theirs for _, theirs in rounds),
        statistics.median(ours / theirs for ours, theirs in rounds),
    )


def interleaved(
    rounds: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[float, float, float]:
    """Run both in turn, as many rounds; which goes first alternates. See `paired`."""
    found = []
    for number_ in range(rounds):
        if number_ % 2:
            mine = ours()
            found.append((mine, theirs()))
        else:
            other = theirs()
            found.append((ours(), other))
    return paired(found)


def in_turn(rounds: int, contenders: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run all contenders in each round; who goes first moves on from round to round. See `against`."""
    names = list(contenders)
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(contenders[name]())
    return found


def against(found: Mapping[str, Sequence[float]], ours: str, theirs: str) -> tuple[float, float, float]:
    """Two of the contenders of `in_turn`; see `paired`."""
    return paired(list(zip(found[ours], found[theirs], strict=True)))


def number(value: float) -> str:
    """Three or four digits that mean something."""
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """All rows for a terminal."""
    head = ("suite", "what", "measured", "against", "ratio", "goal", "verdict")
    cells = [
        (
            row.suite,
            row.what,
            f"{number(row.measured)} {row.unit}",
            " ".join(
                part
                for part in (row.peer, f"{number(row.baseline)} {row.unit}" if row.baseline else "")
                if part
            ),
            f"{row.ratio:.2f}x" if row.ratio else "",
            row.goal_text,
            row.verdict,
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *cells]
    ]
    notes = [f"  {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def machine() -> dict[str, Any]:
    """Where and on what it was measured."""
    return {
        "python": platform.python_version(),
        "libzmq": zmq.zmq_version(),
        "pyzmq": zmq.pyzmq_version(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.release()}",
        "load_1m": round(os.getloadavg()[0], 2),
        "commit": _commit(),
    }


def as_json(rows: Sequence[Row], facts: Mapping[str, Any] | None = None) -> str:
    """All rows, the machine, and further facts about the run, as one document."""
    found = [{**asdict(row), "verdict": row.verdict} for row in rows]
    return json.dumps({"machine": machine(), **(facts or {}), "rows": found}, indent=1)


def rows_of(document: Mapping[str, Any]) -> list[Row]:
    """The rows of such a document; what later versions add is left out."""
    known = {field.name for field in fields(Row)}
    return [Row(**{name: value for name, value in row.items() if name in known}) for row in document["rows"]]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError):
        return 0.0


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)
