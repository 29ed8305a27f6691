"""Every minute that is not stored is ordered once, in as few stretches as pages allow."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.jobs import Cost
from actors.collector.bars.judging.calendar import expected_minutes as minutes_of
from protocol.sessions import session_named
from tapehub.refill_plan import (
    RUN_UP,
    Piece,
    Span,
    by_stretch,
    expected_minutes,
    got_minutes,
    merged,
    missing_minutes,
    pieces_of,
    run_up,
    summed,
)

M = 60_000_000_000
DAY = 1440 * M


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


MONDAY = at("2026-11-16T00:00")
CRYPTO, FX, SHARES = (session_named(name) for name in ("crypto", "fx", "us_equity"))
SESSIONS = st.sampled_from([CRYPTO, FX, SHARES])


@st.composite
def wishes(draw):
    """A span of up to three weeks, some of its minutes stored, and the length of a page."""
    session = draw(SESSIONS)
    from_ns = MONDAY + draw(st.integers(-5000, 5000)) * M
    to_ns = from_ns + draw(st.integers(0, 30_000)) * M
    floor_ns = draw(st.sampled_from([0, from_ns + 700 * M, to_ns + DAY]))
    live_ns = draw(st.sampled_from([0, to_ns - 500 * M, from_ns - M, to_ns + M]))
    there = list(minutes_of(session, from_ns, to_ns))
    stored = set(there)
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, max(0, len(there) - 1)))
        stored -= set(there[begin : begin + draw(st.integers(1, 3000))])
    return (
        session,
        Span(from_ns, to_ns, floor_ns, live_ns),
        stored,
        draw(st.sampled_from([5000, 10_080])) * M,
    )


@given(wishes())
def test_what_is_missing_is_ordered_once(wish) -> None:
    session, span, stored, page_ns = wish
    pieces = pieces_of("X", span, stored, session, page_ns)
    reachable = set(minutes_of(session, span.begin_ns, span.end_ns)) if span.begin_ns < span.end_ns else set()
    ordered = [set(minutes_of(session, one.from_ns, one.to_ns)) for one in pieces]
    assert reachable - stored <= set().union(*ordered)
    assert sum(map(len, ordered)) == len(set().union(*ordered)), "no minute is in two of them"
    assert all(span.floor_ns <= one.from_ns < one.to_ns <= span.end_ns for one in pieces)
    assert all(reachable & some - stored for some in ordered), "no stretch in vain"
    for (before, _), (behind, some) in itertools.pairwise(zip(pieces, ordered, strict=True)):
        assert min(reachable & some - stored) - before.to_ns >= page_ns, (
            f"{before} and {behind} fit into a page"
        )


@given(wishes())
def test_minutes_missing_are_counted_to_where_it_is_live(wish) -> None:
    session, span, stored, _ = wish
    wanted = set(minutes_of(session, span.from_ns, span.end_ns)) if span.from_ns < span.end_ns else set()
    assert missing_minutes(session, span, stored) == len(wanted - stored)


@given(SESSIONS, st.integers(-20_000, 20_000))
def test_the_run_up_is_so_many_minutes_of_trading(session, offset) -> None:
    start_ns = session.next_open_ns(MONDAY + offset * M)
    before = list(minutes_of(session, run_up(session, start_ns), start_ns))
    assert len(before) == RUN_UP
    assert before[0] == run_up(session, start_ns), "it begins in market hours"


def test_the_run_up_of_an_opening_lies_before_the_weekend() -> None:
    opens = at("2026-11-16T14:30")  # Monday
    assert run_up(SHARES, opens) == at("2026-11-13T20:55")


@pytest.mark.parametrize(
    ("runs", "page", "expected"),
    [
        ([], 10, []),
        ([(0, 5)], 10, [(0, 5)]),
        ([(0, 5), (14, 20)], 10, [(0, 20)]),
        ([(0, 5), (15, 20)], 10, [(0, 5), (15, 20)]),
        ([(0, 5), (14, 20), (29, 30), (50, 51)], 10, [(0, 30), (50, 51)]),
    ],
)
def test_holes_within_a_page_are_one(runs, page, expected) -> None:
    assert merged(runs, page) == expected


def test_nothing_is_ordered_where_everything_is_there() -> None:
    span = Span(MONDAY, MONDAY + DAY)
    stored = set(minutes_of(FX, *span[:2]))
    assert pieces_of("X", span, stored, FX, DAY) == []
    assert missing_minutes(FX, span, stored) == 0


def test_nothing_is_ordered_of_a_closed_market() -> None:
    saturday = at("2026-11-21T10:00")
    assert pieces_of("X", Span(saturday, saturday + 600 * M), set(), FX, DAY) == []


def test_equal_stretches_are_one_question() -> None:
    pieces = [Piece("A", 1, 5), Piece("B", 1, 5), Piece("A", 7, 9)]
    assert by_stretch(pieces) == {(1, 5): ["A", "B"], (7, 9): ["A"]}


def test_minutes_of_jobs() -> None:
    assert expected_minutes(CRYPTO, [Piece("A", 0, 5 * M), Piece("A", 10 * M, 12 * M)]) == 7
    jobs = [{"minutes": 10, "missing": 3}, {"minutes": 2, "missing": 2}, {"minutes": 0, "missing": 4}]
    assert got_minutes(jobs) == 7, "one that has been counted anew after a restart takes nothing away"


def test_costs_are_summed_for_each_instrument_and_provider() -> None:
    costs = [
        Cost("A", "yahoo", 2, 100, 10, 20, 1.0),
        Cost("A", "yahoo", 1, 50, 5, 8, 3.0),
        Cost("A", "polygon", 1, 7, 1, 2, 0.0),
        Cost("B", "yahoo", 1, 9, 1, 2, 3.0),
    ]
    rows = summed([one._asdict() for one in costs])
    assert [(row["symbol"], row["provider"], row["calls"], row["minutes"]) for row in rows] == [
        ("A", "yahoo", 3, 150), ("A", "polygon", 1, 7), ("B", "yahoo", 1, 9),
    ]  # fmt: skip
    assert (rows[0]["from_ns"], rows[0]["to_ns"], rows[0]["seconds"]) == (5, 20, 3.0)
