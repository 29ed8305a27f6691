"""What the project promises about speed and size, one entry per promise, and what a run says of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.bench.report import Row

NOT_RUN: Final = "not run"


class Goal(NamedTuple):
    """One promise."""

    id: str
    what: str
    against: str
    promise: str
    command: str
    """What measures it."""


class Outcome(NamedTuple):
    """What a run says of a promise."""

    goal: Goal
    rows: list[Row]
    """Those that decide it come first."""
    verdict: str
    """ok, MISS or `not run`."""


GOALS: Final = (
    Goal(
        "tick-socket", "tick read, socket", "raw pyzmq REQ/ROUTER echo of the same bytes",
        "p50 <= 1.15x idle, <= 1.5x under 50,000 events/s", "bench reads",
    ),
    Goal(
        "window", "5,000-bar read", "Redis LRANGE and msgpack; manager-proxy list of objects",
        ">= 50x faster than either", "bench windows",
    ),
    Goal("tick-board", "tick read, board", "Redis GET", ">= 50x faster", "bench board"),
    Goal("window-board", "5,000-bar read, board", "the same by the socket", "<= 1/3 of the time", "bench board"),
    Goal(
        "bus", "bus, one publisher to one actor with decode", "raw pyzmq PUB/SUB of the same bytes", ">= 0.5x", "bench bus"
    ),
    Goal(
        "pipeline", "whole pipeline on two cores, storage included, nothing lost",
        "raw forward of the same frames through as many processes",
        ">= 0.5x; >= 150,000 events/s from a recorded file, >= 30,000 frames/s through the WebSocket", "bench pipeline",
    ),
    Goal("parse", "collector, processor time per frame", "websocket-client receiving alone", "<= 1.6x", "bench e2e"),
    Goal("visible", "publish to visible in the hub, 10,000 events/s", "one raw pyzmq hop", "p50 <= 2x, p99 <= 3x", "bench e2e"),
    Goal(
        "indicators", "indicators, one candle, 8 of them", "TA-Lib over the window again", ">= 50x faster, equal to 1e-9",
        "bench indicators",
    ),
    Goal(
        "storage", "storage", "the driver's `executemany` (SQLite), binary COPY and upsert (PostgreSQL)", ">= 0.7x",
        "bench storage",
    ),
    Goal(
        "kill", "kill -9 of any actor under load", "the simulated venue's truth",
        "lost 0, doubled 0; fresh again <= 5 s with supervisord alone, <= 1 s with the guardian", "guardian-check --json",
    ),
    Goal("slope", "memory over time", "a straight line through an hour", "flat", "soak --json"),
    Goal("capacity", "memory of 500 symbols x 5,000 candles", "", "<= 1 GiB in all", "bench capacity"),
    Goal("start", "supervisord to the first answered read, default topology", "", "<= 3 s", "bench startup"),
    Goal("memory", "memory of the default system", "", "<= 400 MiB", "bench startup"),
    Goal("import", "what a plain actor imports", "a bare interpreter", "<= 60 ms, <= 30 MiB", "bench startup"),
)  # fmt: skip


def outcomes(rows: Sequence[Row]) -> list[Outcome]:
    """Each promise with the rows that belong to it; a promise is kept when every row with a goal keeps its own."""
    found = []
    for goal in GOALS:
        mine = [row for row in rows if row.goal_id == goal.id]
        deciding = [row for row in mine if row.goal is not None]
        if not deciding:
            verdict = NOT_RUN
        else:
            verdict = "MISS" if any(row.verdict == "MISS" for row in deciding) else "ok"
        found.append(Outcome(goal, [*deciding, *(row for row in mine if row.goal is None)], verdict))
    return found


def unknown_ids(rows: Sequence[Row]) -> set[str]:
    """Ids of rows that no promise has: a misspelling."""
    return {row.goal_id for row in rows if row.goal_id} - {goal.id for goal in GOALS}


def text_of(found: Sequence[Outcome]) -> str:
    """For a terminal: promise, verdict, and what decides it."""
    lines = []
    for outcome in found:
        goal = outcome.goal
        lines.append(f"{outcome.verdict:8} {goal.what}: {goal.promise}")
        if outcome.verdict == NOT_RUN:
            lines.append(f"{'':9}./scripts/{goal.command}")
        missed = [row.what for row in outcome.rows if row.verdict == "MISS"]
        if missed:
            lines.append(f"{'':9}missed: {'; '.join(missed)}")
    return "\n".join(lines)
