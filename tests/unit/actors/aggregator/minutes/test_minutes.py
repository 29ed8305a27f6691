"""What minutes become, and when: one case after the other."""

import pytest

from protocol.messages import Bar, Feature
from protocol.sessions import session_named
from tests.unit.actors.aggregator.minutes.line import (
    MINUTE_NS,
    MONDAY,
    SHORT,
    Tape,
    at,
    builder,
    fold,
    gap,
    minute,
    minutes,
    play,
    quiet,
    running,
)


def bars_of(tape, timeframe):
    return tape.of(Bar, timeframe)


def only(tape, timeframe):
    (bar,) = bars_of(tape, timeframe)
    return bar


def test_a_longer_candle_closes_with_its_last_minute():
    made = builder()
    assert play(made, minutes(MONDAY, 4)).all == []
    bar = only(play(made, minutes(MONDAY, 5)[4:]), "5m")
    assert (bar.ts_open_ns, bar.status, bar.coverage, bar.revision) == (MONDAY, "closed", 1.0, 1)
    assert (bar.open, bar.high, bar.low, bar.close) == (100.0, 104.5, 99.5, 104.25)
    assert (bar.source, bar.reason, bar.ts_event_ns) == ("yahoo", "", MONDAY + 5 * MINUTE_NS - 1)


def test_without_volume_the_average_price_is_the_close_and_with_it_it_is_weighted():
    assert only(fold(minutes(MONDAY, 5)), "5m").vwap == 104.25
    heavy = [minute(MONDAY + n * MINUTE_NS, 100.0 + n, volume=float(n), count=n) for n in range(5)]
    bar = only(fold(heavy), "5m")
    assert (bar.volume, bar.count, bar.vwap) == (10.0, 10, 103.0)


def test_minutes_are_not_published_again_and_their_indicators_are():
    tape = fold(minutes(MONDAY, 6), indicators=["mom(1)"])
    assert list(tape.by_topic) == [
        "feature.rest.EUR_USD.1m",
        "bar.rest.EUR_USD.5m",
        "feature.rest.EUR_USD.5m",
    ]
    assert [one.values for one in tape.of(Feature, "1m")] == [{}] + [{"mom_1": 1.0}] * 5


def test_minutes_without_data_give_a_candle_no_price_but_the_last_resort():
    at_ns = [MONDAY + n * MINUTE_NS for n in range(10)]
    some = [quiet(at_ns[0], 90.0), *(minute(one, 100.0) for one in at_ns[1:4]), gap(at_ns[4], 120.0)]
    bar = only(fold(some), "5m")
    assert (bar.open, bar.high, bar.low, bar.close) == (100.0, 100.0, 100.0, 100.0)
    assert (bar.status, bar.coverage, bar.reason, bar.ts_event_ns) == ("gap", 0.8, "1 gap", at_ns[4] - 1)
    none = only(fold([quiet(one, 90.0) for one in at_ns[:5]]), "5m")
    assert (none.status, none.coverage, none.close, none.ts_event_ns) == ("quiet", 1.0, 90.0, at_ns[5])


def test_what_a_candle_says_of_its_minutes():
    at_ns = [MONDAY + n * MINUTE_NS for n in range(6)]
    mixed = [
        minute(at_ns[0], ts_recv_ns=at_ns[5], reason="spike cut"),
        minute(at_ns[1], ts_recv_ns=at_ns[5] + 2, source="polygon", is_adjusted=True),
        minute(at_ns[2], reason="split undone"),
        gap(at_ns[3], 100.0, source="twelvedata"),
        quiet(at_ns[4], 100.0, source="twelvedata", reason="polygon says so too"),
    ]
    bar = fold(mixed).closed("5m")[MONDAY]
    assert (bar.source, bar.is_adjusted, bar.ts_recv_ns) == ("rest", True, at_ns[5] + 2)
    assert bar.reason == "2 minutes repaired, 1 gap"
    same = [minute(at_ns[0]), *(gap(one, 100.0, source="twelvedata") for one in at_ns[1:5])]
    bar = only(fold(same), "5m")
    assert (bar.source, bar.reason) == ("yahoo", "4 gaps")


def test_the_first_candles_of_a_series_are_not_whole():
    tape = fold(minutes(MONDAY + 3 * MINUTE_NS, 60))
    assert [(bar.coverage, bar.status) for bar in bars_of(tape, "5m")[:2]] == [(0.4, "gap"), (1.0, "closed")]
    assert bars_of(tape, "1h")[0].coverage == 57 / 60
    assert bars_of(tape, "1h")[0].reason == "3 gaps"


