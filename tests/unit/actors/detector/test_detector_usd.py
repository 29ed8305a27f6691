"""What a currency is worth in dollars, from the quotes that pass by."""

import pytest

from actors.detector.market import Market
from actors.detector.usd import Rates
from tests.unit.actors.detector.rig import Rig

HOUR_NS = 3600 * 1_000_000_000


def market(base, quote, bid, ask, suffix="", quote_ns=1, now_ns=1):
    symbol = f"{base}_{quote}{suffix}"
    return Market(symbol, "v", base, quote, "crypto", bid, ask, quote_ns, quoted_ns=1, now_ns=now_ns)


def test_detector_usd_dollars_and_stable_coins_are_one():
    rates = Rates()
    assert [rates.rate(name) for name in ("USD", "USDT", "USDC", "FDUSD", "DAI")] == [1.0] * 5
    assert rates.rate("EUR") == 0.0
    rates.replace_stable_coins(["EUR"])
    assert [rates.rate(name) for name in ("USD", "EUR", "USDT")] == [1.0, 1.0, 0.0]


def test_detector_usd_pairs_count_in_either_direction():
    rates = Rates()
    rates.add(market("BTC", "USDT", 99.0, 101.0))
    rates.add(market("USD", "JPY", 149.0, 151.0))
    assert rates.rate("BTC") == 100.0
    assert rates.rate("JPY") == pytest.approx(1 / 150)


def test_detector_usd_newest_quote_counts_and_an_unusable_one_does_not():
    rates = Rates()
    rates.add(market("EUR", "USD", 1.0, 1.2, quote_ns=5))
    rates.add(market("EUR", "USDT", 1.3, 1.3, quote_ns=6))
    rates.add(market("EUR", "USDC", 9.0, 8.0, quote_ns=7))
    rates.add(market("EUR", "USDT", 7.0, 7.0, suffix=".PERP", quote_ns=8))
    rates.add(market("EUR", "DAI", 5.0, 5.0, quote_ns=9, now_ns=2 * HOUR_NS))
    assert rates.rate("EUR") == 1.3


def test_detector_usd_a_pair_quoted_in_bitcoin_is_judged_by_its_dollars():
    rig = Rig(only=["big_trade"])
    feed = rig.feed
    rig.take(feed.quote(0, 49_990.0, 50_010.0), feed.quote(0, 1e-5, 1.1e-5, symbol="LRC_BTC"), feed.mark(0.1))
    for second in range(150):
        rig.take(feed.trade(second, 1e-5, 1000.0 + second, symbol="LRC_BTC"))
    rig.take(feed.mark(150))
    assert rig.take(feed.trade(151, 1e-5, 4.9e5, symbol="LRC_BTC")) == []
    (alert,) = rig.take(feed.trade(152, 1e-5, 5.1e5, symbol="LRC_BTC"))
    assert alert.values["notional_usd"] == pytest.approx(255_000.0)
    assert alert.values["usd_rate"] == 50_000.0


def test_detector_usd_without_a_rate_nothing_is_judged_and_that_is_counted():
    rig = Rig(only=["big_trade", "sweep", "liquidation_spike"])
    for second in range(150):
        rig.take(rig.feed.trade(second, 1e-5, 1000.0, symbol="LRC_BTC"))
    assert rig.take(rig.feed.trade(152, 1.0, 1e9, symbol="LRC_BTC")) == []
    assert rig.take(rig.flow.sweep(152, symbol="LRC_BTC"), rig.feed.liquidation(152, symbol="LRC_BTC")) == []
    assert rig.counters["unjudged"] == 153
