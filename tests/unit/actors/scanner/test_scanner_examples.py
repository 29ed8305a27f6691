"""The three examples at their conditions, both sides."""

from __future__ import annotations

from typing import Any

import pytest

from actors.scanner.ideas import checked
from actors.scanner.strategies import STRATEGIES, FlowConfirmation, MeanReversion, TrendPullback
from protocol.messages import BUY, SELL, Bar
from protocol.strategy import Idea, Snapshot


def bar(
    close: float = 100.0, *, low: float | None = None, high: float | None = None, opened: float | None = None
) -> Bar:
    opened = close if opened is None else opened
    low = min(opened, close) if low is None else low
    high = max(opened, close) if high is None else high
    return Bar(
        "X", "v", "5m", 0, 0, opened, high, low, close, 1.0, 1.0, 0.0, close, 1, "closed", 1.0, 1, "trade"
    )


def snapshot(
    bars: list[Bar], values: dict[str, float], flow: dict[str, float] | None = None, price: float = 100.0
) -> Snapshot:
    return Snapshot(
        "X", "v", 0, price - 0.01, price + 0.01, 0, {"5m": bars, "1m": bars}, {"5m": values, "1m": values},
        {60.0: flow or {}}, 0.01, 0.0,
    )  # fmt: skip


def mirrored(given: Snapshot) -> Snapshot:
    """The same market upside down, about 100."""

    def turned(one: Bar) -> Bar:
        return bar(200 - one.close, low=200 - one.high, high=200 - one.low, opened=200 - one.open)

    def value(name: str, number: float) -> float:
        return 100 - number if name.startswith("rsi") else number if name.startswith("atr") else 200 - number

    bars = {timeframe: [turned(one) for one in found] for timeframe, found in given.bars.items()}
    values = {}
    for timeframe, found in given.features.items():
        there = {name: value(name, number) for name, number in found.items()}
        if "bb_upper_20_2" in there:
            there["bb_upper_20_2"], there["bb_lower_20_2"] = there["bb_lower_20_2"], there["bb_upper_20_2"]
        values[timeframe] = there
    flow = dict(given.flows[60.0])
    if flow:
        flow["delta"], flow["ofi"] = -flow["delta"], -flow["ofi"]
    return given._replace(
        bid=200 - given.ask, ask=200 - given.bid, bars=bars, features=values, flows={60.0: flow}
    )


def says(kind: Any, given: Snapshot, why: str) -> None:
    """It has an idea (`why` is empty) or says why not; and upside down the same of the other side."""
    strategy = kind(kind.Params())
    for side, market in ((BUY, given), (SELL, mirrored(given))):
        said = strategy.evaluate(market)
        if why:
            assert said == why
            continue
        assert isinstance(said, Idea), said
        assert said.side == side
        assert isinstance(checked(said, {BUY: market.ask, SELL: market.bid}), Idea)
        assert 0.0 < said.confidence <= 1.0
        assert said.inputs
        assert said.text


TREND = {"ema_20": 99.8, "ema_50": 99.0, "atr_14": 1.0, "rsi_14": 55.0}


@pytest.mark.parametrize(
    ("values", "before", "newest", "why"),
    [
        ({}, bar(99.9, low=99.7), bar(100.0, opened=99.9), ""),
        ({"atr_14": 0.0}, bar(99.9, low=99.7), bar(100.0, opened=99.9), "no movement"),
        ({"ema_50": 99.35}, bar(99.9, low=99.7), bar(100.0, opened=99.9), "no trend"),
        ({}, bar(99.9, low=99.85), bar(100.0, opened=99.9), "no pullback"),
        ({}, bar(99.9, low=99.7), bar(99.8, opened=99.7), "not turned yet"),
        ({}, bar(99.9, low=99.7), bar(99.9, opened=100.0), "not turned yet"),
        ({}, bar(102.0, low=99.7), bar(103.0, opened=102.0), ""),
    ],
)
def test_trend_pullback(values: dict[str, float], before: Bar, newest: Bar, why: str) -> None:
    says(TrendPullback, snapshot([bar(), before, newest], TREND | values), why)


def test_trend_pullback_where_the_price_is_through_the_stop() -> None:
    says(
        TrendPullback,
        snapshot([bar(), bar(99.9, low=99.7), bar(100.0, opened=99.9)], TREND, price=99.0),
        "price has gone through the stop",
    )


def test_trend_pullback_numbers() -> None:
    given = snapshot([bar(), bar(99.9, low=99.7), bar(100.0, opened=99.9)], TREND)
    idea = TrendPullback(TrendPullback.Params()).evaluate(given)
    assert isinstance(idea, Idea)
    assert idea.stop == pytest.approx(99.7 - 0.5)
    assert idea.target == pytest.approx(100.01 + 2.0 * (100.01 - 99.2))


BANDS = {
    "bb_upper_20_2": 104.0, "bb_middle_20_2": 102.0, "bb_lower_20_2": 100.1, "rsi_14": 30.0, "atr_14": 1.0, "ema_50": 102.5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, ""),
        ({"rsi_14": 30.1}, "within the bands"),
        ({"bb_lower_20_2": 100.0}, "within the bands"),
        ({"atr_14": 0.0}, "a trend"),
        ({"ema_50": 103.1}, "a trend"),
        ({"bb_middle_20_2": 101.2, "ema_50": 101.2}, "too little to win"),
        ({"bb_middle_20_2": 101.22, "ema_50": 101.2}, ""),
    ],
)
def test_mean_reversion(values: dict[str, float], why: str) -> None:
    says(MeanReversion, snapshot([bar(100.0)], BANDS | values), why)


FLOW = {"delta": 2.0, "buy_volume": 6.0, "sell_volume": 4.0, "ofi": 1.0}
RANGE = [bar(99.0, low=98.5, high=99.5)] * 20


@pytest.mark.parametrize(
    ("newest", "flow", "price", "why"),
    [
        (bar(100.0, low=99.0), {}, 100.0, ""),
        (bar(99.5, low=99.0), {}, 100.0, "within the range"),
        (bar(100.0, low=99.0), {"delta": 1.9}, 100.0, "aggressors do not confirm"),
        (
            bar(100.0, low=99.0),
            {"delta": 0.0, "buy_volume": 0.0, "sell_volume": 0.0},
            100.0,
            "aggressors do not confirm",
        ),
        (bar(100.0, low=99.0), {"ofi": 0.0}, 100.0, "the book does not confirm"),
        (bar(100.0, low=99.0), {"ofi": -1.0}, 100.0, "the book does not confirm"),
        (bar(100.0, low=99.0), {}, 98.0, "price has gone through the stop"),
    ],
)
def test_flow_confirmation(newest: Bar, flow: dict[str, float], price: float, why: str) -> None:
    says(FlowConfirmation, snapshot([*RANGE, newest], {"atr_14": 1.0}, FLOW | flow, price), why)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_parameters_are_taken(kind: Any) -> None:
    strategy = kind(kind.Params(timeframe="15m"))
    assert strategy.needs.timeframe == "15m"
    assert "15m" in strategy.needs.bars
