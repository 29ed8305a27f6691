"""Sides of trades measured against quotes."""

import pytest

from actors.collector.venues.coinbase_sides import FRESH_NS, SideCheck
from protocol.messages import BUY, SELL

NOW_NS = 1_795_168_800_000_000_000


def check(trades: list[tuple[float, int]], enough: int = 10) -> tuple[SideCheck, list[bool]]:
    sides = SideCheck(enough)
    sides.quote("BTC-USD", NOW_NS, 99.0, 101.0)
    return sides, [sides.trade("BTC-USD", NOW_NS, price, side) for price, side in trades]


def test_trades_at_the_side_they_took_agree():
    sides, verdicts = check([(101.0, BUY), (102.0, BUY), (99.0, SELL), (98.0, SELL), (100.0, BUY)])
    assert (sides.agreed, sides.seen, sides.share) == (4, 5, 0.8)
    assert not any(verdicts)


def test_the_verdict_comes_with_the_last_trade_and_only_then():
    _, verdicts = check([(99.0, BUY)] * 25)
    assert verdicts == [False] * 9 + [True] + [False] * 15


@pytest.mark.parametrize(("agreeing", "verdict"), [(2, True), (3, False)])
def test_a_third_of_agreeing_trades_is_enough(agreeing, verdict):
    _, verdicts = check([(101.0, BUY)] * agreeing + [(101.0, SELL)] * (10 - agreeing))
    assert any(verdicts) is verdict


def test_only_a_fresh_quote_of_the_same_product_is_compared():
    sides = SideCheck(10)
    sides.trade("BTC-USD", NOW_NS, 99.0, BUY)
    sides.quote("BTC-USD", NOW_NS, 99.0, 101.0)
    sides.trade("ETH-USD", NOW_NS, 99.0, BUY)
    sides.trade("BTC-USD", NOW_NS + FRESH_NS + 1, 99.0, BUY)
    sides.trade("BTC-USD", NOW_NS - FRESH_NS - 1, 99.0, BUY)
    assert (sides.seen, sides.share) == (0, 1.0)
    sides.trade("BTC-USD", NOW_NS + FRESH_NS, 99.0, BUY)
    assert sides.seen == 1


@pytest.mark.parametrize("ask", [99.0, 98.0])
def test_a_locked_or_crossed_quote_says_nothing(ask):
    sides = SideCheck(10)
    sides.quote("BTC-USD", NOW_NS, 99.0, 101.0)
    sides.quote("BTC-USD", NOW_NS, 99.0, ask)
    sides.trade("BTC-USD", NOW_NS, 99.0, BUY)
    assert sides.seen == 0
