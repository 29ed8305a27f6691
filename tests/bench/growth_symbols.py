"""Growth with symbols: what an event costs each actor, what it takes at rest, and its memory, from 3 symbols to 5,000.

All actors run at once behind one feeder at a steady rate. First all symbols are made known, then the load is measured: all
processor time, divided by the events. Then the rest: heartbeats and watermarks go on, and what a symbol causes each second
without an event (candles, windows of order flow), but no event comes.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from tests.bench.growth_stage import Growing, Spent
from tests.bench.knees import Knee, reason, rising
from tests.bench.report import Row, say
from tests.bench.series import Plot, plot_of

ACTORS: Final = ("hub.1", "aggregator.1", "orderflow.1", "detector.1", "persistence.1")
SYMBOLS: Final = (3, 10, 50, 200, 1000, 5000)
RATE_PER_S: Final = 4000.0
WARM_S: Final = 4.0
SECONDS: Final = 4.0
QUIET_S: Final = 1.5
"""Until what came last is stored."""
SETTLE_S: Final = 12.0
"""So long who lags may catch up before the rest is measured."""
SETTINGS: Final = {"persistence.1": {"batch_s": 0.5}}


def measured(symbols: int, seconds: float) -> tuple[Spent, Spent, dict[str, float]]:
    """(under load, at rest, memory by actor in MiB) with so many symbols."""
    with Growing(ACTORS, symbols, settings=SETTINGS) as stage:
        stage.rate(RATE_PER_S)
        threading.Event().wait(max(WARM_S * seconds / SECONDS, symbols * 8 / RATE_PER_S))
        load = stage.spend(seconds)
        memory = {name: stage.memory_mib(name) for name in ACTORS}
        stage.rate(0)
        threading.Event().wait(QUIET_S)
        end_s = time.monotonic() + SETTLE_S
        while any(stage.status(name).get("lagging") for name in ACTORS) and time.monotonic() < end_s:
            threading.Event().wait(QUIET_S)
        return load, stage.spend(seconds), memory


def run(seconds: float, counts: tuple[int, ...] = SYMBOLS) -> tuple[list[Row], list[Plot]]:
    """Rows of the ends, and three plots."""
    costs: dict[str, list[float]] = {name: [] for name in ACTORS}
    rests: dict[str, list[float]] = {name: [] for name in ACTORS}
    sizes: dict[str, list[float]] = {name: [] for name in ACTORS}
    fill: list[float] = []
    for count in counts:
        say(f"% growth: {count:,} symbols")
        load, rest, memory = measured(count, seconds)
        fill.append(load.events / max(1, load.frames))
        for name in ACTORS:
            costs[name].append(load.cost_us(name))
            rests[name].append(rest.share(name) * 100)
            sizes[name].append(memory[name])
    xs = [float(count) for count in counts]
    total = [sum(costs[name][place] for name in ACTORS) for place in range(len(xs))]
    told = f"{RATE_PER_S:,.0f} events/s, three quotes to a trade"
    resting = [sum(rests[name][place] for name in ACTORS) for place in range(len(xs))]
    weight = [sum(sizes[name][place] for name in ACTORS) for place in range(len(xs))]
    causes = {"at rest all together take, % of a core": resting, "events to a frame": fill}
    plots = [
        plot_of("growth-symbols-cost", "Cost of an event against symbols", "symbols", "us of a core per event",
                xs, {**costs, "all of them": total}, knee_of(xs, total, causes), told),
        plot_of("growth-symbols-rest", "What an actor takes at rest, against symbols", "symbols known", "% of a core",
                xs, rests, knee_of(xs, resting, {"symbols": xs}), "no event comes; heartbeats and watermarks do"),
        plot_of("growth-symbols-memory", "Memory against symbols", "symbols", "MiB",
                xs, sizes, knee_of(xs, weight, {"symbols": xs}), told),
    ]  # fmt: skip
    rows = []
    for name in (*ACTORS, "all of them"):
        ys = total if name == "all of them" else costs[name]
        note = "; ".join(f"{count:,}: {cost:.1f}" for count, cost in zip(counts, ys, strict=True))
        if name in sizes:
            note += f" us. Memory {sizes[name][0]:.0f} to {sizes[name][-1]:.0f} MiB, at rest {rests[name][0]:.1f} to {rests[name][-1]:.1f} %"
        rows.append(
            Row("growth", f"{name}, {counts[-1]:,} symbols against {counts[0]}", ys[-1], ys[0], "us/event",
                ys[-1] / ys[0] if ys[0] else 0.0, note=note)
        )  # fmt: skip
    return rows, plots


def knee_of(xs: list[float], ys: list[float], causes: dict[str, list[float]]) -> Knee | None:
    """The last number up to which it hardly grows, and what was seen to change with it."""
    x = rising(xs, ys)
    return Knee(x, reason(causes, ys, len(ys))) if x is not None else None
