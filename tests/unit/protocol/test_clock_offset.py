"""The offset of a clock is never told closer than it is known."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.clock_offset import DRIFT, LONGEST_NS, OffsetFilter

MS = 1_000_000
SECOND = 1_000_000_000
WAY = st.integers(0, 500 * MS)


def test_nothing_is_known_before_the_first_answer():
    assert OffsetFilter().best(0) is None


@given(st.integers(-3600 * SECOND, 3600 * SECOND), st.lists(st.tuples(WAY, WAY), min_size=1, max_size=50))
def test_the_truth_is_within_the_uncertainty_however_unequal_the_ways(offset_ns, ways):
    known = OffsetFilter()
    now_ns = 1_700_000_000 * SECOND
    for there_ns, back_ns in ways:
        known.add(now_ns, now_ns + there_ns + offset_ns, now_ns + there_ns + back_ns, now_ns)
        now_ns += SECOND

    best = known.best(now_ns)

    assert best is not None
    assert abs(best.offset_s - offset_ns / 1e9) <= best.uncertainty_s + 1e-6
    assert best.samples == min(len(ways), 32)


def test_the_shortest_way_says_it_best():
    known = OffsetFilter()
    known.add(0, 400 * MS, 600 * MS, 600 * MS)
    known.add(SECOND, SECOND + 6 * MS, SECOND + 2 * MS, SECOND + 2 * MS)
    known.add(2 * SECOND, 2 * SECOND + 900 * MS, 2 * SECOND + 950 * MS, 2 * SECOND + 950 * MS)

    best = known.best(3 * SECOND)

    assert best is not None
    assert best.offset_s == 0.005
    assert best.rtt_s == 0.002


def test_an_old_measurement_counts_for_less_and_at_last_for_nothing():
    known = OffsetFilter()
    known.add(0, 0, 2 * MS, 2 * MS)
    known.add(200 * SECOND, 200 * SECOND + 5 * MS, 200 * SECOND + 6 * MS, 200 * SECOND + 6 * MS)

    best = known.best(201 * SECOND)
    assert best is not None
    assert best.rtt_s == 0.006
    assert best.uncertainty_s <= 0.003 + 2 * DRIFT
    assert known.best(201 * SECOND + LONGEST_NS) is None


def test_an_answer_from_before_the_question_is_none():
    known = OffsetFilter()
    known.add(10, 0, 5, 0)
    assert known.best(0) is None


def test_a_clock_that_was_set_forgets():
    known = OffsetFilter()
    known.add(0, 0, 1, 0)
    known.clear()
    assert known.best(0) is None
