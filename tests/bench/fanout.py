"""Many WebSocket clients in one process: raw sockets, since a library would take more time than both servers.

    python -m tests.bench.fanout URL CLIENTS SECONDS SUBSCRIBE

Opens all of them, sends SUBSCRIBE (empty: nothing) on each, waits until each has had a message, then counts messages that
hold `"ts_recv_ns":` for so many seconds. Prints {"per_s", "lag_p50_ms", "lag_p99_ms", "least", "most", "lost"}: lag is
from that time to the moment when the client reads it; least and most are messages per client.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import uvloop

from tests.support.process import clean_environment

MARK: Final = b'"ts_recv_ns":'
DIGITS: Final = 19
SAMPLE: Final = 7
"""Of every so many messages one lag is noted: a prime, so that no client is always the one."""
AT_ONCE: Final = 50
WARM_UP_S: Final = 60.0


class Fan(NamedTuple):
    """What all clients had."""

    per_s: float
    lag_p50_ms: float
    lag_p99_ms: float
    least: int
    most: int
    lost: int
    """Clients that were cut off."""


def fan(url: str, clients: int, seconds: float, subscribe: str = "") -> Fan:
    """Count in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.fanout", url, str(clients), str(seconds), subscribe]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
    if done.returncode:
        raise RuntimeError(f"the clients ended: {done.stderr[-2000:]}")
    return Fan(**json.loads(done.stdout))


def masked(text: str) -> bytes:
    """A client's text frame; its mask is zero, so the bytes stay as they are."""
    body = text.encode()
    if len(body) < 126:
        return bytes((0x81, 0x80 | len(body))) + bytes(4) + body
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


def frames_in(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Payloads of the whole frames at the beginning of what came, and the rest."""
    found, at, end = [], 0, len(buffer)
    while end - at >= 2:
        length, body = buffer[at + 1] & 0x7F, at + 2
        if length == 126:
            length, body = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif length == 127:
            length, body = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        if body + length > end:
            break
        found.append(buffer[body : body + length])
        at = body + length
    return found, buffer[at:]


class Counter:
    """What all clients of this process had."""

    def __init__(self) -> None:
        self.is_counting = False
        self.seen = 0
        self.lags_ns: list[int] = []


class Client(asyncio.Protocol):
    """One WebSocket."""

    def __init__(self, host: str, target: str, subscribe: str, counter: Counter) -> None:
        self._host = host
        self._target = target
        self._subscribe = subscribe
        self._counter = counter
        self._buffer = b""
        self._is_open = False
        self.count = 0
        self.is_lost = False
        self.has_message = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._target} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._is_open, self._buffer = True, rest
            if self._subscribe:
                self._transport.write(masked(self._subscribe))
        found, self._buffer = frames_in(self._buffer)
        for frame in found:
            self._take(frame)

    def _take(self, frame: bytes) -> None:
        at = frame.find(MARK)
        if at < 0:
            return
        counter = self._counter
        if not counter.is_counting:
            self.has_message.set()
            return
        self.count += 1
        counter.seen += 1
        if counter.seen % SAMPLE == 0:
            start = at + len(MARK)
            counter.lags_ns.append(time.time_ns() - int(frame[start : start + DIGITS]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.has_message.set()


async def count(url: str, clients: int, seconds: float, subscribe: str) -> Fan:
    """Open, warm up, count."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    counter, loop = Counter(), asyncio.get_running_loop()
    made: list[Client] = []
    for start in range(0, clients, AT_ONCE):
        opening = [
            loop.create_connection(
                lambda: Client(parts.netloc, target, subscribe, counter),
                str(parts.hostname),
                int(parts.port or 80),
            )
            for _ in range(min(AT_ONCE, clients - start))
        ]
        made += [client for _, client in await asyncio.gather(*opening)]
    await asyncio.wait_for(asyncio.gather(*[client.has_message.wait() for client in made]), WARM_UP_S)
    counter.is_counting = True
    started_s = time.monotonic()
    await asyncio.sleep(seconds)
    elapsed_s = time.monotonic() - started_s
    counter.is_counting = False
    lags_ns = sorted(counter.lags_ns) or [0]
    found = Fan(
        counter.seen / elapsed_s,
        lags_ns[len(lags_ns) // 2] / 1e6,
        lags_ns[len(lags_ns) * 99 // 100] / 1e6,
        min(client.count for client in made),
        max(client.count for client in made),
        sum(client.is_lost for client in made),
    )
    for client in made:
        client._transport.abort()
    return found


if __name__ == "__main__":
    url, clients, seconds, subscribe = sys.argv[1:]
    print(json.dumps(uvloop.run(count(url, int(clients), float(seconds), subscribe))._asdict()))
