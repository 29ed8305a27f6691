"""When is a silent stream dead? By the calendar, by IG's own word, and with growing patience."""

import pytest

from actors.collector.ig.epic_tape import EpicTape
from actors.collector.ig.prices import Scale
from actors.collector.ig.supervision import Watchman
from protocol.sessions import session_named

S = 1_000_000_000
WEDNESDAY_NS = 1_795_003_200 * S
SATURDAY_NS = WEDNESDAY_NS + 3 * 86_400 * S


def tape(state="DEAL", calendar="fx"):
    one = EpicTape("ig", "EUR_USD", "E", Scale("E", 1.0, None), session_named(calendar), 0.0001)
    one.state = state
    return one


@pytest.fixture
def watchman():
    return Watchman(60.0, 600.0)


def first_alarm_s(watchman, tapes, now_ns=WEDNESDAY_NS, limit_s=10_000, begin_s=0):
    """Seconds after which it says so, None if it never does."""
    for second in range(begin_s, begin_s + limit_s):
        if watchman.silent_s(tapes, now_ns, second * S) is not None:
            return second - begin_s
    return None


def test_a_minute_in_market_hours(watchman):
    assert first_alarm_s(watchman, [tape()]) == 60


def test_one_open_market_is_enough(watchman):
    assert first_alarm_s(watchman, [tape("CLOSED"), tape("DEAL")]) == 60


def test_patience_where_the_venue_says_closed(watchman):
    assert first_alarm_s(watchman, [tape("CLOSED"), tape("SUSPEND")]) == 600


def test_no_alarm_where_the_calendar_says_closed(watchman):
    assert first_alarm_s(watchman, [tape(), tape("CLOSED")], SATURDAY_NS) is None
    assert first_alarm_s(watchman, [tape(), tape("DEAL", "crypto")], SATURDAY_NS) == 60


def test_no_alarm_where_everything_was_refused(watchman):
    assert first_alarm_s(watchman, []) is None


def test_the_minute_begins_when_the_market_opens(watchman):
    watchman.heard(0, is_snapshot=False)
    assert watchman.silent_s([tape()], SATURDAY_NS, 3600 * S) is None
    assert first_alarm_s(watchman, [tape()], begin_s=3600) == 60


def test_updates_keep_it_alive(watchman):
    for second in range(0, 600, 50):
        watchman.heard(second * S, is_snapshot=False)
        assert watchman.silent_s([tape()], WEDNESDAY_NS, (second + 49) * S) is None


def test_patience_doubles_and_a_snapshot_is_no_sign_of_life(watchman):
    waits, now_s = [], 0
    for _ in range(8):
        watchman.heard(now_s * S, is_snapshot=True)
        waits.append(first_alarm_s(watchman, [tape()], begin_s=now_s))
        now_s += waits[-1]
    assert waits == [60, 120, 240, 480, 960, 1920, 1920, 1920]
    watchman.heard(now_s * S, is_snapshot=False)
    assert first_alarm_s(watchman, [tape()], begin_s=now_s) == 60
