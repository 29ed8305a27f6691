"""What goes wrong with the system itself: each occurrence is told once, and its end once. Pure, time is an argument."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from actors.notifier.note import Note, time_text
from actors.notifier.settings import OperatorSettings
from protocol.fleet import Fleet

ROOM_AGAIN: Final = 1.25
"""A disk that was low has room again at so many times the limit."""


class Sight(NamedTuple):
    """What can be seen at one moment."""

    fleet: Fleet
    free_bytes: int | None = None
    """Of the run directory's disk; None: not looked at."""
    fatal: Sequence[str] = ()
    """Actors that supervisord has given up."""
    is_asked: bool = False
    """Whether supervisord has answered: without an answer nobody knows who is FATAL."""


class Change(NamedTuple):
    """Something has gone wrong, or is well again."""

    note: Note
    condition: str
    since_ns: int
    """0: it is over."""


class Operators:
    """Compares what is with what was told.

    Args:
        settings: When something is wrong.
        actors: Names of all actors but this one.
        started_ns: Monotonic clock, from which on an actor that was never heard is silent.
        folder: Run directory, for the words.
    """

    def __init__(
        self, settings: OperatorSettings, actors: Sequence[str], started_ns: int, folder: str
    ) -> None:
        self._settings = settings
        self._actors = list(actors)
        self._started_ns = started_ns
        self._folder = folder
        self._first_seen: dict[str, int] = {}
        """Condition to when it was first seen, monotonic; not told yet."""
        self.open: dict[str, int] = {}
        """Condition to when it was told, wall clock, ns."""

    def look(self, sight: Sight, mono_ns: int, now_ns: int) -> list[Change]:
        """What has changed.

        Args:
            sight: What can be seen.
            mono_ns: Monotonic clock.
            now_ns: Wall clock.
        """
        wrong = dict(self._wrong(sight, mono_ns))
        changes = []
        for name, (rule, symbol, severity, text) in wrong.items():
            if name not in self.open:
                self.open[name] = now_ns
                note = _note(rule, symbol, severity, "begun", text, now_ns, now_ns)
                changes.append(Change(note, name, now_ns))
        for name, since_ns in list(self.open.items()):
            if name in wrong or not self._is_over(name, sight, mono_ns):
                continue
            del self.open[name]
            rule, _, symbol = name.partition(":")
            text = f"{_WELL.get(rule, 'well again')} after {round((now_ns - since_ns) / 1e9)} s"
            changes.append(Change(_note(rule, symbol, "info", "over", text, since_ns, now_ns), name, 0))
        return changes

    def _is_over(self, name: str, sight: Sight, mono_ns: int) -> bool:
        """Whether what can be seen proves that a condition is over: after a restart little can be seen at first."""
        rule, _, symbol = name.partition(":")
        if rule == "fatal":
            return sight.is_asked
        if rule == "disk_low":
            free = sight.free_bytes
            return free is not None and free >= self._settings.disk_free_bytes * ROOM_AGAIN
        if rule == "venue_down":
            fleet = sight.fleet
            return any(one.venue == symbol and fleet.is_connected(one, mono_ns) for one in fleet.venues())
        if symbol not in self._actors:
            return True
        return any(one.name == symbol and one.beat is not None for one in sight.fleet.publishers())

    def _wrong(self, sight: Sight, mono_ns: int) -> Iterator[tuple[str, tuple[str, str, str, str]]]:
        """Everything that is wrong for long enough: name, (rule, symbol, severity, words)."""
        settings, seen = self._settings, set[str]()
        beats = {one.name: one for one in sight.fleet.publishers() if one.beat is not None}
        down = set()
        for actor in self._actors:
            publisher = beats.get(actor)
            since_ns = publisher.beat_ns if publisher is not None else self._started_ns
            if mono_ns - since_ns > settings.down_after_s * 1e9:
                down.add(actor)
                text = f"no heartbeat for {settings.down_after_s:g} s: see `tapehub status`, `tapehub logs {actor}`"
                yield f"actor_down:{actor}", ("actor_down", actor, "critical", text)
        for venue in self._dead_venues(sight.fleet, down, mono_ns):
            name = f"venue_down:{venue}"
            seen.add(name)
            if mono_ns - self._first_seen.setdefault(name, mono_ns) >= settings.venue_after_s * 1e9:
                text = f"no feed connected for {settings.venue_after_s:g} s: `tapehub doctor --live` names the cause"
                yield name, ("venue_down", venue, "critical", text)
        for name in set(self._first_seen) - seen:
            del self._first_seen[name]
        free = sight.free_bytes
        if settings.disk_free_bytes and free is not None and free < settings.disk_free_bytes:
            text = f"{free / 1e9:.2f} GB free, less than {settings.disk_free_bytes / 1e9:.2f}: make room"
            yield f"disk_low:{self._folder}", ("disk_low", self._folder, "critical", text)
        for actor in sight.fatal:
            text = f"supervisord has given it up: `tapehub logs {actor}`, then `tapehub restart {actor}`"
            yield f"fatal:{actor}", ("fatal", actor, "critical", text)

    def _dead_venues(self, fleet: Fleet, down: set[str], mono_ns: int) -> list[str]:
        """Venues of which no feed is connected; where all that feed it are down, that was told already."""
        feeds: dict[str, list[bool]] = {}
        for venue in fleet.venues():
            if venue.publisher not in down:
                feeds.setdefault(venue.venue, []).append(fleet.is_connected(venue, mono_ns))
        return sorted(name for name, connected in feeds.items() if not any(connected))


_WELL: Final = {
    "actor_down": "beats again",
    "venue_down": "connected again",
    "disk_low": "room again",
    "fatal": "runs again",
}


def _note(rule: str, symbol: str, severity: str, state: str, text: str, since_ns: int, now_ns: int) -> Note:
    same = f"operator|{rule}|{symbol}"
    fields = {
        "rule": rule,
        "symbol": symbol,
        "severity": severity,
        "state": state,
        "text": text,
        "time": time_text(now_ns),
    }
    # two ends of one occurrence are two messages
    subject = f"{same}|{since_ns}|{state}"
    return Note(
        "operator", rule, symbol, "", severity, subject, 1, now_ns, now_ns, f"{same}|{state}", fields, state
    )
