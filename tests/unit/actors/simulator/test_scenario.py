"""What happens out of the ordinary: as much of it as was asked for, nothing else, and the same each time."""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.runtime.conformity import faults
from actors.simulator.exchange import Exchange
from actors.simulator.feed import GeneratedFeed
from actors.simulator.listing import listings_of
from actors.simulator.scenario import DEEDS, AnyDeed, Liquidations, Print, Surge, Sweep, name_of
from actors.simulator.settings import SimulatorSettings
from actors.simulator.streams import parse_stream
from protocol.errors import ConfigError
from protocol.instruments import Catalog, Instrument

START_MS = 1_795_168_800_000
SPOT, PERP = ("spot", "BTCUSDT"), ("usdm", "BTCUSDT")
INSTRUMENTS = [
    Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
    Instrument(symbol="BTC_USDT.PERP", venues={"binance": "usdm:BTCUSDT"}),
]
STREAMS = {"spot": ["trade", "bookTicker", "depth@100ms"], "usdm": ["aggTrade", "bookTicker", "forceOrder"]}


class Told:
    """An exchange, and everything that its streams of one instrument say."""

    def __init__(self, key: tuple[str, str], rate_per_s: float = 0.0, liquidation_share: float = 0.0) -> None:
        self.exchange = Exchange(
            listings_of(INSTRUMENTS),
            seed=1,
            start_ms=START_MS,
            rate_per_s=rate_per_s,
            liquidation_share=liquidation_share,
        )
        self.market = self.exchange.markets[key]
        self.said: list[dict[str, Any]] = []
        for name in STREAMS[key[0]]:
            stream = parse_stream(key[0], f"btcusdt@{name}")
            assert stream is not None
            self.exchange.open(key[0], stream, self)

    def send(self, text: str) -> None:
        self.said.append(json.loads(text))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.said if message.get("e", "bookTicker") == event]

    def play(self, seconds: float, *deeds: tuple[float, AnyDeed], steps_ms: Sequence[int] = (10,)) -> "Told":
        for at_s, deed in deeds:
            self.exchange.plan(self.market.listing.key, deed, START_MS + at_s * 1000)
        now_ms, end_ms = START_MS, START_MS + round(seconds * 1000)
        while now_ms < end_ms:
            for step_ms in steps_ms:
                now_ms += step_ms
                self.exchange.advance(min(now_ms, end_ms))
        return self


def value(trade: dict[str, Any]) -> float:
    return float(trade["p"]) * float(trade["q"])


@pytest.mark.parametrize("side", [1, -1])
def test_a_print_is_one_trade_that_moves_no_price(side: Any) -> None:
    told = Told(SPOT)
    bid, ask = told.market.book.best_bid, told.market.book.best_ask
    told.play(0.1, (0, Print(symbol="BTC_USDT", notional=2_000_000, side=side)))
    (trade,) = told.of("trade")
    assert value(trade) == pytest.approx(2_000_000, rel=1e-4)
    assert trade["m"] is (side < 0)
    assert (told.market.book.best_bid, told.market.book.best_ask) == (bid, ask)
    met, left = told.of("bookTicker")
    size = "A" if side > 0 else "B"
    assert float(met[size]) - float(left[size]) == pytest.approx(float(trade["q"]))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("levels", [1, 6, 50])
def test_a_sweep_takes_so_many_levels_at_one_time(side: Any, levels: int) -> None:
    told = Told(SPOT)
    book = told.market.book
    best = book.best_ask if side > 0 else book.best_bid
    told.play(0.1, (0, Sweep(symbol="BTC_USDT", levels=levels, side=side)))
    trades = told.of("trade")
    prices = list(dict.fromkeys(float(trade["p"]) for trade in trades))
    assert len(prices) == levels
    assert prices == sorted(prices, reverse=side < 0)
    assert {trade["T"] for trade in trades} == {START_MS + 10}
    assert {trade["m"] for trade in trades} == {side < 0}
    assert [trade["t"] for trade in trades] == list(range(trades[0]["t"], trades[0]["t"] + len(trades)))
    assert (book.best_ask if side > 0 else book.best_bid) == best + side * levels
    assert sum(map(value, trades)) > 199_000


