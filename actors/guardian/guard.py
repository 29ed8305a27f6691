"""All programs in the guardian's care. Pure, time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from actors.guardian.acts import Act
from actors.guardian.listening import Event
from actors.guardian.settings import GuardianSettings
from actors.guardian.silence import Sample
from actors.guardian.ward import Ward

PATIENCE_NS: Final = 5_000_000_000
"""How long supervisord is woken for one end; after that it has its own reasons."""
_SETTLED: Final = frozenset(("RUNNING", "STOPPED", "FATAL", "BACKOFF"))


class Known(NamedTuple):
    """What supervisord says of a program when it is asked."""

    name: str
    state: str
    pid: int


class Kept(NamedTuple):
    """A quarantine as it is kept on disk, for the next guardian."""

    name: str
    until_ns: int
    """Wall clock of the next trial."""
    times: int


class Guard:
    """Keeps a ward for each program that supervisord has.

    Args:
        own: Name of the guardian itself, which nobody guards.
        settings: Its settings.
        drain_s: How long an actor may take to end, seconds.
    """

    def __init__(self, own: str, settings: GuardianSettings, drain_s: float) -> None:
        self.wards: dict[str, Ward] = {}
        self._own = own
        self._settings = settings
        self._drain_s = drain_s
        self._asleep: dict[str, int] = {}
        """Programs that ended, and when: supervisord is to notice."""
        self.events = 0
        """Events taken: what was asked before one of them is old."""

    def on_event(self, event: Event, mono_ns: int) -> list[Act]:
        """What supervisord says of a program: its state has changed."""
        self.events += 1
        if not event.state or event.program in ("", self._own):
            return []
        if event.state in _SETTLED or event.is_expected:
            self._asleep.pop(event.program, None)
        else:
            self._asleep[event.program] = mono_ns
        return list(self._ward(event.program).on_event(event, mono_ns))

    def on_end(self, program: str, mono_ns: int) -> None:
        """A process has ended; supervisord may not have noticed."""
        self._asleep[program] = mono_ns

    def is_nudging(self, mono_ns: int) -> bool:
        """Whether supervisord is to be woken now."""
        self._asleep = {name: at for name, at in self._asleep.items() if mono_ns - at < PATIENCE_NS}
        return bool(self._asleep)

    def adopt(self, rows: Iterable[Known], kept: Mapping[str, Kept], now_ns: int, mono_ns: int) -> list[Act]:
        """Everything that supervisord has; programs that are gone are forgotten.

        Args:
            rows: Its programs.
            kept: Quarantines of an earlier guardian.
            now_ns: Wall clock.
            mono_ns: Monotonic clock.
        """
        acts: list[Act] = []
        names = set()
        for row in rows:
            if row.name == self._own:
                continue
            names.add(row.name)
            is_new = row.name not in self.wards
            ward = self._ward(row.name)
            acts += ward.adopt(row.state, row.pid, mono_ns)
            if is_new and row.name in kept and not row.pid:
                ward.restore(kept[row.name].until_ns - now_ns, kept[row.name].times, mono_ns)
        for name in set(self.wards) - names:
            del self.wards[name]
        return acts

    def look(self, seen: Mapping[str, tuple[Sample | None, int]], mono_ns: int) -> Iterator[Act]:
        """Judge all.

        Args:
            seen: Program to its main thread and memory.
            mono_ns: Now.
        """
        for name, ward in list(self.wards.items()):
            sample, rss_bytes = seen.get(name, (None, 0))
            yield from ward.look(sample, rss_bytes, mono_ns)

    def quarantines(self, now_ns: int, mono_ns: int) -> list[Kept]:
        """What is to be kept on disk."""
        return [
            Kept(ward.name, now_ns + ward.breaker.until_ns - mono_ns, ward.breaker.count)
            for ward in self.wards.values()
            if ward.is_quarantined
        ]

    def rows(self, mono_ns: int) -> dict[str, dict[str, Any]]:
        """For the heartbeat, by program."""
        return {name: ward.row(mono_ns) for name, ward in self.wards.items()}

    def _ward(self, name: str) -> Ward:
        ward = self.wards.get(name)
        if ward is None:
            ward = self.wards[name] = Ward(name, self._settings, self._drain_s)
        return ward
