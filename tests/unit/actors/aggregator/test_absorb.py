"""The venue's candle in the place of trades that never came."""

import pytest

from protocol.messages import BUY, SELL
from tests.unit.actors.aggregator.series import (
    VENUE,
    Tape,
    builder,
    gap,
    kline,
    ns,
    play,
    second,
    statuses,
    trade,
)

TIMES = ["1s", "1m", "5m"]
SEEN = [trade(0.0, 100.0), trade(130.0, 104.0, side=SELL)]
"""What came; the second minute is empty."""
LOST = [trade(70.0, 90.0, 2.0), trade(80.5, 120.0, 3.0, SELL), trade(119.0, 110.0)]
"""What did not; all of it in the second minute."""
HOLE = gap(65.0, 119.5, "filling")
FILLED = gap(65.0, 119.5, "filled")
KLINES = type(FILLED)(*[getattr(FILLED, name) for name in FILLED.__struct_fields__[:10]], "klines", 1)


def with_hole(timeframes=TIMES, until_s=200.0, **settings):
    """A builder that has missed `LOST`, knows it, and stands at some second; and what it has published."""
    series = builder(timeframes, **settings)
    steps = [("trades", SEEN[:1]), ("mark", ns(64)), ("gap", HOLE), ("trades", SEEN[1:])]
    return series, play(series, [*steps, ("mark", ns(until_s))])


def absorb(series, bar, tape=None):
    """What the venue's candle makes it publish, and the counters that have grown."""
    before = series._counters.copy()
    published = (
        play(series, [("kline", bar)], tape).all if tape is None else play(series, [("kline", bar)], tape)
    )
    grown = series._counters - before
    return published, {name: count for name, count in grown.items() if name.startswith("klines")}


def test_the_minute_becomes_the_venues_and_the_longer_ones_take_the_difference():
    series, tape = with_hole(until_s=400.0)
    assert (second(tape, 60, "1m").status, second(tape, 60, "1m").count) == ("gap", 0)
    assert (second(tape, 0, "5m").status, second(tape, 0, "5m").count) == ("gap", 2)
    published, counted = absorb(series, kline(LOST, ns(60)))

    assert counted == {"klines_absorbed": 1}
    minute, five = (next(bar for bar in published if bar.timeframe == name) for name in TIMES[1:])
    assert (minute.ts_open_ns, minute.revision, minute.status, minute.coverage) == (ns(60), 2, "closed", 1.0)
    assert (minute.source, five.source) == (VENUE, "trade")
    assert (minute.open, minute.high, minute.low, minute.close) == (90.0, 120.0, 90.0, 110.0)
    assert (minute.volume, minute.buy_volume, minute.sell_volume, minute.count) == (6.0, 3.0, 3.0, 3)
    assert minute.vwap == pytest.approx((180 + 360 + 110) / 6)
    assert (five.revision, five.status) == (2, "closed")
    assert five.coverage == 1.0, (
        "the venue's candle reaches back to before our first trade in no other minute"
    )
    assert (five.open, five.high, five.low, five.close) == (100.0, 120.0, 90.0, 104.0)
    assert (five.volume, five.buy_volume, five.sell_volume, five.count) == (8.0, 4.0, 4.0, 5)
    assert ns(60) <= minute.ts_event_ns < ns(120)


def test_a_running_candle_takes_the_difference_and_is_shown_with_the_next_watermark():
    series, _ = with_hole(until_s=200.0)
    published, _ = absorb(series, kline(LOST, ns(60)))
    assert "5m" not in {bar.timeframe for bar in published}
    shown = play(series, [("mark", ns(201))]).all
    assert [(bar.count, bar.high, bar.revision) for bar in shown if bar.timeframe == "5m"] == [(5, 120.0, 0)]
    assert second(play(series, [("mark", ns(302))]), 0, "5m").volume == 8.0


