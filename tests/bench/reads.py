"""Reads: `Hub().tick` and a window of 5,000 candles, against a raw REQ/ROUTER echo of the very same bytes.

Hub, echo and feeder are processes of their own. Each round asks one after the other, and its result is the
median of its questions; "under writes" means that the hub takes 50,000 single-event frames per second
meanwhile, and that the echo is asked in the same turmoil.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import zmq

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.requests import Request, encode_request
from protocol.windows import BAR_COLUMNS
from tests.bench.feeder import SYMBOLS
from tests.bench.report import Row, interleaved, say
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

COLLECTOR = "collector.binance.1"
CANDLES = 5000
WRITES_PER_S = 50_000
IDLE_PER_S = 100
PAUSE_S = 0.0002
"""An engine does something between two reads; asked back to back, the echo's ZeroMQ threads never fall asleep."""


def median_s(ask: Callable[[], Any], times: int, pause_s: float = 0.0) -> float:
    """Median seconds of one question, after a short warm-up, with a pause before each."""
    clock = time.perf_counter
    pause = threading.Event()
    for _ in range(times // 10 + 1):
        ask()
    found = []
    for _ in range(times):
        if pause_s:
            pause.wait(pause_s)
        started = clock()
        ask()
        found.append(clock() - started)
    return statistics.median(found)


@contextlib.contextmanager
def echo_of(reply: bytes, request: bytes, folder: Path, name: str) -> Iterator[Callable[[], bytes]]:
    """Start an echo process; gives the question that it answers with `reply`."""
    path, endpoint = folder / f"{name}.reply", f"ipc://{folder}/{name}"
    path.write_bytes(reply)
    command = [sys.executable, "-m", "tests.bench.echo", endpoint, str(path)]
    with Program(command, title=name) as server, zmq.Context() as context:
        server.wait_for_text("ready")
        with context.socket(zmq.REQ) as socket:
            socket.connect(endpoint)

            def ask() -> bytes:
                socket.send(request)
                return bytes(socket.recv())

            yield ask


@contextlib.contextmanager
def feeder(endpoints: Endpoints, rate_per_s: int, candles: int, more_per_s: int = 0) -> Iterator[Program]:
    """Start the stand-in collector and wait until it feeds."""
    endpoint = endpoints.pub(COLLECTOR)
    Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
    arguments = [endpoint, COLLECTOR, str(rate_per_s), str(candles), str(more_per_s)]
    with Program([sys.executable, "-m", "tests.bench.feeder", *arguments], title="feeder") as program:
        program.wait_for_text("ready")
        yield program


def raw_reply(endpoint: str, request: bytes) -> bytes:
    """The hub's own bytes of an answer."""
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        socket.send(request)
        return bytes(socket.recv())


class Candle:
    """A candle as an object, with the columns that ours has."""

    def __init__(self, number: int) -> None:
        self.__dict__.update({name: float(number) for name, _ in BAR_COLUMNS})


class ListServer:
    """What a manager proxy serves: candles as a list of objects."""

    def __init__(self) -> None:
        self._candles = [Candle(number) for number in range(CANDLES)]

    def candles(self) -> list[Candle]:
        """All of them."""
        return self._candles


class Manager(BaseManager):
    """Serves a `ListServer`."""


Manager.register("ListServer", ListServer)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: tick idle (back to back and at a pace), tick under writes, candles against raw bytes and against a manager proxy."""
    ticks, windows = (200, 20) if quick else (3000, 200)
    rows: list[Row] = []
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        config = write_config(folder, {COLLECTOR: {}, "hub.1": {}}, {symbol: {} for symbol in SYMBOLS})
        query = endpoints.query("hub.1")
        with ActorProcess("hub", "hub.1", config), Hub(query, timeout_s=10.0) as hub:
            with feeder(endpoints, IDLE_PER_S, CANDLES):
                until(lambda: has_all(hub), 15.0, "the hub to have quotes and candles")
                rows.append(tick_row("tick, back to back", hub, query, folder, rounds, ticks, 1.3))
                rows.append(tick_row("tick, 200 us apart", hub, query, folder, rounds, ticks, None, PAUSE_S))
                rows += candle_rows(hub, query, folder, rounds, windows)
            with feeder(endpoints, WRITES_PER_S, 1):
                until(lambda: frames_per_s(hub) > WRITES_PER_S * 0.5, 15.0, "the hub to take the writes")
                name = f"tick, {WRITES_PER_S:,} writes/s"
                rows.append(tick_row(name, hub, query, folder, rounds, ticks, 1.5))
                say(f"  the hub took {frames_per_s(hub):,.0f} frames/s meanwhile")
    return rows


def has_all(hub: Hub) -> bool:
    """Whether the hub has the newest quote and all candles."""
    topics = {topic.topic: topic.events for topic in hub.topics()}
    return len(topics) > len(SYMBOLS) and topics.get(f"bar.binance.{SYMBOLS[0]}.1m", 0) >= CANDLES


def frames_per_s(hub: Hub) -> float:
    """Frames that the hub takes in, by its own count."""
    return float(hub.status()["hub"].get("frames_in_per_s") or 0.0)


def tick_row(
    what: str,
    hub: Hub,
    query: str,
    folder: Path,
    rounds: int,
    times: int,
    goal: float | None,
    pause_s: float = 0.0,
) -> Row:
    """Microseconds of one tick: ours, raw, ratio."""
    symbol = SYMBOLS[0]
    request = encode_request(Request(op="tick", symbol=symbol, allow_stale=True, id=1))
    name = f"echo-{'-'.join(filter(str.isalnum, what.split()))}"
    with echo_of(raw_reply(query, request), request, folder, name) as ask:
        ours, raw, ratio = interleaved(
            rounds,
            lambda: median_s(lambda: hub.tick(symbol, allow_stale=True), times, pause_s) * 1e6,
            lambda: median_s(ask, times, pause_s) * 1e6,
        )
    return Row("reads", what, ours, raw, "us p50", ratio, goal)


def candle_rows(hub: Hub, query: str, folder: Path, rounds: int, times: int) -> list[Row]:
    """A window of 5,000 candles against the same bytes, and against a list of objects by manager proxy."""
    symbol = SYMBOLS[0]
    assert len(hub.candles(symbol, "1m", CANDLES, allow_stale=True)) == CANDLES
    request = encode_request(
        Request(op="candles", symbol=symbol, timeframe="1m", n=CANDLES, allow_stale=True, id=1)
    )

    def ours() -> float:
        return median_s(lambda: hub.candles(symbol, "1m", CANDLES, allow_stale=True), times) * 1e6

    with echo_of(raw_reply(query, request), request, folder, "candles") as ask:
        measured, raw, ratio = interleaved(rounds, ours, lambda: median_s(ask, times) * 1e6)
    rows = [Row("reads", f"{CANDLES:,} candles", measured, raw, "us p50", ratio)]
    with Manager(ctx=multiprocessing.get_context("spawn")) as manager:
        proxy = manager.ListServer()  # type: ignore[attr-defined]
        measured, other, ratio = interleaved(
            rounds, ours, lambda: median_s(proxy.candles, max(3, times // 20)) * 1e6
        )
    what = f"{CANDLES:,} candles, manager-proxy list"
    return [*rows, Row("reads", what, measured, other, "us p50", ratio, 0.02)]
