"""Each rule on its case, and beside it."""

import pytest

from protocol.messages import SELL
from tests.unit.actors.detector.rig import REPAIRED, Publisher, Rig, ns


def with_trades(rig, seconds=150, size=1.0, symbol="BTC_USDT"):
    """Trades worth 80 to 120 dollars, a second apart, and the watermarks between them."""
    rig.take(rig.feed.mark(0))
    for second in range(seconds):
        price = 100.0 + (second % 3) / 100
        rig.take(rig.feed.trade(second, price, size * (0.8 + second % 5 / 10), symbol=symbol))
        rig.take(rig.feed.mark(second + 0.5))
    return rig


def rules_of(alerts):
    return [alert.rule for alert in alerts]


# big trade


def test_detector_big_trade_needs_both_value_and_rarity():
    rig = with_trades(Rig(only=["big_trade"]))
    assert rig.take(rig.feed.trade(150, 100.0, 2_499.0)) == []
    (alert,) = rig.take(rig.feed.trade(151, 100.0, 2_500.0, side=SELL))
    assert (alert.rule, alert.severity, alert.ts_event_ns) == ("big_trade", "warning", ns(151))
    assert "250,000 USD (sell, 2500 at 100)" in alert.text
    values = alert.values
    assert (values["notional_usd"], values["least_notional_usd"], values["n"]) == (250_000.0, 250_000.0, 151)
    assert values["z"] > values["z_threshold"] == 3.0
    assert values["median_usd"] == pytest.approx(100.0, rel=0.01)


def test_detector_big_trade_is_usual_where_all_are_big():
    rig = with_trades(Rig(only=["big_trade"]), size=10_000.0)
    assert rig.take(rig.feed.trade(150, 100.0, 12_000.0)) == []
    assert rules_of(rig.take(rig.feed.trade(151, 100.0, 120_000.0))) == ["big_trade"]


def test_detector_big_trade_waits_for_its_warm_up():
    rig = with_trades(Rig(only=["big_trade"]), seconds=99)
    assert rig.take(rig.feed.trade(99, 100.0, 50_000.0)) == []  # the hundredth is being judged: 99 are known
    assert rules_of(rig.take(rig.feed.trade(100, 100.0, 50_000.0))) == ["big_trade"]


def test_detector_big_trade_a_burst_does_not_become_what_is_usual():
    rig = with_trades(Rig({"rules": {"big_trade": {"cool_down_s": "0"}}}, only=["big_trade"]))
    burst = [rig.feed.trade(151 + number / 1000, 100.0, 5_000.0) for number in range(400)]
    assert len(rig.take(*burst)) == 400


# liquidation spike


def windows(rig, count, start_s=0.0):
    for quarter in range(round(count * 30 * 2)):
        rig.take(rig.feed.mark(start_s + quarter / 2))


def test_detector_liquidation_spike_by_count_and_value():
    rig = Rig(only=["liquidation_spike"])
    rig.take(rig.feed.trade(0))
    windows(rig, 13)
    found = [rig.take(rig.feed.liquidation(390 + second, 300.0)) for second in range(7)]
    assert [len(alerts) for alerts in found] == [0, 0, 0, 0, 1, 0, 0]
    alert = found[4][0]
    assert "5 forced orders for 150,000 USD within 30 s, mostly longs" in alert.text
    assert (alert.values["count"], alert.values["notional_usd"]) == (5, 150_000.0)
    assert min(alert.values["count_z"], alert.values["notional_z"]) >= 3


@pytest.mark.parametrize(
    ("every_s", "size", "windows_before"), [(8.0, 500.0, 13), (1.0, 150.0, 13), (1.0, 500.0, 11)]
)
def test_detector_liquidation_spike_not_by_few_small_or_before_the_warm_up(every_s, size, windows_before):
    rig = Rig(only=["liquidation_spike"])
    rig.take(rig.feed.trade(0))
    windows(rig, windows_before)
    orders = [rig.feed.liquidation(windows_before * 30 + number * every_s, size) for number in range(6)]
    assert rig.take(*orders) == []


