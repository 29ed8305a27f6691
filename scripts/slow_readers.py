"""200 clients that read 1 kB/s of a large answer and one that never reads: what do the others notice?

    ./scripts/slow-readers [--readers 200] [--seconds 3] [--rounds 3] [--json]

Hub and gateway as processes of their own, events flowing. Prints rate, p50 and p99 of ordinary reads before, while the slow
ones read, and after; the gateway's memory; and after how long the stuck one was cut off.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import sys
import time
from typing import Any, Final
from urllib.parse import urlsplit

from tests.bench import wrk
from tests.bench.gateway import GATEWAY, SYMBOL, Stage, stage

EVENTS_PER_S: Final = 2000
CANDLES: Final = 5000
"""Of a large answer: 1.8 MB."""
LARGE: Final = f"/api/v1/bars/{SYMBOL}?tf=1m&limit={CANDLES}"
READ: Final = f"/api/v1/quotes/{SYMBOL}"
CONNECTIONS: Final = 16
CHUNK_BYTES: Final = 1024
WINDOW_BYTES: Final = 4096
CUT_DEADLINE_S: Final = 60.0
BEGIN_DEADLINE_S: Final = 60.0


async def asking(url: str) -> socket.socket:
    """A connection with a small window that has asked for the large answer."""
    parts = urlsplit(url)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
    made.setblocking(False)  # noqa: FBT003 - its only argument
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, (parts.hostname, parts.port))
    await loop.sock_sendall(made, f"GET {LARGE} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return made


async def slowly(made: socket.socket, begun: asyncio.Event) -> None:
    """Read 1 kB a second until the other side ends it; tell when the answer has begun."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(made, CHUNK_BYTES):
        begun.set()
        await asyncio.sleep(1.0)


async def cut_after_s(made: socket.socket, started_s: float) -> float:
    """When the side that is never read from hangs up: only the state of the connection tells."""
    while time.monotonic() - started_s < CUT_DEADLINE_S:
        if made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1:  # no longer ESTABLISHED
            return time.monotonic() - started_s
        await asyncio.sleep(0.1)
    return float("nan")


def rss_bytes(found: Stage) -> int:
    """Memory of the gateway by its newest heartbeat."""
    return int(found.hub.status()["actors"][GATEWAY]["detail"]["rss_bytes"])


async def measured(found: Stage, seconds: float, rounds: int) -> dict[str, float]:
    """Median load of several rounds of ordinary reads."""
    loads = [await asyncio.to_thread(wrk.ask, found.url + READ, seconds, CONNECTIONS) for _ in range(rounds)]
    return {
        "per_s": statistics.median(load.per_s for load in loads),
        "p50_ms": statistics.median(load.p50_ms for load in loads),
        "p99_ms": statistics.median(load.p99_ms for load in loads),
        "p99_low_ms": min(load.p99_ms for load in loads),
        "p99_high_ms": max(load.p99_ms for load in loads),
        "failed": sum(load.failed for load in loads),
        "rss_mb": rss_bytes(found) / 1e6,
    }


async def show(found: Stage, readers: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Before, meanwhile, after."""
    await asyncio.to_thread(wrk.ask, found.url + READ, 1.0, CONNECTIONS)
    before = await measured(found, seconds, rounds)
    stuck = await asking(found.url)
    cutting = asyncio.create_task(cut_after_s(stuck, time.monotonic()))
    slow = [await asking(found.url) for _ in range(readers)]
    begun = [asyncio.Event() for _ in slow]
    tasks = [asyncio.create_task(slowly(one, event)) for one, event in zip(slow, begun, strict=True)]
    started_s = time.monotonic()
    await asyncio.wait_for(asyncio.gather(*[event.wait() for event in begun]), BEGIN_DEADLINE_S)
    begun_s = time.monotonic() - started_s
    await asyncio.to_thread(wrk.ask, found.url + READ, 2.0, CONNECTIONS)  # all have what fits on the way
    meanwhile = await measured(found, seconds, rounds)
    reading = sum(not task.done() for task in tasks)
    cut_s = await cutting
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in (stuck, *slow):
        one.close()
    after = await measured(found, seconds, rounds)
    return {
        "before": before, "meanwhile": meanwhile, "after": after, "stuck_cut_after_s": cut_s,
        "readers": readers, "readers_left": reading, "begun_s": begun_s,
    }  # fmt: skip


def told(found: dict[str, Any]) -> str:
    """For a terminal."""
    lines = [
        f"{'':<12}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'  p99 low-high':>16}{'failed':>8}{'rss MB':>9}"
    ]
    for name in ("before", "meanwhile", "after"):
        row = found[name]
        spread = f"{row['p99_low_ms']:.2f}-{row['p99_high_ms']:.2f}"
        lines.append(
            f"{name:<12}{row['per_s']:>9,.0f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}{spread:>16}"
            f"{row['failed']:>8.0f}{row['rss_mb']:>9.0f}"
        )
    lines.append(
        f"\nall answers had begun after {found['begun_s']:.1f} s; {found['readers_left']} of {found['readers']} slow readers still read when it was measured; "
        f"the stuck one was cut off after {found['stuck_cut_after_s']:.1f} s"
    )
    return "\n".join(lines)


def main() -> int:
    """Run, print; exit 1 if the stuck client was never cut."""
    parser = argparse.ArgumentParser(prog="scripts/slow-readers", description=__doc__)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with stage(EVENTS_PER_S, CANDLES) as found:
        shown = asyncio.run(show(found, options.readers, options.seconds, options.rounds))
    print(json.dumps(shown, indent=1) if options.json else told(shown))
    return 0 if shown["stuck_cut_after_s"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
