"""A trade counts once, however often and in whatever order it comes."""

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol import trade_ids
from protocol.trade_ids import TradeIds
from tests.unit.actors.aggregator.series import trade


def numbered(*numbers, at_s=None):
    return [
        trade(at_s if at_s is not None else number if isinstance(number, int) else 1.0, number=number)
        for number in numbers
    ]


def kept(ids, trades):
    return [one.trade_id for one in ids.fresh(trades)]


def test_trades_that_follow_on_pass_as_they_are():
    ids, first = TradeIds(), numbered(7, 8)
    assert kept(ids, first) == [7, 8]
    following = numbered(9, 10, 11)
    assert ids.fresh(following) is following


def test_what_came_before_is_left_out_and_what_was_missing_is_taken_once():
    ids = TradeIds()
    assert kept(ids, numbered(5, 6, 10)) == [5, 6, 10]
    assert kept(ids, numbered(6, 7, 10, 9, 7)) == [7, 9]
    assert kept(ids, numbered(8, 8, 3, 3)) == [8, 3]
    assert ids.state.missing == [(1, 2), (4, 4)]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_every_id_is_taken_exactly_once(numbers, rng):
    ids, taken = TradeIds(), []
    while numbers:
        size = rng.randint(1, len(numbers))
        taken += kept(ids, numbered(*numbers[:size]))
        numbers = numbers[size:]
    assert len(taken) == len(set(taken))


@given(st.permutations(range(1, 40)))
def test_none_is_left_out_in_any_order(numbers):
    assert sorted(kept(TradeIds(), numbered(*numbers))) == sorted(numbers)


def test_a_venue_that_counts_anew_is_followed():
    ids = TradeIds()
    assert kept(ids, numbered(1000, at_s=10)) == [1000]
    assert kept(ids, numbered(1, 2, at_s=20)) == [1, 2]
    assert kept(ids, numbered(2, at_s=19)) == []


def test_a_venue_without_numbers_is_not_sifted():
    ids = TradeIds()
    same = [trade(1.0, number=0), trade(1.0, number=0), trade(1.0, number=""), trade(1.0, number="")]
    assert len(ids.fresh(same)) == 4


def test_of_ids_that_are_texts_the_newest_are_known(monkeypatch):
    monkeypatch.setattr(trade_ids, "MAX_TEXTS", 3)
    ids = TradeIds()
    assert kept(ids, numbered("a", "b", "a", "c", "b")) == ["a", "b", "c"]
    assert kept(ids, numbered("d", "d", "a")) == ["d", "a"]


def test_an_id_that_stands_for_several_fills_covers_the_numbers_before_it():
    ids = TradeIds(is_spanned=True)
    spans = [msgspec.structs.replace(one, count=3) for one in numbered(3, 6, 12)]
    assert kept(ids, spans) == [3, 6, 12]
    assert ids.state.missing == [(7, 9)]
    assert kept(ids, [*spans, *numbered(4, 5, 8)]) == [8]
    assert ids.state.missing == [(7, 7), (9, 9)]


def test_the_memory_is_bounded_and_errs_towards_taking(monkeypatch):
    monkeypatch.setattr(trade_ids, "MAX_RANGES", 4)
    ids, numbers = TradeIds(), list(range(2, 40, 2))
    assert kept(ids, numbered(*numbers)) == numbers
    assert len(ids.state.missing) == 4
    random.Random(1).shuffle(numbers)
    odd = list(range(1, 39, 2))
    assert set(kept(ids, numbered(*odd))) == set(odd)
