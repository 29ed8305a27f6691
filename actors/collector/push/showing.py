"""What a stranger wrote, short enough to be told again in a refusal. Pure."""

from __future__ import annotations

from typing import Any, Final

_LONGEST: Final = 40
_MOST_BITS: Final = 128


def shown(value: Any) -> str:
    """A value as a refusal tells it, at most 42 letters, at a cost that does not grow with the value.

    A text is cut; of what holds other values only the type is told: nobody knows how deep it goes.
    """
    if isinstance(value, str):
        return repr(value[:_LONGEST])[: _LONGEST + 2]
    if type(value) is int and value.bit_length() > _MOST_BITS:
        return "a number of too many digits"
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    return f"of type {type(value).__name__}"