def test_a_sweep_leaves_a_book() -> None:
    exchange = Exchange(listings_of(INSTRUMENTS), seed=1, start_ms=START_MS, rate_per_s=0, levels=20)
    exchange.plan(SPOT, Sweep(symbol="BTC_USDT", levels=50), START_MS)
    exchange.advance(START_MS + 10)
    assert exchange.markets[SPOT].book.best_ask > exchange.markets[SPOT].book.best_bid


def test_a_cascade_trades_all_of_it_and_tells_one_a_second() -> None:
    told = Told(PERP).play(6, (0, Liquidations(symbol="x", count=20, notional=1_000_000, seconds=4, side=-1)))
    trades = told.of("aggTrade")
    assert len(trades) == told.market.forced_orders == 20
    assert sum(map(value, trades)) == pytest.approx(1_000_000, rel=0.01)
    orders = told.of("forceOrder")
    assert len(orders) == 5
    assert all(later["E"] - sooner["E"] == 1000 for sooner, later in itertools.pairwise(orders))
    for order in orders:
        inner = order["o"]
        assert (inner["S"], inner["X"]) == ("SELL", "FILLED")
        assert 0 <= order["E"] - inner["T"] < 1000
        newest = [trade for trade in trades if trade["T"] <= order["E"]][-1]
        assert (inner["T"], inner["ap"], inner["z"]) == (newest["T"], newest["p"], newest["q"])
        assert float(inner["p"]) < float(inner["ap"])


def test_a_surge_is_about_so_many_times_the_volume_and_ends() -> None:
    told = Told(SPOT, rate_per_s=400).play(60, (20, Surge(symbol="x", factor=10, seconds=20)))

    def volume(from_s: int, to_s: int) -> float:
        times = range(START_MS + from_s * 1000, START_MS + to_s * 1000)
        return sum(value(trade) for trade in told.of("trade") if trade["T"] in times)

    assert 6 < volume(20, 40) / volume(0, 20) < 14
    assert 0.7 < volume(40, 60) / volume(0, 20) < 1.4
    assert max(float(trade["q"]) for trade in told.of("trade")) * 91_000 < 250_000, (
        "none of them is a large print"
    )


def test_an_ordinary_order_takes_two_levels_at_most() -> None:
    told = Told(PERP, rate_per_s=1000).play(20)
    orders: dict[tuple[int, bool], set[str]] = {}
    for trade in told.of("aggTrade"):
        orders.setdefault((trade["T"], trade["m"]), set()).add(trade["p"])
    assert len(orders) > 2000
    assert max(map(len, orders.values())) == 2


def test_some_market_orders_of_futures_are_liquidations_and_nothing_else_changes() -> None:
    plain = Told(PERP, rate_per_s=1000).play(20)
    forced = Told(PERP, rate_per_s=1000, liquidation_share=0.01).play(20)
    assert not plain.of("forceOrder")
    assert 5 < len(forced.of("forceOrder")) <= 20
    assert 0.005 < forced.market.forced_orders / len(forced.of("aggTrade")) < 0.02
    assert [row for row in forced.said if row.get("e") != "forceOrder"] == plain.said
    assert Told(SPOT, rate_per_s=1000, liquidation_share=1.0).play(5).market.forced_orders == 0


def test_the_same_scenario_says_the_same_however_time_goes() -> None:
    deeds = (
        (1, Surge(symbol="x", factor=5, seconds=2)),
        (0.5, Print(symbol="x")),
        (2, Liquidations(symbol="x", count=7, seconds=3)),
        (4, Sweep(symbol="x", side=-1)),
    )
    even = Told(PERP, 800).play(6, *deeds)
    assert even.said == Told(PERP, 800).play(6, *deeds, steps_ms=[7, 13, 1, 79, 500]).said
    assert even.exchange.acts_planned == 0