def test_detector_liquidation_spike_is_usual_where_windows_are_full_of_them():
    rig = Rig(only=["liquidation_spike"])
    rig.take(rig.feed.trade(0))
    for second in range(30 * 20):
        rig.take(rig.feed.mark(second))
        if second % 5 < 1 + second % 2:
            rig.take(rig.feed.liquidation(second, 300.0))
    assert rig.alerts == []
    assert rig.take(*[rig.feed.liquidation(600 + number / 10, 5_000.0) for number in range(60)])


# volume surge


def minutes(rig, count, **bar):
    for minute in range(count):
        rig.take(rig.bars.bar(minute, 10.0 + minute % 3, 100 + minute % 3, **bar))


def test_detector_volume_surge_of_a_closed_minute():
    rig = Rig(only=["volume_surge"])
    minutes(rig, 30)
    (alert,) = rig.take(rig.bars.bar(30, 55.0, 300))
    assert (alert.rule, alert.ts_event_ns) == ("volume_surge", ns(30 * 60))
    assert "55 traded in a minute, 5.0 times the usual 11, 75% of it bought, 300 trades" in alert.text
    assert (alert.values["ratio"], alert.values["n"]) == (5.0, 30)


@pytest.mark.parametrize(
    "bar",
    [
        {"volume": 32.0, "count": 300},  # not three times
        {"volume": 55.0, "count": 29},  # few trades
        {"volume": 55.0, "count": 110},  # as many trades as ever: one was big
        {"volume": 55.0, "count": 300, "revision": 0},  # it runs
        {"volume": 55.0, "count": 300, "revision": 2},  # a repair
        {"volume": 55.0, "count": 300, "status": "gap", "coverage": 0.5},
        {"volume": 55.0, "count": 300, "flags": REPAIRED},  # fetched, for the aggregator
        {"volume": 55.0, "count": 300, "timeframe": "5m"},
        {"volume": float("inf"), "count": 300},
    ],
)
def test_detector_volume_surge_not_beside_it(bar):
    rig = Rig(only=["volume_surge"])
    minutes(rig, 30)
    assert rig.take(rig.bars.bar(30, **bar)) == []
    assert rules_of(rig.take(rig.bars.bar(31, 55.0, 300))) == ["volume_surge"]


def test_detector_volume_surge_waits_for_its_warm_up():
    rig = Rig(only=["volume_surge"])
    minutes(rig, 19)
    assert rig.take(rig.bars.bar(19, 55.0, 300)) == []
    assert rules_of(rig.take(rig.bars.bar(20, 55.0, 300))) == ["volume_surge"]


# sweep


def test_detector_sweep_by_levels_or_by_value():
    rig = Rig(only=["sweep"])
    found = [
        rig.take(rig.flow.sweep(100 * number, levels, notional))
        for number, (levels, notional) in enumerate(
            [(4, 50_000.0), (5, 9_999.0), (5, 10_000.0), (3, 999_999.0), (3, 1_000_000.0)]
        )
    ]
    assert [len(alerts) for alerts in found] == [0, 0, 1, 0, 1]
    assert "a buy order took 5 levels for 10,000 USD, 100 to 100.05" in found[2][0].text


def test_detector_sweep_is_usual_where_every_order_sweeps():
    rig = Rig({"rules": {"sweep": {"cool_down_s": "0"}}}, only=["sweep"])
    for number in range(40):
        rig.take(rig.flow.sweep(number, 5 + number % 4, 20_000.0 + 500 * (number % 9)))
    assert len(rig.alerts) == 30
    assert rig.take(rig.flow.sweep(41, 7, 22_000.0)) == []
    assert rig.take(rig.flow.sweep(42, 7, 200_000.0))[0].values["z"] > 3
    assert rig.take(rig.flow.sweep(43, 30, 22_000.0))[0].values["levels_z"] > 3


# price jump


def test_detector_price_jump_that_stays():
    rig = with_trades(Rig(only=["price_jump"]))
    rig.take(*[rig.feed.trade(150 + number / 10, 101.0) for number in range(5)])
    (alert,) = rig.take(rig.feed.trade(151, 101.0))
    assert alert.ts_event_ns == ns(150.4)
    assert "the price went up 0.99% within 10 s, 100.01 to 101" in alert.text
    assert alert.values["z"] > 8


