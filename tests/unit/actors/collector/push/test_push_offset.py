"""Offsets from UTC: said, estimated, and not changed by what is merely late."""

from __future__ import annotations

import pytest

from actors.collector.push.offset import Offset, OffsetState, rounded

S = 10**9
NOW = 1_795_176_000 * S
SETTLE_NS = 60 * S


def offset(fixed_s: int | None = None) -> Offset:
    return Offset(SETTLE_NS, OffsetState(), fixed_s)


@pytest.mark.parametrize("hours", [0, 2, 3, -5, 5.5, 13])
def test_the_first_tick_shows_it(hours):
    one = offset()
    one.see(NOW + round((hours * 3600 - 0.4) * S), NOW)
    assert one.value_s == hours * 3600


def test_a_first_tick_that_is_late_by_minutes_shows_nothing():
    one = offset()
    one.see(NOW - 600 * S, NOW)
    assert one.value_s is None


def test_the_future_shows_a_larger_offset_after_three_requests():
    one = offset()
    one.see(NOW + 7200 * S, NOW)
    for _ in range(2):
        one.see(NOW + 10_800 * S, NOW)
        assert one.value_s == 7200
    one.see(NOW + 10_800 * S, NOW)
    assert one.value_s == 10_800


def test_one_wrong_tick_changes_nothing():
    one = offset()
    one.see(NOW, NOW)
    for _ in range(5):
        one.see(NOW + 7200 * S, NOW)
        one.see(NOW, NOW)
    assert one.value_s == 0


def test_what_is_late_is_believed_only_when_it_goes_on():
    one = offset()
    one.see(NOW + 10_800 * S, NOW)
    for second in range(59):
        one.see(NOW + (7200 + second) * S, NOW + second * S)
        assert one.value_s == 10_800, "a terminal that sends what it held back"
    one.see(NOW + (7200 + 60) * S, NOW + 60 * S)
    assert one.value_s == 7200, "the clocks were put back"


def test_what_is_said_wins_and_is_rounded():
    one = offset()
    one.see(NOW, NOW)
    one.say(7197)
    assert one.value_s == 7200
    for _ in range(9):
        one.see(NOW, NOW + 600 * S)
    assert one.value_s == 7200


def test_what_is_configured_wins_over_all():
    one = offset(3600)
    one.say(7200)
    one.see(NOW, NOW)
    assert one.value_s == 3600


@pytest.mark.parametrize("said", [None, float("nan"), float("inf"), 90_000, -90_000, "7200", True, []])
def test_what_no_clock_can_have_is_no_offset(said):
    assert rounded(said) is None
    one = offset()
    one.say(said)
    assert one.value_s is None
