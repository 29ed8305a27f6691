"""Rude, slow and dead clients: none of them costs the others an answer, or the hub a frame."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from protocol.client import Hub
from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.requests import decode_reply
from tests.support.config import write_config
from tests.support.feed import Feed
from tests.support.hub_world import answered
from tests.support.process import ActorProcess
from tests.support.wait import until
from tests.unit.actors.hub.samples import bar, quote

DEADLINE_S = 40.0
QUOTE = "quote.binance.BTC_USDT"


class Polite:
    """A client that asks all the time and notes how long each answer took; any error fails the test."""

    def __init__(self, run_dir: Path) -> None:
        self._hub = Hub(run_dir, timeout_s=10.0)
        self._stop = threading.Event()
        self.times_s: list[float] = []
        self.faults: list[HubError] = []
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            started_s = time.perf_counter()
            try:
                symbol = self._hub.tick("BTC_USDT", allow_stale=True).symbol
            except HubError as fault:
                self.faults.append(fault)
                return
            assert symbol == "BTC_USDT"
            self.times_s.append(time.perf_counter() - started_s)

    def asked(self, count: int) -> None:
        """Wait until so many more questions were answered."""
        wanted = len(self.times_s) + count
        until(lambda: self.faults or len(self.times_s) >= wanted, DEADLINE_S, f"{count} answers")
        assert self.faults == []

    def close(self) -> None:
        self._stop.set()
        self._thread.join(15)
        self._hub.close()


class World:
    def __init__(self, run_dir: Path, feed: Feed, process: ActorProcess) -> None:
        self.run_dir = run_dir
        self.feed = feed
        self.process = process
        self.query = Endpoints(run_dir).query("hub.1")
        self.polite = Polite(run_dir)

    def missing(self) -> int:
        """Frames that the hub lost, after one more has gone through."""
        with Hub(self.run_dir, timeout_s=10.0) as hub:
            self.feed.publish(QUOTE, quote(999.0, recv_ns=time.time_ns()))
            until(lambda: answered(lambda: hub.tick("BTC_USDT").bid) == 999.0, DEADLINE_S, "the last quote")
            status = hub.status()
            return int(status["hub"]["bus"]["missing"])


@pytest.fixture
def world(run_dir: Path) -> Iterator[World]:
    config = write_config(run_dir, {"collector.binance.1": {}, "hub.1": {}})
    endpoints = Endpoints(run_dir)
    endpoints.prepare()
    with Feed(endpoints) as feed, ActorProcess("hub", "hub.1", config) as process:
        with Hub(run_dir, timeout_s=DEADLINE_S) as hub:
            alive = "collector.binance.1"
            until(lambda: hub.status()["actors"][alive]["is_alive"], DEADLINE_S, "the hub to hear the feed")
            feed.publish(QUOTE, quote(1.0, recv_ns=time.time_ns()))
            for minute in range(0, 5000, 500):
                feed.publish("bar.binance.BTC_USDT.1m", *map(bar, range(minute, minute + 500)))
            until(lambda: hub.status()["counters"]["candles_received"] == 5000, DEADLINE_S, "candles")
        found = World(run_dir, feed, process)
        yield found
        found.polite.close()
        assert found.polite.faults == []
        assert process.is_alive


Connect = Callable[[int], "zmq.Socket[bytes]"]


@pytest.fixture
def connect(world: World) -> Iterator[Connect]:
    """Opens raw sockets to the hub; closed at the end, whatever they still hold."""
    context: zmq.Context[Any] = zmq.Context()
    opened: list[zmq.Socket[bytes]] = []

    def open_socket(kind: int) -> zmq.Socket[bytes]:
        opened.append(context.socket(kind))
        opened[-1].linger = 0
        opened[-1].rcvtimeo = 10_000
        opened[-1].setsockopt(zmq.SNDHWM, 20_000)
        opened[-1].setsockopt(zmq.RCVHWM, 10)
        opened[-1].connect(world.query)
        return opened[-1]

    yield open_socket
    for one in opened:
        one.close()
    context.term()


def test_bytes_that_are_no_zeromq_and_half_a_greeting(world: World) -> None:
    path = world.query.removeprefix("ipc://")
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    rude = [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(range(256)) * 40,
        greeting[:20],
        greeting,
        greeting + b"\x04\xff" * 9,
        b"",
    ]
    sockets = []
    for data in rude * 20:
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(path)
        with contextlib.suppress(BrokenPipeError):  # the hub may have hung up already
            peer.sendall(data)
        sockets.append(peer)

    world.polite.asked(200)

    for peer in sockets:
        peer.close()
    world.polite.asked(200)
    assert world.missing() == 0


def test_questions_that_are_none_are_answered_and_counted(world: World, connect: Connect) -> None:
    asker = connect(zmq.REQ)

    codes = []
    for body in (b"", b"\xc1", b"rubbish", b"\x81\xa2op\xa4tick", b"\xff" * 60_000):
        asker.send(body)
        codes.append(decode_reply(asker.recv()).code)

    assert codes == ["invalid_request"] * 5
    world.polite.asked(100)
    with Hub(world.run_dir, timeout_s=10.0) as hub:
        assert hub.status()["counters"]["refused_invalid_request"] == 5


def test_parts_that_a_question_does_not_have(world: World, connect: Connect) -> None:
    asker = connect(zmq.DEALER)
    for parts in ([b"no delimiter"], [b"", b""], [b"a", b"b", b"c", b"", b"\xc0"], [b""] * 50):
        asker.send_multipart(parts)

    world.polite.asked(200)


def test_a_question_of_a_megabyte_costs_its_asker_the_connection(world: World, connect: Connect) -> None:
    asker = connect(zmq.DEALER)
    for _ in range(20):
        asker.send_multipart([b"", b"x" * 1_000_000])

    world.polite.asked(300)


@pytest.mark.parametrize("op", ["tick", "status", "candles"])
def test_ten_thousand_questions_at_once_and_no_interest_in_the_answers(
    world: World, connect: Connect, op: str
) -> None:
    """While frames keep coming: neither the polite client nor a frame is lost."""
    world.polite.asked(300)
    calm_s = statistics.median(world.polite.times_s)
    body = b"\x82\xa2op" + bytes([0xA0 | len(op)]) + op.encode() + b"\xa6symbol\xa8BTC_USDT"
    asker = connect(zmq.DEALER)

    for _ in range(10_000):
        asker.send_multipart([b"", body])
    begun = len(world.polite.times_s)
    for number in range(2000):
        world.feed.publish(QUOTE, quote(float(number), recv_ns=time.time_ns()))
    world.polite.asked(300)

    busy_s = statistics.median(world.polite.times_s[begun:])
    assert busy_s < max(0.05, calm_s * 100), f"calm {calm_s * 1e6:.0f} us, busy {busy_s * 1e6:.0f} us"
    assert world.missing() == 0


def test_answers_to_a_client_that_was_killed_go_nowhere(world: World) -> None:
    script = f"""
import zmq, sys
socket = zmq.Context().socket(zmq.DEALER)
socket.setsockopt(zmq.SNDHWM, 0)
socket.connect({world.query!r})
for _ in range(3000):
    socket.send_multipart([b"", b"\\x82\\xa2op\\xa7candles\\xa6symbol\\xa8BTC_USDT"])
socket.recv_multipart()
print("asked", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"asked\n"
        os.kill(dying.pid, signal.SIGKILL)
    world.polite.asked(300)

    assert world.missing() == 0


def test_a_client_that_is_stopped_does_not_stop_the_others(world: World) -> None:
    script = f"""
import zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.connect({world.query!r})
while True:
    socket.send_multipart([b"", b"\\x82\\xa2op\\xa7candles\\xa6symbol\\xa8BTC_USDT"])
    socket.recv_multipart()
    print("x", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline()
        os.kill(stopped.pid, signal.SIGSTOP)
        world.polite.asked(300)
        os.kill(stopped.pid, signal.SIGKILL)
    assert world.missing() == 0