def test_the_minute_decides_how_a_longer_candle_begins_and_ends():
    series = builder(TIMES)
    steps = [("trades", [trade(30.0), trade(130.0)]), ("mark", ns(400.0))]
    tape = play(series, steps)
    first = kline([trade(1.0, 7.0), trade(30.0)], ns(0))
    last = kline([trade(130.0), trade(299.0, 9.0)], ns(240), count=2)
    play(series, [("kline", first), ("kline", last)], tape)
    five = second(tape, 0, "5m")
    assert (five.open, five.close, five.low, five.revision) == (7.0, 9.0, 7.0, 3)


def test_quiet_candles_repeat_the_close_of_the_venue():
    series, tape = with_hole(until_s=200.0)
    absorb(series, kline(LOST, ns(60)), tape)
    assert [second(tape, number).close for number in (119, 120, 129, 130)] == [100.0, 110.0, 110.0, 104.0]


def test_the_newest_close_is_carried_into_candles_to_come():
    series = builder(TIMES)
    tape = play(series, [("trades", SEEN[:1]), ("gap", HOLE), ("mark", ns(150))])
    absorb(series, kline(LOST, ns(60)), tape)
    play(series, [("mark", ns(190))], tape)
    assert [second(tape, number).close for number in (119, 120, 148, 149, 180)] == [100.0] + [110.0] * 4
    assert second(tape, 120, "1m").close == 110.0


def test_a_late_trade_before_the_newest_absorbed_minute_carries_nothing_beyond_it():
    series = builder(TIMES)
    tape = play(series, [("trades", SEEN[:1]), ("mark", ns(150))])
    absorb(series, kline(LOST, ns(60)), tape)
    play(series, [("trades", [trade(50.0, 60.0)]), ("mark", ns(190))], tape)
    assert [second(tape, number).close for number in (50, 119, 120, 148, 180)] == [60.0, 60.0] + [110.0] * 3
    assert [second(tape, number, "1m").close for number in (0, 60, 120)] == [60.0, 110.0, 110.0]


def test_the_same_candle_again_changes_and_publishes_nothing():
    series, tape = with_hole()
    absorb(series, kline(LOST, ns(60)), tape)
    kept = [series.bars(name) for name in TIMES]
    published, counted = absorb(series, kline(LOST, ns(60)))
    assert (published, counted) == ([], {"klines_repeated": 1})
    assert [series.bars(name) for name in TIMES] == kept


def test_a_larger_candle_of_the_same_minute_replaces_the_one_before():
    series, tape = with_hole(until_s=400.0)
    absorb(series, kline(LOST[:2], ns(60)), tape)
    absorb(series, kline(LOST, ns(60)), tape)
    assert (second(tape, 60, "1m").revision, second(tape, 60, "1m").count) == (3, 3)
    assert (second(tape, 0, "5m").revision, second(tape, 0, "5m").volume) == (3, 8.0)


def test_gaps_filled_by_candles_stay_in_the_candles_below_a_minute():
    for steps in (
        [("kline", kline(LOST, ns(60))), ("gap", KLINES)],
        [("gap", KLINES), ("kline", kline(LOST, ns(60)))],
    ):
        series, tape = with_hole()
        play(series, steps, tape)
        assert (second(tape, 60, "1m").status, second(tape, 60, "1m").coverage) == ("closed", 1.0)
        assert second(tape, 60, "1m").revision == 2, "once is enough"
        seconds = statuses(tape, "1s")
        assert {seconds[number] for number in range(65, 120)} == {"gap"}
        assert "gap" not in {seconds[number] for number in (*range(65), *range(120, 190))}


def test_a_minute_that_could_not_be_absorbed_stays_a_gap_whatever_the_ledger_says():
    series, tape = with_hole()
    _, counted = absorb(series, kline([], ns(120)), tape)
    assert counted == {"klines_smaller": 1}
    play(series, [("gap", KLINES)], tape)
    assert second(tape, 60, "1m").status == "gap"
    assert second(tape, 60, "1m").coverage == pytest.approx(5.5 / 60)


