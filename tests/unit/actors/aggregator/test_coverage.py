"""Holes and the share of an interval that they leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.aggregator.coverage import MAX_HOLES, Coverage
from protocol.sessions import FOREVER_NS, NS_PER_S, session_named
from tests.unit.actors.aggregator.series import DAY

HOUR_NS = 3600 * NS_PER_S


def coverage(*holes, session="crypto"):
    found = Coverage(session_named(session))
    for number, (from_ns, to_ns) in enumerate(holes):
        found.add(str(number), from_ns, to_ns)
    return found


def test_without_holes_everything_is_covered():
    found = coverage()
    assert not found
    assert found.share(0, 100) == 1.0


@pytest.mark.parametrize(
    ("holes", "share"),
    [
        ([(10, 20)], 0.9),
        ([(-50, 10)], 0.9),
        ([(90, 500)], 0.9),
        ([(-50, 500)], 0.0),
        ([(100, 500)], 1.0),
        ([(10, 30), (20, 40)], 0.7),
        ([(10, 20), (80, FOREVER_NS)], 0.7),
        ([(50, 50)], 0.99),
    ],
)
def test_holes_are_counted_once(holes, share):
    assert coverage(*holes).share(0, 100) == share


def test_a_hole_can_be_changed_closed_and_removed():
    found = coverage((50, FOREVER_NS))
    assert found.is_interrupted
    assert found.add("0", 50, 60) == (50, FOREVER_NS)
    assert not found.is_interrupted
    assert found.share(0, 100) == 0.9
    assert found.remove("0") == (50, 60)
    assert found.remove("0") is None
    assert found.share(0, 100) == 1.0


def test_open_holes_end_together():
    found = coverage((10, 20), (50, FOREVER_NS), (40, FOREVER_NS))
    assert found.end_open() == 40
    assert found.end_open() is None
    assert found.share(0, 100) == 0.9


def test_a_hole_in_a_closed_market_is_none():
    saturday = DAY + 36 * HOUR_NS  # 2024-08-10T12:00Z
    found = coverage((saturday, saturday + HOUR_NS), session="fx")
    friday = session_named("fx").bar_open_ns(DAY + HOUR_NS, "1d")
    assert found.share(friday, friday + 48 * HOUR_NS) == 1.0
    assert found.share(saturday, saturday + HOUR_NS) == 1.0
    found.add("1", DAY + HOUR_NS, DAY + 7 * HOUR_NS)
    assert found.share(friday, friday + 24 * HOUR_NS) == 0.75


def test_too_many_holes_are_joined_never_forgotten():
    found = coverage((5, FOREVER_NS), *((10 * n, 10 * n + 1) for n in range(1, MAX_HOLES + 50)))
    assert len(found.holes()) == MAX_HOLES
    assert found.is_interrupted
    found.end_open()
    exact = 10 * (MAX_HOLES + 50)
    assert found.share(0, exact) <= 1 - (MAX_HOLES + 49) / exact


def test_old_holes_are_forgotten():
    found = coverage((10, 20), (30, 40))
    found.forget_before(20)
    assert [hole[1:] for hole in found.holes()] == [(30, 40)]


holes = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 40)).map(lambda hole: (hole[0], sum(hole) + 1))
)


@given(holes, st.integers(0, 100), st.integers(1, 50))
def test_the_share_is_the_count_of_uncovered_moments(found, from_ns, length):
    missing = {moment for start, end in found for moment in range(start, end)}
    seen = sum(moment not in missing for moment in range(from_ns, from_ns + length))
    assert coverage(*found).share(from_ns, from_ns + length) == pytest.approx(seen / length, abs=1e-12)


@given(holes)
def test_it_can_be_restored(found):
    first = coverage(*found)
    second = coverage()
    second.restore(first.holes())
    assert [first.share(n, n + 7) for n in range(100)] == [second.share(n, n + 7) for n in range(100)]


MINUTE_NS = 60 * NS_PER_S


def test_a_mended_minute_has_no_hole_for_candles_of_a_minute_and_longer():
    found = coverage((DAY + 30 * NS_PER_S, DAY + 90 * NS_PER_S))
    found.mend(DAY, has_events=True)
    assert found.share(DAY, DAY + MINUTE_NS) == 1.0
    assert found.share(DAY + MINUTE_NS, DAY + 2 * MINUTE_NS) == 0.5
    assert found.share(DAY, DAY + 5 * MINUTE_NS) == 0.9
    assert found.share(DAY + 40 * NS_PER_S, DAY + 41 * NS_PER_S) == 0.0, "a second still has it"
    assert found.share(DAY + 30 * NS_PER_S, DAY + 60 * NS_PER_S) == 0.0
    found.mend(DAY + MINUTE_NS, has_events=False)
    assert found.share(DAY, DAY + 5 * MINUTE_NS) == 1.0


def test_a_close_reaches_to_the_end_of_the_next_mended_minute_with_trades():
    found = coverage()
    found.mend(DAY + 3 * MINUTE_NS, has_events=True)
    found.mend(DAY + MINUTE_NS, has_events=False)
    assert found.is_mended(DAY + 2 * MINUTE_NS - 1)
    assert not found.is_mended(DAY + 2 * MINUTE_NS)
    assert found.carried_until_ns(DAY) == DAY + 4 * MINUTE_NS
    assert found.carried_until_ns(DAY + 4 * MINUTE_NS) == FOREVER_NS


def test_old_mended_minutes_are_forgotten():
    found = coverage()
    for number in range(3):
        found.mend(DAY + number * MINUTE_NS, has_events=True)
    assert found
    found.forget_before(DAY + 2 * MINUTE_NS)
    assert list(found.mended()) == [DAY + 2 * MINUTE_NS]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200)), max_size=5),
    st.sets(st.integers(0, 12)),
    st.integers(0, 600),
    st.integers(60, 300),
)
def test_mended_minutes_are_left_out_of_the_holes_exactly(found, minutes, from_s, length_s):
    first = coverage(*((DAY + at * NS_PER_S, DAY + (at + long) * NS_PER_S) for at, long in found))
    for minute in minutes:
        first.mend(DAY + minute * MINUTE_NS, has_events=True)
    second = coverage()
    second.restore(first.holes(), first.mended())
    missing = {moment for at, long in found for moment in range(at, at + long)}
    seconds = range(from_s, from_s + length_s)
    seen = sum(moment not in missing or moment // 60 in minutes for moment in seconds)
    for one in (first, second):
        share = one.share(DAY + from_s * NS_PER_S, DAY + (from_s + length_s) * NS_PER_S)
        assert share == pytest.approx(seen / length_s, abs=1e-12)
