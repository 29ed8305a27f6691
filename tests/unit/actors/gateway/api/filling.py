"""A little of everything, published to a desk."""

from __future__ import annotations

from protocol.messages import Alert, Feature, Flow, Liquidation, News
from tests.unit.actors.gateway.api.desk import Desk
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    bar,
    book,
    feature,
    flow,
    footprint,
    gap,
    quote,
    signal,
    sweep,
    trade,
    verdict,
)

FIVE_MINUTES_NS = 5 * MINUTE_NS
MINUTE = BASE_NS // MINUTE_NS
BARS, TRADES = "bar.binance.BTC_USDT.1m", "trade.binance.BTC_USDT"


def fill(desk: Desk) -> None:
    """Everything that a route may be asked for, of BTC_USDT at binance."""
    desk.publish("quote.binance.BTC_USDT", quote(), is_stored=True)
    for number in range(40):
        desk.publish(TRADES, trade(number, recv_ns=BASE_NS + number // 7), is_stored=True)
        desk.publish(BARS, bar(MINUTE - 40 + number), is_stored=True)
    desk.publish("feature.binance.BTC_USDT.1m", features(1), is_stored=True)
    desk.publish("flow.binance.BTC_USDT", *flows(), is_stored=True)
    desk.publish("footprint.binance.BTC_USDT.1m", footprint(MINUTE), is_stored=True)
    desk.publish("footprint.binance.BTC_USDT.session", footprint(MINUTE, timeframe="session"))
    desk.publish("book.binance.BTC_USDT", book(1))
    desk.publish("gap.binance.BTC_USDT", gap("a", "filled", to_ts_ns=BASE_NS + 1), is_stored=True)
    desk.publish("sweep.binance.BTC_USDT", sweep(), is_stored=True)
    desk.publish("verdict.rest.EUR_USD", verdict())
    desk.publish(
        "liquidation.binance.BTC_USDT", Liquidation("BTC_USDT", "binance", BASE_NS, BASE_NS, 1.0, 2.0, -1)
    )
    desk.publish("news.rss", News("rss", "1", BASE_NS, BASE_NS, "a title", "https://a.example", ["BTC_USDT"]))
    desk.publish(
        "alert.spread.BTC_USDT",
        Alert("BTC_USDT", "binance", "spread", "warning", BASE_NS, "wide", {"x": 1.0}),
    )
    desk.publish("signal.binance.BTC_USDT", signal(1), is_stored=True)
    desk.publish("signal.binance.BTC_USDT", signal(2, "vetoed"), signal(1, "target"), is_stored=True)


def features(count: int) -> Feature:
    """Indicator values of the minute before the newest."""
    return feature(MINUTE - count, values={"rsi_14": 50.0, "ema_20": 101.5})


def flows() -> list[Flow]:
    """Of two windows."""
    at_ns = BASE_NS // FIVE_MINUTES_NS * FIVE_MINUTES_NS  # only those back to back are stored
    return [flow(60, at_ns, delta=2.0), flow(300, at_ns, delta=-1.0)]
