"""Requests that the venue turns away on purpose: handshakes or REST, with a status, so many times. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

MOST_S: Final = 366 * 86_400.0
"""Longest time that anything can be asked to last, seconds: also what keeps it within 64 bits of nanoseconds."""


class Refusal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which requests are turned away, and how."""

    n: Annotated[int, msgspec.Meta(ge=0)] = 1
    """How many requests are still to be refused."""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=MOST_S)] = 0.0
    """Refuse for so long instead of counting; 0 counts."""
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    """HTTP status, for example 429, 418, 403, 451, 503."""
    retry_after_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    """`Retry-After` header; 0 sends none."""
    what: Literal["ws", "rest", "tcp"] = "ws"
    """Handshakes, REST requests, or connections before they have said anything (no status then)."""
    path: str = ""
    """Only paths that start so, for example `/usdm/market`."""


class Refusals:
    """The refusals that wait for their requests.

    Args:
        mono_ns: The clock that seconds are counted by.
    """

    def __init__(self, mono_ns: Callable[[], int] = lambda: 0) -> None:
        self.count = 0
        """Requests turned away so far."""
        self._mono_ns = mono_ns
        self._waiting: list[tuple[Refusal, int]] = []
        """With the monotonic time of its end, 0 if requests are counted."""

    @property
    def waiting(self) -> list[Refusal]:
        """Those that will hit a request."""
        now_ns = self._mono_ns()
        self._waiting = [
            (one, until_ns) for one, until_ns in self._waiting if not until_ns or now_ns < until_ns
        ]
        return [one for one, _ in self._waiting]

    def add(self, refusal: Refusal) -> None:
        """Turn away the next requests that match; 0 times takes all earlier ones of the same kind back."""
        if refusal.n:
            until_ns = self._mono_ns() + round(refusal.seconds * 1e9) if refusal.seconds else 0
            self._waiting.append((refusal, until_ns))
        else:
            self._waiting = [one for one in self._waiting if one[0].what != refusal.what]

    def clear(self) -> None:
        """Take all of them back."""
        self._waiting.clear()

    def take(self, what: str, path: str) -> Refusal | None:
        """The refusal that hits a request, if one does."""
        for position, refusal in enumerate(self.waiting):
            if refusal.what == what and path.startswith(refusal.path):
                self.count += 1
                if not refusal.seconds:
                    refusal.n -= 1
                    if not refusal.n:
                        del self._waiting[position]
                return refusal
        return None
