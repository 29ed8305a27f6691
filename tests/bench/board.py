"""Reads from shared memory: a tick against Redis GET, a window of 5,000 candles against the same over the socket.

Where this checkout's client cannot read shared memory, nothing is measured, and it is said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from protocol.client.hub import Hub
from tests.bench.feeder import SYMBOLS
from tests.bench.peers import redis
from tests.bench.reads import (
    CANDLES,
    IDLE_PER_S,
    WRITES_PER_S,
    by_socket,
    feeder,
    frames_per_s,
    has_all,
    has_board,
    hub_process,
    median_s,
)
from tests.bench.redis_peer import redis_server, tick_reader
from tests.bench.report import Row, against, in_turn, say
from tests.support.paths import short_folder
from tests.support.wait import until

TICK_GOAL: Final = 50.0
"""Times faster than Redis GET."""
WINDOW_GOAL: Final = 1 / 3
"""Of the time that the socket takes."""


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Ticks at rest and under writes, and the window."""
    if not has_board():
        say("  this checkout reads over the socket alone: nothing to measure")
        return []
    ticks, windows = (2_000, 30) if quick else (20_000, 300)
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        endpoints, _ = stack.enter_context(hub_process(folder))
        board = stack.enter_context(Hub(folder, timeout_s=10.0))
        socket = stack.enter_context(Hub(folder, timeout_s=10.0, **by_socket()))
        redis_tick = tick_reader(stack.enter_context(redis_server(folder))) if redis().is_here else None
        with feeder(endpoints, IDLE_PER_S, CANDLES):
            until(lambda: has_all(socket), 15.0, "the hub to have quotes and candles")
            rows += tick_rows("tick, board", board, socket, redis_tick, rounds, ticks)
            rows.append(window_row(board, socket, rounds, windows))
        with feeder(endpoints, WRITES_PER_S, 1):
            until(lambda: frames_per_s(socket) > WRITES_PER_S * 0.5, 15.0, "the hub to take the writes")
            what = f"tick, board, {WRITES_PER_S:,} writes/s"
            rows += tick_rows(what, board, socket, redis_tick, rounds, ticks)
    return rows


def tick_rows(
    what: str, board: Hub, socket: Hub, redis_tick: Callable[[], object] | None, rounds: int, times: int
) -> list[Row]:
    """How many times faster a tick is read than by the others."""
    symbol, few = SYMBOLS[0], max(100, times // 10)
    contenders: dict[str, Callable[[], float]] = {
        "ours": lambda: median_s(lambda: board.tick(symbol, allow_stale=True), times) * 1e6,
        "our socket": lambda: median_s(lambda: socket.tick(symbol, allow_stale=True), few) * 1e6,
    }
    if redis_tick is not None:
        contenders["Redis GET"] = lambda: median_s(redis_tick, few) * 1e6
    found = in_turn(rounds, contenders)
    rows = []
    for peer in contenders:
        if peer == "ours":
            continue
        ours, theirs, ratio = against(found, "ours", peer)
        goal = TICK_GOAL if peer == "Redis GET" else None
        rows.append(
            Row(
                "board", what, ours, theirs, "us p50", 1 / ratio, goal, at_most=False, note="times faster",
                goal_id="tick-board", peer=peer,
            )
        )  # fmt: skip
    return rows


def window_row(board: Hub, socket: Hub, rounds: int, times: int) -> Row:
    """5,000 candles by both ways."""

    def read(hub: Hub) -> float:
        return median_s(lambda: hub.candles(SYMBOLS[0], "1m", CANDLES, allow_stale=True), times) * 1e6

    found = in_turn(rounds, {"ours": lambda: read(board), "our socket": lambda: read(socket)})
    ours, theirs, ratio = against(found, "ours", "our socket")
    return Row(
        "board", f"{CANDLES:,} candles, board", ours, theirs, "us p50", ratio, WINDOW_GOAL, goal_id="window-board",
        peer="our socket",
    )  # fmt: skip
