"""Times of feeds, in every form they come in."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.times import ns_of

S = 1_000_000_000
MOMENT = round(datetime(2026, 8, 15, 17, 26, 43, tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-08-15T17:26:43Z", MOMENT),
        ("2026-08-15T17:26:43.5Z", MOMENT + S // 2),
        ("2026-08-15T17:26:43.123456789+00:00", MOMENT + 123_456_789),
        ("2026-08-15T17:26:43.1234567891234Z", MOMENT + 123_456_789),
        ("2026-08-15T19:26:43+02:00", MOMENT),
        ("2026-08-15T12:26:43-0500", MOMENT),
        ("2026-08-15 17:26:43", MOMENT),
        ("2026-08-15 17:26:43 UTC", MOMENT),
        ("2026-08-15T17:26Z", MOMENT - 43 * S),
        ("2026-08-15", MOMENT - (17 * 3600 + 26 * 60 + 43) * S),
        ("Sat, 15 Aug 2026 17:26:43 +0000", MOMENT),
        ("Sat, 15 Aug 2026 17:26:43 GMT", MOMENT),
        ("15 Aug 2026 13:26:43 EDT", MOMENT),
        ("Saturday, 15-Aug-26 17:26:43 GMT", MOMENT),
        ("Sat, 15 August 2026 19:26:43 CEST", MOMENT),
        ("Sat, 15 Aug 2026 17:26 +0000 (Coordinated Universal Time)", MOMENT - 43 * S),
        ("  Sat,  15 Aug 2026  17:26:43 Z ", MOMENT),
        ("2016-12-31T23:59:60Z", round(datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * S),
    ],
)
def test_a_time_that_feeds_write(text, ns):
    assert ns_of(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "2026-08-15T25:00:00Z", "15 Foo 2026 17:26:43 GMT",
        "Sat, 15 Aug 2026 17:26:43 XYZ", "1969-12-31T23:59:59Z", "2026-08-15T17:26:99Z", "9999-01-01T00:00:00Z", "2100-01-02T00:00:00Z", "9" * 1000, "\u0662\u0660\u0662\u0666-\u0660\u0668-\u0661\u0665",
    ],
)  # fmt: skip
def test_what_is_no_time_counts_as_none(text):
    assert ns_of(text) == 0


@given(
    st.datetimes(datetime(1970, 1, 3), datetime(2099, 12, 30)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_both_standards_give_the_same_moment_in_any_zone(naive, offset_min):
    moment = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset_min)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * S
    assert ns_of(moment.isoformat()) == ns_of(format_datetime(moment)) == expected


@given(st.text(max_size=60) | st.text("0123456789-:TZ+., JanFeb", max_size=40))
def test_no_text_makes_it_raise(text):
    assert 0 <= ns_of(text) < 2**63
