"""Order-flow imbalance: the paper's cases, windows against the slow way, levels of the book, and what resets it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.orderflow.ofi import imbalance_of, ofi_of_levels, ofi_step, weighted_mid
from tests.unit.actors.orderflow import reference
from tests.unit.actors.orderflow.tape import Heard, book, gap, ns, quote, trade

BEFORE = ((100.0, 10.0), (101.0, 10.0))


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        ((100.0, 15.0), (101.0, 10.0), 5.0),
        ((100.0, 10.0), (101.0, 4.0), 6.0),
        ((100.5, 7.0), (101.0, 10.0), 7.0),
        ((99.5, 8.0), (101.0, 10.0), -10.0),
        ((100.0, 10.0), (101.5, 3.0), 10.0),
        ((100.0, 10.0), (100.5, 3.0), -3.0),
    ],
)
def test_each_way_that_the_best_prices_can_change(bid, ask, expected):
    assert ofi_step(BEFORE, (bid, ask)) == expected
    assert reference.contribution((100.0, 10.0, 101.0, 10.0), (*bid, *ask)) == expected
    heard = Heard().play(
        quote(0.1, 100, 101, 10, 10), quote(0.2, bid[0], ask[0], bid[1], ask[1]), ("mark", 1.5)
    )
    assert heard.flows()[1.0].values["ofi"] == expected


def test_levels_are_compared_as_far_as_both_sides_have_them():
    before = ([(100.0, 1.0), (99.0, 2.0)], [(101.0, 1.0), (102.0, 2.0)])
    after = ([(100.0, 4.0), (98.0, 2.0)], [(101.0, 1.0)])
    assert ofi_of_levels(before, after) == [3.0]
    assert ofi_of_levels(before, (after[0], before[1])) == [3.0, -2.0]


def test_imbalance_and_weighted_mid():
    assert weighted_mid(100, 101, 30, 10) == 100.75
    assert imbalance_of(30, 10) == 0.5
    assert weighted_mid(100, 101, 0, 0) is None
    assert imbalance_of(0, 0) is None


prices = st.integers(995, 1005).map(lambda ticks: ticks / 10)
sizes = st.integers(0, 50).map(lambda lots: lots / 4)


@st.composite
def quote_lists(draw):
    at_ms, found = 0, []
    for _ in range(draw(st.integers(1, 25))):
        at_ms += draw(st.integers(0, 900))
        bid = draw(prices)
        found.append(quote(at_ms / 1000, bid, bid + draw(st.integers(1, 3)) / 10, draw(sizes), draw(sizes)))
    return found


@given(quote_lists(), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_windows_are_the_sums_of_the_paper(quotes, frame):
    heard = Heard()
    for start in range(0, len(quotes), frame):
        heard.play(quotes[start : start + frame])
    end_s = (quotes[-1].ts_event_ns - ns(0)) // 1_000_000_000 + 7
    heard.play(("mark", end_s + 0.25))
    for window_s in (5.0, 20.0):
        flows = heard.flows(window_s)
        assert list(flows) == list(range(1, end_s + 1))
        for second, flow in flows.items():
            window = ns(second - window_s), ns(second)
            assert flow.values["ofi"] == pytest.approx(reference.ofi(quotes, *window), abs=1e-9)
            assert flow.values["quotes"] == sum(window[0] <= one.ts_event_ns < window[1] for one in quotes)
    # since the session began, and the windows of one length laid side by side, give all there is
    assert heard.flows(0.0)[end_s].values["ofi"] == pytest.approx(
        reference.ofi(quotes, 0, ns(end_s)), abs=1e-9
    )


def test_what_stands_at_the_end_of_a_window_is_the_last_quote_before_it():
    heard = Heard().play(quote(0.5, 100, 102, 3, 1), quote(1.1, 90, 91, 1, 1), ("mark", 1.25), ("mark", 3.25))
    first, later = heard.flows()[1.0].values, heard.flows()[3.0].values
    assert (first["mid"], first["spread"], first["book_imbalance"], first["microprice"]) == (
        101,
        2,
        0.5,
        101.5,
    )
    assert (later["mid"], later["spread"]) == (90.5, 1)


@pytest.mark.parametrize("kind", ["quote", "trade"])
def test_a_gap_in_the_quotes_resets_the_quote_before_and_what_stands(kind):
    heard = Heard().play(quote(0.1, 100, 101, 10, 10), gap(0.2, 0.5, kind=kind), ("mark", 1.25))
    assert ("mid" in heard.flows()[1.0].values) == (kind == "trade")
    heard.play(quote(1.6, 100, 101, 15, 10), ("mark", 2.25))
    assert heard.flows()[2.0].values["ofi"] == (0.0 if kind == "quote" else 5.0)
    assert heard.flows()[2.0].values["mid"] == 100.5


def test_without_a_quote_ever_there_is_no_imbalance():
    heard = Heard().play(trade(0.1), ("mark", 1.25))
    values = heard.flows()[1.0].values
    assert not {"ofi", "mid", "spread", "book_imbalance", "ofi_levels", "quotes"} & set(values)
    quotes_only = Heard().play(quote(0.1, 1, 2), ("mark", 1.25)).flows()[1.0].values
    assert not {"delta", "cvd", "vwap", "count"} & set(quotes_only)


@st.composite
def book_lists(draw):
    bids = {100 - level: float(draw(st.integers(1, 9))) for level in range(4)}
    asks = {101 + level: float(draw(st.integers(1, 9))) for level in range(4)}
    found = [book(0.05, 1, bids.items(), asks.items())]
    for number in range(2, draw(st.integers(2, 20))):
        changes = draw(
            st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), max_size=3, unique_by=lambda c: c[0])
        )
        bid_changes = [(100.0 - at, float(size)) for at, size in changes if at < 6]
        ask_changes = [(101.0 + at, float(size)) for at, size in changes[1:]]
        if draw(st.integers(0, 9)) == 0:
            found.append(book(number / 4, number, bids.items(), asks.items()))
        else:
            found.append(book(number / 4, number, bid_changes, ask_changes, prev=number - 1))
    return found


@given(book_lists())
@settings(max_examples=40, deadline=None)
def test_every_level_of_the_book_is_the_sum_of_the_slow_way(books):
    heard = Heard(ofi_levels=3).play(*books, ("mark", 8.25))
    for second, flow in heard.flows().items():
        window = ns(second - 5), ns(second)
        levels = [reference.level_ofi(books, level, *window) for level in range(3)]
        assert [flow.values[f"ofi_{level}"] for level in (1, 2, 3)] == pytest.approx(levels, abs=1e-9)
        assert flow.values["ofi_levels"] == pytest.approx(sum(levels), abs=1e-9)


def test_a_change_that_does_not_follow_ends_the_book_until_the_next_snapshot():
    first = [book(0.1, 1, [(100, 5)], [(101, 5)]), book(0.2, 2, [(100, 9)], [], prev=1)]
    heard = Heard().play(*first, book(0.3, 4, [(100, 1)], [], prev=3), ("mark", 1.25))
    assert heard.flows()[1.0].values["ofi_1"] == 4.0
    assert heard.counters["books_not_followed"] == 1
    heard.play(book(1.4, 5, [(100, 2)], [], prev=4), book(1.5, 9, [(100, 6)], [(101, 2)]), ("mark", 2.25))
    assert heard.flows()[2.0].values["ofi_1"] == 4.0
    assert heard.flows()[2.0].values["book_imbalance_5"] == 0.5
    heard.play(gap(2.3, None, kind="book"), ("mark", 3.25))
    assert "book_imbalance_5" not in heard.flows()[3.0].values


def test_a_change_out_of_reach_moves_no_level():
    bids = [(100.0 - level, 1.0) for level in range(9)]
    asks = [(101.0 + level, 1.0) for level in range(9)]
    deep = book(0.2, 2, [(93.0, 7.0)], [(108.0, 0.0)], prev=1)
    near = book(0.3, 3, [(96.0, 7.0)], [], prev=2)
    values = Heard().play(book(0.1, 1, bids, asks), deep, near, ("mark", 1.25)).flows()[1.0].values
    assert [values[f"ofi_{level}"] for level in range(1, 6)] == [0, 0, 0, 0, 6]
