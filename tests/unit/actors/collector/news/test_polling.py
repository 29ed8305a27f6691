"""When a source is looked at: by day, by night, after failures, and when it asks for a pause."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.polling import LONGEST_PAUSE_S, Schedule, is_day
from actors.collector.news.settings import NewsSettings

S = 1_000_000_000
HOUR = 3600 * S
NOON, MIDNIGHT = 12 * HOUR, 24 * HOUR


def schedule(day_s: float = 0.0, night_s: float = 0.0, seed: int = 1, **settings: float) -> Schedule:
    return Schedule(NewsSettings(**settings), day_s, night_s, 0, Random(seed).random)


@pytest.mark.parametrize(
    ("hour", "begins", "ends", "day"),
    [(6, 6, 22, True), (5, 6, 22, False), (22, 6, 22, False), (23, 22, 6, True), (5, 22, 6, True), (6, 22, 6, False),
     (3, 7, 7, True)],
)  # fmt: skip
def test_the_day_may_go_past_midnight(hour, begins, ends, day):
    assert is_day((1000 * 24 + hour) * HOUR + HOUR // 2, begins, ends) is day


@pytest.mark.parametrize(
    ("now_ns", "own", "seconds"),
    [
        (NOON, (0.0, 0.0), 30.0),
        (MIDNIGHT, (0.0, 0.0), 90.0),
        (NOON, (5.0, 7.0), 5.0),
        (MIDNIGHT, (5.0, 7.0), 7.0),
    ],
)
def test_a_good_look_is_followed_by_the_next_after_the_interval(now_ns, own, seconds):
    one = schedule(*own)
    one.begin()
    one.succeeded(100 * S, now_ns)
    assert one.state == "ok"
    assert 0.9 * seconds <= (one.due_ns - 100 * S) / S <= 1.1 * seconds


def test_sources_do_not_begin_at_once():
    starts = [schedule(seed=seed).due_ns for seed in range(100)]
    assert max(starts) <= 15 * S
    assert max(starts) - min(starts) > 10 * S


def test_no_second_look_while_one_is_under_way():
    one = schedule()
    one.begin()
    assert not one.is_due(HOUR)
    one.hurry(0)
    assert not one.is_due(HOUR)
    one.succeeded(HOUR, NOON)
    one.hurry(HOUR)
    assert one.is_due(HOUR)


def test_failures_make_it_patient_and_success_quick_again():
    one = schedule(day_s=1.0, retry_s=30.0, retry_cap_s=900.0)
    pauses = [one.failed(0, NOON) for _ in range(30)]
    assert one.state == "failing"
    assert all(0.9 <= pause_s <= 990 for pause_s in pauses)
    assert max(pauses[:2]) <= 60
    assert max(pauses) > 300
    one.succeeded(0, NOON)
    assert one.failures == 0
    assert one.failed(0, NOON) <= 33


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_source_that_does_not_want_us_is_off_for_long(status):
    one = schedule(refused_s=3600.0)
    assert one.failed(0, NOON, status) >= 3240
    assert one.state == "off"


def test_too_many_requests_pauses_as_long_as_the_source_asks():
    one = schedule()
    assert one.failed(0, NOON, 429, 1234.0) == 1234.0
    assert one.state == "paused"
    assert one.failed(0, NOON, 503, 60.0) >= 60.0
    assert one.state == "paused"
    assert one.failed(0, NOON, 429, 1e9) == LONGEST_PAUSE_S


def test_too_many_requests_without_a_time_doubles_the_interval_each_time():
    one = schedule()
    pauses = [one.failed(0, NOON, 429) for _ in range(8)]
    assert pauses[0] >= 60
    assert pauses[1] >= 120
    assert pauses[7] >= 900


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0, 200, 401, 404, 429, 500]),
            st.none() | st.floats(0, 1e12),
            st.integers(0, 48 * HOUR),
        ),
        max_size=40,
    ),
    st.integers(0, 1000),
)
def test_whatever_happens_the_next_look_comes_between_the_interval_and_a_day(events, seed):
    one = schedule(seed=seed)
    mono_ns = 0
    for status, retry_after_s, now_ns in events:
        mono_ns = max(mono_ns, one.due_ns)
        assert one.is_due(mono_ns)
        one.begin()
        if status is None:
            one.succeeded(mono_ns, now_ns)
        else:
            one.failed(mono_ns, now_ns, status, retry_after_s)
        assert 27 * S <= one.due_ns - mono_ns <= LONGEST_PAUSE_S * S
        assert one.state in ("ok", "failing", "paused", "off")
