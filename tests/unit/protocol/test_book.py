"""The book replica equals a plain dictionary, whatever changes come."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from protocol import book as module
from protocol.book import OrderBook

PRICES = st.integers(1, 40).map(lambda ticks: ticks / 10)
SIZES = st.sampled_from([0.0, 1.0, 2.5])
LEVELS = st.lists(st.tuples(PRICES, SIZES), max_size=12)


HOW = st.sampled_from(["now", "later", "later, and looked at"])


@given(
    LEVELS,
    LEVELS,
    st.lists(st.tuples(LEVELS, LEVELS, HOW), max_size=15),
    st.integers(0, 5),
    st.sampled_from([2, 1000]),
)
def test_the_book_equals_a_dictionary(bids, asks, changes, depth, most_changes):
    with patch.object(module, "MOST_CHANGES", most_changes):
        compare(bids, asks, changes, depth)


def compare(bids, asks, changes, depth):
    book = OrderBook()
    book.snapshot(bids, asks, 1)
    truth = [{p: s for p, s in side if s} for side in (bids, asks)]
    for number, (*change, how) in enumerate(changes, start=2):
        (book.apply if how == "now" else book.apply_later)(*change, number)
        if "looked" in how:
            assert sum(book.levels()) <= 2 * 40
        for side, levels in zip(truth, change, strict=True):
            for price, size in levels:
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        assert book.update_id == number

    best_bids = sorted(truth[0].items(), reverse=True)
    best_asks = sorted(truth[1].items())
    assert book.top() == (best_bids, best_asks)
    assert book.top(depth) == (best_bids[: depth or None], best_asks[: depth or None])
    assert book.levels() == (len(best_bids), len(best_asks))
    assert book.best_bid == (best_bids[0] if best_bids else None)
    assert book.best_ask == (best_asks[0] if best_asks else None)
    assert book.is_crossed == bool(best_bids and best_asks and best_bids[0][0] >= best_asks[0][0])
