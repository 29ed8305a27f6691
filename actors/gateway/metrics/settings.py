"""Settings of metrics and health. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `/metrics` has, and when `/health` says that something is wrong."""

    per_symbol: list[str] = []
    """Symbols of which the age of the quote is told, one series each; no other metric has a symbol as label."""
    max_label_values: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Values of one label of one metric (of one actor, where there is one); further ones are summed as `other`."""
    health_timeout_s: Seconds = 0.5
    """Patience with the hub when `/health` or `/metrics` ask it, seconds."""
    unflushed_s: Seconds = 30.0
    """Persistence is behind when a row has waited longer than this to be stored, seconds."""
