"""How much one key may have. Pure."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one key may do at one actor, whatever its roles."""

    requests_per_s: float = 20_000.0
    """Requests a second of one key, beyond its burst; 0: no limit. Looked at before anything is decoded."""
    request_burst: float = 20_000.0
    """Requests at once."""
    subscriptions: int = 10_000
    """Topics and prefixes that one key hears at one publisher."""
