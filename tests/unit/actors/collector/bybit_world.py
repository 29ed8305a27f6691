"""Bybit frames as the venue sends them, for tests."""

import json

from actors.collector.venues.bybit import Bybit

VENUE = Bybit()
RECV_NS = 1_795_168_800_200_000_000
TS = 1_795_168_800_126
EVENT_NS = TS * 1_000_000
UUID = "20f43950-d8dd-5b31-9112-a178eb6023af"
NAMES = {
    "spot": {"BTCUSDT": "BTC_USDT"},
    "linear": {"BTCUSDT": "BTC_USDT.PERP", "ETHUSDT": "ETH_USDT.PERP"},
    "inverse": {"BTCUSD": "BTC_USD.PERP"},
}


def reader(market="linear", names=None):
    return VENUE.parser(market, NAMES[market] if names is None else names, {}).reader()


def encoded(topic, data, kind="snapshot", ts=TS, **more):
    return json.dumps({"topic": topic, "type": kind, "ts": ts, "data": data, **more}).encode()


def trade_row(**changed):
    return {"T": TS - 3, "s": "BTCUSDT", "S": "Buy", "v": "0.012", "p": "91240.10", "L": "PlusTick", "i": UUID,
            "BT": False, "RPI": False, "seq": 283284617, **changed}  # fmt: skip


def trades(*rows, raw="BTCUSDT", **more):
    return encoded(f"publicTrade.{raw}", list(rows), **more)


def book(
    u=100, kind="snapshot", depth=50, b=(("91240", "3.2"),), a=(("91240.1", "1"),), raw="BTCUSDT", **more
):
    data = {
        "s": raw,
        "b": [list(level) for level in b],
        "a": [list(level) for level in a],
        "u": u,
        "seq": 7000 + u,
    }
    return encoded(f"orderbook.{depth}.{raw}", data, kind, **{"cts": TS - 3, **more})


def ticker(kind="delta", raw="BTCUSDT", cs=5, **fields):
    return encoded(f"tickers.{raw}", {"symbol": raw, **fields}, kind, cs=cs)


FULL_TICKER = {"lastPrice": "1", "bid1Price": "99", "bid1Size": "2", "ask1Price": "101", "ask1Size": "3"}


def only(source, data):
    (outcome,) = source.parse(data, RECV_NS)
    return outcome