def test_detector_price_jump_not_a_tick_that_reverts_nor_a_small_move():
    rig = with_trades(Rig(only=["price_jump"]))
    rig.take(rig.feed.trade(150.1, 100.0), rig.feed.trade(150.2, 120.0))
    rig.take(*[rig.feed.trade(151 + second, 100.2) for second in range(20)])
    assert rig.alerts == []


def test_detector_price_jump_not_across_a_gap_nor_in_a_sleepy_market():
    rig = with_trades(Rig(only=["price_jump"]))
    rig.take(rig.feed.gap(150))
    rig.take(*[rig.feed.trade(150 + second, 110.0) for second in range(30)])
    rig.take(*[rig.feed.trade(200 + 8 * number, 110.0 + number) for number in range(30)])
    assert rig.alerts == []


# spread blow-out


def with_quotes(rig, seconds=150):
    for quarter in range(seconds * 4):
        ask = 100.01 + (quarter % 3) / 1000
        rig.take(rig.feed.quote(quarter / 4, 99.99, ask), rig.feed.mark(quarter / 4 + 0.1))
    return rig


def wide(rig, start_s, seconds, bid=99.8, ask=100.2):
    found = []
    for quarter in range(seconds * 4):
        at_s = start_s + quarter / 4
        found += rig.take(rig.feed.quote(at_s, bid, ask), rig.feed.mark(at_s + 0.1))
    return found


def test_detector_spread_blowout_that_lasts_is_told_once():
    rig = with_quotes(Rig({"rules": {"spread_blowout": {"cool_down_s": "0"}}}, only=["spread_blowout"]))
    (alert,) = wide(rig, 150, 6)
    assert alert.ts_event_ns == ns(152.1)
    assert "19 times the usual" in alert.text
    assert wide(rig, 156, 1, 99.99, 100.01) == []
    assert len(wide(rig, 157, 3)) == 1


def test_detector_spread_blowout_not_when_short_narrow_or_unseen():
    rig = with_quotes(Rig(only=["spread_blowout"]))
    assert wide(rig, 150, 1) == []
    assert wide(rig, 151, 5, 99.95, 100.05) == []
    rig.take(rig.feed.quote(156, 99.0, 101.0), rig.feed.mark(156.1), rig.feed.mark(156.2, is_connected=False))
    rig.take(*[rig.feed.mark(157 + second) for second in range(20)])
    assert rig.alerts == []


# crossed and locked


def stand(rig, bid, ask, start_s, seconds):
    found = rig.take(rig.feed.quote(start_s, bid, ask))
    for quarter in range(1, seconds * 4 + 1):
        found += rig.take(rig.feed.mark(start_s + quarter / 4))
    return found


def test_detector_crossed_and_locked_apart():
    rig = Rig({"rules": {"crossed": {"cool_down_s": "0"}}}, only=["crossed"])
    assert stand(rig, 100.0, 101.0, 0, 20) == []
    (crossed,) = stand(rig, 101.0, 100.0, 20, 5)
    assert (crossed.ts_event_ns, crossed.values["is_locked"]) == (ns(21.25), 0.0)
    assert stand(rig, 100.0, 100.0, 30, 5) == []
    assert stand(rig, 99.0, 100.0, 35, 1) == []
    (locked,) = stand(rig, 100.0, 100.0, 36, 15)
    assert (locked.ts_event_ns, locked.values["is_locked"]) == (ns(46.25), 1.0)
    assert "locked since 10.0 s: bid 100, ask 100" in locked.text


def test_detector_crossed_not_for_a_moment_nor_across_a_gap():
    rig = Rig(only=["crossed"])
    rig.take(rig.feed.quote(0, 101.0, 100.0), rig.feed.mark(0.25), rig.feed.mark(1.0))
    rig.take(rig.feed.quote(1.1, 100.0, 101.0), rig.feed.quote(1.2, 101.0, 100.0), rig.feed.mark(1.5))
    rig.take(rig.feed.gap(2.0), rig.feed.mark(3.0), rig.feed.mark(9.0))
    assert rig.alerts == []


# stale


