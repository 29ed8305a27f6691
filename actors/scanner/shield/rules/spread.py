"""A spread that is too wide to be paid. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import Finding, Positive, Rule, RuleSettings, against, settled

_LIMITS = ("max_pips", "max_bp", "max_share_of_stop")


class SpreadLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other limits of some symbols; what is not named stays as it is for all."""

    max_pips: Positive | None = None
    max_bp: Positive | None = None
    max_share_of_stop: Positive | None = None


class SpreadSettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits; one that is not named is not looked at."""

    max_pips: Positive | None = None
    """Widest spread, pips, of instruments that have a pip size."""
    max_bp: Positive | None = None
    """Widest spread, basis points of the entry, of those that have none."""
    max_share_of_stop: Positive | None = None
    """Widest spread as a share of the distance from entry to stop."""
    symbols: dict[str, SpreadLimits] = msgspec.field(default_factory=dict)
    """Pattern to other limits; of several that fit the later ones win, key by key."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        if not any(key in data for key in (*_LIMITS, "symbols")):
            yield f"no limit: set one of {', '.join(_LIMITS)}"


class Spread(Rule):
    """In pips or basis points, and against the distance of the stop."""

    name = "spread"
    Settings = SpreadSettings

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:  # noqa: ARG002
        """At most one of the price, one of the stop."""
        spread, limit = candidate.spread, self._limit
        if not math.isfinite(spread) or spread < 0:
            yield Finding(f"a spread of {spread:g} tells nothing", is_unknown=True)
            return
        if candidate.pip_size > 0:
            most = limit(candidate.symbol, "max_pips")
            if most is not None and (pips := settled(spread / candidate.pip_size)) > most:
                yield Finding(against(pips, "above", most, "pips"))
        elif (most := limit(candidate.symbol, "max_bp")) is not None:
            if not candidate.entry > 0:
                yield Finding(f"no basis points of a price of {candidate.entry:g}", is_unknown=True)
            elif (bp := settled(spread / candidate.entry * 1e4)) > most:
                yield Finding(against(bp, "above", most, "bp"))
        most = limit(candidate.symbol, "max_share_of_stop")
        if most is not None:
            yield from self._of_stop(candidate, most)

    def _of_stop(self, candidate: Candidate, most: float) -> Iterator[Finding]:
        distance = abs(candidate.entry - candidate.stop)
        if not 0 < distance < math.inf:
            yield Finding("the stop is not away from the entry", is_unknown=True)
        elif (share := settled(candidate.spread / distance)) > most:
            yield Finding(against(share, "above", most, "of the stop's distance"))

    def _limit(self, symbol: str, name: str) -> float | None:
        found: float | None = getattr(self.settings, name)
        for pattern, limits in self.settings.symbols.items():
            own: float | None = getattr(limits, name)
            if own is not None and fnmatchcase(symbol, pattern):
                found = own
        return found
