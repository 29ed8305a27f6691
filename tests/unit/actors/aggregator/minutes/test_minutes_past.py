"""Older minutes after newer ones: a stretch of the past has a line of its own."""

from protocol.messages import Bar, Feature
from tests.unit.actors.aggregator.minutes.line import MINUTE_NS, MONDAY, at, builder, minute, minutes, play

THURSDAY = at("2024-08-08T12:00")


def started(**settings):
    made = builder(["1m", "5m", "1h"], keep=10, **settings)
    play(made, minutes(MONDAY, 60))
    return made


def starts(tape, timeframe, first_ns=THURSDAY):
    return [(bar.ts_open_ns - first_ns) // MINUTE_NS for bar in tape.of(Bar, timeframe)]


def test_only_whole_candles_of_it_are_published():
    made = started()
    tape = play(made, minutes(THURSDAY + 3 * MINUTE_NS, 130))
    assert starts(tape, "5m") == [*range(5, 130, 5)]
    assert starts(tape, "1h") == [60]
    assert {(bar.revision, bar.status, bar.coverage) for bar in tape.of(Bar, "5m")} == {(1, "closed", 1.0)}


def test_its_indicators_begin_with_nothing_and_those_of_the_present_do_not_notice():
    made, undisturbed = started(indicators=["mom(2)"]), started(indicators=["mom(2)"])
    tape = play(made, minutes(THURSDAY, 15))
    assert [one.values for one in tape.of(Feature, "1m")][:3] == [{}, {}, {"mom_2": 2.0}]
    assert [one.is_ready for one in tape.of(Feature, "5m")] == [False, False, True]
    more = minutes(MONDAY, 66)[60:]
    assert play(made, more).all == play(undisturbed, more).all


def test_pages_that_follow_on_go_on_also_over_the_weekend():
    made = started(indicators=["mom(1)"])
    friday = minutes(at("2024-08-09T20:00"), 60)
    play(made, friday)
    tape = play(made, minutes(at("2024-08-11T21:00"), 5))
    assert [one.values for one in tape.of(Feature, "5m")] == [{"mom_1": 104.25 - 159.25}]
    assert made._counters["past_stretches"] == 1


def test_a_candle_with_a_hole_in_it_waits_for_the_missing_minute():
    made = started()
    line = minutes(THURSDAY, 30)
    tape = play(made, [*line[:22], *line[23:]])
    assert starts(tape, "5m") == [0, 5, 10, 15, 25]
    late = play(made, [line[22]])
    assert [(bar.ts_open_ns, bar.revision) for bar in late.of(Bar, "5m")] == [(THURSDAY + 20 * MINUTE_NS, 1)]


def test_a_jump_begins_another_one():
    made = started(indicators=["mom(1)"])
    play(made, minutes(THURSDAY, 10))
    forward = play(made, minutes(at("2024-08-11T22:00"), 6))  # more than a weekend later
    assert [one.values for one in forward.of(Feature, "5m")] == [{}]
    backward = play(made, minutes(THURSDAY, 10))
    assert [one.values for one in backward.of(Feature, "5m")] == [{}, {"mom_1": 5.0}]
    assert made._counters["past_stretches"] == 3


def test_it_ends_where_the_kept_minutes_begin():
    made = started()
    oldest_ns = made._line.oldest_ns
    tape = play(made, minutes(oldest_ns - 20 * MINUTE_NS, 25))
    assert starts(tape, "5m", oldest_ns) == [-20, -15, -10, -5]
    assert made._past is None
    assert made._counters["minutes_repeated"] == 5
    assert play(made, [minute(oldest_ns - MINUTE_NS, revision=2)]).all == []
    assert made._counters["minutes_not_kept"] == 1


def test_a_correction_in_it_is_taken_while_it_is_kept():
    made = started()
    play(made, minutes(THURSDAY, 10))
    tape = play(made, [minute(THURSDAY + 6 * MINUTE_NS, 1.0, revision=2), minute(THURSDAY, revision=1)])
    assert [(bar.ts_open_ns, bar.low, bar.revision) for bar in tape.all] == [
        (THURSDAY + 5 * MINUTE_NS, 1.0, 2)
    ]
    assert made._counters["minutes_repeated"] == 1
    assert play(made, [minute(THURSDAY - MINUTE_NS, revision=2)]).all == []
    assert made._counters["minutes_not_kept"] == 1


def test_it_shows_no_running_candle():
    made = started()
    fresh = [minute(THURSDAY + n * MINUTE_NS, ts_recv_ns=THURSDAY + (n + 1) * MINUTE_NS) for n in range(7)]
    assert [bar.revision for bar in play(made, fresh).all] == [1]
