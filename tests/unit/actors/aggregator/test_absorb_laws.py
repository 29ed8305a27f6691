"""Laws of absorbing, on random series: whatever was lost, the minutes and all above are as if it had come."""

import math
import os

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.builder_state import BuilderState
from protocol.sessions import NS_PER_S
from tests.unit.actors.aggregator.series import (
    MINUTE_NS,
    Tape,
    builder,
    gap,
    kline,
    play,
    trade_lists,
)

TIMES = ("1s", "1m", "3m", "15m")
LONG = TIMES[1:]
slow = settings(deadline=None, max_examples=int(os.environ.get("TAPEHUB_EXAMPLES", "40")))
streams = trade_lists(longest_step_ms=25_000, latest_ms=20_000)


def minute_of(one):
    return one.ts_event_ns - one.ts_event_ns % MINUTE_NS


@st.composite
def lossy(draw):
    """All trades, and what came instead: frames without some of them, and candles of the minutes that lack any.

    A candle comes when its minute has been closed, anywhere between what follows.
    """
    first, *rest = draw(streams)
    trades = [first, *(one for one in rest if one.ts_event_ns >= first.ts_event_ns)]
    lost = [one for one in trades[1:] if draw(st.integers(0, 2)) == 0]
    end_ns = max(one.ts_event_ns for one in trades) + 200 * NS_PER_S
    due = {minute_of(one) for one in lost} | set(
        draw(st.lists(st.sampled_from([minute_of(one) for one in trades])))
    )
    steps, newest_ns = [], 0
    for one in trades:
        newest_ns = max(newest_ns, one.ts_event_ns)
        if one not in lost:
            steps.append(("trades", [one]))
        steps.append(("mark", newest_ns))
        for open_ns in sorted(due):
            if newest_ns >= open_ns + MINUTE_NS + NS_PER_S and draw(st.booleans()):
                due.remove(open_ns)
                steps.append(("kline", kline(trades, open_ns)))
    steps.append(("mark", end_ns))
    steps += [("kline", kline(trades, open_ns)) for open_ns in draw(st.permutations(sorted(due)))]
    whole = [step for one in trades for step in (("trades", [one]), ("mark", one.ts_event_ns))]
    return whole, steps, end_ns


@slow
@given(lossy())
def test_absorbing_equals_having_had_all_trades(found):
    whole, steps, end_ns = found
    far = ("mark", end_ns + 900 * NS_PER_S)
    had = play(builder(TIMES, max_quiet_bars=10_000), [*whole, far])
    series = builder(TIMES, max_quiet_bars=10_000)
    made = play(series, [*steps, far])
    assert series._counters["klines_not_closed"] == series._counters["klines_smaller"] == 0
    for timeframe in LONG:
        expected, bars = had.closed(timeframe), made.closed(timeframe)  # revisions grow by one, says the tape
        assert list(bars) == list(expected)
        for open_ns, bar in bars.items():
            other = expected[open_ns]
            for name in ("open", "high", "low", "close", "count"):
                assert getattr(bar, name) == getattr(other, name), (timeframe, name)
            for name in ("volume", "buy_volume", "sell_volume", "vwap"):
                ours, theirs = getattr(bar, name), getattr(other, name)
                if name != "vwap" or other.volume > 1e-9:
                    assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9), (timeframe, name)
            assert bar.validate() == []
            assert bar.low <= bar.vwap <= bar.high


@slow
@given(lossy(), st.data())
def test_the_same_candle_a_second_time_is_silence(found, data):
    _, steps, _ = found
    series = builder(TIMES, max_quiet_bars=10_000)
    play(series, steps)
    klines = [bar for name, bar in steps if name == "kline"]
    for bar in klines:
        before = msgspec.msgpack.encode(series.state())
        assert play(series, [("kline", bar)]).all == []
        assert msgspec.msgpack.encode(series.state()) == before
    assert series._counters["klines_repeated"] >= len(klines)


@slow
@given(lossy(), st.randoms(), st.integers(0, 80), st.integers(2, 50))
def test_a_restored_builder_goes_on_exactly_as_it_would_have(found, random, cut, keep):
    _, steps, end_ns = found
    start_ns = next(one for name, one in steps if name == "trades")[0].ts_event_ns
    for number in range(3):
        from_s = random.uniform(0, (end_ns - start_ns) / NS_PER_S)
        hole = gap(from_s, from_s + random.uniform(0, 90), "filled", f"g{number}")
        hole = msgspec.structs.replace(hole, filled_by=random.choice(("klines", "rest")))
        steps.insert(random.randrange(len(steps) + 1), ("gap", hole))
        steps.insert(
            random.randrange(len(steps) + 1), ("gap", msgspec.structs.replace(hole, state="filling"))
        )
    series, restored = builder(TIMES, keep=keep), builder(TIMES, keep=keep)
    play(series, steps[:cut])
    encoded = msgspec.msgpack.encode(series.state())
    restored.restore(msgspec.msgpack.decode(encoded, type=BuilderState))

    assert msgspec.msgpack.encode(restored.state()) == encoded
    assert play(restored, steps[cut:]).all == play(series, steps[cut:]).all
    assert msgspec.msgpack.encode(restored.state()) == msgspec.msgpack.encode(series.state())


@slow
@given(lossy())
def test_late_trades_after_their_minute_was_absorbed_change_nothing_in_it(found):
    whole, steps, _ = found
    series = builder(TIMES, max_quiet_bars=10_000, max_behind_s=80_000)
    play(series, steps)
    absorbed = series._coverage.mended()
    came = [one for name, ones in steps if name == "trades" for one in ones]
    all_of_them = [one for name, ones in whole if name == "trades" for one in ones]
    late = [one for one in all_of_them if one not in came and minute_of(one) in absorbed]
    counted = series._counters["late_absorbed"]
    before = {timeframe: series.bars(timeframe) for timeframe in LONG}
    published = play(series, [("trades", late)], Tape()).all
    assert {bar.timeframe for bar in published} <= {"1s"}
    assert {timeframe: series.bars(timeframe) for timeframe in LONG} == before
    assert series._counters["late_absorbed"] - counted == len(late)
