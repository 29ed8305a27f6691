"""What a heartbeat holds, taken with caution: a peer may send anything. Pure."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator
from typing import Any, Final

MAX_ENTRIES: Final = 1000
"""Entries looked at of one map of a heartbeat."""
MAX_LABEL: Final = 80
_ODD: Final = re.compile(r"[^A-Za-z0-9_.:/{}()+-]+")


def number(value: object) -> float | None:
    """A finite number, or None: text, NaN, infinity and the rest are no values."""
    if not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


@functools.lru_cache(maxsize=8192)
def _clean(value: str) -> str:
    return _ODD.sub("_", value[:MAX_LABEL]) or "none"


def label(value: object) -> str:
    """A label value: what is no text is written as one, and whatever is odd in it becomes `_`."""
    return _clean(value if type(value) is str else str(value)[: 2 * MAX_LABEL])


def mapping(value: object) -> dict[Any, Any]:
    """The map, or an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> Iterator[tuple[Any, Any]]:
    """Entries of what should be a map, the first ones of a huge one."""
    return itertools.islice(mapping(value).items(), MAX_ENTRIES)


def rows(value: object) -> list[Any]:
    """Entries of what should be a list, the first ones of a huge one."""
    return value[:MAX_ENTRIES] if isinstance(value, list) else []
