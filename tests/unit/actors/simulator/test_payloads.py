"""The JSON has exactly the keys that the venue's recorded messages have."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.simulator.candle import kline_event
from actors.simulator.listing import listing
from actors.simulator.market import Market
from actors.simulator.timed import DepthChain

START_MS = 1_795_168_800_000


def said_by(name: str) -> dict[str, dict[str, Any]]:
    market = Market(listing(name, "BTCUSDT", "BTC_USDT", "BTC", "USDT"), 1, START_MS)
    said: dict[str, dict[str, Any]] = {}
    market.on_trade = lambda text: said.update(trade=json.loads(text))
    market.on_agg_trade = lambda text: said.update(aggTrade=json.loads(text))
    market.on_ticker = lambda text: said.update(bookTicker=json.loads(text))
    chain = DepthChain(market, lambda text: said.update(depth=json.loads(text)))
    market.chains.append(chain)
    for number in range(200):
        market.step(START_MS + number)
    chain.flush(START_MS + 200)
    said["snapshot"] = json.loads(market.snapshot(START_MS, 5))
    candle = market.candles.minutes[-1]
    said["kline"] = json.loads(kline_event(market.listing, candle, START_MS, is_closed=False))
    return said


def recorded(path: Path) -> dict[str, dict[str, Any]]:
    """First message of each kind of a recording."""
    found: dict[str, dict[str, Any]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            message = json.loads(line.partition(" ")[2])
            kind = message["stream"].split("@")[1] if "stream" in message else "snapshot"
            found.setdefault(kind, message.get("data", message))
            if len(found) == 4:
                break
    return found


def types_of(message: dict[str, Any]) -> dict[str, type]:
    return {key: type(value) for key, value in message.items()}


@pytest.mark.recording
def test_spot_messages_have_the_recorded_shape(recording: Callable[[str], Path]) -> None:
    said = said_by("spot")
    for kind, message in recorded(recording("binance/hft_spot_ethusdt_20240808.gz")).items():
        assert types_of(said[kind]) == types_of(message), kind
        assert list(said[kind]) == list(message), kind


@pytest.mark.recording
def test_usdm_messages_have_the_recorded_shape_and_what_came_since(recording: Callable[[str], Path]) -> None:
    said = said_by("usdm")
    since = {"trade": {"st"}, "bookTicker": {"st", "ps"}, "depth": {"st", "ps"}, "snapshot": set()}
    for kind, message in recorded(recording("binance/hft_usdm_btcusdt_20240808.gz")).items():
        assert said[kind].keys() - message.keys() == since[kind], kind
        assert message.keys() <= said[kind].keys(), kind
        shared = {key: value for key, value in said[kind].items() if key in message}
        assert types_of(shared) == {key: type(message[key]) for key in shared}, kind


@pytest.mark.recording
def test_usdm_messages_have_the_shape_of_2026(recording: Callable[[str], Path]) -> None:
    said = said_by("usdm")
    checked = set()
    for line in recording("frames_2026/frames.jsonl").read_text().splitlines():
        row = json.loads(line)
        frame = json.loads(row["raw"])
        kind = frame["data"]["e"] if row["venue"] == "binance_usdm" and "stream" in frame else ""
        if kind in {"aggTrade", "kline"}:
            assert types_of(said[kind]) == types_of(frame["data"]), kind
            assert list(said[kind]) == list(frame["data"]), kind
            if kind == "kline":
                assert types_of(said[kind]["k"]) == types_of(frame["data"]["k"])
            checked.add(kind)
    assert checked == {"aggTrade", "kline"}


def test_spot_prices_have_eight_decimals_and_futures_their_own() -> None:
    spot = listing("spot", "BTCUSDT", "", "BTC", "USDT", tick_size=0.01)
    usdm = listing("usdm", "BTCUSDT", "", "BTC", "USDT", tick_size=0.1)
    whole = listing("usdm", "SUSHIUSDT", "", "DOGE", "USDT")
    assert spot.price_text(9_123_456) == "91234.56000000"
    assert spot.lots_text(1) == "0.00001000"
    assert usdm.price_text(912_345) == "91234.5"
    assert usdm.lots_text(1_250) == "1.250"
    assert whole.lots_text(42) == "42"
    assert spot.value_text(9_123_456 * 100_000) == "91234.56000000"
    assert usdm.tick_text == "0.1"


def test_trades_and_best_prices_respect_the_tick() -> None:
    instrument = listing("spot", "ESUSDT", "", "BTC", "USDT", tick_size=0.25)
    market = Market(instrument, 1, START_MS)
    for number in range(500):
        market.step(START_MS + number)
    prices = [row[0] for _, row in market.trades.newest(500)]
    assert prices
    assert all(price % 25 == 0 for price in prices)