def test_a_quiet_minute_of_the_venue_says_that_nothing_was_missed():
    series, tape = with_hole()
    published, counted = absorb(series, kline([], ns(60), quiet=55.0))
    assert counted == {"klines_absorbed": 1}
    assert [(bar.timeframe, bar.status, bar.close, bar.source) for bar in published] == [
        ("1m", "quiet", 100.0, VENUE)
    ], "the price is the close before, as we carry it"
    assert absorb(series, kline([], ns(60), quiet=55.0)) == ([], {"klines_repeated": 1})
    assert second(play(series, [("mark", ns(302))], tape), 0, "5m").coverage == 1.0


REFUSED = [
    ("klines_not_closed", {"ts_open_ns": ns(180)}),
    ("klines_not_closed", {"ts_open_ns": ns(6000)}),
    ("klines_not_kept", {"ts_open_ns": ns(-60)}),
    ("klines_unwanted", {"timeframe": "5m"}),
    ("klines_rejected", {"ts_open_ns": ns(61)}),
    ("klines_rejected", {"high": float("nan")}),
    ("klines_rejected", {"low": 200.0}),
    ("klines_rejected", {"buy_volume": float("inf")}),
    ("klines_rejected", {"sell_volume": -1.0}),
    ("klines_rejected", {"vwap": float("nan")}),
    ("klines_rejected", {"count": 0}),
]


@pytest.mark.parametrize(("reason", "changes"), REFUSED)
def test_what_does_not_fit_is_left_out_and_counted(reason, changes):
    series, _ = with_hole()
    kept = [series.bars(name) for name in TIMES]
    assert absorb(series, kline(LOST, ns(60), **changes)) == ([], {reason: 1})
    assert [series.bars(name) for name in TIMES] == kept
    assert absorb(series, kline(LOST, ns(60)))[1] == {"klines_absorbed": 1}


@pytest.mark.parametrize("changes", [{"count": 1}, {"volume": 1.9}, {"high": 101.0}, {"low": 99.5}])
def test_a_candle_with_less_than_ours_is_left_out(changes):
    series = builder(TIMES)
    own = [trade(5.0, 99.0, 1.0), trade(6.0, 102.0, 1.0)]
    play(series, [("trades", own), ("mark", ns(100))])
    whole = kline([*own, trade(7.0, 100.0)], ns(0))
    assert absorb(series, kline(own, ns(0), **{"open": 100.0, "close": 100.0} | changes))[1] == {
        "klines_smaller": 1
    }
    assert absorb(series, whole)[1] == {"klines_absorbed": 1}


def test_series_without_minutes_of_trades_want_none():
    for series in (builder(["1s", "5s"]), builder(["5m"]), builder(TIMES, source="quote")):
        add = "trades" if series.source == "trade" else "mark"
        play(series, [(add, SEEN[:1] if add == "trades" else ns(1)), ("mark", ns(400))])
        assert absorb(series, kline(LOST, ns(60))) == ([], {"klines_unwanted": 1})
    assert absorb(builder(TIMES), kline(LOST, ns(60))) == ([], {"klines_unwanted": 1}), "nothing has come yet"


def test_minutes_can_be_the_shortest_timeframe():
    series, tape = with_hole(["1m", "5m"], until_s=400.0)
    absorb(series, kline(LOST, ns(60)), tape)
    play(series, [("trades", LOST)], tape)
    assert (second(tape, 60, "1m").count, second(tape, 0, "5m").count) == (3, 5)
    assert series._counters["late_absorbed"] == 3


def test_a_minute_that_is_not_kept_any_more_is_left_out():
    series, _ = with_hole(keep=2, until_s=400.0)
    assert absorb(series, kline(LOST, ns(60))) == ([], {"klines_not_kept": 1})