def test_the_week_ends_with_its_last_minute_in_every_timeframe():
    friday = minutes(at("2024-08-08T21:00"), 24 * 60)  # 17:00 in New York to 17:00 the next day
    made = builder()
    tape = play(made, friday[:-1])
    assert not bars_of(tape, "1d")
    end = play(made, friday[-1:])
    assert {(bar.timeframe, bar.status, bar.coverage) for bar in end.all} == {
        (timeframe, "closed", 1.0) for timeframe in ("5m", "15m", "1h", "4h", "1d")
    }
    assert only(end, "1d").ts_open_ns == at("2024-08-08T21:00")
    sunday = play(made, minutes(at("2024-08-11T21:00"), 5))
    assert [bar.ts_open_ns for bar in sunday.all] == [at("2024-08-11T21:00")]


def test_a_day_of_shares_ends_at_four_in_the_afternoon():
    tape = fold(minutes(at("2024-08-12T13:30"), 390, "us_equity"), session="us_equity")
    day = only(tape, "1d")
    assert (day.status, day.coverage) == ("closed", 1.0)
    assert [bar.ts_open_ns for bar in bars_of(tape, "4h")] == [at("2024-08-12T13:30"), at("2024-08-12T17:30")]


def test_where_minutes_stop_a_candle_closes_with_the_first_minute_beyond():
    made = builder(session="us_equity", max_quiet_bars=12)
    tape = play(made, minutes(at("2024-07-03T13:30"), 211, "us_equity"))  # one o'clock: an early close
    assert not bars_of(tape, "1d")
    beyond = play(made, minutes(at("2024-07-05T13:30"), 1, "us_equity"))
    day = beyond.closed("1d")[at("2024-07-03T13:30")]
    assert (day.status, day.coverage, day.close) == ("gap", 211 / 390, 310.25)
    assert day.reason == "179 gaps"


def test_minutes_that_never_came_are_gaps_at_the_close_before():
    first, *_, last = minutes(MONDAY, 17)
    made = builder()
    made.add([first, last])
    tape = Tape()
    tape.take(made)
    assert [(bar.ts_open_ns - MONDAY, bar.coverage, bar.close) for bar in bars_of(tape, "5m")] == [
        (0, 0.2, 100.25),
        (5 * MINUTE_NS, 0.0, 100.25),
        (10 * MINUTE_NS, 0.0, 100.25),
    ]
    assert made._counters["minutes_missing"] == 15
    assert [bar.ts_open_ns for bar in made.bars("1m")] == [first.ts_open_ns, last.ts_open_ns]


