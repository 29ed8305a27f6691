"""Laws of the fold, on random series: rolled up equals direct, arrival and framing do not matter, state is all."""

import itertools
import math

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.builder_state import BuilderState
from protocol.sessions import NS_PER_S, session_named
from tests.unit.actors.aggregator.series import (
    SHORT,
    Tape,
    batches,
    builder,
    gap,
    ns,
    numbers,
    play,
    slow_candles,
    trade_lists,
)

CRYPTO = session_named("crypto")
slow = settings(deadline=None)
"""A busy machine is no reason to fail."""
streams = trade_lists().flatmap(lambda trades: st.tuples(st.just(trades), batches(trades)))
late_streams = trade_lists(latest_ms=20_000).flatmap(
    lambda trades: st.tuples(st.just(trades), batches(trades, marks=False))
)


def end_of(trades):
    return ("mark", max(trade.ts_event_ns for trade in trades) + 130 * NS_PER_S)


def assert_close(first, second):
    for name in ("volume", "buy_volume", "sell_volume", "vwap", "coverage"):
        assert math.isclose(getattr(first, name), getattr(second, name), rel_tol=1e-12, abs_tol=1e-12), name


def assert_equals_slow(tape, trades, timeframe):
    closed = tape.closed(timeframe)
    slow = slow_candles(trades, timeframe, CRYPTO)
    assert {open_ns for open_ns, bar in closed.items() if bar.count} == set(slow)
    for open_ns, expected in slow.items():
        bar = closed[open_ns]
        for name in ("open", "high", "low", "close", "count", "ts_event_ns"):
            assert getattr(bar, name) == expected[name], name
        for name in ("volume", "buy_volume", "sell_volume"):
            assert math.isclose(getattr(bar, name), expected[name], rel_tol=1e-12, abs_tol=1e-12), name
        assert math.isclose(bar.vwap * bar.volume, expected["notional"], rel_tol=1e-12, abs_tol=1e-9)
        assert bar.validate() == []


@slow
@given(streams)
def test_every_timeframe_is_what_sorting_gives(stream):
    trades, steps = stream
    tape = play(builder(), [*steps, end_of(trades)])
    for timeframe in SHORT:
        assert_equals_slow(tape, trades, timeframe)
        assert {bar.revision for bar in tape.closed(timeframe).values()} == {1}


@slow
@given(late_streams)
def test_late_events_end_in_the_same_candles(stream):
    trades, steps = stream
    first = trades[0]
    trades = [
        one for one in trades if one.ts_event_ns >= first.ts_event_ns
    ]  # before the start nothing is kept
    steps = [(name, [one for one in found if one.ts_event_ns >= first.ts_event_ns]) for name, found in steps]
    series = builder()
    tape = play(series, [*steps, end_of(trades)])
    for timeframe in SHORT:
        assert_equals_slow(tape, trades, timeframe)
    assert not series._counters["late_dropped"]


@slow
@given(late_streams)
def test_the_prices_of_quiet_candles_are_the_last_close_whatever_came_late(stream):
    trades, steps = stream
    tape = play(builder(), [*steps, end_of(trades)])
    for timeframe in SHORT:
        bars = list(tape.closed(timeframe).values())
        for before, bar in itertools.pairwise(bars):
            assert bar.ts_open_ns == CRYPTO.bar_close_ns(before.ts_open_ns, timeframe), (
                "no candle is left out"
            )
            if not bar.count:
                assert bar.open == bar.high == bar.low == bar.close == before.close


gaps = st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 20_000)), max_size=4).map(
    lambda found: [
        ("gap", gap(start / 1000, (start + length) / 1000, "unfillable", f"g{index}"))
        for index, (start, length) in enumerate(found)
    ]
)


@slow
@given(late_streams, gaps, st.sampled_from(SHORT[1:]))
def test_rolled_up_equals_built_directly(stream, holes, timeframe):
    trades, steps = stream
    steps = [*steps[:2], *holes, *steps[2:], end_of(trades)]
    rolled_up, direct = (
        play(builder(), steps).closed(timeframe),
        play(builder([timeframe]), steps).closed(timeframe),
    )
    first = trades[0].ts_event_ns
    late_at_start = any(one.ts_event_ns < first for one in trades)
    if late_at_start:  # where a series begins depends on how long its first interval is
        rolled_up, direct = (
            {k: v for k, v in found.items() if k > first + 60 * NS_PER_S} for found in (rolled_up, direct)
        )
    assert list(rolled_up) == list(direct)
    for open_ns, bar in rolled_up.items():
        assert numbers(bar) == numbers(direct[open_ns])
        assert_close(bar, direct[open_ns])


