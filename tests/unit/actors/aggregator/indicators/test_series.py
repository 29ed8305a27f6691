"""Candles in, features out: one per closed candle, one per running one shown, and again after a revision."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.bars import BarBuilder
from actors.aggregator.builder_state import BuilderState
from actors.aggregator.indicators.series import Series
from actors.aggregator.indicators.suite import suite_of
from protocol.messages import Bar, Feature
from protocol.sessions import session_named
from tests.unit.actors.aggregator.series import (
    SYMBOL,
    VENUE,
    apply,
    batches,
    builder,
    gap,
    kline,
    ns,
    rules,
    trade,
    trade_lists,
)

SMALL = [
    "rsi(3)",
    "ema(2)",
    "bbands(3,2)",
    "atr(2)",
    "macd(2,3,2)",
    "vwap",
    "volume_ma(2)",
    "mom(2)",
    "stoch(3,2,2)",
]
SHORT = ("1s", "5s", "15s", "1m")


def with_indicators(indicators=tuple(SMALL), timeframes=("1s", "5s"), **settings_):
    return builder(SHORT, indicators=list(indicators), indicator_timeframes=list(timeframes), **settings_)


def play(made, steps):
    output = []
    for name, value in steps:
        apply(made, name, value)
        output += made.take()
    return output


def of(output, kind, timeframe):
    return [
        one
        for _, messages in output
        for one in messages
        if isinstance(one, kind) and one.timeframe == timeframe
    ]


def newest(output, timeframe):
    """The newest feature of every closed candle, by its opening time."""
    return {one.ts_open_ns: one for one in of(output, Feature, timeframe) if one.revision}


def afresh(made, timeframe, indicators=tuple(SMALL)):
    """Features of the candles as they are in the end, each closed once."""
    level = next(level for level in made._ladder.levels if level.timeframe == timeframe)
    fresh = Series(SYMBOL, VENUE, timeframe, 10_000, session_named("crypto"), suite_of(tuple(indicators)))
    return {one.ts_open_ns: one for one in fresh.follow(level.closed.values())}


def flush(made, seconds):
    """Let everything that waits for a watermark go out."""
    made.advance(ns(seconds), is_connected=True)
    return made.take()


def test_each_closed_candle_has_a_feature_after_it_on_its_own_topic():
    made = with_indicators(["mom(1)"])
    output = play(made, [("trades", [trade(n, 100.0 + n) for n in range(4)]), ("mark", ns(4.9))])
    topics = [topic for topic, _ in output]
    assert topics[:2] == ["bar.binance.BTC_USDT.1s", "feature.binance.BTC_USDT.1s"]
    closed = [one for one in of(output, Feature, "1s") if one.revision]
    assert [(one.ts_open_ns, one.is_ready, one.values) for one in closed] == [
        (ns(0), False, {}),
        (ns(1), True, {"mom_1": 1.0}),
        (ns(2), True, {"mom_1": 1.0}),
    ]
    assert {one.revision for one in closed} == {1}
    assert not [topic for topic in topics if topic.endswith(("15s", "1m")) and topic.startswith("feature")]


def test_a_running_candle_has_one_when_it_is_shown_and_leaves_no_trace():
    made = with_indicators(["mom(1)"])
    play(made, [("trades", [trade(0, 100.0), trade(1, 101.0)]), ("mark", ns(2.1))])
    shown = play(made, [("trades", [trade(2.2, 105.0)]), ("mark", ns(2.3))])
    assert [(one.revision, one.values) for one in of(shown, Feature, "1s")] == [(0, {"mom_1": 4.0})]
    again = play(made, [("trades", [trade(2.4, 103.0)]), ("mark", ns(2.5))])
    assert [(one.revision, one.values) for one in of(again, Feature, "1s")] == [(0, {"mom_1": 2.0})]
    closed = play(made, [("mark", ns(4.0))])
    assert newest(closed, "1s")[ns(2)].values == {"mom_1": 2.0}


def test_two_running_candles_follow_each_other():
    made = with_indicators(["mom(1)"])
    play(made, [("trades", [trade(0, 100.0)]), ("mark", ns(1.5))])
    shown = play(made, [("trades", [trade(1.6, 102.0), trade(2.1, 107.0)]), ("mark", ns(2.2))])
    running = [(one.ts_open_ns, one.values) for one in of(shown, Feature, "1s") if not one.revision]
    assert running[-2:] == [(ns(1), {"mom_1": 2.0}), (ns(2), {"mom_1": 5.0})]


def test_a_revision_goes_back_and_runs_the_tail_again_at_the_next_watermark():
    made = with_indicators(["mom(1)"])
    play(made, [("trades", [trade(n, 100.0) for n in range(6)]), ("mark", ns(5.9))])
    late = play(made, [("trades", [trade(2.5, 110.0)])])
    assert of(late, Bar, "1s")
    assert not of(late, Feature, "1s")
    again = [one for one in of(flush(made, 5.95), Feature, "1s") if one.revision]
    assert [(one.ts_open_ns, one.revision, one.values["mom_1"]) for one in again] == [
        (ns(2), 2, 10.0),
        (ns(3), 1, -10.0),
    ]


def test_a_watermark_with_nothing_to_show_does_not_let_a_later_revision_go_out_early():
    made = with_indicators(["mom(1)"], keep=1)
    play(made, [("trades", [trade(2.2), trade(1.9), trade(3)]), ("mark", ns(1)), ("trades", [trade(0.9)])])
    assert not of(play(made, [("mark", ns(2))]), Bar, "1s")
    late = play(made, [("trades", [trade(1.95, 110.0)])])
    assert [bar.revision for bar in of(late, Bar, "1s")] == [2]
    assert not of(late, Feature, "1s")
    assert [one.revision for one in of(flush(made, 3.1), Feature, "1s") if one.revision] == [2]


def test_a_close_does_not_overtake_a_revision_that_waits():
    made = with_indicators(["mom(1)"])
    play(made, [("trades", [trade(n, 100.0) for n in range(6)]), ("mark", ns(5.9))])
    both = play(made, [("trades", [trade(3.5, 110.0)]), ("trades", [trade(7.0, 111.0)])])
    found = [(one.ts_open_ns, one.revision, one.values["mom_1"]) for one in of(both, Feature, "1s")]
    assert found == [(ns(3), 2, 10.0), (ns(4), 1, -10.0), (ns(5), 1, 0.0)]


def test_quiet_candles_and_those_in_a_gap_count_as_candles():
    made = with_indicators(["mom(2)", "ema(2)"])
    output = play(
        made,
        [("trades", [trade(0, 100.0), trade(1, 101.0)]), ("gap", gap(1.2, 2.5)), ("trades", [trade(5, 104.0)]), ("mark", ns(7.0))],
    )  # fmt: skip
    output += flush(made, 7.1)
    features, bars = (
        newest(output, "1s"),
        {bar.ts_open_ns: bar for bar in of(output, Bar, "1s") if bar.revision},
    )
    assert {bars[ns(n)].status for n in (1, 2)} == {"gap"}
    assert bars[ns(3)].status == "quiet"
    assert features[ns(5)].values["mom_2"] == 3.0


def test_coverage_is_the_lowest_of_the_candles_that_the_longest_look_back_needs():
    made = with_indicators(["mom(2)"])
    output = play(
        made,
        [
            ("trades", [trade(0.5 + n, 100.0) for n in range(8)]),
            ("gap", gap(2.0, 2.25, "open")),
            ("mark", ns(8.9)),
        ],
    )
    output += flush(made, 9.0)
    found = newest(output, "1s")
    assert [round(found[ns(n)].coverage, 2) for n in range(7)] == [0.5, 0.5, 0.5, 0.75, 0.75, 1.0, 1.0]


def test_it_is_ready_when_every_indicator_has_warmed_up_also_where_a_value_does_not_exist():
    made = with_indicators(["rsi(3)", "vwap"])
    output = play(made, [("trades", [trade(n, 100.0 + n, size=0.0) for n in range(7)]), ("mark", ns(7.9))])
    found = newest(output, "1s")
    assert [found[ns(n)].is_ready for n in range(6)] == [False, False, False, True, True, True]
    assert found[ns(5)].values == {"rsi_3": 100.0}  # without volume there is no vwap


def test_vwap_begins_anew_with_the_day():
    midnight = 86_400.0
    made = with_indicators(["vwap"])
    output = play(
        made,
        [("trades", [trade(midnight - 2, 100.0, 1.0), trade(midnight - 1, 200.0, 1.0), trade(midnight, 50.0, 3.0), trade(midnight + 1, 60.0, 1.0)]),
         ("mark", ns(midnight + 3))],
    )  # fmt: skip
    values = [one.values["vwap"] for one in newest(output, "1s").values()]
    assert values[:4] == [100.0, 150.0, 50.0, 52.5]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_last_feature_of_each_candle_is_that_of_a_run_from_the_start(data):
    trades = data.draw(trade_lists(longest_step_ms=2_000, latest_ms=6_000))
    made = with_indicators()
    output = play(made, data.draw(batches(trades)))
    if data.draw(st.booleans()):
        apply(made, "gap", gap(1.0, 2.5))
        output += made.take()
    output += flush(made, (made.event_ns - ns(0)) / 1e9 + 3)
    output += flush(made, (made.event_ns - ns(0)) / 1e9 + 3.1)
    for timeframe in ("1s", "5s"):
        assert newest(output, timeframe) == afresh(made, timeframe)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_going_on_from_a_snapshot_publishes_the_same_bytes(data):
    """Also where few candles are kept, so that the indicators' memory lies behind them."""
    trades = data.draw(trade_lists(longest_step_ms=2_000, latest_ms=6_000))
    steps = data.draw(batches(trades))
    cut = data.draw(st.integers(0, len(steps)))
    keep = data.draw(st.sampled_from((1, 2, 5, 1000)))
    made = with_indicators(keep=keep)
    play(made, steps[:cut])
    kept = msgspec.msgpack.encode(made.state())

    other = with_indicators(keep=keep)
    other.restore(msgspec.msgpack.decode(kept, type=BuilderState))

    assert msgspec.msgpack.encode(play(made, steps[cut:])) == msgspec.msgpack.encode(play(other, steps[cut:]))
    assert msgspec.msgpack.encode(made.state()) == msgspec.msgpack.encode(other.state())


