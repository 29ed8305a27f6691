"""What every message is: an array on the wire, plus what it can say of itself. Pure."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Final

import msgspec

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that databases, arrays and other languages hold too: msgpack itself has larger ones."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
"""How many: small enough that the sum of millions of them stays within 64 bits."""
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**30)]
"""How often something was said anew: candles keep it in 32 bits, and one may be added to it."""
TimeNs = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
"""Nanoseconds since 1970 UTC, up to the year 2116: adding an interval never leaves 64 bits."""

BUY: Final = 1
SELL: Final = -1
UNKNOWN_SIDE: Final = 0
SIDE_NAMES: Final = {BUY: "buy", SELL: "sell", UNKNOWN_SIDE: "unknown"}


class Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Base of all messages: an array on the wire, plus what every one of them can do."""

    KIND: ClassVar[str] = ""
    """Topic prefix, for example `trade`."""
    SCHEMA: ClassVar[int] = 0
    """Type number times 256 plus version; travels in the record header."""

    def to_dict(self) -> dict[str, Any]:
        """Return field names and plain values; `side` becomes a word."""
        row: dict[str, Any] = msgspec.to_builtins(
            {name: getattr(self, name) for name in self.__struct_fields__}
        )
        if "side" in row:
            row["side"] = SIDE_NAMES.get(row["side"], "unknown")
        return row

    def validate(self) -> list[str]:
        """Return what is wrong with the values, empty if nothing is."""
        return []


def price_faults(**prices: float) -> list[str]:
    """What is wrong with prices that must be positive and finite."""
    wrong = {name: value for name, value in prices.items() if not (math.isfinite(value) and value > 0)}
    return [f"{name} {value!r} is not a positive finite number" for name, value in wrong.items()]


def share_faults(**shares: float) -> list[str]:
    """What is wrong with shares that must lie within 0 and 1."""
    wrong = {name: value for name, value in shares.items() if not 0 <= value <= 1}
    return [f"{name} {value!r} is not within 0 and 1" for name, value in wrong.items()]


def value_faults(values: dict[str, float]) -> list[str]:
    """What is wrong with named values that must be finite: what does not exist is left out."""
    wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
    return [f"values[{name!r}] {value!r} is not a finite number" for name, value in wrong.items()]


def size_faults(**sizes: float) -> list[str]:
    """What is wrong with sizes that must be finite and not negative."""
    wrong = {name: value for name, value in sizes.items() if not (math.isfinite(value) and value >= 0)}
    return [f"{name} {value!r} is not a finite number >= 0" for name, value in wrong.items()]
