"""A slow way is asked for little and waited for long; a quick one soon carries all that is wanted."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.fetch_pace import (
    FIRST_BYTES,
    LEAST_BYTES,
    LEAST_PATIENCE_NS,
    MOST_BYTES,
    MOST_PATIENCE_NS,
    FetchPace,
)
from protocol.replay import MAX_FETCH_BYTES

MS = 1_000_000


def test_a_quick_way_soon_carries_all():
    pace = FetchPace()
    for _ in range(10):
        pace.answered(2 * MS, pace.most_bytes(0))

    assert pace.most_bytes(0) == MAX_FETCH_BYTES
    assert pace.patience_ns == LEAST_PATIENCE_NS


def test_a_link_of_30_kilobytes_a_second_is_not_flooded():
    pace = FetchPace()
    sizes = []
    for _ in range(50):
        size = pace.most_bytes(0)
        took_ns = 400 * MS + size * 1_000_000_000 // 30_000
        if took_ns > pace.patience_ns:
            pace.unanswered()
        else:
            pace.answered(took_ns, size)
        sizes.append(size)

    assert max(sizes[5:]) <= 2 * FIRST_BYTES
    assert 400 * MS + sizes[-1] * 1_000_000_000 // 30_000 < MOST_PATIENCE_NS


def test_short_answers_say_nothing_of_the_way():
    pace = FetchPace()
    for _ in range(10):
        pace.answered(MS, 40)

    assert pace.window_bytes == FIRST_BYTES


def test_questions_on_their_way_share_the_window():
    assert FetchPace().most_bytes(3) == FIRST_BYTES // 4


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 60_000 * MS), st.integers(0, MOST_BYTES)))))
def test_it_stays_within_its_bounds(answers):
    pace = FetchPace()
    for answer in answers:
        if answer is None:
            pace.unanswered()
        else:
            pace.answered(*answer)
        assert LEAST_BYTES <= pace.window_bytes <= MOST_BYTES
        assert LEAST_PATIENCE_NS <= pace.patience_ns <= MOST_PATIENCE_NS
        assert all(LEAST_BYTES <= pace.most_bytes(asking) <= MAX_FETCH_BYTES for asking in (0, 1, 50))