def test_the_memory_does_not_grow_with_the_candles():
    made = with_indicators(keep=3)
    sizes = []
    for n in range(120):
        play(made, [("trades", [trade(n, 100.0 + n % 7)]), ("mark", ns(n + 0.9))])
        sizes.append(len(msgspec.msgpack.encode(made.state())))
    assert max(sizes[100:]) <= max(sizes[60:90]) + 50


def test_another_list_of_indicators_keeps_the_candles_and_begins_with_them():
    steps = [("trades", [trade(n, 100.0 + n) for n in range(9)]), ("mark", ns(8.5))]
    before = with_indicators(["ema(2)"])
    play(before, steps)
    after = with_indicators(["mom(3)", "ema(2)"])
    after.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(before.state()), type=BuilderState))

    assert after.bars("1s") == before.bars("1s")
    output = play(after, [("mark", ns(10.0))])
    assert newest(output, "1s")[ns(8)].values["mom_3"] == 3.0


def test_a_memory_without_indicators_is_taken():
    before = builder(SHORT)
    play(before, [("trades", [trade(n, 100.0 + n) for n in range(9)]), ("mark", ns(8.5))])
    after = with_indicators(["mom(3)"])
    after.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(before.state()), type=BuilderState))
    output = play(after, [("mark", ns(10.0))])
    assert newest(output, "1s")[ns(8)].values == {"mom_3": 3.0}


