"""What a backfill has come to, and when a script is told so."""

from typing import Any

import pytest

from protocol.sessions import session_named
from tapehub.refill_plan import Piece, Span
from tapehub.refill_result import DONE, MISSING, NO_DATA, Result, result_of, told_missing, whole

M = 60_000_000_000
ALWAYS = session_named("crypto")


def result(minutes: int, missing: int) -> Result:
    return Result(symbol="X", from_ns=0, to_ns=minutes * M, minutes=minutes, missing=missing)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ([(10, 0)], DONE),
        ([(0, 0)], DONE),
        ([(10, 1)], MISSING),
        ([(10, 10)], NO_DATA),
        ([(10, 0), (10, 10)], MISSING),
        ([(10, 10), (5, 5)], NO_DATA),
        ([(10, 10), (0, 0)], MISSING),
    ],
)
def test_the_whole(counts: list[tuple[int, int]], state: str) -> None:
    assert whole(result(*one) for one in counts) == state


def test_minutes_count_up_to_where_the_collector_goes_on_by_itself() -> None:
    found = result_of("X", Span(0, 100 * M, 0, 80 * M), ALWAYS, 90, "yahoo")
    assert (found.minutes, found.missing, found.live_ns) == (80, 80, 80 * M)
    assert result_of("X", Span(0, 100 * M, 0, 200 * M), ALWAYS, 0, "yahoo").live_ns == 0
    nothing = result_of("X", Span(50 * M, 100 * M, 0, 20 * M), ALWAYS, 0, "yahoo")
    assert (nothing.minutes, nothing.state) == (0, DONE)


def test_remarks() -> None:
    late = Result(
        symbol="X", from_ns=0, to_ns=100 * M, minutes=100, missing=10, floor_ns=10 * M, live_ns=50 * M, provider="yahoo"
    )  # fmt: skip
    assert late.remarks(lambda ts_ns: f"minute {ts_ns // M}") == [
        "X: 1m bars go back to minute 10, at yahoo",
        "X: from minute 50 on its collector fetches it by itself",
    ]
    usual = Result(symbol="X", from_ns=0, to_ns=100 * M, minutes=85, missing=0, live_ns=85 * M)
    assert usual.remarks(str) == []


def job(minutes: int, missing: int = 0, state: str = "done") -> dict[str, Any]:
    return {"minutes": minutes, "missing": missing, "state": state}


@pytest.mark.parametrize(
    ("jobs", "missing"),
    [
        ([job(100)], 0),
        ([job(100, 7)], 7),
        ([job(60, state="cancelled")], 40),
        ([job(500)], 0),  # somebody else's, of a longer stretch
        ([job(30, state="forgotten")], 70),
    ],
)
def test_what_collectors_tell(jobs: list[dict[str, Any]], missing: int) -> None:
    assert told_missing(Span(0, 100 * M), ALWAYS, [Piece("X", 0, 100 * M)], jobs) == missing


def test_what_nobody_has_is_missing_too() -> None:
    span = Span(0, 100 * M, floor_ns=30 * M)
    assert told_missing(span, ALWAYS, [Piece("X", 30 * M, 100 * M)], [job(70)]) == 30
    assert told_missing(span._replace(floor_ns=300 * M), ALWAYS, [], []) == 100
