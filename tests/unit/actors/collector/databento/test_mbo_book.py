"""Price levels of single orders: against a model, and many at once against one by one."""

from __future__ import annotations

import collections
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.databento.layout import ADD, ASK, BID, CANCEL, CLEAR, MODIFY
from actors.collector.databento.mbo_book import MboBook
from actors.collector.databento.orders import FEW
from protocol.book import OrderBook
from protocol.messages import Book, Quote
from tests.support.databento_gateway import dbn, order
from tests.unit.actors.collector.databento.made import AT_NS, INSTRUMENT, joined, reader

STEP = st.tuples(
    st.sampled_from([ADD, ADD, ADD, CANCEL, MODIFY, CLEAR]),
    st.integers(1, 8),
    st.integers(1, 6).map(lambda price: price * 10**9),
    st.integers(0, 5),
    st.sampled_from([BID, ASK]),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, max_size=60))
def test_levels_are_the_sums_of_their_orders(steps: list[tuple[int, int, int, int, int]]) -> None:
    book, model = MboBook(), dict[int, tuple[int, int, int]]()
    replica: dict[tuple[int, int], int] = {}
    for action, order_id, price, size, side in steps:
        book.apply(action, order_id, price, size, side, 0)
        if action == CLEAR:
            model.clear()
            replica.clear()
        elif action == CANCEL and order_id in model:
            at, left, where = model.pop(order_id)
            if left > size:
                model[order_id] = at, left - size, where
        elif action in (ADD, MODIFY):
            model.pop(order_id, None)
            if size:
                model[order_id] = price, size, side
        for where, changes in zip((BID, ASK), book.take_changes(), strict=True):
            for at, left in changes:
                replica[where, at] = left
    totals: collections.Counter[tuple[int, int]] = collections.Counter()
    for at, left, where in model.values():
        totals[where, at] += left
    bids, asks = book.levels()
    assert bids == sorted(((at, left) for (where, at), left in totals.items() if where == BID), reverse=True)
    assert asks == sorted((at, left) for (where, at), left in totals.items() if where == ASK)
    assert {key: left for key, left in replica.items() if left} == dict(totals), "the changes tell all"
    assert len(book) == len(model)


def snapshot(count: int, *, clear: bool = True) -> list[Any]:
    """A snapshot of so many orders on four levels."""
    rows = [order(INSTRUMENT, 0, "R", "N", float("nan"), 0, AT_NS, 1, 40)] if clear else []
    for number in range(1, count + 1):
        side, price = ("B", 1.0 + number % 4 / 10) if number % 2 else ("A", 2.0 + number % 4 / 10)
        flags = 168 if number == count else 40
        rows.append(order(INSTRUMENT, number, "A", side, price, number % 7 + 1, AT_NS, 1, flags))
    return rows


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    rows = [
        *snapshot(3 * FEW),
        order(INSTRUMENT, 5, "C", "B", 1.1, 1, AT_NS + 5, 2),
        *snapshot(2 * FEW, clear=False),
    ]
    at_once = reader("mbo").take(joined(*rows))
    records = reader("mbo")
    one_by_one = [outcome for row in rows for outcome in records.take(bytes(row))]
    assert list(at_once) == one_by_one
    records, data, step = reader("mbo"), joined(*rows), (FEW + 9) * 56
    in_blocks = [one for at in range(0, len(data), step) for one in records.take(data[at : at + step])]
    assert in_blocks == one_by_one
    assert [one.is_snapshot for one in at_once if isinstance(one, Book)] == [True, False, True]


def test_an_order_that_comes_twice_in_a_snapshot_counts_once() -> None:
    rows = snapshot(2 * FEW)
    (book,) = [
        one for one in reader("mbo").take(joined(*rows[:-1], rows[3], rows[-1])) if isinstance(one, Book)
    ]
    (alone,) = [one for one in reader("mbo").take(joined(*rows)) if isinstance(one, Book)]
    assert book == alone


def test_nothing_is_published_of_a_book_before_its_snapshot() -> None:
    records = reader("mbo")
    assert records.take(joined(order(INSTRUMENT, 1, "A", "B", 1.0, 1, AT_NS, 1))) == []
    assert records.dropped == {"book_without_snapshot": 1}
    assert any(isinstance(one, Book) for one in records.take(joined(*snapshot(4))))


def test_a_snapshot_that_is_broken_off_is_no_book() -> None:
    records = reader("mbo")
    assert records.take(joined(*snapshot(8)[:-1], order(INSTRUMENT, 3, "C", "B", 1.1, 1, AT_NS, 1))) == []
    assert records.dropped == {"book_without_snapshot": 1}


def test_a_doubted_book_needs_a_new_snapshot() -> None:
    records = reader("mbo")
    records.take(joined(*snapshot(4)))
    told = records.take(
        joined(order(INSTRUMENT, 9, "A", "B", 1.0, 1, AT_NS, 1, dbn.F_LAST | dbn.F_MAYBE_BAD_BOOK))
    )
    assert [type(one).__name__ for one in told] == ["Doubt"]
    assert records.take(joined(order(INSTRUMENT, 10, "A", "B", 1.0, 1, AT_NS, 1))) == []
    assert any(isinstance(one, Book) for one in records.take(joined(*snapshot(4))))


def test_changes_applied_by_a_reader_give_the_same_book() -> None:
    records, replica = reader("mbo"), OrderBook()
    rows = snapshot(20) + [
        order(INSTRUMENT, number, action, "B" if number % 2 else "A", 1.0 + number % 5 / 10 + (number % 2 == 0), 2,
              AT_NS + number, number)
        for number, action in enumerate("CMACMMCAACMMA" * 3, 1)
    ]  # fmt: skip
    for outcome in records.take(joined(*rows)):
        if isinstance(outcome, Book):
            if outcome.is_snapshot:
                replica.snapshot(outcome.bids, outcome.asks, outcome.last_update_id)
            else:
                assert outcome.prev_update_id == replica.update_id
                replica.apply(outcome.bids, outcome.asks, outcome.last_update_id)
    book = records.symbols.targets[INSTRUMENT][0].book
    assert not book.is_crossed
    bids, asks = book.levels()
    assert replica.top()[0] == [(price / 1e9, float(size)) for price, size in bids]
    assert replica.top()[1] == [(price / 1e9, float(size)) for price, size in asks]


def test_quotes_come_when_the_best_levels_change() -> None:
    records = reader("mbo")
    first = [one for one in records.take(joined(*snapshot(4))) if isinstance(one, Quote)]
    deep = records.take(joined(order(INSTRUMENT, 50, "A", "B", 0.5, 1, AT_NS + 1, 2)))
    better = records.take(joined(order(INSTRUMENT, 51, "A", "B", 1.9, 1, AT_NS + 2, 3)))
    assert len(first) == 1
    assert not [one for one in deep if isinstance(one, Quote)]
    assert [one.bid for one in better if isinstance(one, Quote)] == [1.9]
