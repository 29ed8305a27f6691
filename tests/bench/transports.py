"""Frames a second of one WebSocket: the collector's connection with either transport, and websocket-client receiving alone.

All read the same pre-encoded frames of a recording, sent without end by a process of its own over loopback TCP. The
three take turns in each round. What is gained behind the connection, where each frame is decoded, is measured too.
"""

from __future__ import annotations

import select
import socket
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar

import websocket

from actors.collector.exchange.connection import Connection, Ending
from actors.collector.exchange.stream_socket import StreamSocket
from actors.collector.exchange.transports import PICOWS, lack_of, socket_class
from actors.runtime.clock import Clock, SystemClock
from tests.bench.parse import collector, frame_of, payloads, shake_hands
from tests.bench.report import Row, paired, say
from tests.support.data import data_environment
from tests.support.paths import free_port
from tests.support.process import Program

T = TypeVar("T")
SUITE = "transports"
RECORDED = 60_000
WANTED_PER_S = 100_000.0
DEFAULT = "websocket-client"
ALONE = "websocket-client alone"


class Speed(NamedTuple):
    """What one contestant did in one round."""

    frames_per_s: float
    cpu_us: float
    """Of the reading process, per frame."""


class _Loop:
    """As much of an actor as a connection needs."""

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        self._poll = select.poll()
        self._readable: dict[int, Callable[[], None]] = {}
        self._soon: deque[Callable[[], None]] = deque()

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Here and now: nothing else is to be done meanwhile."""
        done(work())

    def watch(self, fd: int, on_readable: Callable[[], None]) -> None:
        """See `connection.Loop`."""
        self._readable[fd] = on_readable
        self._poll.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """See `connection.Loop`."""
        self._poll.unregister(fd)

    def soon(self, handler: Callable[[], None]) -> None:
        """See `connection.Loop`."""
        self._soon.append(handler)

    def drop(self, reason: str, what: object = "") -> None:
        """Nothing is bad here."""
        raise AssertionError(f"{reason}: {what}")

    def turn(self) -> None:
        """Wait for the socket unless something is to be done already."""
        for fd, _ in self._poll.poll(0 if self._soon else None):
            self._readable[fd]()
        for _ in range(len(self._soon)):
            self._soon.popleft()()


class _Counting:
    """Hears of a connection, and keeps nothing."""

    frames = 0

    def on_open(self, connection: Connection) -> None:
        """See `connection.Listener`."""

    def on_frames(self, connection: Connection, frames: list[bytes], ts_recv_ns: int) -> None:
        """See `connection.Listener`."""
        self.frames += len(frames)

    def on_closed(self, connection: Connection, end: Ending) -> None:
        """See `connection.Listener`."""
        raise AssertionError(end.reason)


def through_connection(url: str, count: int, make_socket: type[StreamSocket]) -> Speed:
    """The collector's connection, `count` frames after as many as warm it up are over."""
    loop, heard = _Loop(), _Counting()
    connection = Connection(loop, url, 10.0, 16 * 1024 * 1024, heard, make_socket)
    connection.open()
    while heard.frames < count // 10:
        loop.turn()
    before, began_s, cpu_s = heard.frames, time.perf_counter(), time.process_time()
    while heard.frames - before < count:
        loop.turn()
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    frames = heard.frames - before
    connection.close()
    return Speed(frames / took_s, cpu_s / frames * 1e6)


def alone(url: str, count: int) -> Speed:
    """websocket-client's `recv`, told not to look at UTF-8."""
    client = websocket.WebSocket(skip_utf8_validation=True)
    client.connect(url)  # type: ignore[no-untyped-call]  # the library has no types
    for _ in range(count // 10):
        client.recv()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for _ in range(count):
        client.recv()
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    client.shutdown()  # type: ignore[no-untyped-call]  # the library has no types
    return Speed(count / took_s, cpu_s / count * 1e6)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """All rows; those of picows only where it is installed."""
    count, port, finite = 20_000 if quick else 1_000_000, free_port(), free_port()
    url = f"ws://127.0.0.1:{port}/stream"
    contestants: dict[str, Callable[[], Speed]] = {
        ALONE: lambda: alone(url, count // 5),
        DEFAULT: lambda: through_connection(url, count, StreamSocket),
    }
    lack = lack_of(PICOWS)
    if lack:
        say(f"% skipped: {lack}")
    else:
        contestants[PICOWS] = lambda: through_connection(url, count, socket_class(PICOWS))
    found: dict[str, list[Speed]] = {name: [] for name in contestants}
    decoded: dict[str, list[float]] = {name: [] for name in contestants if name != ALONE}
    recorded = 3_000 if quick else RECORDED
    endless = [sys.executable, "-m", "tests.bench.transports", str(port)]
    once = [sys.executable, "-m", "tests.bench.parse", str(finite), str(recorded)]
    env = data_environment()
    with (
        Program(endless, env=env, title="endless server") as server,
        Program(once, env=env, title="frame server") as second,
    ):
        server.wait_for_text("ready", 30.0)
        second.wait_for_text("ready", 30.0)
        for number in range(rounds):
            for name in _turned(list(contestants), number):
                found[name].append(contestants[name]())
            for name in _turned(list(decoded), number):
                path = f"ws://127.0.0.1:{finite}/stream"
                runs = [collector(path, recorded, socket_class(name)) for _ in range(3)]
                decoded[name].append(min(runs))
    return _rows(found, decoded)


def _rows(found: dict[str, list[Speed]], decoded: dict[str, list[float]]) -> list[Row]:
    def against(ours: str, theirs: str) -> tuple[float, float, float]:
        both = zip(found[ours], found[theirs], strict=True)
        return paired([(mine.frames_per_s, other.frames_per_s) for mine, other in both])

    cpu = {name: statistics.median(speed.cpu_us for speed in speeds) for name, speeds in found.items()}
    note = "CPU per frame " + ", ".join(f"{name} {spent:.2f} us" for name, spent in cpu.items())
    goal: tuple[float, bool, bool] = (WANTED_PER_S, False, True)
    rows = [Row(SUITE, f"connection, {DEFAULT}", *_placed(against(DEFAULT, ALONE)), *goal, note)]
    if PICOWS in found:
        rows.append(Row(SUITE, f"connection, {PICOWS}", *_placed(against(PICOWS, ALONE)), *goal))
        rows.append(Row(SUITE, f"{PICOWS} against {DEFAULT}", *_placed(against(PICOWS, DEFAULT))))
        ours, theirs, ratio = paired(list(zip(decoded[PICOWS], decoded[DEFAULT], strict=True)))
        rows.append(Row(SUITE, "collector, CPU per frame, the same", ours, theirs, "us", ratio))
    return rows


def _placed(found: tuple[float, float, float]) -> tuple[float, float, str, float]:
    measured, baseline, ratio = found
    return measured, baseline, "frames/s", ratio


def _turned(names: list[str], number: int) -> list[str]:
    """Another one begins in each round."""
    first = number % len(names)
    return names[first:] + names[:first]


def serve(port: int) -> None:
    """The sending process: shake hands with anybody who comes, send until he has gone, next."""
    stream = b"".join(map(frame_of, payloads(RECORDED)))
    with socket.create_server(("127.0.0.1", port)) as server:
        print("ready", flush=True)
        while True:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                shake_hands(peer)
                while True:
                    peer.sendall(stream)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
