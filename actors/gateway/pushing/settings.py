"""What terminals and scripts may push. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]


class PushingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of each source; what is read how stands with the collector that takes it."""

    timeout_s: Positive = 2.0
    """Patience with the receiver, seconds; past it the answer is 504, and the same may be sent again."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1_900_000)] = 1_048_576
    """Longest body of one push, bytes; a smaller `edge.max_body_bytes` comes first."""
    requests_per_s: Positive = 200.0
    """Requests a second of one source."""
    request_burst: Annotated[int, msgspec.Meta(ge=1)] = 400
    """Requests of a source that may come at once before that limit begins to count."""
    items_per_s: Positive = 20_000.0
    """Ticks and bars a second of one source."""
    item_burst: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """Ticks and bars that may come at once before that limit begins to count."""