def test_late_trades_of_an_absorbed_minute_count_below_it_only():
    series, tape = with_hole(until_s=400.0)
    absorb(series, kline(LOST, ns(60)), tape)
    tape.all.clear()
    published = play(series, [("trades", LOST[:2])], Tape()).all
    assert {bar.timeframe for bar in published} == {"1s"}
    assert (series._counters["late_absorbed"], series._counters["late"]) == (2, 0)
    bars = {name: {bar.ts_open_ns: bar for bar in series.bars(name)} for name in TIMES}
    assert (bars["1m"][ns(60)].count, bars["5m"][ns(0)].count) == (3, 5)
    assert [bars["1s"][ns(number)].close for number in (70, 71, 80, 119, 120)] == [
        90.0,
        90.0,
        120.0,
        120.0,
        110.0,
    ]


def test_they_do_so_when_the_minute_itself_is_not_kept_any_more():
    series, tape = with_hole(until_s=140.0, keep=3)
    absorb(series, kline(LOST, ns(60)), tape)
    play(series, [("mark", ns(number)) for number in range(150, 500, 50)], tape)
    assert ns(60) not in {bar.ts_open_ns for bar in series.bars("1m")}
    play(series, [("trades", LOST)], tape)
    assert second(tape, 0, "5m").count == 5
    assert series._counters["late_absorbed"] == 3


def test_a_late_trade_before_an_absorbed_minute_does_not_reach_beyond_it():
    series, tape = with_hole(until_s=200.0)
    absorb(series, kline(LOST, ns(60)), tape)
    play(series, [("trades", [trade(50.0, 60.0)])], tape)
    assert [second(tape, number).close for number in (50, 70, 119, 120)] == [60.0, 60.0, 60.0, 110.0]
    assert second(tape, 60, "1m").close == 110.0


def test_absorbed_minutes_in_any_order_carry_their_own_close():
    bars = [kline([trade(70.0, 71.0)], ns(60)), kline([trade(125.0, 72.0)], ns(120))]
    for found in (bars, bars[::-1]):
        series = builder(TIMES)
        tape = play(series, [("trades", [trade(5.0)]), ("mark", ns(250))])
        play(series, [("kline", bar) for bar in found], tape)
        assert [second(tape, number).close for number in (119, 120, 179, 180, 240)] == [
            100.0,
            71.0,
            71.0,
            72.0,
            72.0,
        ]


def test_candles_behind_seconds_that_are_not_kept_are_left_alone():
    series = builder(["1s", "1m"], keep=5)
    tape = play(series, [("trades", [trade(5.0), trade(130.0, 104.0)]), ("mark", ns(170))])
    absorb(series, kline([trade(70.0, 90.0, side=BUY)], ns(60)), tape)
    assert {bar.close for bar in series.bars("1s")} == {104.0}
    assert second(tape, 60, "1m").close == 90.0


def test_memory_of_absorbed_minutes_ends_with_the_candles_that_hold_them():
    series = builder(["1s", "1m"], keep=3)
    for number in range(20):
        series.add_trades([trade(60.0 * number + 5)])
        series.advance(ns(60 * number + 62), is_connected=True)
        series.absorb(kline([trade(60.0 * number + 5), trade(60.0 * number + 6)], ns(60 * number)))
        series.take()
    assert series._counters["klines_absorbed"] == 20
    assert len(series._coverage.mended()) <= 4


def test_one_that_comes_before_our_minute_closes_waits_for_it():
    series = builder(TIMES)
    tape = play(series, [("trades", [trade(5.0)]), ("mark", ns(100))])
    assert absorb(series, kline(LOST, ns(60))) == ([], {"klines_not_closed": 1})
    for seconds in range(101, 130):
        play(series, [("mark", ns(seconds))], tape)
    minute = second(tape, 60, "1m")
    assert (minute.count, minute.status, minute.source) == (3, "closed", VENUE)
    assert series._counters["klines_absorbed"] == 1
    assert series._counters["klines_not_closed"] == 1
