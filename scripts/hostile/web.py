"""HTTP, WebSocket and push from the wrong side: slow loris, endless heads and bodies, wrong frames, the same push again and again."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections import Counter
from random import Random
from typing import Any, Final

from scripts.hostile.attack import Attack, connected, is_time, throw
from scripts.hostile.system import HostileSystem
from scripts.mutations import Mutator
from scripts.socket_fuzz.live import HTTP_LINES
from scripts.socket_fuzz.web import framed

SLOW: Final = 500
PUSHES: Final = 20
_BODIES: Final = (
    b"POST /api/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n" + b"A" * 4000,
    b"POST /api/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nA",
    b"POST /api/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10\r\n" + b"A" * 16 + b"\r\n" * 3,
    b"POST /api/v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nAAAAAAA",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n", b"GET /%00%ff%fe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n" + b"[" * 30,
)  # fmt: skip


def _gateway(system: HostileSystem) -> str:
    return f"127.0.0.1:{system.http_port}"


def slow_loris(system: HostileSystem, _random: Random, until_s: float) -> str:
    """Heads and bodies that come a byte at a time."""
    lines: list[socket.socket] = []
    cut = 0
    pause = threading.Event()
    try:
        for number in range(SLOW):
            with contextlib.suppress(OSError):
                line = connected(_gateway(system))
                line.setblocking(False)  # noqa: FBT003 - its only argument
                line.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " if number % 2 else _BODIES[0][:90])
                lines.append(line)
        while is_time(until_s):
            for line in list(lines):
                try:
                    line.send(b"a")
                except BlockingIOError:
                    continue
                except OSError:
                    cut += 1
                    lines.remove(line)
                    line.close()
            pause.wait(0.5)
        return f"{SLOW} connections that send a byte each half second, {cut} cut off"
    finally:
        for line in lines:
            line.close()


def broken(system: HostileSystem, random: Random, until_s: float) -> str:
    """Wrong lengths, endless heads, other hosts, mutated requests."""
    mutator, sent, taken = Mutator(random), 0, 0
    while is_time(until_s):
        data = random.choice(_BODIES) if random.random() < 0.5 else mutator.mutate(random.choice(HTTP_LINES))
        taken += throw(_gateway(system), data)
        sent += 1
    return f"{sent} broken requests, {taken} taken"


def sockets(system: HostileSystem, random: Random, until_s: float) -> str:
    """WebSockets with wrong frames: too long, not masked, cut, of no meaning."""
    mutator, sent = Mutator(random, is_text=False), 0
    good = b'{"op":"subscribe","channels":[{"name":"trades","symbols":["*"]}]}'
    while is_time(until_s):
        try:
            with connected(_gateway(system)) as line:
                line.sendall(HTTP_LINES[-1])
                line.recv(300)
                for _ in range(5):
                    frame = random.choice(
                        (
                            framed(b"A" * 70_000, 1),
                            framed(good, 1),
                            b"\x81\x05hello",
                            b"\xff" * 20,
                            mutator.mutate(framed(good, 1)),
                        )
                    )
                    line.sendall(frame)
                    sent += 1
        except OSError:
            continue
    return f"{sent} frames"


def replayed(system: HostileSystem, random: Random, until_s: float) -> str:
    """The same ticks pushed again and again: what is repeated counts once."""
    told: Counter[str] = Counter()
    now = time.time_ns()
    ticks = [
        {
            "symbol": "BTC_USDT",
            "bid": 100.0 + number,
            "ask": 101.0 + number,
            "ts_event_ns": now - number * 10**9,
        }
        for number in range(PUSHES)
    ]
    body = json.dumps(ticks).encode()
    pushes = 0
    while is_time(until_s):
        asked = urllib.request.Request(
            f"http://{_gateway(system)}/api/v1/push",
            body,
            {"X-Source": "replayer", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(asked, timeout=5.0) as answer:
                said: dict[str, Any] = json.loads(answer.read())
                told.update({key: int(said.get(key, 0)) for key in ("accepted", "duplicates", "rejected")})
                pushes += 1
        except OSError as fault:
            told[f"{type(fault).__name__}"] += 1
        if random.random() < 0.1:
            throw(_gateway(system), HTTP_LINES[2])
    if told["accepted"] > PUSHES:
        raise AssertionError(f"{PUSHES} ticks were accepted {told['accepted']} times")
    return f"{PUSHES} ticks pushed {pushes} times: {dict(told)}"


ATTACKS: Final = (
    Attack("slow-loris HTTP", slow_loris), Attack("broken HTTP", broken), Attack("wrong WebSocket frames", sockets),
    Attack("replayed pushes", replayed),
)  # fmt: skip
