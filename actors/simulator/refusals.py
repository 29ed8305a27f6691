"""Requests that the venue turns away on purpose: handshakes or REST, with a status, so many times. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class Refusal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which requests are turned away, and how."""

    n: Annotated[int, msgspec.Meta(ge=0)] = 1
    """How many requests are still to be refused."""
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    """HTTP status, for example 429, 418, 403, 451, 503."""
    retry_after_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    """`Retry-After` header; 0 sends none."""
    what: Literal["ws", "rest"] = "ws"
    """Handshakes or REST requests."""
    path: str = ""
    """Only paths that start so, for example `/usdm/market`."""


class Refusals:
    """The refusals that wait for their requests."""

    def __init__(self) -> None:
        self.waiting: list[Refusal] = []
        self.count = 0
        """Requests turned away so far."""

    def add(self, refusal: Refusal) -> None:
        """Turn away the next requests that match; 0 times takes all earlier ones of the same kind back."""
        if refusal.n:
            self.waiting.append(refusal)
        else:
            self.waiting = [waiting for waiting in self.waiting if waiting.what != refusal.what]

    def take(self, what: str, path: str) -> Refusal | None:
        """The refusal that hits a request, if one does."""
        for refusal in self.waiting:
            if refusal.what == what and path.startswith(refusal.path):
                refusal.n -= 1
                self.count += 1
                if not refusal.n:
                    self.waiting.remove(refusal)
                return refusal
        return None
