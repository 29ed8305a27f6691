"""How long a frame takes from publish to being visible in the hub, against one raw pyzmq hop.

The same feeder publishes single-event frames at a steady rate. The hub says its lag in its status: now minus
publish time of the newest frame of each turn, once the turn is over. The raw receiver drains in the same
manner and takes the same difference.
"""

from __future__ import annotations

import statistics
import struct
import sys
import threading
import time
from pathlib import Path

import zmq

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.record import HEADER_BYTES
from protocol.transport import Wire
from tests.bench.feeder import SYMBOLS
from tests.bench.reads import COLLECTOR, feeder, frames_per_s
from tests.bench.report import Row, paired
from tests.bench.spent import Spending, cpu_s
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

RATE_PER_S = 10_000
WHY = (
    "the feed comes in bursts, ten frames each millisecond, and the newest is visible when those before it have been taken in. "
    "Processor time a frame, us, all threads: "
)
_PUBLISHED = struct.Struct("<q")


def raw_lags(endpoint: str, seconds: float) -> tuple[float, float]:
    """p50 and p99 of a bare SUB, in microseconds."""
    lags: list[int] = []
    with Wire() as wire:
        receiver = wire.subscriber([endpoint], [b"quote."]).socket
        end_s = time.monotonic() + 30.0
        while time.monotonic() < end_s:
            receiver.poll(1000)
            frame = b""
            try:
                while True:
                    frame = receiver.recv(zmq.NOBLOCK)
            except zmq.Again:
                pass
            if not frame:
                continue
            if not lags:
                end_s = time.monotonic() + seconds
            at = frame.index(b"\0") + 1 + HEADER_BYTES - 8
            lags.append(time.time_ns() - _PUBLISHED.unpack_from(frame, at)[0])
    quantiles = statistics.quantiles(lags, n=100)
    return quantiles[49] / 1e3, quantiles[98] / 1e3


def hub_lags(hub: Hub, seconds: float) -> tuple[float, float]:
    """p50 and p99 that the hub tells of itself, in microseconds; medians of the seconds measured."""
    pause = threading.Event()
    until(lambda: frames_per_s(hub) > RATE_PER_S * 0.9, 15.0, "the hub to take the feed")
    found = []
    for _ in range(max(1, round(seconds))):
        pause.wait(1.0)  # the hub measures over a second
        status = hub.status()["hub"]
        found.append((status["lag_p50_s"] * 1e6, status["lag_p99_s"] * 1e6))
    return statistics.median(p50 for p50, _ in found), statistics.median(p99 for _, p99 in found)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows for p50 and p99."""
    seconds = 1.0 if quick else 3.0
    p50s, p99s = [], []
    spending = Spending()
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        config = write_config(folder, {COLLECTOR: {}, "hub.1": {}}, {symbol: {} for symbol in SYMBOLS})
        endpoint = endpoints.pub(COLLECTOR)
        for _ in range(rounds):
            command = [sys.executable, "-m", "tests.bench.hop", endpoint, str(seconds)]
            with Program(command, title="raw hop") as receiver, feeder(endpoints, RATE_PER_S, 1):
                assert receiver.wait(60.0) == 0, receiver.report()
                raw50, raw99 = map(float, receiver.stdout_text.split())
            with (
                ActorProcess("hub", "hub.1", config) as process,
                Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
                feeder(endpoints, RATE_PER_S, 1),
            ):
                began_s, spent_s = time.monotonic(), cpu_s(process.pid)
                hub50, hub99 = hub_lags(hub, seconds)
                frames = (time.monotonic() - began_s) * RATE_PER_S
                spending.note("hub", (cpu_s(process.pid) - spent_s) / frames * 1e6)
            p50s.append((hub50, raw50))
            p99s.append((hub99, raw99))
    what = f"publish to visible, {RATE_PER_S:,}/s"
    return [
        Row(
            "e2e", f"{what}, {name}", *paired(found)[:2], "us", paired(found)[2], goal, goal_id="visible",
            peer="raw pyzmq hop", note=f"{WHY}{spending}",
        )
        for name, found, goal in (("p50", p50s, 2.0), ("p99", p99s, 3.0))
    ]  # fmt: skip


if __name__ == "__main__":
    assert Path(sys.argv[1].removeprefix("ipc://")).parent.is_dir()
    print(*raw_lags(sys.argv[1], float(sys.argv[2])))
