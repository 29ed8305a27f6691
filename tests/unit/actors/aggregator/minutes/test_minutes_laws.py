"""Laws of the fold of minutes, on random ones: equal to the slow way, framing does not matter, state is all."""

import itertools
import math

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.indicators.series import Series
from actors.aggregator.indicators.suite import suite_of
from actors.aggregator.minutes.builder import MinutesState
from actors.aggregator.minutes.rolled import rolled_minute
from protocol.messages import Bar
from tests.unit.actors.aggregator.minutes.line import (
    MINUTE_NS,
    SHORT,
    SMALL,
    SYMBOL,
    VENUE,
    Tape,
    builder,
    fields,
    newest_of,
    play,
    slow_candles,
    streams,
)

slow = settings(deadline=None)
"""A busy machine is no reason to fail."""


def cuts(draw, bars):
    """The minutes in frames of random lengths."""
    frames, rest = [], list(bars)
    while rest:
        size = draw(st.integers(1, 12))
        frames.append(rest[:size])
        rest = rest[size:]
    return frames


def run(made, frames):
    tape = Tape()
    for frame in frames:
        play(made, frame, tape)
    return tape


def made_for(session, **changes):
    return builder(**{"timeframes": SHORT, "session": session, "indicators": SMALL, **changes})


def assert_equals_slow(tape, told, session):
    for timeframe in SHORT[1:]:
        wanted = slow_candles(told, timeframe, session)
        assert {open_ns: fields(bar) for open_ns, bar in tape.closed(timeframe).items()} == wanted


def is_correction(bar):
    return bar.revision > 1


@slow
@given(streams(), st.data())
def test_every_longer_candle_is_what_sorting_the_newest_minutes_gives(stream, data):
    session, bars = stream
    tape = run(made_for(session, indicators=()), cuts(data.draw, bars))
    if newest_of(bars):
        assert_equals_slow(tape, newest_of(bars), session)


@slow
@given(streams(), st.data())
def test_corrections_in_any_order_end_in_the_candles_of_the_corrected_minutes(stream, data):
    session, bars = stream
    first = [bar for bar in bars if not is_correction(bar)]
    corrections = data.draw(st.permutations([bar for bar in bars if is_correction(bar)]))
    told = newest_of(bars)
    tape = run(made_for(session), cuts(data.draw, [*first, *corrections]))
    afresh = made_for(session)
    again = run(afresh, [[msgspec.structs.replace(bar, revision=1)] for _, bar in sorted(told.items())])
    for timeframe in SHORT[1:]:
        ours, theirs = tape.closed(timeframe), again.closed(timeframe)
        assert {key: fields(bar) for key, bar in ours.items()} == {
            key: fields(bar) for key, bar in theirs.items()
        }
        assert [bar.values for bar in tape.features(timeframe).values()] == [
            bar.values for bar in again.features(timeframe).values()
        ]


@slow
@given(streams(), st.data())
def test_framing_does_not_change_the_output(stream, data):
    """Of several corrections in one frame the features go out once; candles and all else are the same to the byte."""
    session, bars = stream
    one_by_one = run(made_for(session), [[bar] for bar in bars])
    together = run(made_for(session), cuts(data.draw, bars))
    has_several = sum(is_correction(bar) for bar in bars) > 1
    for topic, messages in one_by_one.by_topic.items():
        if topic.startswith("bar") or not has_several:
            assert together.by_topic[topic] == messages
    for timeframe in SHORT:
        assert one_by_one.features(timeframe) == together.features(timeframe)


@slow
@given(streams())
def test_features_end_as_those_of_the_final_candles_each_closed_once(stream):
    session, bars = stream
    made = made_for(session)
    tape = play(made, bars, frame=7)
    for rung in made._line.rungs:
        fresh = Series(SYMBOL, VENUE, rung.timeframe, 10_000, session, suite_of(tuple(SMALL)))
        wanted = {one.ts_open_ns: one for one in fresh.follow(rung.closed.values()) if one.revision}
        assert tape.features(rung.timeframe) == wanted


@slow
@given(streams(), st.data())
def test_a_restored_builder_goes_on_exactly_as_it_would_have(stream, data):
    session, bars = stream
    if newest_of(bars) and data.draw(st.booleans()):  # minutes of the day before, between the others
        older = [msgspec.structs.replace(bar, ts_open_ns=bar.ts_open_ns - 1440 * MINUTE_NS) for bar in bars]
        place = data.draw(st.integers(0, len(bars)))
        bars = [*bars[:place], *older, *bars[place:]]
    frames = cuts(data.draw, bars)
    cut = data.draw(st.integers(0, len(frames)))
    keep = data.draw(st.sampled_from((1, 3, 1000)))
    made = made_for(session, keep=keep)
    run(made, frames[:cut])
    encoded = msgspec.msgpack.encode(made.state())
    restored = made_for(session, keep=keep)
    restored.restore(msgspec.msgpack.decode(encoded, type=MinutesState))

    assert msgspec.msgpack.encode(restored.state()) == encoded
    assert run(restored, frames[cut:]).by_topic == run(made, frames[cut:]).by_topic
    assert msgspec.msgpack.encode(restored.state()) == msgspec.msgpack.encode(made.state())
    assert [restored.bars(timeframe) for timeframe in SHORT] == [made.bars(timeframe) for timeframe in SHORT]


@slow
@given(streams(), st.sampled_from((1, 5)))
def test_whatever_comes_every_published_candle_is_valid_and_revisions_count_up(stream, keep):
    session, bars = stream
    made = made_for(session, keep=keep)
    tape = play(made, bars, frame=5)
    for one in tape.all:
        assert one.validate() == []
        assert (one.revision == 0) == (
            isinstance(one, Bar) and one.status in ("open", "stale")
        ) or not isinstance(one, Bar)
        assert one.ts_open_ns == session.bar_open_ns(one.ts_open_ns, one.timeframe)
        if isinstance(one, Bar):
            assert one.low <= one.vwap <= one.high
    for timeframe in SHORT[1:]:
        closed = tape.closed(timeframe)
        assert all(math.isclose(bar.coverage, 1.0) == (bar.status != "gap") for bar in closed.values())


@slow
@given(streams(), st.sampled_from((1, 5)), st.sampled_from((1, 30)))
def test_what_is_kept_is_enough_for_every_kept_minute_and_no_more_than_needed(stream, keep, keep_minutes):
    session, bars = stream
    keep = {**dict.fromkeys(SHORT, keep), "1m": keep_minutes}
    made = made_for(session, keep=keep, indicators=())
    play(made, bars, frame=3)
    rungs = made._line.rungs
    for below, rung in itertools.pairwise(rungs):
        for candle in below.closed.values():
            open_ns = session.bar_open_ns(candle.open_ns, rung.timeframe)
            inside = [
                one for one in below.closed if open_ns <= one < session.bar_close_ns(open_ns, rung.timeframe)
            ]
            holder = rung.closed.get(open_ns) or rung.running
            assert holder is not None
            assert holder.open_ns == open_ns
            assert holder.seen == sum(below.closed[one].seen for one in inside), "a part of it is gone"
    assert len(rungs[0].closed) < max(keep_minutes, 4) + 4
    assert [rolled_minute(bar) for bar in made._line.minutes.values()] == list(rungs[0].closed.values())
