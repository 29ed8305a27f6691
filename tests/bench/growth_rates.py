"""Growth with the rate of events, up to and past what one actor takes: cost of an event, share taken, lag.

Each actor alone behind a feeder. The rate goes up step by step until less than `SHARE` of what was sent is taken, and two
steps further. The hub, which takes more frames than one process in Python can send, has its core halved: a process that
never rests shares it; and each event has a frame of its own, which is dearest.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.bench.growth_stage import FEEDER, Growing
from tests.bench.knees import SHARE, Knee, falling, reason, saturated
from tests.bench.report import Row, say
from tests.bench.series import Plot, plot_of

RATES_PER_S: Final = (
    1000,
    2000,
    5000,
    10_000,
    20_000,
    40_000,
    60_000,
    80_000,
    100_000,
    140_000,
    200_000,
    280_000,
    400_000,
)
ACTORS: Final = ("aggregator.1", "orderflow.1", "hub.1")
HALVED: Final = ("hub.1",)
SYMBOLS: Final = 20
QUOTES_PER_TRADE: Final = 3
COUNTED: Final = {
    "aggregator": (
        ("ticks_received",),
        QUOTES_PER_TRADE + 1,
    ),  # it counts trades, and hears as many quotes to each
    "orderflow": (("events_received",), 1),
    "hub": (("ticks_received", "trades_received"), 1),
}
"""Kind to the counters that stand for events applied, and for how many each of them does."""
PAST: Final = 2
"""Steps beyond saturation."""
HOG: Final = "while True: pass"


class Step(NamedTuple):
    """One rate."""

    sent_per_s: float
    """Events, by the feeder."""
    taken_per_s: float
    """Events, by the actor's own count of what it has applied."""
    cost_us: float
    """Of one event taken."""
    fill: float
    """Events to a frame."""
    lag_s: float
    """p99 of the last second."""
    share: float
    """Of a core that the actor had."""


@contextlib.contextmanager
def sharing(stage: Growing, name: str, hogs: int = 1) -> Iterator[None]:
    """An actor shares its core with so many processes that never rest; the feeder has another one."""
    with contextlib.ExitStack() as stack:
        stage.pin([name], 0)
        stage.pin([FEEDER, "journal.1"], 1)
        for _ in range(hogs):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", HOG]))
            stack.callback(hog.kill)
            stage.pin_pid(hog.pid, 0)
        yield


def step(stage: Growing, name: str, rate_per_s: float, seconds: float) -> Step:
    """One rate, for so long."""
    stage.rate(rate_per_s)
    threading.Event().wait(seconds / 3)
    before = taken_by(stage, name)
    spent = stage.spend(seconds)
    taken = taken_by(stage, name) - before
    return Step(
        spent.events / seconds,
        taken / seconds,
        spent.cpu_s[name] / max(1, taken) * 1e6,
        spent.events / max(1, spent.frames),
        stage.status(name).get("lag_p99_s") or 0.0,
        spent.share(name),
    )


def taken_by(stage: Growing, name: str) -> int:
    """Events of the feeder that an actor has applied."""
    counted = stage.status(name)["counters"]
    names, each = COUNTED[name.partition(".")[0]]
    return sum(counted.get(one, 0) for one in names) * each


def climb(name: str, seconds: float, rates: tuple[int, ...]) -> list[Step]:
    """Up to saturation and past it, or as far as the feeder comes."""
    is_halved, found, past = name in HALVED, list[Step](), 0
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Growing([name], SYMBOLS, QUOTES_PER_TRADE, is_alone=is_halved))
        if is_halved:
            stack.enter_context(sharing(stage, name))
        for rate in rates:
            say(f"% growth: {name} at {rate:,} events/s")
            one = step(stage, name, rate, seconds)
            if one.sent_per_s < 0.9 * rate:
                say(f"  the feeder sends {one.sent_per_s:,.0f}")
                if found and one.sent_per_s < found[-1].sent_per_s * 1.05:
                    break
            found.append(one)
            past += past > 0 or one.taken_per_s < SHARE * one.sent_per_s
            if past > PAST:
                break
    return found


def run(seconds: float, rates: tuple[int, ...] = RATES_PER_S) -> tuple[list[Row], list[Plot]]:
    """A row and two plots per actor."""
    rows: list[Row] = []
    plots: list[Plot] = []
    for name in ACTORS:
        steps = climb(name, seconds, rates)
        rows += rows_of(name, steps)
        plots += plots_of(name, steps)
    return rows, plots


def rows_of(name: str, steps: list[Step]) -> list[Row]:
    """What it takes at most, and what an event costs at the ends."""
    most = max(one.taken_per_s for one in steps)
    first, best = steps[0], min(steps, key=lambda one: one.cost_us)
    limit = saturated([one.sent_per_s for one in steps], [one.taken_per_s for one in steps])
    where = "half a core, an event to a frame" if name in HALVED else "a core"
    if limit is None:
        text = "took all that the feeder could send"
    else:
        text = f"the last rate it kept up with: {limit:,.0f} events/s"
    return [
        Row("growth", f"{name}, most events on {where}", most, 0.0, "events/s", 0.0, note=text),
        Row("growth", f"{name}, an event at its cheapest against {first.sent_per_s:,.0f}/s", best.cost_us, first.cost_us, "us/event",
            best.cost_us / first.cost_us, note=f"{first.fill:.1f} events to a frame, then {best.fill:.1f} at {best.sent_per_s:,.0f} events/s"),
    ]  # fmt: skip


def plots_of(name: str, steps: list[Step]) -> list[Plot]:
    """Cost against rate, and what was taken and how late it was."""
    xs = [one.sent_per_s for one in steps]
    costs, taken = [one.cost_us for one in steps], [one.taken_per_s for one in steps]
    where = "half a core, an event to a frame" if name in HALVED else f"a core of its own, {SYMBOLS} symbols"
    from_here = falling(xs, costs)
    bend = None
    if from_here is not None:
        place = xs.index(from_here) + 1
        causes = {
            "events to a frame": [one.fill for one in steps],
            "share of a core": [one.share for one in steps],
        }
        bend = Knee(from_here, "cost falls up to here, then stays; " + reason(causes, costs, place))
    last = saturated(xs, taken)
    knee = None
    if last is not None:
        full = next(one for one in steps if one.taken_per_s < SHARE * one.sent_per_s)
        knee = Knee(
            last,
            f"at the next rate it has {full.share:.0%} of a core and takes {full.taken_per_s / full.sent_per_s:.0%} of what is sent",
        )
    short = name.partition(".")[0]
    return [
        plot_of(f"growth-rate-cost-{short}", f"{name}: cost of an event against the rate", "events/s sent", "us of a core per event",
                xs, {"cost": costs}, bend, where),
        plot_of(f"growth-rate-taken-{short}", f"{name}: taken against sent", "events/s sent", "events/s", xs,
                {"taken": taken, "sent": xs}, knee, where),
        plot_of(f"growth-rate-lag-{short}", f"{name}: lag against the rate", "events/s sent", "lag p99, ms", xs,
                {"lag": [max(0.001, one.lag_s * 1000) for one in steps]}, knee, where),
    ]  # fmt: skip