def test_a_frozen_market_waits_with_it() -> None:
    told = Told(SPOT)
    told.market.is_frozen = True
    told.play(0.1, (0, Print(symbol="x")))
    assert (told.said, told.exchange.acts_planned) == ([], 2)
    told.market.is_frozen = False
    told.exchange.advance(START_MS + 200)
    assert len(told.of("trade")) == 1


def settings_of(scenario: list[dict[str, Any]]) -> SimulatorSettings:
    """As a YAML file is read: every scalar is text."""
    texts = [{key: str(word) for key, word in row.items()} for row in scenario]
    return msgspec.convert(
        {"scenario": texts, "rate_per_s": "0", "start_time_ms": str(START_MS)},
        SimulatorSettings,
        strict=False,
    )


def test_a_setting_lets_it_happen_at_its_second() -> None:
    settings = settings_of(
        [{"at_s": 2, "do": "print", "symbol": "BTC_USDT", "notional": 500_000, "side": -1}]
    )
    feed = GeneratedFeed(settings, Catalog(INSTRUMENTS), 0, 0)
    for number in range(1, 31):
        feed.advance(number * 100_000_000)
    page = feed.truth_trades(SPOT, "trade", 0, 2**60, 10)
    assert page["next_id"] - page["first_id"] == 1
    assert feed.truth(PERP, 1)["trades"] == 0
    assert feed.exchange.markets[SPOT].trades.newest(1).__next__()[1][2] == START_MS + 2_000


def test_a_setting_must_name_one_instrument() -> None:
    settings = settings_of([{"do": "sweep", "symbol": "DOGE_USDT"}, {"do": "sweep", "symbol": "BTCUSDT"}])
    with pytest.raises(ConfigError) as caught:
        GeneratedFeed(settings, Catalog(INSTRUMENTS), 0, 0)
    assert "scenario[0]: DOGE_USDT is nothing here" in str(caught.value)
    assert "scenario[1]: BTCUSDT is spot:BTCUSDT, usdm:BTCUSDT here" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "print", "symbol": "BTC_USDT", "side": 2},
        {"do": "print", "symbol": "BTC_USDT", "levels": 3},
        {"do": "sweep", "symbol": "BTC_USDT", "levels": 0},
        {"do": "dance", "symbol": "BTC_USDT"},
        {"do": "print"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings_of([wrong])


def test_every_deed_has_its_name() -> None:
    assert [name_of(kind(symbol="x")) for kind in DEEDS.values()] == list(DEEDS)
    for name in DEEDS:
        (planned,) = settings_of([{"do": name, "symbol": "x"}]).scenario
        assert planned.deed() == DEEDS[name](symbol="x")


def test_a_mistake_in_the_setting_is_told_with_its_reason() -> None:
    data = {"scenario": [{"do": "print", "symbol": "x", "levels": "3"}, {"do": "swep", "symbol": "x"}]}
    told = [(fault.path[-2:], fault.text) for fault in faults(data, SimulatorSettings, ())]
    assert told[0] == (("scenario", 0), "print: Object contains unknown field `levels`")
    assert told[1][0] == (1, "do")
    assert "did you mean 'sweep'?" in told[1][1]


@pytest.mark.recording
def test_a_liquidation_has_the_recorded_shape(recording: Callable[[str], Path]) -> None:
    said = Told(PERP).play(2, (0, Liquidations(symbol="x"))).of("forceOrder")[0]
    checked = 0
    for line in recording("liquidations/frames_2026.jsonl").read_text().splitlines():
        row = json.loads(line)
        frame = json.loads(row["raw"])
        frame = frame.get("data", frame)
        if row["venue"] != "binance_usdm" or not isinstance(frame, dict) or "st" not in frame["o"]:
            continue
        assert list(said) == list(frame)
        assert [(key, type(word)) for key, word in said["o"].items()] == [
            (key, type(word)) for key, word in frame["o"].items()
        ]
        checked += 1
    assert checked
