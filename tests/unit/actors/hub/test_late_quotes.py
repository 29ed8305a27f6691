"""Quotes that came late are counted, and are never what a hub serves as the newest."""

from __future__ import annotations

from actors.hub.slots import QuoteSlot
from protocol.codec import encode_events
from protocol.messages import Quote
from protocol.record import FLAG_REPAIRED, FrameWriter, RecordKind, parse_frame
from protocol.topics import parse_topic

TOPIC = "quote.push.mt5.EUR_USD"


def frames(*rows: tuple[int, int]):
    writer = FrameWriter("collector.push.1", 1)
    return [
        parse_frame(
            writer.build(
                TOPIC, Quote.SCHEMA, encode_events([Quote("EUR_USD", "push.mt5", ts, ts, 1.0, 2.0, 0.0, 0.0)]), ts,
                RecordKind.DATA, flags,
            )
        )
        for ts, flags in rows
    ]  # fmt: skip


def slot_of(found):
    slot = QuoteSlot(TOPIC, parse_topic(TOPIC), found[0])
    for frame in found:
        slot.apply(frame)
    return slot


def test_the_newest_stays():
    slot = slot_of(frames((5, 0), (3, FLAG_REPAIRED)))
    assert slot.decoded()[1].ts_event_ns == 5
    assert (slot.frames, slot.events) == (2, 2)


def test_where_there_is_no_other_it_is_the_newest():
    slot = slot_of(frames((3, FLAG_REPAIRED), (5, 0)))
    assert slot.decoded()[1].ts_event_ns == 5
    assert slot_of(frames((3, FLAG_REPAIRED))).decoded()[1].ts_event_ns == 3
