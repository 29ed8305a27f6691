"""Pushed bars: running, closed, corrected, repeated, and beside ticks."""

from __future__ import annotations

import pytest

from protocol.messages import Bar
from protocol.pushing import AHEAD, BAD_TIME, BUILT_HERE, TOO_OLD, UNKNOWN_OFFSET
from tests.support.push_rig import NOW, Rig, S, bar, codes, counts, tick

MINUTE = 60 * S


def test_a_closed_bar_is_published_as_the_source_says():
    rig = Rig()
    taken = rig.push({"bars": [bar(-2)]}, gmt_offset_s=0)
    assert counts(taken) == (1, 0, 0)
    assert taken.outgoing[0].topic == "bar.push.mt5.GBP_USD.1m"
    start = NOW - 2 * MINUTE
    assert rig.published == [
        Bar("GBP_USD", "push.mt5", "1m", start, start + MINUTE, 1.3, 1.5, 1.2, 1.4, 0.0, 0.0, 0.0, 1.4, 9, "closed", 1.0, 1,
            "mt5", NOW),
    ]  # fmt: skip
    assert rig.published[0].validate() == []


def test_a_bar_that_runs_changes_closes_and_is_corrected():
    rig = Rig()
    rig.now_ns = NOW + 30 * S
    running = bar(0, gmt_offset=0)
    assert counts(rig.push([running, running])) == (1, 1, 0)
    rig.push({**running, "close": 1.45})
    rig.now_ns = NOW + 61 * S
    closed = {**running, "close": 1.45}
    assert counts(rig.push([closed, closed])) == (1, 1, 0)
    rig.push({**running, "close": 1.44})
    assert [(one.revision, one.status, one.close) for one in rig.published] == [
        (0, "open", 1.4), (0, "open", 1.45), (1, "closed", 1.45), (2, "closed", 1.44),
    ]  # fmt: skip


def test_candles_of_a_symbol_with_ticks_are_built_here():
    rig = Rig()
    rig.push(tick(0, "GBPUSD"))
    before, holding, other = bar(-1, gmt_offset=0), bar(0), bar(0, symbol="XAUUSD")
    rig.now_ns = NOW + 61 * S
    taken = rig.push([before, holding, other])
    assert codes(taken) == [BUILT_HERE]
    assert counts(taken) == (2, 0, 1)


def test_bars_need_an_offset_since_an_old_one_shows_none():
    rig = Rig()
    assert codes(rig.push(bar(-2))) == [UNKNOWN_OFFSET]
    rig.push(tick(0))
    assert counts(rig.push(bar(-2))) == (1, 0, 0), "its ticks have shown it"


def test_history_of_days_is_taken_oldest_first():
    rig = Rig()
    days = [bar(-minute, gmt_offset=0) for minute in range(5000, 0, -1)]
    assert counts(rig.push(days)) == (5000, 0, 0)
    assert counts(rig.push(days[-2000:])) == (0, 2000, 0)
    assert codes(rig.push(days[0])) == [TOO_OLD]


def test_the_brokers_day_must_be_that_of_the_calendar():
    rig = Rig()
    day = {**bar(0), "timeframe": "D1", "gmt_offset": 7200}
    midnight_s = (NOW // S) // 86_400 * 86_400  # as a server in UTC+2 writes its own
    assert counts(rig.push({**day, "time": midnight_s})) == (1, 0, 0), "22:00 UTC is 17:00 in New York"
    assert codes(rig.push({**day, "time": midnight_s - 86_400 + 3600})) == [BAD_TIME]


@pytest.mark.parametrize(
    ("change", "code"), [({"time": NOW // S - 119}, BAD_TIME), ({"time": NOW // S + 60}, AHEAD)]
)
def test_bars_that_cannot_be(change, code):
    assert codes(Rig().push({**bar(0), "gmt_offset": 0, **change})) == [code]