def test_a_minute_of_the_venue_moves_the_indicators_too():
    trades = [trade(60 * n + 1, 100.0 + n, 2.0) for n in range(4)]
    made = builder(("1m",), indicators=["mom(1)", "vwap"], indicator_timeframes=["1m"])
    output = play(made, [("trades", trades), ("mark", ns(300))])
    whole = kline([*trades, trade(90, 109.0, 5.0)], ns(60))
    output += play(made, [("kline", whole), ("mark", ns(301))])
    found = newest(output, "1m")
    assert found[ns(60)].values["mom_1"] == 9.0
    assert found[ns(60)].revision == 2
    assert found[ns(120)].values["mom_1"] == -7.0
    assert found == afresh(made, "1m", ["mom(1)", "vwap"])


@pytest.mark.parametrize("timeframes", [[], ["1h"]])
def test_timeframes_that_are_not_named_or_not_built_have_none(timeframes):
    made = BarBuilder(VENUE, SYMBOL, "trade", rules(SHORT, indicators=["ema(2)"], indicator_timeframes=timeframes), session_named("crypto"), Counter())  # fmt: skip
    output = play(made, [("trades", [trade(n) for n in range(4)]), ("mark", ns(6))])
    assert not [topic for topic, _ in output if topic.startswith("feature")]
