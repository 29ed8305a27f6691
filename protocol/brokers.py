"""How brokers write the names of instruments: affixes around the usual name, and names of their own. Pure.

EURUSD.m XAUUSD. EURUSDm      a suffix for the kind of account
#US100                        a prefix for the kind of instrument
GOLD US100Cash                a name that only a table can tell
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

ANY: Final = "any"
"""The broker whose entry holds for all of them."""


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `brokers:` in symbols.yaml. Capitals count: `m` is not `M`."""

    prefixes: list[str] = []
    """What it puts before a name, for example `#`."""
    suffixes: list[str] = []
    """What it puts after a name, for example `.m`; the kinds of account differ in it."""
    names: dict[str, str] = {}
    """Names of its own to canonical symbols, for example `GOLD: XAU_USD`."""

    def stems(self, name: str) -> Iterator[str]:
        """What is left of a name without one prefix, one suffix, or one of each; never the whole, never nothing."""
        for prefix in ("", *self.prefixes):
            for suffix in ("", *self.suffixes):
                fits = len(name) > len(prefix) + len(suffix) > 0
                if fits and name.startswith(prefix) and name.endswith(suffix):
                    yield name[len(prefix) : len(name) - len(suffix)]

    def spelled(self, symbol: str, plain: str) -> list[str]:
        """Its names of an instrument: those of the table, else the usual one with each of its affixes.

        Args:
            symbol: Canonical.
            plain: The usual name of it, `EURUSD`.
        """
        own = [name for name, canonical in self.names.items() if canonical == symbol]
        affixed = [plain + suffix for suffix in self.suffixes] + [prefix + plain for prefix in self.prefixes]
        return own or affixed or [plain]
