"""Backoff, budgets, silence, event time: rules about time, with time as an argument."""

import pytest

from actors.collector.backoff import FORBIDDEN_PAUSE_S, Backoff
from actors.collector.budget import Budget
from actors.collector.exchange.silence import Patience, Remedy, Silence, Watch, Watches
from actors.collector.market_clock import MarketClock, VenueClock

S = 1_000_000_000


def backoff(random: float = 1.0) -> Backoff:
    return Backoff(1.0, 60.0, lambda: random)


def test_pauses_double_up_to_the_cap():
    pauses = backoff()
    assert [pauses.failed(0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_jitter_is_full():
    assert backoff(0.0).failed(0) == 0.0
    assert backoff(0.5).failed(0) == 0.5


def test_many_failures_do_not_overflow():
    pauses = backoff()
    assert [pauses.failed(0) for _ in range(5000)][-1] == 60


@pytest.mark.parametrize(("flowed_s", "pause_s"), [(59, 4), (60, 1)])
def test_only_a_minute_of_data_makes_it_patient_again(flowed_s, pause_s):
    pauses = backoff()
    pauses.failed(0)
    pauses.failed(0)
    pauses.flowing(0)
    assert pauses.failed(flowed_s * S) == pause_s


def test_the_venues_wish_is_honoured():
    assert backoff().failed(0, 429, 30.0) == 30.0
    assert backoff().failed(0, 429, 0.1) == 1.0
    assert backoff().failed(0, 429, 1e12) == 3 * 86_400


@pytest.mark.parametrize("status", [403, 451])
def test_who_is_not_wanted_stays_away_for_long(status):
    assert backoff(0.0).failed(0, status) == FORBIDDEN_PAUSE_S


def test_a_budget_refills():
    budget = Budget(3.0, 3.0, 0)
    assert [budget.take(1, 0) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(1, S // 4)
    assert budget.take(1, S // 3 + 1)


def test_a_budget_tells_how_much_of_it_is_used():
    budget = Budget(60.0, 1.0, 0)
    assert budget.take(25, 0)
    assert budget.describe(0) == {"used": 25.0, "limit": 60.0, "window_s": 60.0}
    assert budget.describe(10 * S)["used"] == 15.0


def test_more_than_the_whole_budget_waits_until_it_is_full():
    budget = Budget(10.0, 1.0, 0)
    assert budget.take(25, 0)
    assert not budget.take(1, 15 * S)
    assert budget.take(1, 16 * S)


PATIENCE = Patience(factor=20.0, floor_s=10.0, cap_s=600.0, first_s=60.0)


def test_a_stream_that_never_sends_is_found():
    watch = Watch(PATIENCE, 0, 0)
    assert watch.state(60 * S) is Silence.WAITING
    assert watch.remedy(60 * S) is Remedy.NONE
    assert watch.state(61 * S) is Silence.SILENT
    assert watch.remedy(61 * S) is Remedy.RESUBSCRIBE
    assert watch.remedy(62 * S) is Remedy.NONE


def test_remedies_alternate_with_growing_patience():
    watch = Watch(PATIENCE, 0, 0)
    done = [(second, watch.remedy(second * S)) for second in range(1000)]
    assert [item for item in done if item[1] is not Remedy.NONE] == [
        (61, Remedy.RESUBSCRIBE),
        (182, Remedy.RECONNECT),
        (423, Remedy.RESUBSCRIBE),
        (904, Remedy.RECONNECT),
    ]


def busy(per_s: int, seconds: int = 60) -> Watch:
    watch = Watch(PATIENCE, 0, 0)
    for second in range(1, seconds + 1):
        watch.observe(second * per_s, second * S)
    return watch


def test_a_busy_stream_is_silent_after_the_floor():
    watch = busy(100)
    assert watch.limit_s == 10.0
    assert watch.state(61 * S) is Silence.LIVE
    assert watch.state(64 * S) is Silence.QUIET
    assert watch.state(71 * S) is Silence.SILENT


def test_a_slow_stream_is_given_its_own_time():
    watch = Watch(PATIENCE, 0, 0)
    for number in range(1, 20):
        watch.observe(number, number * 8 * S)
    assert watch.limit_s == pytest.approx(160.0)
    assert watch.state(19 * 8 * S + 150 * S) is Silence.QUIET


def test_a_very_slow_stream_is_bounded_by_the_cap():
    watch = Watch(PATIENCE, 0, 0)
    for number in range(1, 20):
        watch.observe(number, number * 100 * S)
    assert watch.limit_s == 600.0


def test_a_message_makes_it_live_again():
    watch = busy(100)
    assert watch.remedy(75 * S) is Remedy.RESUBSCRIBE
    assert watch.state(75 * S) is Silence.SILENT
    watch.observe(6001, 76 * S)
    assert watch.state(76 * S) is Silence.LIVE
    assert not watch.is_silent


def test_a_count_that_begins_anew_is_no_silence():
    watch = busy(10)
    watch.observe(3, 61 * S)
    assert watch.state(62 * S) is Silence.LIVE


def test_one_dead_stream_among_living_ones():
    watches = Watches(PATIENCE)
    counts = {"a@trade": 0, "b@trade": 0}
    for name in counts:
        watches.arm(name, 0, 0)
    for second in range(1, 91):
        counts["a@trade"] += 10
        counts["b@trade"] += 10 if second < 60 else 0
        ill = watches.look(counts.__getitem__, second * S)
        if ill:
            break
    assert ill == [("b@trade", Remedy.RESUBSCRIBE)]
    assert second == 70
    assert watches.silent() == ["b@trade"]
    assert watches.summary(second * S) == {"waiting": 0, "live": 1, "quiet": 0, "silent": 1}
    watches.disarm("b@trade")
    assert watches.summary(second * S)["silent"] == 0


def test_event_time_goes_on_without_events():
    clock = MarketClock()
    assert clock.reached(5) == 0
    clock.saw(1000 * S, 5 * S)
    assert clock.reached(7 * S) == 1002 * S


def test_event_time_never_goes_back():
    clock = MarketClock()
    clock.saw(1000 * S, 0)
    assert clock.reached(5 * S) == 1005 * S
    clock.saw(1001 * S, 5 * S)
    assert clock.reached(5 * S) == 1005 * S
    assert clock.reached(10 * S) == 1006 * S


def test_the_slowest_connected_market_decides():
    fast, slow, silent = MarketClock(), MarketClock(), MarketClock()
    fast.saw(1000 * S, 0)
    slow.saw(990 * S, 0)
    venue = VenueClock()
    assert venue.reached([(silent, True)], 0) == 0
    assert venue.reached([(fast, True), (slow, True), (silent, True)], 0) == 990 * S
    assert venue.reached([(fast, True), (slow, False)], S) == 1001 * S
    assert venue.reached([(fast, True), (slow, True)], S) == 1001 * S
    assert venue.reached([(fast, False), (slow, False)], 12 * S) == 1002 * S
