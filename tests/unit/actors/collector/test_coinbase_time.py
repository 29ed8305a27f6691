"""ISO times to ns, exactly, against the standard library."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.venues.coinbase_time import MAX_NS, event_ns, iso, iso_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(max_value=datetime(2096, 1, 1))  # noqa: DTZ001 - a strategy wants it so


def exact_ns(moment: datetime) -> int:
    return (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2021-04-17T16:43:37.067586Z", 1_618_677_817_067_586_000),
        ("2026-08-09T21:05:48.38504Z", 1_786_309_548_385_040_000),
        ("2026-08-09T21:05:48.228568804Z", 1_786_309_548_228_568_804),
        ("2026-08-09T21:05:48.1Z", 1_786_309_548_100_000_000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000_000),
    ],
)
def test_times_as_recorded(text, ns):
    assert iso_ns(text) == ns


@given(MOMENTS, st.integers(0, 999))
def test_nine_digits_equal_the_standard_library(moment, nanos):
    text = f"{moment.isoformat(timespec='microseconds')}{nanos:03d}Z"
    assert iso_ns(text) == exact_ns(moment) + nanos


@given(MOMENTS, st.integers(1, 9))
def test_fewer_digits_are_fewer_digits(moment, digits):
    text = f"{moment.isoformat(timespec='microseconds')}000"[: 20 + digits] + "Z"
    step = 10 ** (9 - digits)
    assert iso_ns(text) == exact_ns(moment) // step * step


@given(st.integers(0, MAX_NS // 10**9))
def test_writing_and_reading_are_inverse(second):
    assert iso_ns(iso(second)) == second * 10**9


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2026-08-09",
        "2026-08-09T21:05:48",
        "2026-08-09 21:05:48Z",
        "2026-08-09T21:05:48+01:00",
        "2026-08-09T21:05:48.Z",
        "2026-08-09T21:05:48.1234567891Z",
        "2026-08-09T21:05:48.1_0Z",
        "2026-08-09T21:05:48.-1Z",
        "2026-08-09T21:05:48. 1Z",
        "2026-08-09T21:05:48,1Z",
        "2026-08-09T21:05:48.\u0661Z",
        "2026-08-09T21:05:4\u0668Z",
        "2026-02-30T00:00:00Z",
        "2026-08-09T24:00:01Z",
        "2026-08-09T23:59:60Z",
        "9999-12-31T23:59:59Z",
        "2026-08-09 21:05:48.854840045 +0000 UTC m=+41691.260485341",
    ],
)
def test_what_is_no_utc_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong
        iso_ns(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert iso_ns(text) <= MAX_NS


def test_a_time_before_1970_means_none():
    assert event_ns("0001-01-01T00:00:00Z", 5) == 5
    assert event_ns("1970-01-01T00:00:00Z", 5) == 5
    assert event_ns("1970-01-01T00:00:01Z", 5) == 10**9
