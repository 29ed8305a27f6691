"""Growth with subscribers: what a frame costs its publisher, from 1 subscriber to 100. All of it: Python, and libzmq's thread.

`python -m tests.bench.growth_subscribers ENDPOINT COUNT` is the listeners: so many SUB sockets in one process, drained and
not looked at. Prints `ready` once each has had a frame.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Final

import zmq

from protocol.endpoints import Endpoints
from protocol.transport import Wire
from tests.bench.growth_feeder import NAME
from tests.bench.growth_stage import FEEDER, Growing
from tests.bench.knees import Knee, reason, rising
from tests.bench.report import Row, say
from tests.bench.series import Plot, plot_of
from tests.support.paths import ROOT
from tests.support.process import clean_environment

COUNTS: Final = (1, 2, 5, 10, 20, 50, 100)
RATE_PER_S: Final = 2000.0
SYMBOLS: Final = 20


def listen(endpoint: str, count: int) -> None:
    """Take and forget, for ever."""
    with Wire() as wire:
        sockets = [wire.subscriber([endpoint], [b""]).socket for _ in range(count)]
        poller, unheard = zmq.Poller(), set(sockets)
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                try:
                    while True:
                        socket.recv(zmq.NOBLOCK)
                except zmq.Again:
                    pass
                if unheard:
                    unheard.discard(socket)
                    if not unheard:
                        print("ready", flush=True)


def measured(count: int, seconds: float) -> tuple[float, float, float]:
    """(us per frame, MiB, frames handed out a second) of the publisher with so many subscribers."""
    with Growing((), SYMBOLS, is_alone=True) as stage:
        command = [
            sys.executable,
            "-m",
            "tests.bench.growth_subscribers",
            Endpoints(stage.run_dir).pub(NAME),
            str(count),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean_environment()
        ) as ears:
            try:
                assert ears.stdout is not None
                assert ears.stdout.readline() == "ready\n"
                rest = stage.spend(seconds / 2)
                stage.rate(RATE_PER_S)
                threading.Event().wait(seconds / 4)
                load = stage.spend(seconds)
                return (
                    load.cost_us(FEEDER, rest.share(FEEDER)),
                    stage.memory_mib(FEEDER),
                    load.frames / seconds * count,
                )
            finally:
                ears.kill()


def run(seconds: float, counts: tuple[int, ...] = COUNTS) -> tuple[list[Row], list[Plot]]:
    """One row, two plots."""
    costs, sizes, handed = [], [], []
    for count in counts:
        say(f"% growth: {count} subscribers")
        cost, size, out = measured(count, seconds)
        costs.append(cost)
        sizes.append(size)
        handed.append(out)
    xs = [float(count) for count in counts]
    x = rising(xs, costs)
    knee = (
        Knee(x, reason({"copies handed out a second": handed}, costs, len(costs))) if x is not None else None
    )
    told = f"{RATE_PER_S:,.0f} frames/s of one event each, journalled"
    each_us = (costs[-1] - costs[0]) / (counts[-1] - counts[0])
    note = f"{each_us:.2f} us for each further subscriber; memory {sizes[0]:.0f} to {sizes[-1]:.0f} MiB"
    rows = [
        Row("growth", f"publisher, {counts[-1]} subscribers against 1", costs[-1], costs[0], "us/frame", costs[-1] / costs[0],
            note=note)
    ]  # fmt: skip
    plots = [
        plot_of("growth-subscribers-cost", "Cost of a frame to its publisher against subscribers", "subscribers",
                "us of a core per frame", xs, {"publisher": costs}, knee, told),
        plot_of("growth-subscribers-memory", "Memory of a publisher against subscribers", "subscribers", "MiB", xs,
                {"publisher": sizes}, None, told),
    ]  # fmt: skip
    return rows, plots


if __name__ == "__main__":
    listen(sys.argv[1], int(sys.argv[2]))
