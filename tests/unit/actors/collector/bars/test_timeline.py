"""The minutes of an instrument on their way out: any order of what providers say, one order of what is published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from actors.collector.bars.memory import MINUTE_NS, RECENT, LineState
from actors.collector.bars.timeline import Timeline
from protocol.messages import Bar, Gap
from protocol.sessions import session_named
from tests.support.bars_timeline import QUIET, SYMBOL, WHY, Step, TimelineRig, bar, candidate, steps

FX = session_named("fx")
CRYPTO = session_named("crypto")
FRIDAY_CLOSE_NS = int(datetime(2026, 1, 9, 22, tzinfo=UTC).timestamp()) * 10**9
SUNDAY_OPEN_NS = int(datetime(2026, 1, 11, 22, tzinfo=UTC).timestamp()) * 10**9
WEEKEND = [FRIDAY_CLOSE_NS + at * MINUTE_NS for at in range(-8, 3)] + [
    SUNDAY_OPEN_NS + at * MINUTE_NS for at in range(-2, 9)
]
"""Minutes around a weekend, five of them outside of market hours."""
BEGIN_NS = WEEKEND[2]
T0 = FRIDAY_CLOSE_NS - 600 * MINUTE_NS


def at(minute: int) -> int:
    """Start of a minute of a quiet Friday."""
    return T0 + minute * MINUTE_NS


def never(_run: int, _names: frozenset[str], _is_late: bool) -> bool:
    return False


def rig(minutes: int = 40) -> TimelineRig:
    """Around the clock, from `at(0)` on."""
    return TimelineRig(CRYPTO, [at(n) for n in range(minutes)], at(0))


@given(steps(len(WEEKEND)))
def test_every_minute_goes_out_once_in_order_and_with_a_reason(found: list[Step]) -> None:
    played = TimelineRig(FX, WEEKEND, BEGIN_NS)

    for step in found:
        played.play(step)
    played.finish()

    newest, expected = played.laws.newest, [start_ns for start_ns in WEEKEND if FX.is_open(start_ns)]
    assert list(newest) == [start_ns for start_ns in expected if start_ns >= min(newest, default=1 << 62)]
    assert not newest or played.timeline.next_ns == SUNDAY_OPEN_NS + 9 * MINUTE_NS


@given(steps(len(WEEKEND)))
def test_what_is_known_of_a_minute_never_goes_back(found: list[Step]) -> None:
    played = TimelineRig(FX, WEEKEND, BEGIN_NS)
    for step in found:
        played.play(step)

    for start_ns in WEEKEND:
        newest = played.laws.newest.get(start_ns)
        is_hole = start_ns in played.timeline.holes
        if start_ns >= BEGIN_NS and FX.is_open(start_ns) and newest is not None:
            assert played.timeline.knows(start_ns) == (not is_hole)
            assert not is_hole or newest.status == "gap"
    assert played.timeline.holes.missing <= len(played.laws.missing)


def in_market_hours(moment: datetime, zone: ZoneInfo, name: str) -> bool:
    """Told without the calendar under test."""
    local = moment.astimezone(zone)
    clock, day = (local.hour, local.minute), local.weekday()
    if name == "fx":
        return (day < 4) or (day == 4 and clock < (17, 0)) or (day == 6 and clock >= (17, 0))
    return day < 5 and (9, 30) <= clock < (16, 0)


@pytest.mark.parametrize("name", ["fx", "us_equity"])
@pytest.mark.parametrize("friday", [datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC)])
def test_market_hours_of_the_weeks_in_which_clocks_change(name: str, friday: datetime) -> None:
    zone, moments = ZoneInfo("America/New_York"), [friday + timedelta(minutes=n) for n in range(5 * 1440)]
    expected = [int(one.timestamp()) * 10**9 for one in moments if in_market_hours(one, zone, name)]
    begin_ns, end_ns = (int(one.timestamp()) * 10**9 for one in (moments[0], moments[-1]))
    state = LineState(begin_ns=begin_ns)
    timeline = Timeline(SYMBOL, session_named(name), "test", state, 6)

    every_ns = [begin_ns + n * MINUTE_NS for n in range(5 * 1440)]
    timeline.offer(candidate(start_ns) for start_ns in every_ns)
    told = timeline.release(end_ns + MINUTE_NS, end_ns + MINUTE_NS, never, lambda: WHY, end_ns)

    assert [one.ts_open_ns for one in told if isinstance(one, Bar)] == expected
    assert all(isinstance(one, Bar) and one.status == "closed" for one in told)


def test_first_minutes_without_a_price_are_not_invented() -> None:
    played = rig()
    played.miss("amber", [at(0), at(1)])
    played.miss("beryl", [at(0), at(1)])
    played.offer([candidate(at(4))])

    played.release(at(6), at(6))

    assert [one.ts_open_ns for one in played.sent if isinstance(one, Bar)] == [at(4), at(5)]
    assert [one.state for one in played.sent if isinstance(one, Gap)] == ["open"]


def test_nothing_is_told_of_what_was_before_the_beginning() -> None:
    played = TimelineRig(CRYPTO, [at(n) for n in range(10)], at(5))
    played.offer([candidate(at(n)) for n in range(10)])

    played.release(at(10), at(0))

    assert min(played.laws.newest) == at(5)


def test_a_minute_outside_of_market_hours_is_taken_from_nobody() -> None:
    played = TimelineRig(FX, WEEKEND, BEGIN_NS)
    played.offer([candidate(start_ns) for start_ns in WEEKEND])

    played.finish()

    assert list(played.laws.newest) == [one for one in WEEKEND if one >= BEGIN_NS and FX.is_open(one)]


def test_one_word_is_enough_for_a_few_minutes_when_it_is_late() -> None:
    played = rig()
    played.offer([candidate(at(0)), candidate(at(QUIET + 1))])
    played.miss("amber", [at(n) for n in range(1, QUIET + 1)])

    played.release(at(QUIET + 1), at(0))
    assert played.timeline.next_ns == at(1), "before its time one word is not enough"
    played.release(at(QUIET + 1), at(QUIET + 1))

    assert played.laws.starts("quiet") == [at(n) for n in range(1, QUIET + 1)]


def test_no_minute_of_a_longer_run_is_quiet_on_one_word() -> None:
    played = rig()
    played.offer([candidate(at(0)), candidate(at(QUIET + 4))])
    played.miss("amber", [at(n) for n in range(1, QUIET + 4)])

    played.release(at(QUIET + 4), at(QUIET + 4))

    assert played.laws.starts("gap") == [at(n) for n in range(1, QUIET + 4)]


def test_quiet_minutes_that_went_out_count_in_the_run_after_a_restart_too() -> None:
    played = rig()
    played.offer([candidate(at(0))])
    for n in range(1, QUIET + 1):
        played.miss("amber", [at(n)])
        played.release(at(n + 1), at(n + 1))
    played.restart()
    played.miss("amber", [at(QUIET + 1)])

    played.release(at(QUIET + 2), at(QUIET + 2))

    assert played.laws.starts("quiet") == [at(n) for n in range(1, QUIET + 1)]
    assert played.laws.starts("gap") == [at(QUIET + 1)]


def test_missing_minutes_count_in_the_run_after_a_restart_too() -> None:
    played = rig()
    played.offer([candidate(at(0))])
    played.release(at(QUIET + 1), at(QUIET + 1))
    played.restart()
    played.miss("amber", [at(QUIET + 1)])

    played.release(at(QUIET + 2), at(QUIET + 2))

    assert played.laws.starts("gap") == [at(n) for n in range(1, QUIET + 2)]


def test_a_gap_is_filled_by_whoever_comes_and_ends_with_the_last_one() -> None:
    played = rig()
    played.offer([candidate(at(0)), candidate(at(3))])
    played.release(at(4), at(4))
    told = [one for one in played.sent if isinstance(one, Gap)]
    assert [(one.state, one.from_id, one.to_id) for one in told] == [
        ("open", at(1) // MINUTE_NS, 0),
        ("filling", at(1) // MINUTE_NS, at(2) // MINUTE_NS),
    ]

    played.offer([candidate(at(2), "coral", 1.5)])
    assert played.sent[-1].ts_open_ns == at(2)  # type: ignore[union-attr]
    played.offer([candidate(at(1), "beryl", 1.5)])

    ended = played.sent[-1]
    assert isinstance(ended, Gap)
    assert (ended.state, ended.count, ended.filled_by) == ("filled", 2, "beryl")
    assert played.laws.newest[at(2)].source == "coral"
    assert played.laws.newest[at(2)].reason


def test_revisions_come_of_the_same_provider_or_where_there_was_nothing() -> None:
    played = rig()
    played.offer([candidate(at(0)), candidate(at(2))])
    played.miss("amber", [at(1)])
    played.miss("beryl", [at(1)])
    played.release(at(3), at(0))
    before = len(played.sent)

    played.offer([candidate(at(0)), candidate(at(2), "beryl", 2.0)])
    assert len(played.sent) == before, "the same again, and another one's word"
    played.offer([candidate(at(0), "amber", 1.5), candidate(at(1), "beryl", 1.5)])

    assert [one.revision for one in played.sent[before:] if isinstance(one, Bar)] == [2, 2]
    assert played.laws.newest[at(1)].status == "closed"


def test_an_old_minute_that_is_forgotten_is_revised_only_if_it_is_missing() -> None:
    many = RECENT + 10
    played = rig(many + 5)
    played.offer([candidate(at(n)) for n in range(many) if n != 3])
    played.release(at(many), at(many))
    before = len(played.sent)

    played.offer([candidate(at(2), "amber", 2.0), candidate(at(3), "beryl", 2.0)])

    told = [one for one in played.sent[before:] if isinstance(one, Bar)]
    assert [(one.ts_open_ns, one.revision) for one in told] == [(at(3), 2)]


def test_an_old_missing_minute_that_was_quiet_keeps_the_price_before_it() -> None:
    many = RECENT + 10
    played = rig(many + 5)
    played.offer([candidate(at(n), "amber", 1.0 if n < 3 else 2.0) for n in range(many) if n != 3])
    played.release(at(many), at(many))

    played.miss("amber", [at(3)])
    played.release(at(many), at(many))  # the law: a quiet minute repeats the price of the gap that it was


def test_who_tells_a_minute_first_gives_it() -> None:
    played = rig()
    played.offer([candidate(at(1), "amber", 1.0)])
    played.offer([candidate(at(1), "beryl", 2.0), candidate(at(0), "beryl", 2.0)])

    played.release(at(2), at(0))

    assert [(bar.source, bar.open) for bar in played.laws.newest.values()] == [("beryl", 2.0), ("amber", 1.0)]


def test_waiting_minutes_stand_behind_the_first_that_lacks() -> None:
    timeline = Timeline(SYMBOL, FX, "test", LineState(begin_ns=BEGIN_NS), 6)
    behind_ns = SUNDAY_OPEN_NS + 2 * MINUTE_NS
    timeline.offer([candidate(BEGIN_NS), candidate(behind_ns)])
    assert timeline.lacking(WEEKEND[-1]) == (BEGIN_NS, BEGIN_NS)
    timeline.release(WEEKEND[-1], 0, never, lambda: WHY, 0)

    assert timeline.lacking(WEEKEND[-1]) == (BEGIN_NS + MINUTE_NS, behind_ns)
    assert timeline.lacking(BEGIN_NS + 2 * MINUTE_NS) == (BEGIN_NS + MINUTE_NS, BEGIN_NS + 2 * MINUTE_NS)
    assert timeline.lacking(BEGIN_NS) == (BEGIN_NS + MINUTE_NS, BEGIN_NS + MINUTE_NS)


def test_skipping_tells_one_gap_that_nobody_fills_and_no_minute() -> None:
    timeline = Timeline(SYMBOL, CRYPTO, "test", LineState(begin_ns=at(0)), 6)
    assert timeline.skip_to(at(0), "nobody") == []

    (gap,) = timeline.skip_to(at(7), "nobody")

    assert isinstance(gap, Gap)
    assert (gap.state, gap.from_ts_ns, gap.to_ts_ns, gap.reason) == ("unfillable", at(0), at(7), "nobody")
    assert timeline.next_ns == at(7)
    assert timeline.skip_to(at(7), "nobody") == []
    timeline.offer([candidate(at(7))])
    timeline.release(at(8), at(0), never, lambda: WHY, at(8))
    assert len(timeline.skip_to(at(20), "nobody")) == 1
    assert timeline.next_ns == at(20), "also behind minutes that went out"


def test_a_bar_of_a_provider_becomes_the_message_with_all_that_it_says() -> None:
    played = rig()
    one = candidate(at(0))._replace(
        bar=bar(at(0), 2.0, 40.0), is_adjusted=True, reason="repaired: wick", recv_ns=at(1) + 5
    )
    played.offer([one])
    played.release(at(1), at(0))

    (told,) = played.sent
    assert isinstance(told, Bar)
    assert (told.symbol, told.venue, told.timeframe, told.status) == (SYMBOL, "rest", "1m", "closed")
    assert (told.ts_open_ns, told.ts_event_ns, told.ts_recv_ns) == (at(0), at(1) - 1, at(1) + 5)
    assert (told.volume, told.count, told.is_adjusted, told.reason) == (40.0, 3, True, "repaired: wick")
    assert told.low <= told.vwap <= told.high
