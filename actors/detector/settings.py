"""Settings of the detector; thresholds are in a file of their own, see `thresholds`. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec


class DetectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where thresholds come from, and how often the detector remembers."""

    detectors_file: str = "detectors.yaml"
    """Thresholds, cool-downs and which rules are on, per symbol; a relative path counts from the configuration's
    folder. Without the file every rule has its own defaults. It is read again whenever it changes."""
    watch_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 2.0
    """Seconds between two looks whether the file has changed."""
    snap_interval_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 5.0
    """Seconds between two records of everything it remembers in its own journal, from which a restart goes on;
    less often where that takes long."""
