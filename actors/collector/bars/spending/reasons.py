"""Refusals and moments in a few words for people. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Final

from actors.collector.bars.providers.provider import Refusal

_MAX_REASON: Final = 120
_DAY_NS: Final = 86_400_000_000_000
_ABOUT_NS: Final = 30_000_000_000


def reason_of(refusal: Refusal) -> str:
    """A refusal in a few words: `429 Too Many Requests`."""
    text = refusal.text[:_MAX_REASON] or refusal.kind
    status = str(refusal.status)
    return text if refusal.status in (0, 200) or text.startswith(status) else f"{status} {text}"


def moment(until_ns: int) -> str:
    """When, for people: it is within a day."""
    if (until_ns + _ABOUT_NS) % _DAY_NS < 2 * _ABOUT_NS:
        return "next day"
    return f"{dt.datetime.fromtimestamp(until_ns / 1e9, dt.UTC):%H:%M:%S} UTC"
