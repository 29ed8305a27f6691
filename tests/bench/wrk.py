"""Load of many connections that ask as fast as they are answered: by wrk, or by a process of our own where it is not.

wrk: `apt-get install wrk`, `brew install wrk`. The other one is Python and takes a whole core for what wrk does with a
fifth of one, so its rates are lower, of both sides alike.

    python -m tests.bench.wrk HOST PORT PATH CONNECTIONS SECONDS      prints {"per_s", "p50_ms", "p99_ms", "failed"}
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import uvloop

from tests.support.process import clean_environment

CONNECTIONS: Final = 64
UNITS_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Load(NamedTuple):
    """What a load found."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int
    """Answers that were none: not 2xx, broken, late."""


def ask(url: str, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Ask one URL as fast as it is answered."""
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", url]
        return parsed(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    arguments = [str(parts.hostname), str(parts.port), path, str(connections), str(seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.wrk", *arguments],
        capture_output=True, text=True, check=True, env=clean_environment(),
    )  # fmt: skip
    return Load(**json.loads(done.stdout))


def tool() -> str:
    """Which one it is, for the report."""
    return "wrk" if shutil.which("wrk") else "own load in Python (apt-get install wrk for a lighter one)"


def parsed(text: str) -> Load:
    """The report of wrk.

    Raises:
        ValueError: it is none.
    """
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if rate is None:
        raise ValueError(f"wrk says no rate: {text[-400:]}")
    shares = {share: float(number) * UNITS_MS[unit] for share, number, unit in _SHARE.findall(text)}
    failed = sum(int(number) for line in _FAILED.findall(text) for number in re.findall(r"\d+", line))
    return Load(float(rate[1]), shares.get("50", 0.0), shares.get("99", 0.0), failed)


_SHARE: Final = re.compile(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)
_FAILED: Final = re.compile(r"(?:Socket errors|Non-2xx or 3xx responses):(.*)")


class Asker(asyncio.Protocol):
    """One connection that asks again whenever it has been answered.

    Args:
        next_question: Gives the whole request.
        seen_ns: Gets how long each answer took.
    """

    def __init__(self, next_question: Callable[[], bytes], seen_ns: list[int]) -> None:
        self._next_question = next_question
        self._seen_ns = seen_ns
        self._buffer = b""
        self._asked_ns = 0
        self.failed = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked_ns = time.monotonic_ns()
        self._transport.write(self._next_question())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length is None or len(body) < int(length[1]):
            return
        self.failed += not head.startswith(b"HTTP/1.1 2")
        self._buffer = b""
        self._seen_ns.append(time.monotonic_ns() - self._asked_ns)
        self._ask()


async def load(host: str, port: int, path: str, connections: int, seconds: float) -> Load:
    """Ask one thing with so many connections for so long."""
    question = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    return await load_of(host, port, lambda: question, connections, seconds)


async def load_of(
    host: str, port: int, next_question: Callable[[], bytes], connections: int, seconds: float
) -> Load:
    """Ask what comes next with so many connections for so long."""
    loop = asyncio.get_running_loop()
    seen_ns: list[int] = []
    opened = [
        await loop.create_connection(lambda: Asker(next_question, seen_ns), host, port)
        for _ in range(connections)
    ]
    seen_ns.clear()
    started_s = time.monotonic()
    await asyncio.sleep(seconds)
    elapsed_s = time.monotonic() - started_s
    for transport, _ in opened:
        transport.abort()
    ordered = sorted(seen_ns) or [0]
    return Load(
        len(seen_ns) / elapsed_s,
        ordered[len(ordered) // 2] / 1e6,
        ordered[len(ordered) * 99 // 100] / 1e6,
        sum(asker.failed for _, asker in opened),
    )


if __name__ == "__main__":
    host, port, path, connections, seconds = sys.argv[1:]
    print(json.dumps(uvloop.run(load(host, int(port), path, int(connections), float(seconds)))._asdict()))
