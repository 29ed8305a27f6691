"""Pushed ticks over HTTP: gateway and push receiver, which journals before it answers, against a threaded receiver with a dict.

The same load for both: connections that stay open, each posts the next ticks as soon as it has been answered.

    python -m tests.bench.push HOST PORT PATH TICKS SECONDS      the load; prints {"per_s", "p50_ms", "p99_ms", "failed"}
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import uvloop

from tests.bench import wrk
from tests.bench.report import Row, in_turn, paired
from tests.support.paths import short_folder
from tests.support.process import Program, clean_environment
from tests.support.push_rig import NAME, SYMBOLS
from tests.support.push_world import GATEWAY, push_world

CONNECTIONS: Final = 16
BATCHES: Final = (1, 50)
PATH: Final = "/api/v1/push"
NO_LIMITS: Final = {
    "requests_per_s": 1e6,
    "request_burst": 1_000_000,
    "items_per_s": 1e8,
    "item_burst": 100_000_000,
}
"""What is measured is speed: by default a source may push 200 times a second."""
TOPICS: Final = "quote.push.bench."
TAKEN: Final = 0.95
"""Share of the ticks that must have come: the load does not count those that are on their way when it ends."""
STEP_NS: Final = 10_000
WHY: Final = "ours answers once the tick is in the journal and on the bus, by two processes more; theirs has put it into a dict"


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Ticks a second and their latency, one to a request and fifty."""
    seconds = 1.0 if quick else 3.0
    rows: list[Row] = []
    with (
        short_folder() as folder,
        push_world(folder, sections={GATEWAY: {"pushing": NO_LIMITS}}, names=(NAME, "hub.1")) as world,
    ):
        parts = urlsplit(world.url)
        assert parts.hostname is not None
        assert parts.port is not None
        with Program([sys.executable, "-m", "tests.bench.receiver"], title="receiver") as receiver:
            receiver.wait_for_text("ready")
            places = {"ours": parts.port, "threaded HTTP": int(receiver.stdout_text.split()[1])}
            posted = 0.0
            for batch in BATCHES:
                mine, count = rows_of(batch, places, rounds, seconds)
                rows, posted = [*rows, *mine], posted + count
        taken = sum(topic.events for topic in world.hub.topics() if topic.topic.startswith(TOPICS))
        assert taken > posted * TAKEN, f"the hub has {taken:,} of {posted:,.0f} ticks"
    return rows


def rows_of(batch: int, places: dict[str, int], rounds: int, seconds: float) -> tuple[list[Row], float]:
    """One size of requests; the rows, and how many ticks were posted to ours."""
    loads: dict[str, list[wrk.Load]] = {name: [] for name in places}

    def measure(name: str) -> Callable[[], float]:
        def measured() -> float:
            load = load_on(places[name], batch, seconds)
            assert not load.failed, f"{name}: {load.failed} answers were none"
            loads[name].append(load)
            return load.per_s * batch

        return measured

    found = in_turn(rounds, {name: measure(name) for name in places})
    ours, theirs, ratio = paired(list(zip(found["ours"], found["threaded HTTP"], strict=True)))
    what = f"pushed ticks, {batch} to a request, {CONNECTIONS} connections"
    late = [(mine.p50_ms, other.p50_ms) for mine, other in zip(*loads.values(), strict=True)]
    return [
        Row("push", what, ours, theirs, "ticks/s", ratio, at_most=False, note=WHY, peer="threaded HTTP"),
        Row("push", what, *paired(late)[:2], "ms p50", paired(late)[2], peer="threaded HTTP"),
    ], sum(load.per_s * batch * seconds for load in loads["ours"])


def load_on(port: int, batch: int, seconds: float) -> wrk.Load:
    """Load from a process of its own."""
    words = ["127.0.0.1", str(port), PATH, str(batch), str(seconds)]
    command = [sys.executable, "-m", "tests.bench.push", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment())
    return wrk.Load(**json.loads(done.stdout))


def questions(host: str, port: int, path: str, batch: int) -> Callable[[], bytes]:
    """Requests with ticks that were never there before, each later than the one before it."""
    numbers = itertools.count()
    begin_ns = time.time_ns() - 60_000_000_000
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nX-Source: bench\r\nContent-Type: application/json\r\n"

    def ask() -> bytes:
        rows = []
        for number in itertools.islice(numbers, batch):
            bid = 1.0 + number % 1000 * 1e-6
            name = SYMBOLS[number % len(SYMBOLS)]
            rows.append(
                {"symbol": name, "bid": bid, "ask": bid + 1e-4, "ts_event_ns": begin_ns + number * STEP_NS}
            )
        body = json.dumps(rows[0] if batch == 1 else rows)
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    return ask


if __name__ == "__main__":
    host, port, path, batch, seconds = sys.argv[1:]
    ask = questions(host, int(port), path, int(batch))
    load = uvloop.run(wrk.load_of(host, int(port), ask, CONNECTIONS, float(seconds)))
    print(json.dumps(load._asdict()))
