"""Thresholds of every rule for every symbol, as `detectors.yaml` says: defaults < rules < symbols. Pure.

stable_coins: [USDT, USDC]
rules:
  big_trade: {least_notional_usd: 500000}      for all symbols
symbols:
  "BTC_*":                                     a pattern; of several that fit the later ones win, key by key
    big_trade: {least_notional_usd: 2000000}
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from actors.detector.catalogue import all_rules
from actors.detector.rule import Rule, Thresholds
from actors.detector.usd import STABLE_COINS


class ThresholdBook:
    """What is in force.

    Args:
        rules: The rules there are; by default those in `rules/`.
        data: A file's contents that fits `file_type`; without it the defaults of the rules.
    """

    def __init__(
        self, data: Mapping[str, Any] | None = None, rules: Sequence[type[Rule]] | None = None
    ) -> None:
        self.rules = tuple(all_rules() if rules is None else rules)
        data = data or {}
        self.stable_coins: tuple[str, ...] = tuple(data.get("stable_coins", STABLE_COINS))
        self._for_all: Mapping[str, Any] = data.get("rules", {})
        self._for_some: Mapping[str, Any] = data.get("symbols", {})
        self._types = {rule.name: rule.Thresholds for rule in self.rules}
        self._known: dict[tuple[str, str], Thresholds] = {}

    def of(self, rule: str, symbol: str) -> Thresholds:
        """Thresholds of a rule for a symbol."""
        known = self._known.get((rule, symbol))
        if known is None:
            merged = dict(self._for_all.get(rule, {}))
            for pattern, rows in self._for_some.items():
                if fnmatchcase(symbol, pattern):
                    merged.update(rows.get(rule, {}))
            known = self._known[rule, symbol] = msgspec.convert(merged, self._types[rule], strict=False)
        return known


def file_type(rules: Iterable[type[Rule]]) -> type[msgspec.Struct]:
    """Type of the file's contents."""
    return _file_type(tuple((rule.name, rule.Thresholds) for rule in rules))


@functools.cache
def _file_type(kinds: tuple[tuple[str, type[Thresholds]], ...]) -> type[msgspec.Struct]:
    strict: dict[str, Any] = {"frozen": True, "kw_only": True, "forbid_unknown_fields": True}
    fields = [(name, kind, msgspec.field(default_factory=kind)) for name, kind in kinds]
    of_rules: Any = msgspec.defstruct("Rules", fields, **strict)
    return msgspec.defstruct(
        "Detectors",
        [
            ("stable_coins", list[str], msgspec.field(default_factory=lambda: list(STABLE_COINS))),
            ("rules", of_rules, msgspec.field(default_factory=of_rules)),
            ("symbols", dict[str, of_rules], msgspec.field(default_factory=dict)),
        ],
        **strict,
    )
