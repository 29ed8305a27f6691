"""Conditions on rows, as typed after `--filter`: `price>100`, `side=buy`, `symbol~BTC`, `values.rsi>=70`. Pure.

A row passes if every condition holds. A row without the field does not pass, `!=` and `!~` included: one
asks about rows that have it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Row = Mapping[str, Any]

_SHAPE: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(>=|<=|!=|==|!~|=|>|<|~)\s*(.*?)\s*\Z", re.DOTALL)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_WORDS: Final = {"true": True, "yes": True, "false": False, "no": False}


class Condition:
    """One comparison of a field with a value.

    Raises:
        ValueError: not `field operator value`, a pattern that is no regular expression, or an order
            (`>`) asked of something that is not a number.
    """

    def __init__(self, text: str) -> None:
        shape = _SHAPE.match(text)
        if shape is None or not shape[3]:
            raise ValueError(
                f"filter {text!r} is not FIELD OPERATOR VALUE, for example price>100 or side=buy"
            )
        self.field, self._operator, self._text = shape[1], shape[2], shape[3].strip("'\"")
        self._path = self.field.split(".")
        self._number = _number(self._text)
        self._regex: re.Pattern[str] | None = None
        if self._operator in ("~", "!~"):
            try:
                self._regex = re.compile(self._text)
            except re.error as fault:
                raise ValueError(
                    f"filter {text!r}: {self._text!r} is not a regular expression ({fault})"
                ) from None
        elif self._operator in (">", ">=", "<", "<=") and self._number is None:
            raise ValueError(f"filter {text!r}: {self._text!r} is not a number, {self._operator} needs one")

    def holds(self, row: Row) -> bool:
        """Whether the row has the field and it compares as asked."""
        value = self._value(row)
        if value is None:
            return False
        if self._regex is not None:
            return (self._regex.search(str(value)) is not None) == (self._operator == "~")
        compare = _COMPARE[self._operator]
        if isinstance(value, bool):
            return compare(value, _WORDS.get(self._text.lower(), self._text))
        if isinstance(value, int | float):
            return self._number is not None and compare(value, self._number)
        if self._operator in ("=", "==", "!="):
            return compare(str(value), self._text)
        number = _number(str(value))
        return number is not None and compare(number, self._number)

    def _value(self, row: Row) -> Any:
        value: Any = row
        for name in self._path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value


class Filter:
    """All conditions together; without one everything passes."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._conditions = [Condition(text) for text in texts]

    def __bool__(self) -> bool:
        return bool(self._conditions)

    def passes(self, row: Row) -> bool:
        """Whether every condition holds."""
        return all(condition.holds(row) for condition in self._conditions)


def _number(text: str) -> float | int | None:
    """Exact for integers: a trade id of 19 digits is not a float."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
