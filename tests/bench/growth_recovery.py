"""Past saturation: a hub gets twice what it takes for some seconds, then half of it. How far behind it falls, and how soon it is back.

The hub shares its core with three processes that never rest, so that a feeder can send twice what it takes. Once with nine quotes to
a trade, which it may conflate, once with trades only, which it may not.
"""

from __future__ import annotations

import threading
import time
from typing import Final, NamedTuple

from tests.bench.growth_rates import SYMBOLS, sharing, taken_by
from tests.bench.growth_stage import Growing
from tests.bench.report import Row, say
from tests.bench.series import Plot, plot_of

HUB: Final = "hub.1"
FLAT_OUT_PER_S: Final = 400_000.0
FACTOR: Final = 2.0
HOGS: Final = 3
WARM_S: Final = 0.5
LOOK_S: Final = 0.1
LIMIT_S: Final = 1.0
LONGEST_S: Final = 120.0


class Recovery(NamedTuple):
    """One overload."""

    capacity_per_s: float
    factor: float
    """Of it that was really sent."""
    worst_s: float
    recovered_s: float
    """From the fall of the rate to a lag below the limit; 0: it never was above."""
    conflated: int
    missing: int
    at_s: list[float]
    behind_s: list[float]


def overload(quotes_per_trade: int, capacity: float, seconds: float) -> Recovery:
    """Send twice what it takes, then half."""
    with (
        Growing([HUB], SYMBOLS, quotes_per_trade, is_alone=True, lagging_s=LIMIT_S) as stage,
        sharing(stage, HUB, HOGS),
    ):
        at_s: list[float] = []
        behind_s: list[float] = []
        started_s = time.monotonic()

        def look() -> float:
            told = stage.status(HUB).get("lagging") or {}
            at_s.append(time.monotonic() - started_s)
            behind_s.append(float(told.get("behind_s", 0.0)))
            return behind_s[-1]

        before, counted = stage.count(), counters(stage)
        stage.rate(capacity * FACTOR)
        while time.monotonic() < started_s + seconds:
            look()
            threading.Event().wait(LOOK_S)
        sent, took_s = stage.count()["frames"] - before["frames"], time.monotonic() - started_s
        stage.rate(capacity / 2)
        fell_s = time.monotonic()
        recovered_s = 0.0
        calm = 0
        while calm < 5 and time.monotonic() < fell_s + LONGEST_S:
            if look() > 0:
                recovered_s, calm = time.monotonic() - fell_s, 0
            else:
                calm += 1
            threading.Event().wait(LOOK_S)
        stage.rate(0)
        after = counters(stage)
        return Recovery(
            capacity, sent / took_s / capacity, max(behind_s), recovered_s,
            after.get("quotes_conflated", 0) - counted.get("quotes_conflated", 0), after.get("frames_missing", 0), at_s, behind_s,
        )  # fmt: skip


def counters(stage: Growing) -> dict[str, int]:
    """Of the hub."""
    found: dict[str, int] = stage.status(HUB).get("counters", {})
    return found


def capacity_of(seconds: float) -> float:
    """Frames a second that it takes while more wait than it can, and none of them may be left out: trades only."""
    with Growing([HUB], SYMBOLS, 0, is_alone=True) as stage, sharing(stage, HUB, HOGS):
        stage.rate(FLAT_OUT_PER_S)
        threading.Event().wait(WARM_S)
        before, began_s = taken_by(stage, HUB), time.monotonic()
        threading.Event().wait(seconds)
        taken, ended_s = taken_by(stage, HUB) - before, time.monotonic()
        return taken / (ended_s - began_s)


def run(seconds: float) -> tuple[list[Row], list[Plot]]:
    """Two rows, one plot."""
    rows, curves = [], {}
    say("% growth: what a hub with a quarter of a core takes")
    capacity = capacity_of(seconds / 2)
    for what, quotes_per_trade in (("nine quotes to a trade", 9), ("trades only", 0)):
        say(f"% growth: overload, {what}")
        found = overload(quotes_per_trade, capacity, seconds)
        note = (
            f"{found.factor:.1f} times its {found.capacity_per_s:,.0f} frames/s for {seconds:g} s, then half of them; {found.worst_s:.1f} s behind when "
            f"it was worst; {found.conflated:,} quotes conflated, {found.missing} frames missing"
        )
        rows.append(
            Row(
                "growth",
                f"hub, back below {LIMIT_S:g} s of lag, {what}",
                found.recovered_s,
                0.0,
                "s",
                0.0,
                note=note,
            )
        )
        curves[what] = found
    plot = plot_of("growth-recovery", "A hub that gets twice what it takes, then half", "seconds", "behind, s", [], {},
                   None, f"the rate falls after {seconds:g} s; below {LIMIT_S:g} s it is not said to lag")  # fmt: skip
    plot["series"] = [
        {"name": what, "x": [round(at, 2) for at in found.at_s], "y": found.behind_s}
        for what, found in curves.items()
    ]
    return rows, [plot]
