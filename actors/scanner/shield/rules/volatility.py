"""A market that moves too little to pay, or too much to hold a stop. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import Finding, NotNegative, Rule, RuleSettings, against, settled
from actors.scanner.shield.spelling import Timeframe


class VolatilitySettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An indicator and the regime in which it must be."""

    timeframe: Timeframe = "5m"
    indicator: str = "atr_14"
    """Name of the value, as in `Feature`."""
    unit: Literal["bp", "value"] = "bp"
    """bp: over the entry price, basis points; value: as it is."""
    least: NotNegative | None = None
    """Below it the market is too quiet."""
    most: NotNegative | None = None
    """Above it the market is too wild."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        if "least" not in data and "most" not in data:
            yield "no limit: set least, most or both"
            return
        try:
            is_upside_down = float(data["least"]) > float(data["most"])
        except (KeyError, ValueError, TypeError):
            return  # told at its own place
        if is_upside_down:
            yield f"least {data['least']} is above most {data['most']}: nothing is between them"


class Volatility(Rule):
    """Reads one indicator value."""

    name = "volatility"
    Settings = VolatilitySettings

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:  # noqa: ARG002
        """At most one."""
        settings: VolatilitySettings = self.settings
        name, unit = f"{settings.indicator} of {settings.timeframe}", ""
        value = candidate.features.get(settings.timeframe, {}).get(settings.indicator, math.nan)
        if settings.unit == "bp":
            value, unit = value / candidate.entry * 1e4 if candidate.entry > 0 else math.nan, "bp"
        if not math.isfinite(value):
            yield Finding(f"{name} is not there", is_unknown=True)
            return
        value = settled(value)
        if settings.least is not None and value < settings.least:
            yield Finding(f"{name} {against(value, 'below', settings.least, unit)}")
        elif settings.most is not None and value > settings.most:
            yield Finding(f"{name} {against(value, 'above', settings.most, unit)}")
