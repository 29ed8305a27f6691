"""What an event costs each actor: processor time of the whole default system under supervisord, over the events of its venue.

An event is a message that the collector takes from the venue and publishes: a quote, a trade, a change of a book. The system is
measured at rest and under load; the difference, divided by the events, is what one more costs. The rest is heartbeats and timers,
and stays whatever the market does. docs/scale.md reckons with these numbers.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Final, NamedTuple

from protocol.client import Hub
from tests.bench.report import Row, say
from tests.chaos.stage import Stage, StageError, run_folder
from tests.chaos.topology import SIMULATOR, STREAMS_PER_SYMBOL, SYMBOLS
from tests.soak.sampling import sample_of
from tests.soak.topology import write_topology
from tests.support.paths import free_port

RATES_PER_S: Final = (2000.0, 10_000.0)
"""Orders a second. The busier, the more events share a frame, and the less each costs."""
LEAST_US: Final = 0.5
"""Less cannot be told from the noise of what an actor does at rest."""
SECONDS: Final = 20.0
WARMUP_S: Final = 10.0
START_S: Final = 90.0
KINDS: Final = ("quote", "trade", "book", "liquidation")


class Spell(NamedTuple):
    """A stretch of time."""

    seconds: float
    events: int
    cpu_s: dict[str, float]
    """By actor."""
    rss_mib: dict[str, float]


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Cost of an event for each actor, microseconds of one core; memory and rest beside it."""
    seconds = SECONDS / 5 if quick else SECONDS * max(1, rounds) / 5
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(run_folder(None))
        stage = Stage(run_dir, write_topology(run_dir, free_port(), free_port(), seed=1), {})
        stack.callback(stage.close)
        stage.start()
        _await_streams(stage)
        hub = stack.enter_context(Hub(run_dir, timeout_s=10.0))
        pause = threading.Event()
        pause.wait(WARMUP_S / 5 if quick else WARMUP_S)
        say("% scale: at rest")
        rest = _spell(stage, hub, seconds)
        found = []
        for rate_per_s in RATES_PER_S[:1] if quick else RATES_PER_S:
            stage.ask(SIMULATOR, "rate", per_s=rate_per_s)
            pause.wait(WARMUP_S / 5 if quick else WARMUP_S)
            say(f"% scale: at {rate_per_s:,.0f} orders a second")
            found += _rows(rest, _spell(stage, hub, seconds), rate_per_s)
    return found


def _rows(rest: Spell, load: Spell, rate_per_s: float) -> list[Row]:
    found = []
    total = 0.0
    rate = load.events / load.seconds
    at = f"at {rate_per_s:,.0f}/s"
    for name in load.cpu_s:
        idle = rest.cpu_s.get(name, 0.0) / rest.seconds
        # what looks about all the time anyhow (the gateway) may even rest when it is busy: that is no cost
        cost_us = max(0.0, (load.cpu_s[name] / load.seconds - idle) / rate * 1e6) if rate else 0.0
        if name != SIMULATOR:
            total += cost_us
        alone = (
            f"; a core of its own: {1e6 * (1 - idle) / cost_us:,.0f} events/s" if cost_us > LEAST_US else ""
        )
        note = f"at rest {idle * 100:.1f} % of a core; {load.rss_mib[name]:.0f} MiB{alone}"
        found.append(Row("scale", f"{name} {at}", cost_us, 0.0, "us/event", 0.0, note=note))
    note = f"{rate:,.0f} events/s really came; without the simulator"
    found.append(Row("scale", f"all actors {at}", total, 0.0, "us/event", 0.0, note=note))
    return found


def _spell(stage: Stage, hub: Hub, seconds: float) -> Spell:
    pids = {name: pid for name, pid in stage.pids().items() if pid}
    at_s, events = time.monotonic(), _events(hub)
    first = {name: found for name, pid in pids.items() if (found := sample_of(pid, at_s))}
    threading.Event().wait(seconds)
    last_s, taken = time.monotonic(), _events(hub) - events
    last = {name: found for name, pid in pids.items() if (found := sample_of(pid, last_s))}
    missing = set(first) - set(last)
    if missing:
        raise StageError(f"ended meanwhile: {', '.join(sorted(missing))}")
    return Spell(
        last_s - at_s,
        taken,
        {name: last[name].cpu_s - one.cpu_s for name, one in first.items()},
        {name: one.rss_mib for name, one in last.items()},
    )


def _events(hub: Hub) -> int:
    return sum(
        topic.events
        for topic in hub.topics()
        if topic.topic.partition(".")[0] in KINDS and ".binance." in topic.topic
    )


def _await_streams(stage: Stage) -> None:
    end_s, pause = time.monotonic() + START_S, threading.Event()
    while stage.ask(SIMULATOR, "status")["streams"] < len(SYMBOLS) * STREAMS_PER_SYMBOL:
        if time.monotonic() > end_s:
            raise StageError(f"the collector did not subscribe\n{stage.last_lines('collector.binance.1')}")
        pause.wait(0.1)
