"""Too many open signals that would win and lose together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import Finding, Limit, Rule, RuleSettings
from actors.scanner.shield.spelling import Currency

_LIMITS = ("max_open", "max_per_currency", "currencies", "groups")


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Symbols that move together."""

    symbols: tuple[str, ...]
    """Patterns; with a `-` in front: they move the other way. The first that fits counts."""
    max_open: Limit
    """Most open signals of one direction."""

    def sign(self, symbol: str) -> int:
        """1 with the group, -1 against it, 0 not in it."""
        for member in self.symbols:
            if fnmatchcase(symbol, member.removeprefix("-")):
                return -1 if member.startswith("-") else 1
        return 0


class ExposureSettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Most open signals before one more is too many; what is not named is not counted."""

    max_open: Limit | None = None
    """In all."""
    max_per_currency: Limit | None = None
    """Of one currency and direction: EUR_USD bought is long EUR and short USD."""
    currencies: dict[Currency, Limit] = msgspec.field(default_factory=dict)
    """Currency to its own limit."""
    groups: dict[str, Group] = msgspec.field(default_factory=dict)
    """Name to symbols that move together, whatever their currencies."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        if not any(key in data for key in _LIMITS):
            yield f"no limit: set one of {', '.join(_LIMITS)}"


class Exposure(Rule):
    """Counts all open signals of all venues and strategies; `only` says which new ones are judged."""

    name = "exposure"
    Settings = ExposureSettings

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        """At most one for all, one for each of the two currencies, one for each group."""
        settings: ExposureSettings = self.settings
        n = len(surroundings.open_signals)
        if settings.max_open is not None and n >= settings.max_open:
            yield _too_many(n, "open", settings.max_open)
        if settings.max_per_currency is not None or settings.currencies:
            yield from self._by_currency(candidate, surroundings)
        for name, group in sorted(settings.groups.items()):
            way = candidate.side * group.sign(candidate.symbol)
            n = sum(way == other.side * group.sign(other.symbol) for other in surroundings.open_signals)
            if way and n >= group.max_open:
                yield _too_many(n, f"open with it in group {name}", group.max_open)

    def _by_currency(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:
        settings: ExposureSettings = self.settings
        if not surroundings.base or not surroundings.quote:
            yield Finding(f"the currencies of {candidate.symbol} are not known", is_unknown=True)
        for currency, way in ((surroundings.base, candidate.side), (surroundings.quote, -candidate.side)):
            most = settings.currencies.get(currency, settings.max_per_currency) if currency else None
            if most is None:
                continue
            n = sum(
                (other.base == currency and other.side == way)
                or (other.quote == currency and other.side == -way)
                for other in surroundings.open_signals
            )
            if n >= most:
                yield _too_many(n, f"{'long' if way > 0 else 'short'} {currency}", most)


def _too_many(n: int, words: str, most: int) -> Finding:
    return Finding(
        f"{n} signal{'s' if n != 1 else ''} {'are' if n != 1 else 'is'} {words}, the most is {most}"
    )
