"""The running candles, and the question for what is kept."""

import pytest

from tests.unit.actors.aggregator.series import builder, ns, play, trade


def test_the_running_candle_is_shown_at_each_watermark_that_finds_it_changed():
    series = builder(["1s", "5s", "1m"])
    tape = play(series, [("trades", [trade(0.5, 10.0)])])
    assert tape.all == []
    shown = play(series, [("mark", ns(0.6))]).all
    assert [(bar.timeframe, bar.status, bar.revision, bar.close) for bar in shown] == [
        (timeframe, "open", 0, 10.0) for timeframe in ("1s", "5s", "1m")
    ]
    assert play(series, [("mark", ns(0.7))]).all == []
    shown = play(series, [("trades", [trade(0.8, 11.0)]), ("mark", ns(0.9))]).all
    assert [(bar.timeframe, bar.high, bar.count) for bar in shown] == [
        (name, 11.0, 2) for name in ("1s", "5s", "1m")
    ]


def test_the_running_candle_of_a_longer_timeframe_holds_closed_and_open_ones():
    series = builder(["1s", "5s", "1m"])
    shown = play(series, [("trades", [trade(n + 0.5, 10.0 + n) for n in range(8)]), ("mark", ns(8.4))]).all
    running = [(bar.timeframe, bar.ts_open_ns, bar.count) for bar in shown if bar.status == "open"]
    assert running == [("1s", ns(7), 1), ("5s", ns(5), 3), ("1m", ns(0), 8)]
    assert [bar.close for bar in series.bars("1m")] == [17.0]


def test_two_running_candles_of_one_timeframe_while_the_older_waits_for_late_events():
    series = builder(["1s", "5s"])
    shown = play(series, [("trades", [trade(4.5), trade(5.2, 7.0)]), ("mark", ns(5.3))]).all
    assert [(bar.timeframe, bar.ts_open_ns, bar.close) for bar in shown] == [
        ("1s", ns(4), 100.0), ("1s", ns(5), 7.0), ("5s", ns(0), 100.0), ("5s", ns(5), 7.0),
    ]  # fmt: skip


def test_the_running_candles_can_be_shown_less_often():
    series, shown_at = builder(["1s"], open_interval_s=1.0), []
    for n in range(40):
        shown = play(series, [("trades", [trade(n / 10)]), ("mark", ns(n / 10 + 0.05))]).all
        shown_at += [n] * any(bar.status == "open" for bar in shown)
    assert shown_at == [0, 10, 20, 30]


def test_bars_answers_with_closed_and_running_candles():
    series = builder(["1s", "5s"])
    play(series, [("trades", [trade(n + 0.5) for n in range(6)]), ("mark", ns(6.5))])
    assert [bar.status for bar in series.bars("1s")] == [
        "gap",
        "closed",
        "closed",
        "closed",
        "closed",
        "open",
    ]
    assert [bar.ts_open_ns for bar in series.bars("1s", 2)] == [ns(4), ns(5)]
    assert [bar.count for bar in series.bars("5s")] == [5, 1]
    with pytest.raises(ValueError, match="'1m' is none of 1s, 5s"):
        series.bars("1m")
