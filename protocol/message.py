"""What every message is: an array on the wire, plus what it can say of itself. Pure."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

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
