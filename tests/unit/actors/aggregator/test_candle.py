"""One candle: the order of events does not matter, and merging equals adding."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.aggregator.candle import Candle
from protocol.messages import BUY
from tests.unit.actors.aggregator.series import prices, sizes

rows = st.tuples(
    st.integers(1, 6), st.integers(0, 3), prices, sizes, st.sampled_from((1, -1, 0)), st.integers(1, 3)
)
row_lists = st.lists(rows, min_size=1, max_size=12)


def candle(found):
    one = Candle(0, 10)
    for row in found:
        one.add(*row)
    return one


def exact(one):
    return (one.open, one.high, one.low, one.close, one.count, one.first_ns, one.last_ns)


@given(row_lists, st.randoms())
def test_the_order_of_arrival_only_decides_between_equals(found, random):
    numbered = [(ts, index, *rest) for index, (ts, _, *rest) in enumerate(found)]
    shuffled = list(numbered)
    random.shuffle(shuffled)
    first, second = candle(numbered), candle(shuffled)
    assert exact(first) == exact(second)
    assert math.isclose(first.volume, second.volume, rel_tol=1e-12, abs_tol=1e-12)


@given(row_lists, st.integers(0, 12))
def test_two_candles_merged_equal_one(found, cut):
    whole, merged = candle(found), candle(found[:cut])
    merged.merge(candle(found[cut:]))
    assert exact(whole) == exact(merged)
    for name in ("volume", "buy_volume", "sell_volume", "notional"):
        assert math.isclose(getattr(whole, name), getattr(merged, name), rel_tol=1e-12, abs_tol=1e-12)


@given(row_lists)
def test_its_message_is_valid(found):
    bar = candle(found).bar("A_B", "v", "1s", "trade", "closed")
    assert bar.validate() == []
    assert bar.low <= bar.vwap <= bar.high
    assert bar.buy_volume + bar.sell_volume <= bar.volume * (1 + 1e-12)


def test_the_number_of_the_venue_orders_trades_of_the_same_time():
    one = candle([(5, 8, 1.0, 1.0, BUY, 1), (5, 7, 2.0, 1.0, BUY, 1), (5, 9, 3.0, 1.0, BUY, 1)])
    assert (one.open, one.close) == (2.0, 3.0)


def test_without_a_number_arrival_orders_events_of_the_same_time():
    one = candle([(5, 0, 1.0, 1.0, BUY, 1), (5, 0, 2.0, 1.0, BUY, 1), (5, 0, 3.0, 1.0, BUY, 1)])
    assert (one.open, one.close) == (1.0, 3.0)


def test_a_candle_without_volume_has_its_close_as_vwap():
    one = candle([(5, 0, 1.0, 0.0, 0, 1), (6, 0, 3.0, 0.0, 0, 1)])
    assert one.vwap == 3.0


@given(row_lists)
def test_it_survives_encoding(found):
    one = candle(found)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Candle) == one
