"""What a window says of itself: warm-up, gaps, disconnects, restarts, late events, and jumps of venue time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.orderflow.completeness import DISCONNECTED, GAP, MAX_HOLES, WARM_UP, Holes
from actors.orderflow.steps import MAX_OPEN, MAX_SHOWN
from protocol.messages import SELL
from protocol.sessions import FOREVER_NS, session_named
from tests.unit.actors.orderflow.tape import Collector, Heard, gap, ns, quote, trade


def said(heard, second, window_s=5.0):
    flow = heard.flows(window_s)[second]
    return flow.is_complete, round(flow.coverage, 6), flow.reason


def test_a_window_is_complete_once_it_lies_behind_the_first_event():
    heard = Heard().play(trade(0.5), ("mark", 6.25))
    assert said(heard, 1) == (False, 0.1, "warm-up")
    assert said(heard, 5) == (False, 0.9, "warm-up")
    assert said(heard, 6) == (True, 1.0, "")
    assert said(heard, 6, 0.0)[2] == "warm-up"


def test_a_step_is_published_when_the_watermark_has_passed_it_by_the_lateness():
    heard = Heard(lateness_s=0.5).play(trade(0.5), ("mark", 1.0), ("mark", 1.49))
    assert heard.flows() == {}
    assert list(heard.play(("mark", 1.5)).flows()) == [1.0]
    assert list(heard.play(("mark", 1.75), ("mark", 2.5)).flows()) == [1.0, 2.0]


def test_each_step_has_one_frame_with_all_windows():
    heard = Heard().play(trade(0.5), ("mark", 1.25))
    ((topic, flows),) = [row for row in heard.output if row[0].startswith("flow.")]
    assert (topic, [one.window_s for one in flows]) == ("flow.binance.BTC_USDT", [5.0, 20.0, 0.0])


@pytest.mark.parametrize("kind", ["trade", "quote", "book"])
def test_a_gap_lowers_the_coverage_until_it_is_filled(kind):
    heard = Heard().play(trade(0.0, number=1), gap(10, 12, kind=kind), ("mark", 13.25))
    assert said(heard, 13) == (False, 0.6, "gap")
    heard.play(gap(10, 12, "filling", kind=kind), ("mark", 14.25))
    assert said(heard, 14) == (False, 0.6, "gap")
    heard.play(gap(10, 12, "filled", kind=kind), ("mark", 15.25))
    assert said(heard, 15) == (True, 1.0, "")


def test_what_nobody_can_fill_leaves_with_the_window_and_candles_of_the_venue_fill_nothing_here():
    heard = Heard().play(
        trade(0.0), gap(10, 12, "unfillable"), gap(10, 11, "filled", gap_id="k", filled_by="klines")
    )
    heard.play(("mark", 18.25))
    assert [said(heard, second)[1] for second in (12, 16, 17)] == [0.6, 0.8, 1.0]


def test_a_gap_without_an_end_goes_on():
    heard = Heard().play(trade(0.0), gap(10, None), ("mark", 13.25))
    assert said(heard, 13) == (False, 0.4, "gap")
    assert said(heard, 10) == (True, 1.0, "")


def test_repaired_trades_go_to_their_own_step_and_the_next_publication_has_them():
    heard = Heard().play(trade(0.0, number=1), gap(6, 7), ("mark", 8.25))
    assert heard.flows()[8].values["count"] == 0
    heard.play(("repaired", [trade(6.5, 100, 3, SELL, 2)]), gap(6, 7, "filled"), ("mark", 12.25))
    flows = heard.flows()
    assert [flows[second].values["sell_volume"] for second in (9, 11, 12)] == [3, 3, 0]
    assert [flows[second].is_complete for second in (8, 9)] == [False, True]
    assert flows[9].values["cvd"] == -2
    assert heard.flows(0.0)[9].values["vwap"] == 100


def test_a_feed_that_is_away_is_a_hole_from_the_last_to_the_next_sign_of_it():
    heard = Heard().play(
        trade(0.0, number=1), quote(9.0, 1, 2), ("mark", 10.0), ("away", 10.25), ("away", 12.25)
    )
    assert said(heard, 12) == (False, 0.6, "disconnected")
    assert "mid" not in heard.flows()[12].values
    heard.play(quote(12.5, 1, 2), ("mark", 17.25))
    assert said(heard, 15) == (False, 0.5, "disconnected")
    assert heard.flows()[15].values["ofi"] == 0.0


def test_the_collectors_own_account_of_a_disconnect_replaces_ours():
    heard = Heard().play(trade(0.0, number=1), ("mark", 10.0), ("away", 10.25))
    heard.play(gap(10, None, cause="disconnect"), ("away", 12.25))
    assert said(heard, 12) == (False, 0.6, "disconnected")
    heard.play(("mark", 12.5), gap(10, 12.5, "filled", cause="disconnect"), ("mark", 13.25))
    assert said(heard, 13) == (True, 1.0, "")


def test_a_restart_of_the_collector_is_a_gap_unless_it_accounts_for_it():
    heard = Heard().play(trade(0.0, number=1), quote(9.0, 1, 2), ("mark", 10.0))
    heard.collector = Collector(epoch=2)
    heard.play(trade(12.0, number=7), ("mark", 13.25))
    assert said(heard, 13) == (False, 0.6, "gap")
    assert "mid" not in heard.flows()[13].values
    heard.collector = Collector(epoch=3)
    heard.play(gap(13, 14, cause="restart", gap_id="r"), trade(14.0, number=9), ("mark", 15.25))
    heard.play(gap(13, 14, "filled", cause="restart", gap_id="r"), ("mark", 18.25))
    assert said(heard, 18) == (True, 1.0, "")


def test_another_recording_after_a_restart_begins_anew():
    heard = Heard().play(trade(1000.0, number=9), ("mark", 1030.0))
    heard.collector = Collector(epoch=2)
    heard.play(trade(1.5, number=1), ("mark", 2.25))
    assert said(heard, 2) == (False, 0.1, "warm-up")
    assert heard.flows()[2.0].values["cvd"] == 1
    heard.play(trade(-3000.0, number=2), ("mark", 3.25))
    assert heard.flows()[3.0].values["count"] == 1


def test_a_late_event_after_a_restart_begins_nothing_anew():
    heard = Heard().play(trade(0.5, number=1), ("mark", 1.25))
    heard.collector = Collector(epoch=2)
    heard.play(trade(-1.0, number=2), trade(1.5, number=3), ("mark", 2.25))
    assert heard.flows(0.0)[2.0].values["count"] == 3
    assert heard.flows()[2.0].values["count"] == 2


def test_events_from_the_future_are_refused():
    ahead = trade(0.0, number=2)
    ahead = type(ahead)(ahead.symbol, ahead.venue, ns(600), ns(0), 1.0, 1.0, 1, 2)
    heard = Heard().play(trade(0.0, number=1), ahead, ("mark", 1.25))
    assert (heard.flows()[1.0].values["count"], heard.counters["rejected_ahead"]) == (1, 1)


def test_a_jump_of_venue_time_publishes_a_bounded_number_of_steps_and_keeps_the_sums():
    heard = Heard().play(trade(0.0, 100, 2), trade(1.0, 100, 3), ("mark", 5000.25))
    flows = heard.flows(0.0)
    assert list(flows) == list(range(5000 - MAX_SHOWN + 1, 5001))
    assert flows[5000].values["buy_volume"] == 5
    assert heard.flows(20.0)[5000].values["buy_volume"] == 0
    closed = [one for one in heard.footprints() if one.revision]
    assert (closed[0].ts_open_ns, closed[0].volume) == (ns(0), 5)


def test_without_watermarks_events_close_steps_themselves():
    heard = Heard().play(*(trade(second, number=second + 1) for second in range(MAX_OPEN + 10)))
    assert heard.flows()[30.0].values["count"] == 5
    assert len(heard.fold.series["binance BTC_USDT"]._steps.state.open) <= MAX_OPEN


def test_closed_markets_are_silent_and_not_missing():
    holes = Holes(session_named("fx"))
    friday_close = 1_723_237_200 * 10**9
    holes.add("h", friday_close - 60 * 10**9, FOREVER_NS, GAP)
    assert holes.share(friday_close - 120 * 10**9, friday_close + 3600 * 10**9) == (0.5, GAP)
    assert holes.share(friday_close, friday_close + 3600 * 10**9) == (1.0, "")


spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from((WARM_UP, GAP, DISCONNECTED))),
    max_size=8,
)


@given(spans, st.integers(0, 60), st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_coverage_is_the_share_of_moments_outside_of_every_hole(found, start, length):
    holes = Holes(session_named("crypto"))
    for number, (from_ns, size, why) in enumerate(found):
        holes.add(str(number), from_ns, from_ns + size, why)
    missing = {
        moment
        for from_ns, size, _ in found
        for moment in range(from_ns, from_ns + size)
        if start <= moment < start + length
    }
    reasons = [
        why
        for why in (WARM_UP, GAP, DISCONNECTED)
        if any(why == other and a < start + length and a + size > start for a, size, other in found)
    ]
    assert holes.share(start, start + length) == ((length - len(missing)) / length, ",".join(reasons))


def test_holes_are_bounded_and_never_hide_one():
    holes = Holes(session_named("crypto"))
    for number in range(MAX_HOLES + 5):
        holes.add(str(number), number * 10, number * 10 + 1, GAP)
    assert len(holes.state()) == MAX_HOLES
    assert holes.share(0, 10)[0] < 1
    assert holes.share((MAX_HOLES + 4) * 10, (MAX_HOLES + 5) * 10) == (0.9, GAP)
    holes.forget_before(5000)
    assert min(end for _, _, end, _ in holes.state()) > 5000
