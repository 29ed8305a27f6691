"""Memory and live joined: every event once, in order, and every loss told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.client.joining import Joint, Missing, Overture, Tail, is_behind
from protocol.codec import encode_events
from protocol.messages import Bar, Beat, Message, Trade
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, Frame, RecordKind, parse_frame
from tests.unit.actors.hub.samples import BASE_NS, Pen, bar, trade

NAME = "trade.binance.BTC_USDT"
PUBLISHER = "collector.binance.1"


def frames(sizes: list[int], epoch: int = 1) -> list[Frame]:
    """Frames of consecutive trades, `sizes` trades each, counted from 0."""
    pen, numbers = Pen(PUBLISHER, epoch), iter(range(sum(sizes)))
    return [pen.frame(NAME, [trade(next(numbers)) for _ in range(size)]) for size in sizes]


def tail(sent: list[Frame], up_to: int, n: int, epoch: int = 1) -> Tail:
    """What a hub that has heard `up_to` frames remembers."""
    events = [event for frame in sent[:up_to] for event in msgspec.msgpack.decode(frame.payload)]
    raw = msgspec.Raw(msgspec.msgpack.encode(events[-n:] if n else []))
    return Tail(NAME, PUBLISHER, epoch, up_to, raw)


def ids(messages: list[Message]) -> list[object]:
    return [message.trade_id for message in messages if isinstance(message, Trade)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_every_event_once_wherever_memory_ends_and_live_begins(sizes: list[int], data: st.DataObject) -> None:
    sent = frames(sizes)
    heard = data.draw(st.integers(0, len(sent)))
    first_live = data.draw(st.integers(0, heard))
    lost: list[Missing] = []
    joint = Joint(lost.append)

    found = joint.begin([tail(sent, heard, 1000)] if heard else [])
    for frame in sent[first_live:]:
        found += joint.take(frame)

    assert ids(found) == list(range(sum(sizes)))
    assert lost == []


@given(st.integers(2, 10), st.integers(0, 9), st.sets(st.integers(0, 9)))
def test_every_loss_is_told_exactly(count: int, heard: int, lost_frames: set[int]) -> None:
    sent, heard = frames([1] * count), min(heard, count)
    told: list[Missing] = []
    joint = Joint(told.append)

    found = joint.begin([tail(sent, heard, 1000)] if heard else [])
    arrived = [frame for index, frame in enumerate(sent) if index not in lost_frames]
    for frame in arrived:
        found += joint.take(frame)

    known = set(range(heard)) | {frame.topic_seq - 1 for frame in arrived}
    first, last = (0 if heard else min(known), max(known)) if known else (0, -1)
    missing = {seq - 1 for gap in told for seq in range(gap.first_topic_seq, gap.last_topic_seq + 1)}
    assert missing == set(range(first, last + 1)) - known
    assert ids(found) == sorted(known)


def test_a_restarted_publisher_goes_on_without_a_false_alarm() -> None:
    told: list[Missing] = []
    joint = Joint(told.append)
    old, new = frames([1, 1]), frames([1, 1], epoch=2)

    joint.begin([tail(old, 2, 10)])
    assert ids([event for frame in new for event in joint.take(frame)]) == [0, 1]
    assert ids(joint.take(old[0])) == []
    assert told == []


def test_a_hub_that_lags_is_asked_again() -> None:
    sent = frames([1] * 5)

    assert is_behind([tail(sent, 2, 10)], sent[3:])
    assert is_behind([], sent[3:])
    assert not is_behind([tail(sent, 3, 10)], sent[3:])
    assert not is_behind([tail(sent, 5, 10)], sent[3:])
    assert not is_behind([], sent)


def test_a_subscription_is_proven_by_two_heartbeats_of_everybody() -> None:
    overture = Overture([PUBLISHER, "aggregator.1"])
    live = frames([1])[0]

    def beat(name: str) -> None:
        overture.take(Pen(name).beat(Beat(name, 1, 0, 0, 0, 0, 0, "RUNNING"), BASE_NS))

    for name in (PUBLISHER, PUBLISHER, PUBLISHER, "aggregator.1"):
        beat(name)
    overture.take(live)
    assert not overture.is_over
    beat("aggregator.1")

    assert overture.is_over
    assert overture.waiting == [live]


def test_marks_and_heartbeats_are_not_for_engines() -> None:
    joint = Joint()

    assert joint.take(Pen().beat(Beat(PUBLISHER, 1, 0, 0, 0, 0, 0, "RUNNING"))) == []


SECOND = "collector.binance.2"


def doubled(order: list[str], numbers: dict[str, list[int]]) -> list[Frame]:
    """Frames of two collectors of one venue, one trade each, in this order."""
    pens = {name: Pen(name) for name in (PUBLISHER, SECOND)}
    left = {name: iter(numbers[name]) for name in numbers}
    return [pens[name].frame(NAME, [trade(next(left[name]))]) for name in order]


@given(st.permutations([PUBLISHER] * 8 + [SECOND] * 8), st.integers(0, 8))
def test_what_two_collectors_send_comes_once(order: list[str], died: int) -> None:
    numbers = {PUBLISHER: list(range(1, 9)), SECOND: list(range(1, 9))}
    arrived = [
        frame for frame in doubled(order, numbers) if frame.publisher == SECOND or frame.topic_seq <= died
    ]
    joint = Joint()
    found = [one for frame in arrived for one in joint.take(frame)]
    assert sorted(ids(found)) == list(range(1, 9))  # type: ignore[type-var]


def test_what_the_hub_remembers_of_both_is_not_heard_again() -> None:
    sent = doubled([PUBLISHER, SECOND, PUBLISHER, SECOND], {PUBLISHER: [1, 2], SECOND: [2, 3]})
    joint = Joint()
    raw = msgspec.Raw(msgspec.msgpack.encode([trade(1), trade(2)]))
    found = joint.begin([Tail(NAME, PUBLISHER, 1, 2, raw)])
    for frame in sent:
        found += joint.take(frame)
    assert ids(found) == [1, 2, 3]


FETCHED = [FLAG_REPAIRED, FLAG_REFERENCE]


def candles(flags: list[int], topic: str = "bar.binance.BTC_USDT.1m") -> list[Frame]:
    """Frames of one candle each; one with a flag holds what the venue was asked for."""
    pen = Pen()
    return [
        parse_frame(
            pen.writer.build(topic, Bar.SCHEMA, encode_events([bar(minute)]), BASE_NS, RecordKind.DATA, flag)
        )
        for minute, flag in enumerate(flags)
    ]


def minutes(messages: list[Message]) -> list[int]:
    return [message.ts_open_ns // 60_000_000_000 for message in messages if isinstance(message, Bar)]


@pytest.mark.parametrize("flag", FETCHED)
def test_candles_that_a_venue_was_asked_for_are_handed_to_nobody_and_are_no_loss(flag: int) -> None:
    lost: list[Missing] = []
    joint = Joint(lost.append)

    found = [one for frame in candles([0, flag, flag, 0]) for one in joint.take(frame)]

    assert minutes(found) == [0, 3]
    assert lost == []


@pytest.mark.parametrize("flag", FETCHED)
def test_a_hub_that_does_not_keep_them_is_not_behind(flag: int) -> None:
    sent = candles([flag, flag, flag])

    assert not is_behind([], sent[1:])
    assert not is_behind([Tail(sent[0].topic, PUBLISHER, 1, 1, msgspec.Raw(b"\x90"))], sent[2:])
    assert is_behind([], candles([0, 0, 0])[1:]), "others do count"


def test_trades_that_came_late_are_handed_out() -> None:
    pen = Pen()
    data = pen.writer.build(
        NAME, Trade.SCHEMA, encode_events([trade(7)]), BASE_NS, RecordKind.DATA, FLAG_REPAIRED
    )

    assert ids(Joint().take(parse_frame(data))) == [7]
    assert not is_behind([], [parse_frame(data)])
