"""NATS core publish and subscribe as somebody would use it instead of the bus: nats-py at both ends, trades in msgpack.

python -m tests.bench.nats_peer URL COUNT      publish so many trades
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import msgpack

from tests.bench.peers import binary
from tests.bench.redis_peer import trade
from tests.support.paths import ROOT, free_port
from tests.support.process import Program, clean_environment

SUBJECT: Final = "trade.binance.BTC_USDT"
START: Final = "start"
FLUSH: Final = 1000
PLENTY: Final = 2**30
DEADLINE_S: Final = 60.0


@contextlib.contextmanager
def nats_server() -> Iterator[str]:
    """Start one; gives its URL."""
    port = free_port()
    with Program([binary("nats-server"), "-a", "127.0.0.1", "-p", str(port)], title="nats-server") as server:
        server.wait_for_text("Server is ready")
        yield f"nats://127.0.0.1:{port}"


def through(url: str, count: int) -> float:
    """Events a second from a publishing process to this one, each packed there and unpacked here."""
    command = [sys.executable, "-m", "tests.bench.nats_peer", url, str(count)]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment()) as sender:
        seconds = asyncio.run(_listen(url, count))
        assert sender.wait(30) == 0
    return (count - 1) / seconds


async def _listen(url: str, count: int) -> float:
    import nats

    client = await nats.connect(url)
    over = asyncio.Event()
    taken, started_s = 0, 0.0

    async def take(message: Any) -> None:
        nonlocal taken, started_s
        started_s = started_s or time.perf_counter()
        msgpack.unpackb(message.data)
        taken += 1
        if taken == count:
            over.set()

    await client.subscribe(SUBJECT, cb=take, pending_msgs_limit=count * 2, pending_bytes_limit=PLENTY)
    await client.flush()
    await _hand_over(client)
    await asyncio.wait_for(over.wait(), DEADLINE_S)
    seconds = time.perf_counter() - started_s
    await client.close()
    return seconds


async def _hand_over(client: Any) -> None:
    """Ask the sender to begin until it says that it does."""
    import nats

    for _ in range(200):
        with contextlib.suppress(nats.errors.TimeoutError, nats.errors.NoRespondersError):
            await client.request(START, b"", timeout=0.5)
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the sender did not come")


async def send(url: str, count: int) -> None:
    """The publishing process."""
    import nats

    client = await nats.connect(url)
    asked = await client.subscribe(START)
    first = await asked.next_msg(timeout=DEADLINE_S)
    await first.respond(b"")
    for number in range(count):
        await client.publish(SUBJECT, msgpack.packb(trade(number)))
        if number % FLUSH == FLUSH - 1:
            await client.flush()
    await client.flush()
    await client.close()


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], int(sys.argv[2])))
