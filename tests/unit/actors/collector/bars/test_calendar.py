"""Minutes that should be there, against weeks counted by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.judging.calendar import count_minutes, expected_minutes, missing_runs
from actors.collector.bars.providers.provider import MINUTE_NS
from protocol.sessions import DAY_NS, SESSION_NAMES, Session, session_named
from tests.unit.actors.collector.bars.judging_world import at

HOUR = 60


@pytest.mark.parametrize(
    ("name", "begin", "end", "minutes"),
    [
        # The clocks go forward on Sunday 2024-03-10: Friday closes at 22:00 UTC, Sunday opens at 21:00.
        ("fx", "2024-03-08T00:00", "2024-03-11T00:00", 22 * HOUR + 3 * HOUR),
        ("fx", "2024-03-03T00:00", "2024-03-10T00:00", 5 * 24 * HOUR),
        # ... and back on Sunday 2024-11-03: Friday closes at 21:00, Sunday opens at 22:00.
        ("fx", "2024-11-01T00:00", "2024-11-04T00:00", 21 * HOUR + 2 * HOUR),
        ("fx", "2024-11-03T00:00", "2024-11-10T00:00", 5 * 24 * HOUR),
        ("us_equity", "2024-03-04T00:00", "2024-03-18T00:00", 10 * 390),
        ("us_equity", "2024-03-08T14:00", "2024-03-08T15:00", 30),
        ("us_equity", "2024-03-11T13:00", "2024-03-11T14:00", 30),
        ("us_equity", "2024-11-04T20:00", "2024-11-05T00:00", 60),
        # 23 hours a day, from Sunday 17:00 Chicago: 23:00 UTC in winter, 22:00 in summer.
        ("cme", "2024-03-03T00:00", "2024-03-10T00:00", 5 * 23 * HOUR),
        ("cme", "2024-03-08T20:00", "2024-03-11T00:00", 2 * HOUR + 2 * HOUR),
        ("cme", "2024-11-01T20:00", "2024-11-04T00:00", 1 * HOUR + 1 * HOUR),
        ("cme", "2024-03-12T20:00", "2024-03-12T23:00", 2 * HOUR),
        ("crypto", "2024-03-08T00:00", "2024-03-11T00:00", 3 * 24 * HOUR),
        ("crypto", "2024-03-08T00:00:01", "2024-03-08T00:03:01", 3),
        ("fx", "2024-03-09T00:00", "2024-03-10T00:00", 0),
        ("fx", "2024-03-11T00:00", "2024-03-11T00:00", 0),
        ("fx", "2024-03-12T00:00", "2024-03-11T00:00", 0),
    ],
)
def test_minutes_are_those_of_the_calendar(name, begin, end, minutes):
    session = session_named(name)
    from_ns, to_ns = at(begin), at(end)
    found = list(expected_minutes(session, from_ns, to_ns))
    assert len(found) == count_minutes(session, from_ns, to_ns) == minutes
    assert all(session.is_open(start_ns) and start_ns % MINUTE_NS == 0 for start_ns in found)
    assert found == sorted(set(found))
    assert all(from_ns <= start_ns < to_ns for start_ns in found)
    runs = missing_runs((), session, from_ns, to_ns)
    assert sum(end_ns - start_ns for start_ns, end_ns in runs) == minutes * MINUTE_NS


class CountedSession(Session):
    """Counts the looks into the calendar."""

    looks = 0

    def span(self, ts_ns):
        self.looks += 1
        return super().span(ts_ns)


def test_closed_time_is_not_walked():
    fx = session_named("fx")
    session = CountedSession(fx.name, fx.zone, fx.day_start, fx.hours)
    assert count_minutes(session, at("2014-01-05T00:00"), at("2024-01-07T00:00")) == 522 * 120 * HOUR
    assert session.looks == 2 * 522 + 1


def test_runs_end_where_the_market_closes():
    session = session_named("us_equity")
    friday, monday = at("2024-01-05T20:58"), at("2024-01-08T14:30")
    runs = missing_runs([friday, monday + MINUTE_NS], session, friday, monday + 4 * MINUTE_NS)
    assert runs == [
        (friday + MINUTE_NS, friday + 2 * MINUTE_NS),
        (monday, monday + MINUTE_NS),
        (monday + 2 * MINUTE_NS, monday + 4 * MINUTE_NS),
    ]


def test_what_is_there_in_any_order_and_beyond_the_range_is_not_missing():
    session = session_named("fx")
    from_ns = at("2024-01-08T00:00")
    there = [from_ns + number * MINUTE_NS for number in (4, -3, 0, 2, 2, 77)]
    assert missing_runs(there, session, from_ns, from_ns + 5 * MINUTE_NS) == [
        (from_ns + MINUTE_NS, from_ns + 2 * MINUTE_NS),
        (from_ns + 3 * MINUTE_NS, from_ns + 4 * MINUTE_NS),
    ]
    assert not missing_runs(range(from_ns, from_ns + DAY_NS, MINUTE_NS), session, from_ns, from_ns + DAY_NS)


@given(
    st.sampled_from(SESSION_NAMES).map(session_named),
    st.sampled_from(["2024-03-08T20:30", "2024-11-01T19:50", "2024-01-08T13:00"]).map(at),
    st.integers(0, 3 * DAY_NS // MINUTE_NS),
    st.lists(st.integers(-60, 3 * 24 * HOUR + 60), max_size=30),
    st.integers(0, MINUTE_NS - 1),
)
def test_runs_and_bars_together_are_the_calendar(session, from_ns, minutes, places, late_ns):
    from_ns, to_ns = from_ns + late_ns, from_ns + minutes * MINUTE_NS
    there = {from_ns - late_ns + place * MINUTE_NS for place in places} | {from_ns + 7}
    missing = [
        start_ns
        for start_ns in range(-(-from_ns // MINUTE_NS) * MINUTE_NS, to_ns, MINUTE_NS)
        if session.is_open(start_ns) and start_ns not in there
    ]
    runs = missing_runs(there, session, from_ns, to_ns)
    assert [start_ns for run in runs for start_ns in range(*run, MINUTE_NS)] == missing
    assert all(start_ns < end_ns for start_ns, end_ns in runs)
    for (_, end_ns), (next_ns, _) in itertools.pairwise(runs):
        assert end_ns < next_ns
