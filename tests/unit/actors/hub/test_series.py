"""Indicator values and footprints: one message per candle, the newest revision of each, bounded."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.hub.series import SeriesSlot
from protocol.messages import Feature, Footprint
from protocol.topics import parse_topic
from tests.unit.actors.hub.samples import MINUTE_NS, Pen, feature, footprint

TOPIC = "feature.binance.BTC_USDT.1m"
decode = msgspec.msgpack.decode


def slot_of(*events: Feature, keep: int = 5) -> SeriesSlot:
    pen = Pen()
    frames = [pen.frame(TOPIC, [event]) for event in events]
    slot = SeriesSlot(TOPIC, parse_topic(TOPIC), frames[0], keep)
    for frame in frames:
        slot.apply(frame)
    return slot


def kept(slot: SeriesSlot) -> list[tuple[int, int, float]]:
    """(minute, revision, value) of each, oldest first."""
    found = [decode(event, type=Feature) for event in slot.tail(len(slot))]
    return [(one.ts_open_ns // MINUTE_NS, one.revision, one.values["rsi_14"]) for one in found]


def test_the_running_candle_is_replaced_and_then_closed() -> None:
    running = [feature(1, float(n), revision=0, ts_event_ns=MINUTE_NS + n) for n in (1, 2)]

    slot = slot_of(feature(0, 9.0), *running, feature(1, 3.0), feature(1, 4.0, revision=0))

    assert kept(slot) == [(0, 1, 9.0), (1, 1, 3.0)]
    assert slot.older_revisions == 1


def test_a_late_revision_of_an_older_candle_is_not_the_newest() -> None:
    slot = slot_of(feature(0), feature(1, 2.0), feature(0, 8.0, revision=2))

    assert kept(slot) == [(0, 2, 8.0), (1, 1, 2.0)]
    assert decode(slot.newest()[0], type=Feature).values == {"rsi_14": 2.0}


def test_footprints_come_back_byte_by_byte() -> None:
    pen, topic = Pen(), "footprint.binance.BTC_USDT.session"
    frame = pen.frame(topic, [footprint(1, timeframe="session"), footprint(2, timeframe="session")])
    slot = SeriesSlot(topic, parse_topic(topic), frame, 9)

    slot.apply(frame)

    assert decode(slot.tail(1)[0], type=Footprint) == footprint(2, timeframe="session")
    assert slot.opened(2) == (MINUTE_NS, 2 * MINUTE_NS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=40), st.integers(1, 6))
def test_what_is_kept_is_the_newest_revision_of_the_newest_candles(
    sent: list[tuple[int, int]], keep: int
) -> None:
    """In any order of coming, but for candles that were forgotten before they came again."""
    slot = slot_of(*(feature(minute, float(revision), revision) for minute, revision in sent), keep=keep)

    newest = sorted({minute for minute, _ in sent})[-keep:]
    assert [minute for minute, _, _ in kept(slot)] == newest
    for minute, revision, value in kept(slot):
        seen = [one for at, one in sent if at == minute]
        assert revision in seen
        assert value == float(revision)
        if len({at for at, _ in sent}) <= keep:
            assert revision == max(seen)
