"""What a kill leaves: the fold of what went out, from any memory on, is what the process knew."""

from __future__ import annotations

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.candidate import closed, flat
from actors.collector.bars.memory import MINUTE_NS, RECENT, BarsState, HoleState, JobState, LineState, enter
from actors.collector.bars.sending import send
from actors.collector.checkpoint import Checkpoint, Recollection, decode, encode
from protocol.codec import encode_events
from protocol.messages import Bar, Gap, Message
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, Frame, FrameWriter, RecordKind, parse_frame
from protocol.sessions import session_named
from tests.support.bars_laws import Laws
from tests.support.bars_timeline import SYMBOL, WHY, Step, TimelineRig, candidate, steps
from tests.unit.actors.collector.bars.test_timeline import BEGIN_NS, FX, WEEKEND, at, rig

CRYPTO = session_named("crypto")


def copied(state: LineState) -> LineState:
    """Through bytes, as the journal holds it."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=LineState)


def entered(state: LineState, sent: list[Message]) -> LineState:
    """A memory, and the records behind it."""
    bars = BarsState({SYMBOL: copied(state)})
    for message in sent:
        if isinstance(message, Gap):
            bars.enter_gap(message)
        elif isinstance(message, Bar):
            bars.enter_bars([message])
    return bars.lines[SYMBOL]


def essential(state: LineState) -> LineState:
    """Without what no message tells: that minutes before the first price were left out."""
    found = copied(state)
    if not found.recent:
        found.until_ns = 0
    return found


@given(steps(len(WEEKEND)), st.data())
def test_what_a_process_knew_follows_from_any_memory_and_the_records_behind_it(
    found: list[Step], data: st.DataObject
) -> None:
    played = TimelineRig(FX, WEEKEND, BEGIN_NS)
    memories = [(0, copied(played.state))]
    for step in found:
        played.play(step)
        memories.append((len(played.sent), copied(played.state)))
    number, memory = data.draw(st.sampled_from(memories))

    assert essential(entered(memory, played.sent[number:])) == essential(played.state)


@given(steps(len(WEEKEND)), st.data())
def test_a_process_that_is_killed_at_any_record_is_gone_on_from_without_loss(
    found: list[Step], data: st.DataObject
) -> None:
    """The laws hold over what the killed one wrote and what the next one writes."""
    killed = TimelineRig(FX, WEEKEND, BEGIN_NS)
    memories = [(0, copied(killed.state))]
    for step in found:
        killed.play(step)
        memories.append((len(killed.sent), copied(killed.state)))
    cut = data.draw(st.integers(0, len(killed.sent)))
    number, memory = data.draw(st.sampled_from([one for one in memories if one[0] <= cut]))
    written = killed.sent[:cut]
    laws = Laws(FX, BEGIN_NS)
    for at_number, message in enumerate(written):
        if at_number in killed.restarts:
            laws.restarted()
        laws.take(message)

    next_one = TimelineRig(FX, WEEKEND, BEGIN_NS, entered(memory, written[number:]), laws)
    next_one.finish()

    first_ns = min(laws.newest, default=1 << 62)
    assert list(laws.newest) == [one for one in WEEKEND if FX.is_open(one) and one >= first_ns]


def test_filled_minutes_are_counted_over_a_kill() -> None:
    played = rig()
    played.offer([candidate(at(0)), candidate(at(4))])
    played.release(at(5), at(5))
    memory = copied(played.state)
    number = len(played.sent)
    played.offer([candidate(at(1), "beryl"), candidate(at(2), "beryl")])

    assert entered(memory, played.sent[number:]) == played.state


def test_a_stretch_that_was_skipped_stays_skipped_after_a_kill() -> None:
    played = rig()
    memory = copied(played.state)
    told = played.timeline.skip_to(at(5), "nobody has it")

    assert entered(memory, told) == played.state


def test_a_gap_whose_minute_was_never_written_does_not_end_before_it_begins() -> None:
    played = rig()
    played.offer([candidate(at(0))])
    played.release(at(1), at(0))
    memory = copied(played.state)
    (opened,) = played.timeline.holes.mark(at(1), *WHY)
    next_one = TimelineRig(CRYPTO, [at(n) for n in range(9)], at(0), entered(memory, [opened]))

    told = [
        *next_one.timeline.offer([candidate(at(1))]),
        *next_one.timeline.release(at(2), at(0), lambda *_: False, lambda: WHY, at(2)),
    ]

    ends = [one for one in told if isinstance(one, Gap)]
    assert all(gap.to_id >= gap.from_id and gap.to_ts_ns > gap.from_ts_ns for gap in ends), ends


def test_only_the_newest_minutes_are_remembered_each_at_its_newest_revision() -> None:
    line = LineState(begin_ns=at(0))
    for n in range(RECENT + 5):
        enter(line, closed(SYMBOL, candidate(at(n)), 1))
    enter(line, closed(SYMBOL, candidate(at(RECENT), price=2.0), 3))
    enter(line, closed(SYMBOL, candidate(at(RECENT), price=9.0), 2))
    enter(line, closed(SYMBOL, candidate(at(1), price=9.0), 2))

    assert [bar.ts_open_ns for bar in line.recent] == [at(n) for n in range(5, RECENT + 5)]
    assert line.recent[RECENT - 5].open == 2.0
    assert line.until_ns == at(RECENT + 5)


def test_running_minutes_and_other_timeframes_are_no_part_of_it() -> None:
    bar = closed(SYMBOL, candidate(at(0)), 1)
    state = BarsState()
    state.enter_bars([replace(bar, revision=0), replace(bar, timeframe="5m")])

    assert state.lines == {}


class TestJobs:
    """A stretch of the past beside live minutes."""

    def state(self) -> BarsState:
        live = LineState(begin_ns=at(1000), until_ns=at(1010))
        job = JobState("job-1", SYMBOL, "", at(0), at(100), LineState(begin_ns=at(0)))
        return BarsState({SYMBOL: live}, [job])

    def test_minutes_of_the_past_are_entered_where_they_belong(self) -> None:
        state = self.state()
        state.enter_bars([closed(SYMBOL, candidate(at(n)), 1) for n in (3, 4, 1010, 5)])

        assert [bar.ts_open_ns for bar in state.jobs[0].line.recent] == [at(3), at(4), at(5)]
        assert state.jobs[0].line.until_ns == at(6)
        assert [bar.ts_open_ns for bar in state.lines[SYMBOL].recent] == [at(1010)]

    def test_a_correction_of_a_live_minute_is_one_of_live(self) -> None:
        state = self.state()
        state.jobs[0].to_ns = at(1009)
        state.enter_bars([closed(SYMBOL, candidate(at(1010)), 1), closed(SYMBOL, candidate(at(1008)), 2)])
        assert state.jobs[0].line == LineState(begin_ns=at(0))

    def test_a_gap_minute_belongs_to_the_gap_that_is_open(self) -> None:
        state = self.state()
        ended = Gap("x-1", "rest", SYMBOL, "bar", 1, 2, at(1010), at(1012), "silence", "filling")
        state.lines[SYMBOL].holes.append(HoleState(ended, [at(1010)]))
        state.enter_bars([flat(SYMBOL, at(1012), 1.0, "gap", "amber", at(1012), "nobody")])
        assert state.lines[SYMBOL].holes[0].minutes == [at(1010)]

    def test_its_gaps_are_its_own(self) -> None:
        state = self.state()
        opened = Gap("job-1-1", "rest", SYMBOL, "bar", at(3) // MINUTE_NS, 0, at(3), 0, "venue_jump", "open")
        state.enter_bars([closed(SYMBOL, candidate(at(2)), 1)])
        state.enter_gap(opened)
        state.enter_bars([flat(SYMBOL, at(3), 1.0, "gap", "amber", at(3), "nobody")])
        ended = replace(opened, state="filling", to_id=at(3) // MINUTE_NS, to_ts_ns=at(4))
        state.enter_gap(ended)

        assert state.jobs[0].line.holes == [HoleState(ended, [at(3)], 1.0)]
        assert (state.jobs[0].line.gaps, state.lines[SYMBOL].holes) == (1, [])
        state.enter_gap(replace(ended, state="unfillable"))
        assert state.jobs[0].line.holes == []

    def test_minutes_of_the_past_are_no_live_ones_before_there_are_any(self) -> None:
        state = self.state()
        state.lines[SYMBOL].until_ns = 0
        state.enter_bars([closed(SYMBOL, candidate(at(n)), 1) for n in (3, 4)])

        assert state.jobs[0].line.until_ns == at(5)
        assert state.lines[SYMBOL].until_ns == 0

    def test_a_minute_of_the_past_that_nobody_ordered_changes_no_live_one(self) -> None:
        state = self.state()
        state.enter_bars([closed(SYMBOL, candidate(at(n)), 1) for n in (500, 1010)])
        assert state.lines[SYMBOL].until_ns == at(1011)
        assert state.jobs[0].line.until_ns == 0


# through the journal


def frames(messages: list[Message]) -> list[Frame]:
    """As the collector writes them."""
    writer, found = FrameWriter("collector.rest.1", 7), []

    def publish(topic: str, events: list[Message], kind: RecordKind) -> None:
        found.append(parse_frame(writer.build(topic, events[0].SCHEMA, encode_events(events), 1, kind, 0)))

    send(messages, publish)
    return found


def eventful() -> TimelineRig:
    """Closed, quiet, missing, filled and revised minutes."""
    played = rig(30)
    played.offer([candidate(at(n)) for n in (0, 1, 4, 5, 9, 12)])
    for provider in ("amber", "beryl"):
        played.miss(provider, [at(2), at(3)])
    played.release(at(13), at(13))
    played.offer([candidate(at(7)), candidate(at(1), price=2.0)])
    return played


def test_a_memory_is_the_same_through_the_bytes_of_the_journal() -> None:
    played = eventful()
    job = JobState("job-1", SYMBOL, "yahoo", at(-100), at(-50), LineState(begin_ns=at(-100)), at(0))
    state = BarsState({SYMBOL: played.state, "BTC_USD": LineState()}, [job])
    assert played.state.holes, "nothing is missing: this proves too little"

    past = decode(encode(Checkpoint(bars=state)))

    assert past is not None
    assert past.bars == state


@pytest.mark.parametrize("chunk", [1, 4, 500])
def test_the_frames_of_a_journal_give_what_the_process_knew(chunk: int) -> None:
    played = eventful()
    sent: list[Message] = list(played.sent)
    fold = Recollection(Checkpoint(bars=BarsState({SYMBOL: LineState(begin_ns=at(0))})))
    for begin in range(0, len(sent), chunk):
        for frame in frames(sent[begin : begin + chunk]):
            fold.apply(frame)

    bars = fold.checkpoint().bars
    assert fold.rejected == 0
    assert bars is not None
    assert essential(bars.lines[SYMBOL]) == essential(played.state)


def test_a_memory_of_before_there_were_bars_is_none_of_bars() -> None:
    old = msgspec.msgpack.decode(encode(Checkpoint(reached_ns=5)))
    past = decode(msgspec.msgpack.encode(old[:-1]))

    assert past is not None
    assert (past.reached_ns, past.bars) == (5, None)


@pytest.mark.parametrize("flag", [FLAG_REPAIRED, FLAG_REFERENCE])
def test_candles_that_an_exchange_was_asked_for_are_no_minutes_of_a_provider(flag: int) -> None:
    bar = closed(SYMBOL, candidate(at(0)), 1)
    writer = FrameWriter("collector.binance.1", 7)
    data = writer.build("bar.binance.BTC_USDT.1m", bar.SCHEMA, encode_events([bar]), 1, RecordKind.DATA, flag)
    fold = Recollection()
    fold.apply(parse_frame(data))

    assert fold.checkpoint().bars is None


def test_the_beginning_of_a_fold_is_not_changed_by_looking_at_it() -> None:
    played = eventful()
    fold = Recollection(Checkpoint(bars=BarsState({SYMBOL: LineState(begin_ns=at(0))})))
    for frame in frames(list(played.sent)):
        fold.apply(frame)
    once = copy.deepcopy(fold.checkpoint())

    assert fold.checkpoint() == once
