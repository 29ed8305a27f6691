"""Messages: plain msgpack arrays, validation, words for people."""

import math

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import decode_events, encode_events
from protocol.messages import BUY, Bar, Book, Flow, Quote, Trade
from tests.unit.actors.hub.samples import Pen, feature, flow, footprint, sweep

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
BAR = Bar("A_B", "v", "1m", 0, 1, 10.0, 12.0, 9.0, 11.0, 5.0, 3.0, 2.0, 10.5, 7, "closed", 1.0, 1, "trade")


def bar(**changes: object) -> Bar:
    return Bar(**{**{name: getattr(BAR, name) for name in BAR.__struct_fields__}, **changes})


def test_a_message_is_a_plain_array_on_the_wire():
    trade = Trade("A_B", "v", 1, 2, 3.0, 4.0, BUY, "uuid-1")
    assert msgpack.unpackb(encode_events([trade])) == [["A_B", "v", 1, 2, 3.0, 4.0, 1, "uuid-1", 1]]


def test_side_is_a_word_for_people():
    assert Trade("A_B", "v", 1, 2, 3.0, 4.0, BUY, 5).to_dict()["side"] == "buy"


def test_book_levels_survive_as_pairs():
    book = Book("A_B", "v", 1, 2, True, 3, 4, [(10.0, 1.0)], [(11.0, 2.0)])
    assert [tuple(level) for level in book.to_dict()["bids"]] == [(10.0, 1.0)]


def test_a_good_bar_has_no_faults():
    assert BAR.validate() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"low": 10.5},
        {"high": 10.5},
        {"close": 13.0},
        {"open": math.nan},
        {"low": -1.0},
        {"volume": -0.1},
        {"volume": math.inf},
        {"status": "finished"},
    ],
)
def test_a_bad_bar_says_what_is_wrong(changes):
    assert bar(**changes).validate()


@given(FLOATS, FLOATS)
def test_a_quote_is_valid_only_with_positive_finite_prices(bid, ask):
    faults = Quote("A_B", "v", 1, 2, bid, ask, 1.0, 1.0).validate()
    good = all(math.isfinite(price) and price > 0 for price in (bid, ask))
    assert (faults == []) == good


@pytest.mark.parametrize(
    "event",
    [
        feature(1, math.nan),
        feature(1, coverage=1.5),
        Flow("A_B", "v", 60.0, 1, False, {}, 0.5, "gap,weather"),
        Flow("A_B", "v", 60.0, 1, False, {}, 0.5, "gap", 1.01),
        footprint(1, prices=[100.5, 100.0]),
        footprint(1, prices=[100.0]),
        footprint(1, price_step=0.0),
        footprint(1, buy_volumes=[1.0, -1.0]),
        footprint(1, status="quiet"),
        sweep(side=0),
        sweep(last_price=math.inf),
    ],
)
def test_bad_derived_messages_say_what_is_wrong(event):
    assert event.validate()


@pytest.mark.parametrize("event", [feature(1), flow(60.0), footprint(1), sweep()])
def test_good_derived_messages_have_no_faults(event):
    assert event.validate() == []


def test_what_an_older_sender_leaves_out_has_its_default():
    """Fields are appended: seven of a feature, six of a flow."""
    for event, count in ((feature(1, revision=0), 7), (flow(60.0), 6)):
        fields = [getattr(event, name) for name in event.__struct_fields__][:count]
        frame = msgspec.structs.replace(Pen().frame("x", [event]), payload=msgpack.packb([fields]))
        assert decode_events(frame) == [event]


def test_negative_latency_and_crossed_quotes_are_legal():
    quote = Quote("A_B", "v", 2_000_000_000, 1, 11.0, 10.0, 1.0, 1.0)
    assert quote.validate() == []
    assert quote.spread == -1.0
