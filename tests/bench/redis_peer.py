"""Redis as somebody would use it instead: the latest value under a key, candles in a list, pub/sub, a stream.

A server of our own on a unix socket, without persistence; redis-py as pip installs it. Values are msgpack, as msgpack-python
writes and reads it.

    python -m tests.bench.redis_peer pubsub SOCKET COUNT      publish so many trades, in pipelines of 50
    python -m tests.bench.redis_peer stream SOCKET COUNT      the same with XADD
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgpack

from protocol.windows import BAR_COLUMNS
from tests.bench.peers import binary
from tests.support.paths import ROOT
from tests.support.process import Program, clean_environment

_NOW_NS: Final = 1_795_000_000_000_000_000
QUOTE: Final = [
    "BTC_USDT",
    "binance",
    _NOW_NS,
    _NOW_NS + 5_000_000,
    61_659.7,
    61_659.8,
    1.5,
    0.98,
    1,
]
CHANNEL: Final = "trades"
PIPELINE: Final = 50
PAGE: Final = 500
TICK_KEY: Final = "tick:BTC_USDT"
BARS_KEY: Final = "bars:BTC_USDT:1m"


def trade(number: int) -> list[Any]:
    """What one event of the bus carries."""
    return ["BTC_USDT", "binance", _NOW_NS, _NOW_NS + 5_000_000, 61_659.7, 0.125, 1, 10**9 + number]


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start one; gives the path of its socket."""
    path = folder / "redis"
    command = [
        binary("redis-server"),
        "--port",
        "0",
        "--unixsocket",
        str(path),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    command += ["--dir", str(folder), "--client-output-buffer-limit", "pubsub", "0", "0", "0"]
    with Program(command, title="redis-server") as server:
        server.wait_for_text("eady to accept connections")
        yield str(path)


def client_of(path: str) -> Any:
    """A connection, as redis-py makes it."""
    import redis

    return redis.Redis(unix_socket_path=path)


def tick_reader(path: str) -> Callable[[], Any]:
    """Store a quote under its key; gives what reads it."""
    client = client_of(path)
    client.set(TICK_KEY, msgpack.packb(QUOTE))
    get, unpack = client.get, msgpack.unpackb
    return lambda: unpack(get(TICK_KEY))


def window_reader(path: str, count: int) -> Callable[[], list[Any]]:
    """Push so many candles onto a list, each a msgpack map; gives what reads them all."""
    client = client_of(path)
    candle = {name: 61_659.7 if "f" in form else 1_795_000_000 for name, form in BAR_COLUMNS}
    client.delete(BARS_KEY)
    client.rpush(BARS_KEY, *(msgpack.packb({**candle, "ts_open_ns": number}) for number in range(count)))
    fetch, unpack = client.lrange, msgpack.unpackb
    return lambda: [unpack(row) for row in fetch(BARS_KEY, 0, -1)]


def through(path: str, mode: str, count: int) -> float:
    """Events a second from a publishing process to this one, each packed there and unpacked here."""
    client = client_of(path)
    client.delete(CHANNEL)
    take = _listen if mode == "pubsub" else _read_stream
    command = [sys.executable, "-m", "tests.bench.redis_peer", mode, path, str(count)]
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment()) as sender:
        seconds = take(client, count)
        assert sender.wait(30) == 0
    client.delete(CHANNEL)
    return (count - 1) / seconds


def _listen(client: Any, count: int) -> float:
    taken, started_s = 0, 0.0
    with client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(CHANNEL)
        for message in heard.listen():
            if message is None:
                continue
            started_s = started_s or time.perf_counter()
            msgpack.unpackb(message["data"])
            taken += 1
            if taken == count:
                break
    return time.perf_counter() - started_s


def _read_stream(client: Any, count: int) -> float:
    taken, started_s, last = 0, 0.0, "0"
    while taken < count:
        pages = client.xread({CHANNEL: last}, count=PAGE, block=20_000)
        assert pages, f"only {taken} of {count} entries came"
        started_s = started_s or time.perf_counter()
        entries = next(iter(pages.values()))[0] if isinstance(pages, dict) else pages[0][1]
        for last, body in entries:  # noqa: B007 - the last one is where the next page begins
            msgpack.unpackb(body[b"e"])
        taken += len(entries)
    return time.perf_counter() - started_s


def send(mode: str, path: str, count: int) -> None:
    """The publishing process."""
    client = client_of(path)
    pause, end_s = threading.Event(), time.monotonic() + 30.0
    while mode == "pubsub" and not client.pubsub_numsub(CHANNEL)[0][1]:
        assert time.monotonic() < end_s, "nobody subscribed"
        pause.wait(0.005)
    with client.pipeline(transaction=False) as line:
        for number in range(count):
            body = msgpack.packb(trade(number))
            if mode == "pubsub":
                line.publish(CHANNEL, body)
            else:
                line.xadd(CHANNEL, {b"e": body})
            if number % PIPELINE == PIPELINE - 1:
                line.execute()
        line.execute()


if __name__ == "__main__":
    send(sys.argv[1], sys.argv[2], int(sys.argv[3]))
