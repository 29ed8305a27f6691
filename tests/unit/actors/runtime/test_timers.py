"""Timers with time as an argument."""

import pytest

from actors.runtime.timers import Timers

SECOND = 1_000_000_000


def test_timers_fire_on_their_grid_in_order_of_time():
    timers, seen = Timers(), []
    timers.every(1.0, lambda: seen.append("slow"), 0)
    timers.every(0.4, lambda: seen.append("fast"), 0)
    for now in range(0, 2 * SECOND + 1, SECOND // 10):
        timers.fire(now)

    assert seen == ["fast", "fast", "slow", "fast", "fast", "slow", "fast"]


def test_a_late_timer_fires_once_and_keeps_its_grid():
    timers, seen = Timers(), []
    timers.every(1.0, lambda: seen.append(1), 0)

    assert timers.fire(int(5.3 * SECOND)) == 1
    assert timers.until_next_s(int(5.3 * SECOND), 10.0) == pytest.approx(0.7)


def test_a_cancelled_timer_is_silent():
    timers, seen = Timers(), []
    timer = timers.every(1.0, lambda: seen.append(1), 0)
    timer.cancel()
    timers.fire(9 * SECOND)
    assert seen == []


def test_a_timer_may_cancel_itself():
    timers, seen = Timers(), []

    def once() -> None:
        seen.append(1)
        timer.cancel()

    timer = timers.every(1.0, once, 0)
    timers.fire(SECOND)
    timers.fire(9 * SECOND)
    assert seen == [1]


def test_waiting_is_bounded():
    timers = Timers()
    assert timers.until_next_s(0, 1.0) == 1.0
    timers.every(5.0, lambda: None, 0)
    assert timers.until_next_s(0, 1.0) == 1.0
    assert timers.until_next_s(7 * SECOND, 1.0) == 0.0


@pytest.mark.parametrize("interval_s", [0, -1])
def test_an_interval_must_be_positive(interval_s):
    with pytest.raises(ValueError, match="not positive"):
        Timers().every(interval_s, lambda: None, 0)
