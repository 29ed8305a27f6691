"""Times as RFC 3339, numbers as exact decimal text: how rows are written for those who ask so. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SUFFIX: Final = "_ns"


class Dress(NamedTuple):
    """How values are written."""

    is_iso: bool = False
    """`ts_event_ns` becomes `ts_event`, RFC 3339 in UTC with nine digits; null where it is 0."""
    is_exact: bool = False
    """Numbers that are no counts become decimal text, without exponent; null where they are none."""

    def __bool__(self) -> bool:
        return self.is_iso or self.is_exact


PLAIN: Final = Dress()


def dressed(value: Any, dress: Dress) -> Any:
    """A value of rows, maps and lists, written so."""
    return _dressed(msgspec.to_builtins(value), dress) if dress else value


def name_of(field: str, dress: Dress) -> str:
    """What a field is called."""
    return field.removesuffix(_SUFFIX) if dress.is_iso else field


def _dressed(value: Any, dress: Dress) -> Any:
    if isinstance(value, dict):
        return dict(_entry(key, one, dress) for key, one in value.items())
    if isinstance(value, list | tuple):
        return [_dressed(one, dress) for one in value]
    if dress.is_exact and isinstance(value, float):
        return decimal_text(value)
    return value


def _entry(key: str, value: Any, dress: Dress) -> tuple[str, Any]:
    if dress.is_iso and key.endswith(_SUFFIX):
        if isinstance(value, list):
            return key.removesuffix(_SUFFIX), [rfc3339(one) for one in value]
        return key.removesuffix(_SUFFIX), rfc3339(value)
    return key, _dressed(value, dress)


def rfc3339(ts_ns: int | None) -> str | None:
    """`2026-11-21T12:00:00.000000001Z`; None for 0, which says that there is no time."""
    if not ts_ns:
        return None
    seconds, nanoseconds = divmod(ts_ns, 1_000_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def decimal_text(value: float) -> str | None:
    """The shortest decimal that is this number, without exponent."""
    if not math.isfinite(value):
        return None
    text = repr(value)
    return f"{Decimal(text):f}" if "e" in text else text