def test_detector_stale_by_the_rhythm_of_the_symbol():
    rig = with_trades(Rig(only=["stale"]))
    marks = [rig.feed.mark(149.5 + second) for second in range(1, 120)]
    (alert,) = rig.take(*marks)
    assert alert.ts_event_ns == ns(199.5)  # fifty times the usual second
    assert alert.values["limit_s"] == pytest.approx(50.0, rel=0.01)
    assert "no trade and no quote for 50 s" in alert.text
    rig.take(rig.feed.trade(270), rig.feed.mark(270))
    assert len(rig.take(*[rig.feed.mark(270 + second) for second in range(1, 120)])) == 1


def test_detector_stale_waits_for_its_warm_up_in_events_and_in_time():
    for seconds, trades in ((50, 5), (98, 1)):
        rig = Rig(only=["stale"])
        for second in range(seconds):
            rig.take(*[rig.feed.trade(second)] * trades, rig.feed.mark(second + 0.5))
        assert rig.take(*[rig.feed.mark(seconds + second) for second in range(200)]) == []


def test_detector_stale_not_while_disconnected_nor_right_after():
    rig = with_trades(Rig(only=["stale"]))
    rig.take(*[rig.feed.mark(150 + second, is_connected=False) for second in range(100)])
    rig.take(*[rig.feed.mark(250 + second) for second in range(45)])
    assert rig.alerts == []
    assert len(rig.take(*[rig.feed.mark(295 + second) for second in range(10)])) == 1


def test_detector_stale_not_while_the_market_is_closed():
    rig = Rig(only=["stale"])
    friday_s = 258_300.0  # 2023-11-17 21:58:20 UTC; New York closes at 22:00
    for second in range(80):
        at_s = friday_s + second
        rig.take(rig.feed.quote(at_s, 150.0, 150.1, symbol="USD_JPY"))
        rig.take(rig.feed.trade(at_s, 150.0, symbol="USD_JPY"), rig.feed.mark(at_s + 0.5))
    rig.take(*[rig.feed.mark(friday_s + 80 + 600 * step) for step in range(280)])
    assert rig.alerts == []
    monday = [rig.feed.mark(friday_s + 2 * 86_400 + 90 + second) for second in range(60)]
    assert rules_of(rig.take(*monday)) == ["stale"]


# divergence


def two_venues(rig, bid, ask, start_s, seconds, is_quoted=True):
    other = rig.__dict__.setdefault("other", Publisher("collector.okx.1", venue="okx"))
    found = []
    for quarter in range(seconds * 4):
        at_s = start_s + quarter / 4
        found += rig.take(rig.feed.quote(at_s), rig.feed.mark(at_s))
        found += rig.take(*([other.quote(at_s, bid, ask)] if is_quoted else []), other.mark(at_s))
    return found


def test_detector_divergence_of_two_venues_is_told_once_by_the_first():
    rig = Rig({"rules": {"divergence": {"cool_down_s": "0"}}}, only=["divergence"])
    assert two_venues(rig, 100.2, 100.3, 0, 10) == []
    (alert,) = two_venues(rig, 101.0, 101.1, 10, 10)
    assert (alert.venue, alert.symbol) == ("binance", "BTC_USDT")
    assert "1.04% below okx since 5.0 s: mid 100 against 101.05" in alert.text
    two_venues(rig, 100.0, 100.1, 20, 1)
    assert len(two_venues(rig, 101.0, 101.1, 21, 10)) == 1


def test_detector_divergence_not_for_a_moment():
    rig = Rig(only=["divergence"])
    two_venues(rig, 101.0, 101.1, 0, 4)
    two_venues(rig, 100.0, 100.1, 4, 1)
    two_venues(rig, 101.0, 101.1, 5, 4)
    assert rig.alerts == []


def test_detector_divergence_not_with_a_quote_or_a_clock_that_is_old():
    rig = Rig({"rules": {"divergence": {"for_s": "8"}}}, only=["divergence"])
    two_venues(rig, 101.0, 101.1, 0, 1)
    two_venues(rig, 0, 0, 1, 20, is_quoted=False)  # the other's quote is too old after five seconds
    two_venues(rig, 101.0, 101.1, 21, 1)
    rig.take(
        *[frame for second in range(22, 40) for frame in (rig.feed.quote(second), rig.feed.mark(second))]
    )
    assert rig.alerts == []
    assert len(two_venues(rig, 101.0, 101.1, 40, 10)) == 1
