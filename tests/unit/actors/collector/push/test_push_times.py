"""Times of pushed items: however they are written, the same moment."""

from __future__ import annotations

import pytest

from actors.collector.push.times import Moment, moment, moment_of

AT = 1_795_176_000 * 10**9


@pytest.mark.parametrize(
    "value",
    [
        1_795_176_000, 1_795_176_000.0, 1_795_176_000_000, 1_795_176_000_000_000, AT, "1795176000", "1795176000000",
        "2026-11-20T12:00:00", "2026-11-20 12:00:00", "2026.11.20 12:00:00", "2026.11.20 12:00",
    ],
)  # fmt: skip
def test_seconds_to_nanoseconds_and_text_are_told_apart(value):
    assert moment(value) == Moment(AT, is_utc=False)


@pytest.mark.parametrize(
    "value", ["2026-11-20T12:00:00Z", "2026-11-20T14:00:00+02:00", "2026-11-20 07:00-05:00"]
)
def test_a_zone_makes_it_utc(value):
    assert moment(value) == Moment(AT, is_utc=True)


def test_fractions_of_a_second_stay():
    assert moment(1_795_176_000.25).ns == AT + 250_000_000
    assert moment("2026-11-20T12:00:00.123456").ns == AT + 123_456_000
    assert moment(1_795_176_000_123).ns == AT + 123_000_000
    assert moment(AT + 7).ns == AT + 7


def test_milliseconds_win_over_seconds_and_exact_time_over_all():
    item = {"time": 1_795_176_000, "time_msc": 1_795_176_000_123}
    assert moment_of(item).ns == AT + 123_000_000
    assert moment_of({**item, "ts_event_ns": AT + 5}) == Moment(AT + 5, is_utc=True)


@pytest.mark.parametrize(
    "value",
    [0, -1, 12, float("nan"), float("inf"), 1e30, 10**30, "", "now", "NaN", "2026-13-01", "1999-01-01", True, [], "9" * 50, "1e999999999", "-1e999999999", "1e-999999999"],
)  # fmt: skip
def test_what_is_no_time_is_refused_and_says_why(value):
    with pytest.raises(ValueError, match="time") as fault:
        moment(value)
    assert len(str(fault.value)) < 200


@pytest.mark.parametrize("item", [{}, {"time": "?"}])
def test_an_item_without_a_time_is_refused(item):
    with pytest.raises(ValueError, match="time"):
        moment_of(item)
