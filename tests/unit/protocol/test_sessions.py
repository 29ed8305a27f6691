"""Session calendars, against local clocks written out by hand and against zoneinfo."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.sessions import DAY_NS, NS_PER_S, SESSION_NAMES, Session, session_named, timeframe_ns

NEW_YORK = ZoneInfo("America/New_York")
CHICAGO = ZoneInfo("America/Chicago")
HOUR_NS = 3600 * NS_PER_S
TIMEFRAMES = ("1s", "1m", "5m", "15m", "30m", "1h", "4h", "1d")

moments = st.integers(946_684_800, 2_145_916_800).map(lambda second: second * NS_PER_S + 123_456_789)
sessions = st.sampled_from(SESSION_NAMES).map(session_named)
timeframes = st.sampled_from(TIMEFRAMES)


def at(text: str, zone=UTC) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S


def test_a_timeframe_has_a_length():
    assert [timeframe_ns(name) // NS_PER_S for name in TIMEFRAMES] == [
        1, 60, 300, 900, 1800, 3600, 14_400, 86_400,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "m", "1", "0m", "-1m", "1.5m", "1w", "7m", "2d", "5h", "m1", "¹m", "1M"]
)
def test_a_timeframe_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="timeframe"):
        timeframe_ns(text)


def test_an_unknown_session_names_those_there_are():
    with pytest.raises(ValueError, match="crypto, fx, cme, us_equity"):
        session_named("lunar")


def test_crypto_needs_no_time_zone_database():
    session = session_named("crypto")
    assert session.bar_open_ns(at("2024-08-08T23:59:59"), "1d") == at("2024-08-08T00:00:00")
    assert session.bar_open_ns(at("2024-08-08T23:59:59"), "4h") == at("2024-08-08T20:00:00")
    assert session.is_open(at("2024-08-10T12:00:00"))
    assert "_tz" not in vars(session)


@pytest.mark.parametrize(
    ("name", "moment", "is_open"),
    [
        ("fx", "2024-08-09T16:59:59", True),
        ("fx", "2024-08-09T17:00:00", False),
        ("fx", "2024-08-10T12:00:00", False),
        ("fx", "2024-08-11T16:59:59", False),
        ("fx", "2024-08-11T17:00:00", True),
        ("fx", "2024-08-13T17:00:00", True),
        ("us_equity", "2024-08-09T09:29:59", False),
        ("us_equity", "2024-08-09T09:30:00", True),
        ("us_equity", "2024-08-09T16:00:00", False),
        ("us_equity", "2024-08-10T12:00:00", False),
    ],
)
def test_new_york_hours(name, moment, is_open):
    assert session_named(name).is_open(at(moment, NEW_YORK)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2024-08-08T15:59:59", True),
        ("2024-08-08T16:30:00", False),
        ("2024-08-08T17:00:00", True),
        ("2024-08-09T16:00:00", False),
        ("2024-08-09T17:30:00", False),
        ("2024-08-11T17:00:00", True),
        ("2024-08-12T01:00:00", True),
    ],
)
def test_cme_hours_with_the_daily_break(moment, is_open):
    assert session_named("cme").is_open(at(moment, CHICAGO)) is is_open


def test_the_next_opening():
    fx, cme = session_named("fx"), session_named("cme")
    saturday = at("2024-03-09T12:00:00", NEW_YORK)
    assert fx.next_open_ns(saturday) == at("2024-03-10T17:00:00", NEW_YORK), "the clocks change in between"
    assert cme.next_open_ns(at("2024-08-08T16:01:00", CHICAGO)) == at("2024-08-08T17:00:00", CHICAGO)
    monday = at("2024-08-12T12:00:00", NEW_YORK)
    assert fx.next_open_ns(monday) == monday


def test_the_fx_day_starts_at_five_in_new_york_summer_and_winter():
    fx = session_named("fx")
    assert fx.bar_open_ns(at("2024-08-08T20:59:00"), "1d") == at("2024-08-07T21:00:00")
    assert fx.bar_open_ns(at("2024-01-08T21:59:00"), "1d") == at("2024-01-07T22:00:00")
    assert fx.bar_open_ns(at("2024-01-08T23:30:00"), "4h") == at("2024-01-08T22:00:00")


@pytest.mark.parametrize(("day", "hours"), [("2024-03-09", 23), ("2024-11-02", 25), ("2024-06-01", 24)])
def test_a_day_across_a_clock_change_has_23_or_25_hours(day, hours):
    fx = session_named("fx")
    open_ns = fx.bar_open_ns(at(f"{day}T18:00:00", NEW_YORK), "1d")
    assert open_ns == at(f"{day}T17:00:00", NEW_YORK)
    assert fx.bar_close_ns(open_ns, "1d") - open_ns == hours * HOUR_NS
    last_4h = fx.bar_open_ns(fx.bar_close_ns(open_ns, "1d") - 1, "4h")
    assert fx.bar_close_ns(last_4h, "4h") - last_4h == {23: 3, 25: 1, 24: 4}[hours] * HOUR_NS


def test_hours_of_a_stock_count_from_its_opening():
    session = session_named("us_equity")
    assert session.bar_open_ns(at("2024-08-08T10:29:00", NEW_YORK), "1h") == at("2024-08-08T09:30", NEW_YORK)


def test_a_time_zone_that_the_host_lacks_says_what_to_install():
    with pytest.raises(ValueError, match="install its tzdata"):
        Session("mars", "Mars/Olympus").bar_open_ns(0, "1d")


@given(sessions, moments, timeframes)
def test_candles_tile_time(session, ts_ns, timeframe):
    open_ns = session.bar_open_ns(ts_ns, timeframe)
    close_ns = session.bar_close_ns(open_ns, timeframe)
    assert open_ns <= ts_ns < close_ns
    assert session.bar_open_ns(open_ns, timeframe) == open_ns
    assert session.bar_open_ns(close_ns, timeframe) == close_ns
    assert session.bar_open_ns(open_ns - 1, timeframe) < open_ns
    assert close_ns - open_ns <= timeframe_ns(timeframe) + HOUR_NS


@given(sessions, moments, st.sampled_from(list(itertools.pairwise(TIMEFRAMES))))
def test_lower_candles_lie_inside_higher_ones(session, ts_ns, pair):
    lower, higher = pair
    open_ns = session.bar_open_ns(ts_ns, lower)
    upper_ns = session.bar_open_ns(ts_ns, higher)
    assert session.bar_open_ns(open_ns, higher) == upper_ns
    assert session.bar_close_ns(open_ns, lower) <= session.bar_close_ns(upper_ns, higher)


@given(sessions, moments)
def test_spans_alternate_and_start_a_day_when_they_open(session, ts_ns):
    span = session.span(ts_ns)
    assert span.start_ns <= ts_ns < span.end_ns
    assert session.next_open_ns(ts_ns) == (ts_ns if span.is_open else span.end_ns)
    if session.hours:
        assert session.is_open(span.end_ns) is not span.is_open
        opens_ns = span.start_ns if span.is_open else span.end_ns
        assert session.day_ns(opens_ns)[0] == opens_ns


@given(sessions, moments, st.integers(0, 20 * DAY_NS), st.integers(0, 20 * DAY_NS))
def test_open_time_adds_up(session, start_ns, first_ns, second_ns):
    middle_ns, end_ns = start_ns + first_ns, start_ns + first_ns + second_ns
    total_ns = session.open_time_ns(start_ns, end_ns)
    assert total_ns == session.open_time_ns(start_ns, middle_ns) + session.open_time_ns(middle_ns, end_ns)
    assert 0 <= total_ns <= end_ns - start_ns


def test_a_week_of_fx_is_120_hours_open_and_of_cme_115():
    start_ns = at("2024-08-05T00:00:00")
    week_ns = 7 * DAY_NS
    hours = [
        session_named(name).open_time_ns(start_ns, start_ns + week_ns) // HOUR_NS for name in SESSION_NAMES
    ]
    assert hours == [168, 120, 115, 32]  # 32.5


@given(moments, st.integers(-40, 40))
def test_the_cache_does_not_change_an_answer(ts_ns, days):
    warm = session_named("cme")
    warm.bar_open_ns(ts_ns + days * DAY_NS, "1d")
    warm.is_open(ts_ns + days * DAY_NS)
    cold = Session(warm.name, warm.zone, warm.day_start, warm.hours)
    assert warm.bar_open_ns(ts_ns, "1d") == cold.bar_open_ns(ts_ns, "1d")
    assert warm.span(ts_ns) == cold.span(ts_ns)


def test_the_local_day_start_is_right_for_thirty_years():
    fx = session_named("fx")
    day = datetime(2000, 1, 1, 17, tzinfo=NEW_YORK)
    for _ in range(30 * 366):
        ts_ns = int(day.timestamp()) * NS_PER_S
        assert fx.day_ns(ts_ns)[0] == ts_ns
        day += timedelta(days=1)
