"""What a peer with a bug, or one that is not ours, may send: refused by a name, and never more than that."""

import math

import msgspec
import pytest

from actors.hub.slots import MAX_WINDOWS, FlowSlot
from protocol.chain import prev_of
from protocol.client import questions
from protocol.codec import decode_events
from protocol.consumer import Consumer
from protocol.errors import FrameError, InvalidRequest, PayloadError
from protocol.fleet import MAX_VENUES, Fleet
from protocol.messages import Bar, Beat, Flow, Trade, Watermark
from protocol.record import FrameWriter, RecordKind, parse_frame, parse_frames
from protocol.requests import MAX_TOLD, Reply, Request, decode_request, error_reply
from protocol.topics import parse_topic

NAME = "collector.binance.1"
encode = msgspec.msgpack.encode


def frame(payload, schema=Trade.SCHEMA, kind=RecordKind.DATA, epoch=1):
    writer = FrameWriter(NAME, epoch)
    return parse_frame(writer.build("trade.binance.BTC_USDT", schema, payload, 1, kind))


TRADE = ["BTC_USDT", "binance", 1_790_000_000 * 10**9, 1_790_000_000 * 10**9, 100.0, 1.0, 1, 7]


@pytest.mark.parametrize(
    ("place", "value"), [(2, 2**63), (2, 2**63 - 1), (3, 2**64 - 1), (6, 2**63), (8, 2**41), (8, -1)]
)
def test_numbers_beyond_what_a_database_holds_are_refused(place, value):
    row = [*TRADE, 1]
    row[place] = value
    with pytest.raises(PayloadError):
        decode_events(frame(encode([row])))


def test_a_revision_leaves_room_in_the_column_of_a_candle():
    bar = Bar("A", "v", "1m", 1, 1, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1, "closed", 1.0, 2**31, "trade")
    with pytest.raises(PayloadError):
        decode_events(frame(encode([bar]), Bar.SCHEMA))


@pytest.mark.parametrize(("epoch", "seq"), [(2**63, 1), (1, 2**63), (2**64 - 1, 2**64 - 2)])
def test_numbers_that_nobody_has_counted_to_are_no_frame(epoch, seq):
    def made(topic: str = "trade.binance.A") -> bytes:
        writer = FrameWriter(NAME, epoch)
        writer.seq = seq - 1
        return writer.build(topic, Trade.SCHEMA, encode([TRADE]), 1)

    with pytest.raises(FrameError, match="nobody has counted"):
        parse_frame(made())
    for topic in ("trade.binance.A", "trade.binance.NEW"):  # one that is known, one that is not
        with pytest.raises(FrameError, match="nobody has counted"):
            parse_frames(made(topic))


def test_what_fits_is_taken():
    row = list(TRADE)
    row[7] = 2**63 - 1
    assert decode_events(frame(encode([row])))[0].trade_id == 2**63 - 1


@pytest.mark.parametrize("window", [math.nan, math.inf, -1.0, 1e12])
def test_a_window_is_a_length(window):
    """NaN is equal to nothing: as a key it would be another one each time."""
    row = ["BTC_USDT", "binance", window, 1, True, {}]
    with pytest.raises(PayloadError):
        decode_events(frame(encode([row]), Flow.SCHEMA))


@pytest.mark.parametrize("kind", [RecordKind.EPOCH, RecordKind.HEARTBEAT])
def test_a_mark_that_is_something_else_says_nothing_of_the_epoch_before(kind):
    assert prev_of(frame(encode([TRADE]), kind=kind)) is None


def test_a_heartbeat_that_is_something_else_is_refused():
    with pytest.raises(PayloadError):
        Fleet(1.0).on_beat(
            frame(encode([[NAME, "binance", 5, True]]), Watermark.SCHEMA, RecordKind.HEARTBEAT), 1
        )
    with pytest.raises(PayloadError):
        Fleet(1.0).on_beat(
            frame(encode([[NAME, "x", 1, 1, 0, 0, 1, "RUNNING"]]), Beat.SCHEMA, RecordKind.HEARTBEAT), 1
        )


def test_an_epoch_beyond_every_number_does_not_fence_all_later_ones():
    taken = []
    consumer = Consumer(NAME, taken.append, lambda _: None, can_pull=False)
    with pytest.raises(FrameError):
        consumer.hear(frame(encode([TRADE]), epoch=2**64 - 1), 1)
    consumer.hear(frame(encode([TRADE])), 2)
    assert len(taken) == 1


@pytest.mark.parametrize("field", ["n", "depth", "from_ns", "to_ns"])
def test_numbers_of_a_question_fit_64_bits(field):
    with pytest.raises(InvalidRequest):
        decode_request(encode({"op": "history", field: 2**63}))


def test_a_refusal_does_not_repeat_all_that_it_was_sent():
    long = "A" * 60_000
    reply = error_reply(1, InvalidRequest(f"no {long}", errors=[long], number=3), "hub.1")
    assert len(reply.message) < MAX_TOLD + 100
    assert len(reply.details["errors"][0]) < MAX_TOLD + 100
    assert reply.details["number"] == 3


@pytest.mark.parametrize(
    ("question", "data"),
    [
        (questions.endpoints(), None),
        (questions.status(), [1, 2]),
        (questions.clear("X"), "five"),
        (questions.candles("X"), {"symbol": "X", "venue": "", "timeframe": "1m", "row_bytes": 8, "columns": [["a", "BTC_USDT"]],
                                  "statuses": [], "sources": [], "rows": b"12345678"}),
        (questions.candles("X"), {"symbol": "X", "venue": "", "timeframe": "1m", "row_bytes": 8, "columns": [["a", "O"]],
                                  "statuses": [], "sources": [], "rows": b"12345678"}),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_said_to_be_unreadable(question, data):
    with pytest.raises(PayloadError):
        question.result(Reply(id=1, ok=True, data=msgspec.Raw(encode(data))))


def test_a_good_question_still_reads():
    assert decode_request(encode({"op": "tick", "n": 5})) == Request(op="tick", n=5)


def test_a_publisher_that_makes_up_venues_does_not_fill_the_memory():
    fleet = Fleet(1.0)
    many = [[NAME, f"v{number}", 5, True] for number in range(MAX_VENUES + 1)]
    with pytest.raises(PayloadError):
        fleet.on_mark(frame(encode(many), Watermark.SCHEMA, RecordKind.TIME), 1)
    assert len(fleet.venues()) == MAX_VENUES


def test_lengths_of_order_flow_are_bounded():
    topic = parse_topic("flow.binance.BTC_USDT")
    rows = [["BTC_USDT", "binance", float(number), 5, True, {}] for number in range(MAX_WINDOWS)]
    good = frame(encode(rows), Flow.SCHEMA)
    slot = FlowSlot("flow.binance.BTC_USDT", topic, good)
    slot.apply(good)
    with pytest.raises(PayloadError):
        slot.apply(frame(encode([["BTC_USDT", "binance", 7777.0, 5, True, {}]]), Flow.SCHEMA))
    assert len(slot.windows) == MAX_WINDOWS
