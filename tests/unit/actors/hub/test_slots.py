"""Newest values and trade windows, read back from the frames as they came."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.hub.slots import FlowSlot, QuoteSlot
from actors.hub.trades import TradeSlot
from protocol.errors import PayloadError
from protocol.messages import Flow, Quote, Trade
from protocol.record import FLAG_REPAIRED, Frame, parse_frame
from protocol.topics import Topic
from tests.unit.actors.hub.samples import BASE_NS, Pen, quote, trade

TOPIC = Topic("trade", "binance", "BTC_USDT")
decode = msgspec.msgpack.decode


def trade_slot(frames: list[list[int]], keep: int) -> TradeSlot:
    pen = Pen()
    slot: TradeSlot | None = None
    for ids in frames:
        frame = pen.frame(str(TOPIC), [trade(number) for number in ids])
        slot = slot or TradeSlot(str(TOPIC), TOPIC, frame, keep)
        slot.apply(frame)
    assert slot is not None
    return slot


def ids_of(pieces: list[bytes]) -> list[object]:
    return [found.trade_id for found in decode(b"".join(pieces), type=list[Trade])]


def test_the_newest_of_a_batch_is_the_value() -> None:
    frame = Pen().frame("quote.binance.BTC_USDT", [quote(1.0), quote(2.0, recv_ns=BASE_NS + 5)])
    slot = QuoteSlot(frame.topic, TOPIC, frame)
    slot.apply(frame)

    event, recv_ns = slot.newest()

    assert (decode(event, type=Quote).bid, recv_ns) == (2.0, BASE_NS + 5)
    assert slot.events == 2


def test_a_value_is_decoded_once_and_again_after_the_next_frame() -> None:
    pen = Pen()
    first, second = (pen.frame("quote.binance.BTC_USDT", [quote(bid)]) for bid in (1.0, 2.0))
    slot = QuoteSlot(first.topic, TOPIC, first)
    slot.apply(first)

    assert slot.decoded() is slot.decoded()
    slot.apply(second)
    assert slot.decoded()[1].bid == 2.0


def test_an_event_of_another_shape_is_refused_at_the_read() -> None:
    frame = Pen().frame("quote.binance.BTC_USDT", [trade(1, price="high")])
    slot = QuoteSlot(frame.topic, TOPIC, frame)
    slot.apply(frame)

    with pytest.raises(PayloadError):
        slot.newest()


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=15).map(
        lambda sizes: [list(range(sum(sizes[:i]), sum(sizes[: i + 1]))) for i in range(len(sizes))]
    ),
    st.integers(1, 60),
    st.integers(1, 80),
)
def test_the_last_n_trades_come_exactly_whatever_the_batches(
    frames: list[list[int]], keep: int, wanted: int
) -> None:
    slot = trade_slot(frames, keep)
    sent = [number for ids in frames for number in ids]

    found = ids_of(slot.window(wanted))

    assert found == sent[-min(wanted, slot.count()) :]
    assert slot.count() >= min(keep, len(sent))
    assert slot.count() < keep + len(max(frames, key=len))
    assert [decode(event, type=Trade).trade_id for event in slot.tail(3)] == sent[-3:][-slot.count() :]


def test_trades_fetched_later_take_their_place_and_are_not_the_newest() -> None:
    pen = Pen()
    slot: TradeSlot | None = None
    for ids, flags in (([1, 2], 0), ([7], 0), ([8, 9], 0), ([3, 4], FLAG_REPAIRED), ([5, 6], FLAG_REPAIRED)):
        frame = pen.frame(str(TOPIC), [trade(number, recv_ns=BASE_NS + number) for number in ids])
        frame.flags = flags
        slot = slot or TradeSlot(str(TOPIC), TOPIC, frame, 100)
        slot.apply(frame)
    assert slot is not None

    assert ids_of(slot.window(9)) == list(range(1, 10))
    event, recv_ns = slot.newest()
    assert (decode(event, type=Trade).trade_id, recv_ns) == (9, BASE_NS + 9)
    assert slot.frame.topic_seq == 5, "streams join behind the newest frame, whatever it holds"


def test_trades_of_a_time_range() -> None:
    pen = Pen()
    frame = pen.frame(str(TOPIC), [trade(number, recv_ns=BASE_NS + number) for number in range(10)])
    slot = TradeSlot(str(TOPIC), TOPIC, frame, 100)
    slot.apply(frame)

    assert [found.trade_id for found in slot.between(BASE_NS + 3, BASE_NS + 6)] == [3, 4, 5]
    assert len(slot.between(0, 0)) == 10


def test_order_flow_keeps_the_newest_of_each_window() -> None:
    pen = Pen()
    flows = [Flow("BTC_USDT", "binance", window, BASE_NS, True, {"cvd": window}) for window in (60.0, 5.0)]
    frame = pen.frame("flow.binance.BTC_USDT", flows)
    slot = FlowSlot(frame.topic, Topic("flow", "binance", "BTC_USDT"), frame)

    slot.apply(frame)

    assert sorted(slot.windows) == [5.0, 60.0]


def test_an_empty_payload_changes_nothing() -> None:
    pen = Pen()
    full = pen.frame("quote.binance.BTC_USDT", [quote(1.0)])
    empty: Frame = parse_frame(pen.writer.build("quote.binance.BTC_USDT", full.schema, b"\x90", BASE_NS))
    slot = QuoteSlot(full.topic, TOPIC, full)
    slot.apply(full)

    slot.apply(empty)

    assert slot.frame is full
