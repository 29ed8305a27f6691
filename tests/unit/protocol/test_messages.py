"""Messages: plain msgpack arrays, validation, words for people."""

import math

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import encode_events
from protocol.messages import BUY, Bar, Book, Quote, Trade

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


def test_negative_latency_and_crossed_quotes_are_legal():
    quote = Quote("A_B", "v", 2_000_000_000, 1, 11.0, 10.0, 1.0, 1.0)
    assert quote.validate() == []
    assert quote.spread == -1.0
