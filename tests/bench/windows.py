"""Windows: 5,000 candles over the socket, against the same bytes raw, a Redis list of msgpack, and a list of objects by proxy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from protocol.client.hub import Hub
from protocol.requests import Request, encode_request
from tests.bench.feeder import SYMBOLS
from tests.bench.loopback import loopback
from tests.bench.manager_peer import manager_server
from tests.bench.peers import redis
from tests.bench.reads import (
    CANDLES,
    IDLE_PER_S,
    by_socket,
    echo_of,
    feeder,
    has_all,
    hub_process,
    median_s,
    raw_reply,
)
from tests.bench.redis_peer import redis_server, window_reader
from tests.bench.report import Row, against, in_turn
from tests.support.paths import short_folder
from tests.support.wait import until

GOAL: Final = 50.0
"""Times faster than what is stored candle by candle."""
FEW: Final = 15
"""The slow ones are asked so many times less often."""
OF_ITS_OWN: Final = ("Redis LRANGE", "manager proxy")
"""Those that the promise is about; the others carry one buffer, as ours does."""
WHY: Final = (
    "times faster, asked over the socket; by default an engine of the same host reads the board (suite board). What is left is ZeroMQ "
    "and the kernel moving half a megabyte: an echo of the same bytes, which nobody looks at, is faster by"
)


def run(rounds: int, *, quick: bool) -> list[Row]:
    """A row against each of the others."""
    times, symbol = (30, SYMBOLS[0]) if quick else (300, SYMBOLS[0])
    request = encode_request(
        Request(op="candles", symbol=symbol, timeframe="1m", n=CANDLES, allow_stale=True, id=1)
    )
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        endpoints, _ = stack.enter_context(hub_process(folder))
        query = endpoints.query("hub.1")
        hub = stack.enter_context(Hub(query, timeout_s=10.0, **by_socket()))
        stack.enter_context(feeder(endpoints, IDLE_PER_S, CANDLES))
        until(lambda: has_all(hub), 15.0, "the hub to have all candles")
        assert len(hub.candles(symbol, "1m", CANDLES, allow_stale=True)) == CANDLES
        reply = raw_reply(query, request)
        ask, _ = stack.enter_context(echo_of(reply, request, folder, "candles"))
        proxy = stack.enter_context(manager_server(CANDLES))
        contenders: dict[str, Callable[[], float]] = {
            "ours": lambda: (
                median_s(lambda: hub.candles(symbol, "1m", CANDLES, allow_stale=True), times) * 1e6
            ),
            "raw pyzmq": lambda: median_s(ask, times) * 1e6,
            "manager proxy": lambda: median_s(proxy.candles, max(3, times // FEW)) * 1e6,
        }
        if redis().is_here:
            fetch = window_reader(stack.enter_context(redis_server(folder)), CANDLES)
            contenders["Redis LRANGE"] = lambda: median_s(fetch, max(3, times // FEW)) * 1e6
        limit = stack.enter_context(loopback())
        if limit is not None:
            contenders["C, Unix socket"] = lambda: limit.round_trip_us("unix", len(reply), times) / 2
        found = in_turn(rounds, contenders)
    limits = {peer: 1 / against(found, "raw pyzmq", peer)[2] for peer in OF_ITS_OWN if peer in found}
    return [
        row_of(peer, *against(found, "ours", peer), limits.get(peer, 0.0)) for peer in contenders if peer != "ours"
    ]  # fmt: skip


def row_of(peer: str, ours: float, theirs: float, ratio: float, limit: float) -> Row:
    """Times faster than those that keep candles one by one; the ratio to those that move the same buffer.

    Args:
        peer: Who.
        ours: Microseconds.
        theirs: Microseconds.
        ratio: Ours to theirs.
        limit: How many times faster than the peer it is to move the same bytes and do nothing with them.
    """
    what = f"{CANDLES:,} candles"
    if peer in OF_ITS_OWN:
        return Row(
            "windows", what, ours, theirs, "us p50", 1 / ratio, GOAL, at_most=False, note=f"{WHY} {limit:.3g} times", goal_id="window",
            peer=peer,
        )  # fmt: skip
    note = "there and back divided by two: the question is short" if peer.startswith("C") else ""
    return Row("windows", what, ours, theirs, "us p50", ratio, note=note, goal_id="window", peer=peer)
