"""Hours in which no signal is wanted, or outside of which none is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import Finding, Rule, RuleSettings, Shared
from actors.scanner.shield.spelling import SessionName, Zone
from actors.scanner.shield.week import Hours, Window, shown_time


class TimeOfWeekSettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of `sessions` or windows of their own."""

    zone: Zone = "UTC"
    """Of the windows that stand here; a session has its own."""
    allow: tuple[SessionName | Window, ...] = ()
    """A signal must be in one of these; none: at any time."""
    refuse: tuple[SessionName | Window, ...] = ()
    """A signal must be in none of these."""

    @classmethod
    def complaints(cls, data: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with its keys together, of the file's own data."""
        if not data.get("allow") and not data.get("refuse"):
            yield "no hours: set allow, refuse or both"


class TimeOfWeek(Rule):
    """By the clock on the wall of each window's time zone."""

    name = "time_of_week"
    Settings = TimeOfWeekSettings

    def __init__(self, settings: TimeOfWeekSettings, shared: Shared) -> None:
        super().__init__(settings, shared)
        self._allowed = tuple(self._hours(settings.allow))
        self._refused = tuple(self._hours(settings.refuse))

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:  # noqa: ARG002
        """At most one of what is allowed, one of what is refused."""
        ts_ns = candidate.ts_ns
        if self._allowed and not any(hours.window_at(ts_ns) for hours in self._allowed):
            zones = {hours.zone for hours in self._allowed}
            zone = zones.pop() if len(zones) == 1 else "UTC"
            names = ", ".join(sorted(hours.name for hours in self._allowed))
            yield Finding(f"{shown_time(ts_ns, zone)} is outside {names}")
        # all are looked at, so that the order in the file does not decide what is said
        held = sorted(hours.name for hours in self._refused if hours.window_at(ts_ns))
        if held:
            zone = next(hours.zone for hours in self._refused if hours.name == held[0])
            yield Finding(f"{shown_time(ts_ns, zone)} is in {', '.join(held)}")

    def _hours(self, entries: Iterable[str | Window]) -> Iterator[Hours]:
        for entry in entries:
            yield (
                self.shared.sessions[entry] if isinstance(entry, str) else Hours(self.settings.zone, [entry])
            )
