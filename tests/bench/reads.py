"""Reads: `Hub().tick` over the socket, against a raw REQ/ROUTER echo of the very same bytes, and against what others use instead.

Hub, echo, feeder and peers are processes of their own. Each round asks one after the other, and its result is the
median of its questions; "under writes" means that the hub takes 50,000 single-event frames per second
meanwhile, and that the others are asked in the same turmoil.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.requests import Request, encode_request
from tests.bench.feeder import SYMBOLS
from tests.bench.loopback import loopback
from tests.bench.manager_peer import manager_server
from tests.bench.peers import redis
from tests.bench.redis_peer import redis_server, tick_reader
from tests.bench.report import Row, against, in_turn, say
from tests.bench.spent import Spending
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

COLLECTOR = "collector.binance.1"
CANDLES = 5000
WRITES_PER_S = 50_000
IDLE_GOAL, LOADED_GOAL = 1.15, 1.5
IDLE_PER_S = 100
WHY = (
    "the echo waits in its one receive and looks at nothing; the hub waits for all its sockets, and hub and asker decode, look up, "
    "judge and encode in Python"
)
PAUSE_S = 0.0002
"""An engine does something between two reads; asked back to back, the echo's ZeroMQ threads never fall asleep."""


class Served(NamedTuple):
    """A hub that is asked."""

    hub: Hub
    pid: int
    """Of its process."""
    query: str


def has_board() -> bool:
    """Whether this checkout's client can read shared memory."""
    return "use_board" in inspect.signature(Hub).parameters


def by_socket() -> dict[str, Any]:
    """Arguments for a `Hub` that reads over the socket, whatever it could do."""
    return {"use_board": False} if has_board() else {}


def asked_in(times: int) -> int:
    """Questions that `median_s` puts, its warm-up counted."""
    return times + times // 10 + 1


def median_s(ask: Callable[[], Any], times: int, pause_s: float = 0.0) -> float:
    """Median seconds of one question, after a short warm-up, with a pause before each."""
    clock = time.perf_counter
    pause = threading.Event()
    for _ in range(asked_in(times) - times):
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
def echo_of(
    reply: bytes, request: bytes, folder: Path, name: str
) -> Iterator[tuple[Callable[[], bytes], int]]:
    """Start an echo process; gives the question that it answers with `reply`, and its process id."""
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

            yield ask, server.pid


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


@contextlib.contextmanager
def hub_process(folder: Path) -> Iterator[tuple[Endpoints, int]]:
    """A hub with nobody who feeds it yet; gives its addresses and its process id."""
    endpoints = Endpoints(folder)
    endpoints.prepare()
    config = write_config(folder, {COLLECTOR: {}, "hub.1": {}}, {symbol: {} for symbol in SYMBOLS})
    with ActorProcess("hub", "hub.1", config) as process:
        yield endpoints, process.pid


@contextlib.contextmanager
def peers_of(folder: Path, size: int) -> Iterator[dict[str, Callable[[int], float]]]:
    """Name of a peer to what takes its median microseconds of so many reads; `size` is that of the hub's answer, bytes."""
    found: dict[str, Callable[[int], float]] = {}
    with contextlib.ExitStack() as stack:
        if redis().is_here:
            read = tick_reader(stack.enter_context(redis_server(folder)))
            found["Redis GET"] = lambda times: median_s(read, times) * 1e6
        proxy = stack.enter_context(manager_server(0))
        found["manager proxy"] = lambda times: median_s(proxy.tick, times) * 1e6
        limit = stack.enter_context(loopback())
        if limit is not None:
            found["C, Unix socket"] = lambda times: limit.round_trip_us("unix", size, times)
        yield found


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: tick idle (back to back and at a pace), tick under writes."""
    ticks = 200 if quick else 3000
    rows: list[Row] = []
    with short_folder() as folder, hub_process(folder) as (endpoints, pid):
        query = endpoints.query("hub.1")
        with Hub(query, timeout_s=10.0, **by_socket()) as hub:
            served = Served(hub, pid, query)
            with feeder(endpoints, IDLE_PER_S, 1):
                until(lambda: has_all(hub, 1), 15.0, "the hub to have quotes and candles")
                rows += tick_rows("tick, back to back", served, folder, rounds, ticks, IDLE_GOAL)
                rows += tick_rows("tick, 200 us apart", served, folder, rounds, ticks, None, PAUSE_S)
            with feeder(endpoints, WRITES_PER_S, 1):
                until(lambda: frames_per_s(hub) > WRITES_PER_S * 0.5, 15.0, "the hub to take the writes")
                name = f"tick, {WRITES_PER_S:,} writes/s"
                rows += tick_rows(name, served, folder, rounds, ticks, LOADED_GOAL)
                say(f"  the hub took {frames_per_s(hub):,.0f} frames/s meanwhile")
    return rows


def has_all(hub: Hub, candles: int = CANDLES) -> bool:
    """Whether the hub has the newest quotes and so many candles."""
    topics = {topic.topic: topic.events for topic in hub.topics()}
    return len(topics) > len(SYMBOLS) and topics.get(f"bar.binance.{SYMBOLS[0]}.1m", 0) >= candles


def frames_per_s(hub: Hub) -> float:
    """Frames that the hub takes in, by its own count."""
    return float(hub.status()["hub"].get("frames_in_per_s") or 0.0)


def tick_rows(
    what: str,
    served: Served,
    folder: Path,
    rounds: int,
    times: int,
    goal: float | None,
    pause_s: float = 0.0,
) -> list[Row]:
    """Microseconds of one tick: ours, raw, ratio; and against the others where it is asked back to back."""
    symbol = SYMBOLS[0]
    request = encode_request(Request(op="tick", symbol=symbol, allow_stale=True, id=1))
    reply = raw_reply(served.query, request)
    name = f"echo-{'-'.join(filter(str.isalnum, what.split()))}"
    spending = Spending()

    def with_cost(read: Callable[[], Any], server: str, asker: str, server_pid: int) -> float:
        with spending.on({server: server_pid, asker: os.getpid()}, asked_in(times)):
            return median_s(read, times, pause_s) * 1e6

    with contextlib.ExitStack() as stack:
        ask, echo_pid = stack.enter_context(echo_of(reply, request, folder, name))
        others = {} if pause_s else stack.enter_context(peers_of(folder, len(reply)))
        contenders: dict[str, Callable[[], float]] = {
            "ours": lambda: with_cost(
                lambda: served.hub.tick(symbol, allow_stale=True), "hub", "its asker", served.pid
            ),
            "raw pyzmq": lambda: with_cost(ask, "echo", "its asker there", echo_pid),
            **{peer: lambda read=read: read(times) for peer, read in others.items()},  # type: ignore[misc]
        }
        found = in_turn(rounds, contenders)
    more = " (the hub's with all that it takes meanwhile)" if goal == LOADED_GOAL else ""
    return [
        Row(
            "reads", what, *against(found, "ours", peer)[:2], "us p50", against(found, "ours", peer)[2],
            goal if peer == "raw pyzmq" else None, goal_id="tick-socket", peer=peer,
            note=f"{WHY}. Processor time a question, us, all threads{more}: {spending}" if peer == "raw pyzmq" else "",
        )
        for peer in contenders
        if peer != "ours"
    ]  # fmt: skip
