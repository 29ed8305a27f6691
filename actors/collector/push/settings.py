"""Settings of a push receiver. Pure."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from protocol.pushing import is_source

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
LONGEST_OFFSET_S: Final = 50_400
"""14 hours: no clock of the world has more over UTC."""
Offset = Annotated[int, msgspec.Meta(ge=-LONGEST_OFFSET_S, le=LONGEST_OFFSET_S)]


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source; its name is in the venue `push.<source>`."""

    gmt_offset_s: Offset | None = None
    """What its clock has over UTC, seconds, whatever it says itself (broker server time: 7200 or 10800); nothing: what it
    says, else estimated."""
    broker: str = ""
    """Whose spelling of symbols it uses, of `brokers:` in symbols.yaml; empty: any."""
    symbols: dict[str, str] = {}
    """Its own names to canonical symbols, before everything else: `{GOLD-Z6: XAU_USD}`."""


class PushSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part `push` of the section of a `collector.push.N` actor."""

    sources: dict[str, SourceSettings] = {}
    """What is known of single sources; others may push too, unless `is_closed`."""
    is_closed: bool = False
    """Take nothing from sources that are not named in `sources`."""
    max_sources: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64
    """Sources at most; items of a further one are refused."""
    max_items: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10_000
    """Items of one request at most."""
    max_behind_s: Annotated[float, msgspec.Meta(gt=0, lt=1800)] = 900.0
    """A tick further behind our clock is refused, seconds; below 1800, since a clock's offset is estimated in half hours."""
    remembered: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 2000
    """Newest ticks of each symbol of a source that are known again when they are repeated; one older than these is
    refused, since nobody could tell whether it came before."""
    remembered_bars: Annotated[int, msgspec.Meta(ge=10, le=1_000_000)] = 2000
    """The same for bars of one timeframe."""
    hold_back_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 1.0
    """How far the watermark stays behind a source's time, seconds: batches come late by their length."""
    settle_s: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """So long a source's ticks must show another offset from UTC before it is believed, seconds; one that would put them
    into the future is doubted for three requests only."""
    max_told: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20
    """Items that are described in one answer, of those that were not accepted."""

    def __post_init__(self) -> None:
        """Refuse names that cannot be in a venue."""
        for name in self.sources:
            if not is_source(name):
                raise ValueError(f"source {name!r} is not a name like mt5: a-z, then a-z 0-9 _ -, at most 16")
