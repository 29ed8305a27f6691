"""Coinbase's times: ISO-8601 UTC texts with up to nine digits after the point, exactly as ns. Pure.

Seen in the recordings: `2021-04-17T16:43:37.067586Z`, `2026-08-09T21:05:48.38504Z`, `2026-08-09T21:05:48.228568804Z`,
and `0001-01-01T00:00:00Z` for "no time". No float is used on the way, so the last digit is the venue's.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from typing import Final

MAX_NS: Final = 4 * 10**18
"""In the year 2096; the messages carry 63 bits."""
_SECONDS: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCALES: Final = tuple(10 ** (9 - digits) for digits in range(10))


def iso_ns(text: str) -> int:
    """Time in ns since 1970 UTC; negative before.

    Raises:
        ValueError: not `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, no such day or second, or after `MAX_NS`.
    """
    ns = _second(text[:19]) * 1_000_000_000
    rest = text[19:]
    if rest != "Z":
        digits = rest[1:-1]
        is_fraction = rest[0:1] == "." and rest[-1:] == "Z" and digits.isascii() and digits.isdigit()
        if not is_fraction or len(digits) >= len(_SCALES):
            raise ValueError(f"no UTC time: {text[:40]!r}")
        ns += int(digits) * _SCALES[len(digits)]
    if ns > MAX_NS:
        raise ValueError(f"too far in the future: {text[:40]!r}")
    return ns


def event_ns(text: str, otherwise_ns: int) -> int:
    """Time of an event in ns, or another one where the venue says a time before 1970, which means that it has none.

    Raises:
        ValueError: as `iso_ns`.
    """
    ns = iso_ns(text)
    return ns if ns > 0 else otherwise_ns


def iso(second: int) -> str:
    """Second since 1970 UTC as the venue writes it."""
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.lru_cache(maxsize=256)
def _second(text: str) -> int:
    """`YYYY-MM-DDTHH:MM:SS` in seconds since 1970; events come many to a second, so most are found in the cache."""
    if _SECONDS.fullmatch(text) is None:
        raise ValueError(f"no UTC time: {text!r}")
    return (datetime.fromisoformat(f"{text}+00:00") - _EPOCH) // timedelta(seconds=1)
