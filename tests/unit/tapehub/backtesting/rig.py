"""Strategies, markets and a backtest without files: what the tests of it share."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from actors.aggregator.rules import rules_of as candle_rules
from actors.aggregator.settings import AggregatorSettings
from actors.orderflow.rules import rules_of as flow_rules
from actors.orderflow.settings import OrderFlowSettings
from actors.scanner.settings import ScannerSettings, StrategySettings
from actors.scanner.shield import Shield, parse_shield
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Message, Quote
from protocol.strategy import Idea, Needs, Snapshot, Strategy
from tapehub.backtesting.runs import Backtest, Costs, Result
from tapehub.backtesting.sources import played
from tapehub.backtesting.strategies import Asked
from tapehub.stretches import ALWAYS

START_NS = 1_763_715_600_000_000_000
"""Friday 2025-11-21T09:00:00Z."""
MINUTE_NS = 60_000_000_000
FREE = Costs()
PIP = 0.0001
VENUE = "paper"


class CrossParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fast: int = 3
    slow: int = 8
    stop_pips: float = 6.0
    target_pips: float = 9.0
    pip: float = PIP


class Cross:
    """Two moving averages of closes cross: with the fast one, fixed stop and target."""

    name: ClassVar[str] = "cross"
    Params: ClassVar[type[CrossParams]] = CrossParams

    def __init__(self, params: CrossParams) -> None:
        self.params = params
        self.needs = Needs(timeframe="1m", bars={"1m": params.slow + 1})

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        params = self.params
        closes = [bar.close for bar in snapshot.bars["1m"]]
        before, now = self._distance(closes[:-1]), self._distance(closes)
        if before * now > 0 or now == 0:
            return "no cross"
        side = 1 if now > 0 else -1
        entry = snapshot.ask if side > 0 else snapshot.bid
        return Idea(
            side=side,
            stop=entry - side * params.stop_pips * params.pip,
            target=entry + side * params.target_pips * params.pip,
            confidence=0.5,
            inputs={"distance": now},
        )

    def _distance(self, closes: Sequence[float]) -> float:
        fast, slow = self.params.fast, self.params.slow
        return round(sum(closes[-fast:]) / fast - sum(closes[-slow:]) / slow, 10)


STRATEGIES = (Cross,)


def asked(strategy: Strategy, **settings: Any) -> Asked:
    """A strategy with settings such as `expires_s`, no shield, and default settings of everything else."""
    name = strategy.name
    return Asked(
        ScannerSettings(strategies={name: StrategySettings(**settings)}),
        {name: strategy},
        Shield(parse_shield("", "no rules")),
        candle_rules(AggregatorSettings()),
        flow_rules(OrderFlowSettings()),
    )


def catalog_of(*symbols: str, session: str = "crypto") -> Catalog:
    return Catalog(
        Instrument(symbol=symbol, session=session, pip_size=PIP, tick_size=PIP / 10, bars_from="quote")
        for symbol in symbols or ("EUR_USD", "GBP_USD")
    )


def run(
    strategy: Strategy,
    messages: Iterable[Message],
    costs: Costs = FREE,
    catalog: Catalog | None = None,
    **settings: Any,
) -> Result:
    """Play messages to their end."""
    found = played(messages, "auto", "")
    assert found is not None
    return Backtest(asked(strategy, **settings), catalog or catalog_of(), costs, ALWAYS).run(found)


def minute(
    number: int,
    prices: Sequence[float],
    symbol: str = "EUR_USD",
    source: str = "trade",
    status: str = "closed",
) -> Bar:
    """A closed candle with open, high, low, close; the number counts minutes from `START_NS`."""
    opens, high, low, close = prices
    open_ns = START_NS + number * MINUTE_NS
    return Bar(
        symbol, VENUE, "1m", open_ns, open_ns + MINUTE_NS, opens, high, low, close, 1.0, 0.0, 0.0, close, 1, status,
        1.0, 1, source,
    )  # fmt: skip


def walk(
    seed: int, count: int, symbol: str = "EUR_USD", source: str = "trade", hole_share: float = 0.0
) -> list[Bar]:
    """A random walk in tenths of a pip; with holes where that is asked for."""
    dice = random.Random(seed)
    price, bars = 11_000_0, []
    for number in range(count):
        opens = price + dice.randint(-3, 3)
        close = opens + dice.randint(-60, 60)
        high = max(opens, close) + dice.randint(0, 40)
        low = min(opens, close) - dice.randint(0, 40)
        price = close
        if dice.random() >= hole_share:
            rounded = [round(one * 1e-5, 5) for one in (opens, high, low, close)]
            bars.append(minute(number, rounded, symbol, source))
    return bars


def quotes(seed: int, count: int, step_s: float = 2.0, symbol: str = "EUR_USD") -> list[Quote]:
    """Quotes of a random walk, one each few seconds."""
    dice = random.Random(seed)
    price, at_ns, found = 11_000_0, START_NS, []
    for _ in range(count):
        at_ns += round(dice.uniform(0.1, 2 * step_s) * 1e9)
        price += dice.randint(-12, 12)
        bid = round(price * 1e-5, 5)
        ask = round((price + dice.randint(2, 8)) * 1e-5, 5)
        found.append(Quote(symbol, VENUE, at_ns, at_ns, bid, ask, 1.0, 1.0))
    return found
