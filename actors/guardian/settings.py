"""Settings of the guardian. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
SilentS = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Bytes = Annotated[int, msgspec.Meta(ge=0)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs for one actor or one kind."""

    silent_s: SilentS | None = None
    """In place of the general `silent_s`, seconds."""
    memory_max_bytes: Bytes | None = None
    """In place of the general `memory_max_bytes`."""


class GuardianSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section of a `guardian.N` actor."""

    silent_s: SilentS = 5.0
    """An actor whose loop does not turn for so long, though the machine let it, is ended and comes back; 0: never,
    seconds. Time in which it waited for a processor or for a disk does not count."""
    start_grace_s: Seconds = 60.0
    """The same for one that has not said anything yet, seconds."""
    abort_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 1.0
    """From SIGABRT, which writes the stacks to the actor's log, to SIGKILL, seconds."""
    look_s: Annotated[float, msgspec.Meta(ge=0.05, le=5)] = 0.5
    """Seconds between two looks at all processes."""
    storm_restarts: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    """An actor that ends more often than this within `storm_window_s` is quarantined: stopped, and told."""
    storm_window_s: Seconds = 60.0
    """See `storm_restarts`, seconds."""
    quarantine_s: Seconds = 30.0
    """First pause before a quarantined actor is tried once more, seconds; it doubles each time."""
    quarantine_cap_s: Seconds = 300.0
    """Longest such pause, seconds."""
    fatal_s: Seconds = 2.0
    """First pause before a program that supervisord has given up (FATAL) is started again, seconds; it doubles."""
    fatal_cap_s: Seconds = 60.0
    """Longest such pause, seconds."""
    stable_s: Seconds = 60.0
    """An actor that has run for so long is well: its pauses begin from the first again, seconds."""
    memory_max_bytes: Bytes = 0
    """An actor that holds more than this is asked to end, and comes back; 0: no ceiling, bytes."""
    limits: dict[str, Limits] = {}
    """Actor, or kind of actor, to what differs for it: `persistence: {memory_max_bytes: 2000000000}`."""

    def silent_of(self, name: str) -> float:
        """`silent_s` of one actor."""
        for key in (name, name.partition(".")[0]):
            if key in self.limits and (own := self.limits[key].silent_s) is not None:
                return own
        return self.silent_s

    def memory_of(self, name: str) -> int:
        """`memory_max_bytes` of one actor."""
        for key in (name, name.partition(".")[0]):
            if key in self.limits and (own := self.limits[key].memory_max_bytes) is not None:
                return own
        return self.memory_max_bytes