@slow
@given(streams, gaps)
def test_coverage_is_the_weighted_mean_of_the_parts(stream, holes):
    trades, steps = stream
    tape = play(builder(), [*steps[:2], *holes, *steps[2:], end_of(trades)])
    seconds = tape.closed("1s")
    for timeframe in SHORT[1:]:
        for bar in tape.closed(timeframe).values():
            close_ns = CRYPTO.bar_close_ns(bar.ts_open_ns, timeframe)
            parts = [seconds.get(at) for at in range(bar.ts_open_ns, close_ns, NS_PER_S)]
            mean = sum(part.coverage if part else 0.0 for part in parts) / len(parts)
            assert math.isclose(bar.coverage, mean, abs_tol=1e-9)
            is_gap = any(part is None or part.status == "gap" for part in parts)
            assert (bar.status == "gap") == is_gap


@slow
@given(streams)
def test_watermarks_only_change_when_a_candle_is_published(stream):
    trades, steps = stream
    bare = [step for step in steps if step[0] == "trades"]
    first, second = (play(builder(), [*some, end_of(trades)]) for some in (steps, bare))
    for timeframe in SHORT:
        assert first.closed(timeframe) == second.closed(timeframe)


@slow
@given(late_streams)
def test_framing_does_not_change_the_final_candles(stream):
    trades, steps = stream
    first = play(builder(), [*steps, end_of(trades)])
    second = play(builder(), [*(("trades", [one]) for one in trades), end_of(trades)])
    for timeframe in SHORT:
        ours, theirs = first.closed(timeframe), second.closed(timeframe)
        assert {key: numbers(bar) for key, bar in ours.items()} == {
            key: numbers(bar) for key, bar in theirs.items()
        }


events = st.sampled_from([("lost", "bus-1"), ("lost", "bus-2"), ("restart", 2), ("restart", 3)])


@slow
@given(late_streams, gaps, st.lists(events, max_size=3), st.randoms(), st.integers(0, 30), st.integers(2, 50))
def test_a_restored_builder_goes_on_exactly_as_it_would_have(stream, holes, extra, random, cut, keep):
    trades, steps = stream
    for one in [*holes, *extra, ("mark", trades[-1].ts_event_ns), ("gap", gap(0, 0, "filled", "g1"))]:
        steps.insert(random.randrange(len(steps) + 1), one)
    steps.append(end_of(trades))
    series = builder(keep=keep)
    play(series, steps[:cut])
    encoded = msgspec.msgpack.encode(series.state())
    restored = builder(keep=keep)
    restored.restore(msgspec.msgpack.decode(encoded, type=BuilderState))

    assert msgspec.msgpack.encode(restored.state()) == encoded
    assert play(restored, steps[cut:]).all == play(series, steps[cut:]).all
    assert [restored.bars(timeframe) for timeframe in SHORT] == [
        series.bars(timeframe) for timeframe in SHORT
    ]


@slow
@given(late_streams, gaps)
def test_whatever_comes_every_published_candle_is_valid_and_revisions_count_up(stream, holes):
    trades, steps = stream
    tape = Tape()
    play(
        builder(keep=5),
        [*steps[:2], *holes, *steps[2:], ("mark", trades[-1].ts_event_ns), end_of(trades)],
        tape,
    )
    for bar in tape.all:
        assert bar.validate() == []
        assert 0.0 <= bar.coverage <= 1.0
        assert bar.low <= bar.vwap <= bar.high
        assert bar.ts_open_ns == CRYPTO.bar_open_ns(bar.ts_open_ns, bar.timeframe)
        assert (bar.revision == 0) == (bar.status in ("open", "stale"))
    for timeframe in SHORT:
        tape.closed(timeframe)
    assert all(bar.ts_open_ns >= ns(-60) for bar in tape.all)