def test_of_a_long_absence_only_the_end_is_made_up():
    made = builder(max_quiet_bars=10, indicators=["mom(1)"])
    tape = play(made, [*minutes(MONDAY, 5), *minutes(MONDAY + 1000 * MINUTE_NS, 5)])
    offsets = [(bar.ts_open_ns - MONDAY) // MINUTE_NS for bar in bars_of(tape, "5m")]
    assert offsets == [0, 990, 995, 1000]
    features = tape.features("1m")
    assert len(features) == len(tape.of(Feature, "1m")) == 10, (
        "of minutes that never came nothing is published"
    )
    assert features[MONDAY + 1000 * MINUTE_NS].coverage == 0.0
    assert made._counters["minutes_missing"] == 995


def test_a_running_minute_shows_the_longer_candles_as_they_stand():
    made = builder(indicators=["mom(1)"])
    play(made, minutes(MONDAY, 7))
    tape = play(made, [running(MONDAY + 7 * MINUTE_NS, 150.0)])
    bar = only(tape, "5m")
    assert (bar.revision, bar.status, bar.coverage, bar.ts_open_ns) == (
        0,
        "open",
        1.0,
        MONDAY + 5 * MINUTE_NS,
    )
    assert (bar.open, bar.high, bar.low, bar.close) == (105.0, 150.0, 104.5, 150.0)
    assert only(tape, "1h").open == 100.0
    assert [one.values["mom_1"] for one in tape.of(Feature, "1m")] == [150.0 - 106.25]
    assert [one.values["mom_1"] for one in tape.of(Feature, "5m")] == [150.0 - 104.25]
    assert {one.revision for one in tape.all} == {0}
    closed = play(made, [minute(MONDAY + 7 * MINUTE_NS, 120.0)])
    assert [one.values["mom_1"] for one in closed.of(Feature, "1m")] == [120.0 - 106.25]


def test_a_running_minute_that_shows_nothing_new_is_not_shown_again():
    made = builder()
    play(made, minutes(MONDAY, 5))
    now = running(MONDAY + 5 * MINUTE_NS, 150.0, ts_recv_ns=MONDAY + 6 * MINUTE_NS)
    assert play(made, [now]).all
    assert play(made, [running(MONDAY + 5 * MINUTE_NS, 150.0, ts_recv_ns=MONDAY + 7 * MINUTE_NS)]).all == []
    stale = play(made, [running(MONDAY + 5 * MINUTE_NS, 150.0, status="stale")])
    assert {bar.status for bar in stale.all} == {"stale"}


def test_a_minute_that_has_ended_stays_in_the_running_candle_until_it_is_told():
    made = builder(["1m", "5m"])
    play(made, minutes(MONDAY, 2))
    play(made, [running(MONDAY + 2 * MINUTE_NS, 170.0)])
    after = only(play(made, [running(MONDAY + 3 * MINUTE_NS, 150.0)]), "5m")
    assert (after.high, after.close, after.coverage) == (170.0, 150.0, 1.0)
    told = only(
        play(made, [minute(MONDAY + 2 * MINUTE_NS, 160.0), running(MONDAY + 3 * MINUTE_NS, 151.0)]), "5m"
    )
    assert (told.high, told.close) == (160.0, 151.0)
    assert [bar.revision for bar in made.bars("1m")] == [1, 1, 1, 0]


def test_a_running_minute_before_the_end_of_what_is_closed_is_left_out():
    made = builder()
    assert play(made, [*minutes(MONDAY, 3), running(MONDAY + 2 * MINUTE_NS, 170.0)]).all == []
    assert made._counters["minutes_late"] == 1


def test_two_running_candles_follow_each_other():
    made = builder(["1m", "5m"], indicators=["mom(1)"])
    play(made, minutes(MONDAY, 9))
    tape = play(made, [running(MONDAY + 9 * MINUTE_NS, 170.0), running(MONDAY + 10 * MINUTE_NS, 180.0)])
    assert [(bar.ts_open_ns - MONDAY, bar.close) for bar in bars_of(tape, "5m")] == [
        (5 * MINUTE_NS, 170.0),
        (10 * MINUTE_NS, 180.0),
    ]
    assert tape.of(Feature, "5m")[-1].values == {"mom_1": 10.0}
    assert [bar.close for bar in made.bars("5m")] == [104.25, 170.0, 180.0]
    assert [bar.close for bar in made.bars("5m", 1)] == [180.0]


def test_a_minute_just_closed_shows_the_candles_it_went_into_and_history_does_not():
    history = minutes(MONDAY, 3, ts_recv_ns=MONDAY + 1000 * MINUTE_NS)
    made = builder(["1m", "5m"])
    assert play(made, history).all == []
    live = only(play(made, [minute(MONDAY + 3 * MINUTE_NS, 150.0, ts_recv_ns=MONDAY + 5 * MINUTE_NS)]), "5m")
    assert (live.revision, live.status, live.close, live.coverage) == (0, "open", 150.0, 1.0)


def test_a_correction_may_take_a_high_away():
    made = builder(indicators=["mom(1)"])
    wrong = minute(MONDAY + 2 * MINUTE_NS, 102.0, 999.0, 101.5, 102.25)
    line = minutes(MONDAY, 62)
    play(made, [*line[:2], wrong, *line[3:]])
    tape = play(
        made, [minute(MONDAY + 2 * MINUTE_NS, 102.0, 102.5, 101.5, 102.25, revision=2, reason="spike cut")]
    )
    assert [(bar.timeframe, bar.revision, bar.high) for bar in tape.of(Bar, "5m") + tape.of(Bar, "15m")] == [
        ("5m", 2, 104.5),
        ("15m", 2, 114.5),
    ]
    assert only(tape, "1h").reason == "1 minute repaired"
    assert not bars_of(tape, "1d"), "it runs"
    shown = play(made, [running(MONDAY + 62 * MINUTE_NS, 100.0)])
    assert only(shown, "1d").high == 161.5
    again = tape.of(Feature, "1m")
    assert [(one.ts_open_ns, one.revision) for one in again[:2]] == [
        (MONDAY + 2 * MINUTE_NS, 2),
        (MONDAY + 3 * MINUTE_NS, 1),
    ]
    assert len(again) == 60
    assert [one.revision for one in tape.of(Feature, "5m")] == [2, *[1] * 11]


def test_a_gap_that_is_filled_makes_the_candles_whole():
    made = builder()
    line = minutes(MONDAY, 5)
    assert only(play(made, [*line[:4], gap(line[4].ts_open_ns, 103.25)]), "5m").status == "gap"
    bar = only(play(made, [minute(line[4].ts_open_ns, 104.0, 109.0, 104.0, 105.0, revision=2)]), "5m")
    assert (bar.status, bar.coverage, bar.high, bar.close, bar.revision) == ("closed", 1.0, 109.0, 105.0, 2)


def test_a_minute_that_never_came_may_still_come():
    made = builder()
    line = minutes(MONDAY, 10)
    play(made, [*line[:2], *line[4:]])
    tape = play(made, line[2:4])
    assert [(bar.status, bar.revision, bar.coverage) for bar in bars_of(tape, "5m")] == [
        ("gap", 2, 0.8),
        ("closed", 3, 1.0),
    ]


def test_several_corrections_in_a_frame_give_the_indicators_once():
    made = builder(indicators=["mom(1)"])
    play(made, minutes(MONDAY, 20))
    tape = play(made, minutes(MONDAY, 3, revision=2, volume=1.0))
    assert [bar.revision for bar in bars_of(tape, "5m")] == [2, 3, 4]
    assert [one.revision for one in tape.of(Feature, "5m")] == [4, 1, 1, 1]


def test_a_running_minute_in_the_frame_of_a_correction_follows_the_corrected_one():
    made = builder(["1m", "5m"], indicators=["mom(1)"])
    play(made, minutes(MONDAY, 10))
    last_ns = MONDAY + 9 * MINUTE_NS
    tape = play(made, [minute(last_ns, 50.0, revision=2), running(last_ns + MINUTE_NS, 60.0)])
    for timeframe in ("1m", "5m"):
        assert [(one.revision, one.values["mom_1"]) for one in tape.of(Feature, timeframe)][-1] == (0, 10.0)


def test_what_is_not_kept_and_what_is_known_changes_nothing():
    made = builder(["1m", "5m"], keep=1)
    line = minutes(MONDAY, 60)
    play(made, line)
    assert play(made, [minute(MONDAY, revision=2), line[-1], line[-2]]).all == []
    counters = made._counters
    assert (counters["minutes_not_kept"], counters["minutes_repeated"]) == (1, 2)
    assert play(made, [minute(line[-1].ts_open_ns, 1.0, revision=3)]).all
    assert play(made, [minute(line[-1].ts_open_ns, 2.0, revision=2)]).all == []
    assert counters["minutes_repeated"] == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 101.0},
        {"high": float("inf")},
        {"open": float("nan")},
        {"close": 0.0, "low": 0.0},
        {"volume": -1.0},
        {"vwap": float("inf")},
        {"coverage": 1.5},
        {"ts_open_ns": MONDAY + 1},
        {"ts_open_ns": at("2024-08-10T12:00")},  # a Saturday
        {"timeframe": "5m"},
        {"symbol": "GBP_USD"},
        {"venue": "binance"},
        {"ts_recv_ns": MONDAY - 60 * MINUTE_NS},  # fetched before it began
    ],
)
def test_what_cannot_be_a_minute_of_this_is_refused(changes):
    made = builder()
    assert play(made, [minute(MONDAY, **changes), *minutes(MONDAY, 5)[1:]]).all
    assert made._counters["minutes_rejected"] == 1


