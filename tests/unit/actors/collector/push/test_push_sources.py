"""Whether a source is there, how far its time has come, and the gaps of its silence."""

from __future__ import annotations

import pytest

from actors.collector.gaps import Gaps
from actors.collector.push.memory import SourceState
from actors.collector.push.rhythm import Rhythm
from actors.collector.push.seen import TicksState
from actors.collector.push.sources import Source
from tests.support.push_rig import NOW, S, catalog

DAY = 86_400 * S


def rhythm() -> Rhythm:
    return Rhythm(factor=20.0, floor_s=10.0, cap_s=600.0)


def source(state: SourceState | None = None) -> Source:
    made = state or SourceState(ticks={"EUR_USD": TicksState(newest_ns=NOW, first_ns=NOW)})
    return Source("mt5", made, rhythm(), Gaps("push.mt5", "collector.push.1-7-mt5"), catalog(), S)


def announced(one: Source, gaps):
    found = list(gaps)
    for gap in found:  # as the feed does
        if gap.state == "open":
            one.state.gaps[gap.symbol] = gap
        else:
            one.state.gaps.pop(gap.symbol, None)
    return [(gap.symbol, gap.cause, gap.state, gap.from_ts_ns, gap.to_ts_ns) for gap in found]


@pytest.mark.parametrize(("pause_s", "patience_s"), [(0.25, 10.0), (2.0, 40.0), (300.0, 600.0)])
def test_patience_follows_its_own_rhythm_within_bounds(pause_s, patience_s):
    one = rhythm()
    assert not one.is_there(S)
    for number in range(1, 100):
        one.heard(round(number * pause_s * S))
    assert one.patience_s == pytest.approx(patience_s)
    last_ns = round(99 * pause_s * S)
    assert one.is_there(last_ns + round((patience_s - 0.1) * S))
    assert not one.is_there(last_ns + round((patience_s + 0.1) * S))


def test_its_watermark_goes_on_while_it_is_quiet_and_stays_behind():
    one = source()
    assert one.mark("collector.push.1", 5 * S) is None
    one.heard(NOW, 100 * S)
    for later_s in (0, 3, 9):
        mark = one.mark("collector.push.1", (100 + later_s) * S)
        assert mark is not None
        assert (mark.venue, mark.ts_event_ns, mark.is_connected) == (
            "push.mt5",
            NOW + (later_s - 1) * S,
            True,
        )
    silent = one.mark("collector.push.1", 111 * S)
    assert silent is not None
    assert not silent.is_connected


def test_silence_opens_a_gap_and_the_next_request_ends_it():
    one = source()
    one.heard(NOW, 100 * S)
    assert announced(one, one.sweep(NOW + 9 * S, 109 * S)) == []
    assert announced(one, one.sweep(NOW + 11 * S, 111 * S)) == [("EUR_USD", "silence", "open", NOW, 0)]
    assert announced(one, one.sweep(NOW + 12 * S, 112 * S)) == []
    one.heard(NOW + 20 * S, 120 * S)
    assert announced(one, one.back()) == [("EUR_USD", "silence", "unfillable", NOW, NOW + 20 * S)]
    assert announced(one, one.back()) == []


def test_a_closed_market_has_no_gap_until_it_opens():
    one = source()
    one.heard(NOW, 100 * S)
    saturday, monday = NOW + DAY, NOW + 3 * DAY
    assert announced(one, one.sweep(saturday, 100 * S + DAY)) == []
    ((symbol, _, state, from_ns, _),) = announced(one, one.sweep(monday, 100 * S + 3 * DAY))
    assert (symbol, state) == ("EUR_USD", "open")
    assert NOW + 2 * DAY < from_ns < monday, "it begins when the market opened"


def test_a_restart_is_a_gap_until_the_source_is_heard():
    one = source()
    assert announced(one, one.resume(5 * S)) == [("EUR_USD", "restart", "open", NOW, 0)]
    mark = one.mark("collector.push.1", 6 * S)
    assert mark is not None
    assert not mark.is_connected
    one.heard(NOW + 3 * S, 7 * S)
    assert announced(one, one.back()) == [("EUR_USD", "restart", "unfillable", NOW, NOW + 3 * S)]


def test_a_restart_goes_on_with_the_gap_of_before():
    before = source()
    before.heard(NOW, 100 * S)
    announced(before, before.sweep(NOW + 11 * S, 111 * S))
    gap_id = before.state.gaps["EUR_USD"].gap_id
    after = source(before.state)
    announced(after, after.resume(5 * S))
    assert after.state.gaps["EUR_USD"].gap_id == gap_id
