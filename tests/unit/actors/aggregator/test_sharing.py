"""Candles of one aggregator, divided between two and brought together again: as if nothing had been."""

import msgspec

from actors.aggregator.fold import FeedState, FoldState
from actors.aggregator.sharing import AggregatorSharing
from tests.unit.actors.aggregator.series import trade
from tests.unit.actors.aggregator.test_fold import Collector, closed, fold

SHARING = AggregatorSharing()


def state(snapshot: bytes) -> FoldState:
    return msgspec.msgpack.decode(snapshot, type=FoldState)


def told(one, frames):
    return [output for frame in frames for output in one.apply(frame)]


def test_two_halves_go_on_as_the_whole_and_are_the_whole_again():
    feed, whole = Collector(), fold()
    for second in range(7):
        for number, symbol in enumerate(("BTC_USDT", "ETH_USDT")):
            whole.apply(feed.trades(trade(second + 0.2, 100 + second, number=second + number), symbol=symbol))
        whole.apply(feed.mark(second + 0.5))
    snapshot = whole.snapshot()
    halves = {}
    for symbol in ("BTC_USDT", "ETH_USDT"):
        halves[symbol] = fold()
        halves[symbol].restore(SHARING.part(snapshot, symbol.__eq__))
        assert list(halves[symbol].builders) == [f"trade.binance.{symbol}"]

    more = [feed.trades(trade(8.1, 90.0, number=9), symbol="ETH_USDT"), feed.mark(12.0)]
    together = told(whole, more)
    apart = told(halves["BTC_USDT"], more[1:]) + told(halves["ETH_USDT"], more)
    assert sorted(closed(together)) == sorted(closed(apart))
    assert together

    again = state(SHARING.join([half.snapshot() for half in halves.values()]))
    assert msgspec.to_builtins(again.builders) == msgspec.to_builtins(state(whole.snapshot()).builders)
    assert (
        again.feeds["collector.binance.1"].newest_ns
        == state(whole.snapshot()).feeds["collector.binance.1"].newest_ns
    )
    one_again = fold()
    one_again.restore(SHARING.join([half.snapshot() for half in halves.values()]))
    assert told(one_again, [feed.mark(15.0)])


def test_what_two_know_of_a_publisher_is_the_newer_of_both():
    old = FoldState({"c": FeedState(1, {"a": 90, "b": 10}, ["trade.a.X"], 90)}, {}, {})
    new = FoldState({"c": FeedState(2, {"a": 50}, ["trade.a.Y"], 50)}, {}, {})
    found = state(SHARING.join([msgspec.msgpack.encode(one) for one in (old, new)])).feeds["c"]
    assert (found.epoch, found.watermarks, found.newest_ns) == (2, {"a": 50}, 90)
    assert found.topics == ["trade.a.X", "trade.a.Y"]
