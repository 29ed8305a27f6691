"""The scanner that a backtest asks: that of the configuration, with one strategy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from actors.aggregator.rules import Rules
from actors.aggregator.rules import rules_of as candle_rules
from actors.aggregator.settings import AggregatorSettings
from actors.orderflow.rules import Rules as FlowRules
from actors.orderflow.rules import rules_of as flow_rules
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.settings import Loaded
from actors.scanner.fold import Fold
from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.rules import fold_of
from actors.scanner.settings import ScannerSettings, StrategySettings
from actors.scanner.shield import Shield, parse_shield
from actors.scanner.shield_file import shield_file_of
from protocol.instruments import Catalog
from protocol.strategy import Strategy
from tapehub.folds import section_of

MINUTES_TTL_S: Final = 0.5
"""Of minutes only the open of one that begins is a price to enter at; the last of one that is over is older."""


class UnknownStrategy(Exception):
    """There is no such strategy; says which there are."""


class Asked(NamedTuple):
    """Strategies, and what is in front of and behind them."""

    scanner: ScannerSettings
    strategies: Mapping[str, Strategy]
    shield: Shield
    candles: Rules
    flows: FlowRules

    def fold(self, catalog: Catalog, *, is_of_minutes: bool) -> Fold:
        """A scanner that has heard nothing yet.

        Args:
            catalog: Instruments.
            is_of_minutes: It hears candles of one minute and no quotes: a candle is complete at its end, and nothing
                but the open of the next one is a price of now.
        """
        settings = self.scanner
        if is_of_minutes:
            settings = replace(settings, candle_wait_s=0.0, quote_ttl_s=MINUTES_TTL_S)
        return fold_of(settings, catalog, self.strategies, self.shield, Counter())


def asked_of(
    loaded: Loaded | None, name: str, params: Mapping[str, Any], *, has_shield: bool = True
) -> Asked:
    """One strategy with the settings of the configuration's first scanner, default values without one.

    Args:
        loaded: The configuration.
        name: Of a strategy of its, else of a plugin, which has default values then.
        params: Parameters instead of the configured ones.
        has_shield: Whether its rules score and veto.

    Raises:
        UnknownStrategy: there is none.
        ConfigError: settings, parameters, plugins or rules are wrong; names every mistake.
    """
    settings = section_of(loaded, "scanner", ScannerSettings)
    folder = loaded.folder if loaded else Path()
    plugins = plugins_of(folder / settings.strategies_folder)
    configured = settings.wanted.get(name)
    if configured is None and name not in plugins:
        known = ", ".join(sorted({*settings.wanted, *plugins}))
        raise UnknownStrategy(f"no strategy {name!r}; there is {known}")
    wanted = configured or StrategySettings()
    wanted = replace(wanted, params={**wanted.params, **params})
    settings = replace(settings, strategies={name: wanted})
    strategies = strategies_of(settings.wanted, plugins)
    shield = Shield(parse_shield("", "no rules"))
    if has_shield:
        file = shield_file_of(settings, folder)
        file.load()
        shield = file.shield
    return Asked(
        settings,
        strategies,
        shield,
        candle_rules(section_of(loaded, "aggregator", AggregatorSettings)),
        flow_rules(section_of(loaded, "orderflow", OrderFlowSettings)),
    )


def param_of(text: str) -> tuple[str, Any]:
    """`fast=10` as name and value; a value that is no JSON is text.

    Raises:
        ValueError: there is no name or no value.
    """
    name, separator, value = text.partition("=")
    if not separator or not name.strip() or not value:
        raise ValueError(f"{text!r} is not NAME=VALUE")
    try:
        return name.strip(), msgspec.json.decode(value.encode())
    except msgspec.DecodeError:
        return name.strip(), value
