from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapehub.durations import format_clock, parse_duration, parse_moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3s", 3.0),
        ("500ms", 0.5),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("2", 2.0),
        ("0.25", 0.25),
        (" 1.5S ", 1.5),
        ("250us", 0.00025),
        ("1d", 86400.0),
        ("0", 0.0),
    ],
)
def test_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "3 x", "-3s", "3s4", "1e3s", "five", "nan", "inf"])
def test_a_wrong_duration_says_what_a_right_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="3s"):
        parse_duration(text)


def test_a_moment_is_absolute_or_counted_from_the_start() -> None:
    start_ns = 1_700_000_000_000_000_000

    assert parse_moment("90s", start_ns) == start_ns + 90 * 10**9
    assert parse_moment("2024-08-08T23:54:15Z", start_ns) == 1_723_161_255 * 10**9
    assert parse_moment("2024-08-08T23:54:15", start_ns) == 1_723_161_255 * 10**9
    assert parse_moment("2024-08-09T01:54:15.000001+02:00", start_ns) == 1_723_161_255 * 10**9 + 1000


def test_a_wrong_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="not a moment"):
        parse_moment("yesterday", 0)


def test_time_of_day_is_utc_with_microseconds() -> None:
    assert format_clock(1_723_161_255_123_456_789) == "23:54:15.123456"
    assert format_clock(0) == "-"


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1970))
def test_a_moment_is_exact_to_the_microsecond(moment: datetime) -> None:
    ts_ns = parse_moment(moment.isoformat(), 0)

    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts_ns // 1000) == moment
    assert format_clock(ts_ns) == moment.time().isoformat(timespec="microseconds")
