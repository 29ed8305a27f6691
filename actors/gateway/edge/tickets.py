"""Tickets for WebSockets: a browser cannot send a header with one, and a token has no place in a URL. Pure but for chance.

A ticket is good for one handshake within 30 seconds.
"""

from __future__ import annotations

import secrets
from typing import Final

from actors.gateway.edge.tokens import Caller

LIFE_S: Final = 30.0
MAX_TICKETS: Final = 10_000


class Tickets:
    """Those that were given out and not used."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, Caller]] = {}

    def issue(self, caller: Caller, mono_ns: int) -> str:
        """A new one for a caller."""
        while self._open and (len(self._open) >= MAX_TICKETS or self._oldest_end_ns() < mono_ns):
            del self._open[next(iter(self._open))]
        ticket = secrets.token_urlsafe(32)
        self._open[ticket] = (mono_ns + round(LIFE_S * 1e9), caller)
        return ticket

    def _oldest_end_ns(self) -> int:
        """When the one that was given out first ends: they all live equally long."""
        return next(iter(self._open.values()))[0]

    def redeem(self, ticket: str, mono_ns: int) -> Caller | None:
        """Whose it is, once; None: nobody's, used, or too old."""
        end_ns, caller = self._open.pop(ticket, (0, None))
        return caller if end_ns >= mono_ns else None
