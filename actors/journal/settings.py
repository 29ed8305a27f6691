"""Settings of the journal server. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Bytes = Annotated[int, msgspec.Meta(ge=0)]


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long journals are kept, and in how much room."""

    consumers: list[str] = []
    """Durable consumers that must have stored a record before it may go, from the start on; any other one counts
    from its first acknowledgement."""
    min_age_s: Seconds = 86_400.0
    """A segment that all durable consumers have stored is deleted at this age, seconds."""
    max_age_s: Seconds = 604_800.0
    """A segment is deleted at this age where no durable consumer is known, seconds."""
    low_min_age_s: Seconds = 3_600.0
    """As `min_age_s`, while the disk is fuller than `disk_low`, seconds."""
    max_bytes_per_publisher: Bytes = 0
    """A longer journal loses its oldest segments, stored by others or not, with an alarm; 0 is no limit, bytes."""
    disk_warn: Share = 0.70
    """Used share of the disk at which a warning is published."""
    disk_low: Share = 0.85
    """Used share of the disk from which on stored segments go at `low_min_age_s`."""
    disk_critical: Share = 0.95
    """Used share of the disk from which on stored segments go at any age, with an alarm."""
    seal: bool = True
    """Compress segments that get no more frames."""
    seal_after_s: Seconds = 60.0
    """Age at which a segment that gets no more frames is compressed, seconds."""
    zstd_level: Annotated[int, msgspec.Meta(ge=1, le=19)] = 3
    """How hard to compress."""
    quarantine_bytes: Bytes = 67_108_864
    """Damaged tails kept per publisher for people to look at; the oldest go first, bytes."""
    clocks_s: Seconds = 2.0
    """Seconds between two questions for the clock of each other host."""
    clock_limit_s: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    """Clocks of two hosts that are further apart are warned of, seconds: ages and lags are wrong by so much."""
    housekeeping_s: Seconds = 10.0
    """Seconds between two rounds of compressing and deleting."""