def test_only_timeframes_of_whole_minutes_are_made():
    tape = fold(minutes(MONDAY, 12), timeframes=["1s", "30s", "90s", "3m", "12m"])
    assert {bar.timeframe for bar in tape.all} == {"3m", "12m"}
    made = builder(["1s", "1m"], keep=3)
    assert play(made, minutes(MONDAY, 9)).all == []
    assert len(made.bars("1m")) == 3


def test_an_unknown_timeframe_is_an_error_that_names_the_others():
    with pytest.raises(ValueError, match="'1s' is none of 1m, 5m, 15m, 1h, 4h, 1d"):
        builder().bars("1s")


def test_children_of_two_longer_candles_are_kept_whatever_the_setting_says():
    made = builder(keep=1)
    play(made, minutes(MONDAY, 1500))
    kept = {timeframe: len(made.bars(timeframe)) for timeframe in ("1m", "5m", "15m", "1h", "4h")}
    assert kept["1m"] >= 10
    assert all(kept[timeframe] >= least for timeframe, least in (("5m", 6), ("15m", 8), ("1h", 8), ("4h", 3)))
    assert kept["1m"] < 20


def test_memory_does_not_grow_with_the_minutes():
    made, session = builder(SHORT, keep=5), session_named("fx")
    sizes, next_ns = [], MONDAY
    for _ in range(20):
        play(made, minutes(next_ns, 100))
        next_ns = session.next_open_ns(next_ns + 100 * MINUTE_NS)
        sizes.append(sum(len(rung.closed) for rung in made._line.rungs))
    assert max(sizes[10:]) <= max(sizes[:10]) + 4
