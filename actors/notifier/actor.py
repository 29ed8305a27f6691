"""Wiring of the notifier: signals and alerts of everybody into the outbox, and out of it to people and programs."""

from __future__ import annotations

import os
import shutil
from typing import Any, Final

from actors.notifier.desk import Desk
from actors.notifier.ears import Ears
from actors.notifier.failures import OutboxError
from actors.notifier.keeping import Keeping
from actors.notifier.operators import Operators, Sight
from actors.notifier.outbox import Mute, Opened, Outbox
from actors.notifier.settings import NotifierSettings
from actors.notifier.tables import parse_url
from actors.notifier.templates import TemplateError
from actors.notifier.ways import Place, Ways
from actors.runtime.actor import Actor
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from protocol.errors import ConfigError
from protocol.fleet import Fleet

TICK_S: Final = 0.05
LOOK_S: Final = 0.5
COUNT_S: Final = 2.0
FORGET_S: Final = 3600.0
SILENCE_S: Final = 3.0
"""A watermark older than this says nothing any more."""
_COUNTED: Final = ("pending", "sending", "sent", "failed", "expired", "unknown", "skipped")


class Notifier(Actor):
    """Tells people and programs what signals, alerts and the system itself say, each once."""

    kind = "notifier"
    Settings = NotifierSettings
    settings: NotifierSettings

    def __init__(self, name: str, loaded: Any, clock: Any = None) -> None:
        super().__init__(name, loaded, clock)
        self._folder = loaded.folder
        self._states: dict[str, dict[str, int]] = {}
        self._oldest_ns = 0
        self._mutes: list[Mute] = []
        self._fatal: tuple[str, ...] = ()
        self._is_supervised = False
        self._is_counting = self._is_asking = self._is_started = False

    def setup(self) -> None:
        """Open the outbox in a thread, hear everybody; the ways out begin when it is open."""
        try:
            desk = Desk(self.settings)
            url = parse_url(self.settings.database, self.run_dir)
        except TemplateError as fault:
            raise ConfigError([f"actors.{self.name}.{fault}"]) from None
        except ConfigError as fault:
            raise ConfigError([f"actors.{self.name}.{problem}" for problem in fault.problems]) from None
        self._outbox = Outbox(url, self.settings.synchronous)
        others = [name for name in self.common.actors if name != self.name]
        hubs = self.endpoints.topology.nearest(name for name in others if name.partition(".")[0] == "hub")
        place = Place(
            self._folder, os.environ, self.endpoints.query(hubs[0]) if hubs else "", self.wire.keyring
        )
        try:
            self._ways = Ways(self.settings, place, self._outbox, desk, self.clock.now_ns)
        except ConfigError as fault:
            raise ConfigError([f"actors.{self.name}.{problem}" for problem in fault.problems]) from None
        self._fleet = Fleet(SILENCE_S)
        self._ears = Ears(self.wire, self.endpoints, others, self._fleet, self.drop, self.clock.mono_ns)
        operators = self.settings.operators
        self._operators = Operators(operators, others, self.clock.mono_ns(), str(self.run_dir))
        self._has_journal = any(name.partition(".")[0] == "journal" for name in others)
        self._keeping = Keeping(self, self._outbox, desk, self._on_opened, self._ways.wake)
        self.every(TICK_S, self._tick)
        self.every(LOOK_S, self._look)
        self.every(COUNT_S, self._count)
        self.every(FORGET_S, self._forget)
        if operators.look_s:
            self.every(operators.look_s, self._ask_supervisord)

    def drain(self) -> None:
        """Store what has come, let the attempt under way end."""
        self._keeping.drain()
        self._ways.stop.set()
        until_ns = self.clock.mono_ns() + round(self.common.drain_s * 1e9)
        for delivery in self._ways.deliveries.values():
            delivery.join((until_ns - self.clock.mono_ns()) / 1e9)

    def detail(self) -> dict[str, Any]:
        """What waits, what was sent and what was not, by channel; who is in trouble; what is muted."""
        now_ns = self.clock.now_ns()
        channels: dict[str, dict[str, Any]] = {}
        for name in self.settings.channels:
            states = self._states.get(name, {})
            channels[name] = {state: states.get(state, 0) for state in _COUNTED}
        targets = {
            target: {**delivery.counts, **({"trouble": delivery.trouble} if delivery.trouble else {})}
            for target, delivery in self._ways.deliveries.items()
        }
        commands = {
            name: {**polling.counts, **({"trouble": polling.trouble} if polling.trouble else {})}
            for name, polling in self._ways.pollings.items()
        }
        totals = {state: sum(row[state] for row in channels.values()) for state in _COUNTED}
        return {
            **totals,
            "pending": totals["pending"] + totals["sending"],
            "oldest_pending_s": round((now_ns - self._oldest_ns) / 1e9, 3) if self._oldest_ns else 0.0,
            "channels": channels,
            "targets": targets,
            "commands": commands,
            "muted": [f"{mute.target} {mute.pattern}" for mute in self._mutes if mute.until_ns > now_ns],
            "operator_alerts": sorted(self._operators.open),
            "intake": self._keeping.detail(),
        }

    def _on_opened(self, opened: Opened) -> None:
        if not self._is_started:
            self._is_started = True
            self._operators.open = dict(opened.conditions)
            self._ways.start()

    def _tick(self) -> None:
        self._keeping.tick()
        self._ways.raise_bugs()

    def _look(self) -> None:
        """Compare what is with what was told; not before it is known what was told."""
        self._ears.take()
        if not self._is_started:
            return
        free = None if self._has_journal else shutil.disk_usage(self.run_dir).free
        sight = Sight(self._fleet, free, self._fatal, self._is_supervised)
        changes = self._operators.look(sight, self.clock.mono_ns(), self.clock.now_ns())
        if changes:
            self._keeping.tell(changes)

    def _ask_supervisord(self) -> None:
        if self._is_asking:
            return
        self._is_asking = True

        def ask() -> tuple[str, ...] | None:
            try:
                rows = Supervisor(self.run_dir).processes()
            except SupervisorDownError:
                return None
            return tuple(row.name for row in rows if row.state == "FATAL")

        def done(result: tuple[str, ...] | Exception | None) -> None:
            self._is_asking = False
            if isinstance(result, Exception):
                raise result
            self._is_supervised = result is not None
            self._fatal = result or ()

        self.submit(ask, done)

    def _count(self) -> None:
        """Look into the outbox for the heartbeat, in a thread."""
        if self._is_counting or not self._is_started:
            return
        self._is_counting = True
        outbox, now_ns = self._outbox, self.clock.now_ns()

        def done(result: tuple[dict[str, dict[str, int]], int, list[Mute]] | Exception) -> None:
            self._is_counting = False
            if isinstance(result, OutboxError):
                return  # the intake tells it
            if isinstance(result, Exception):
                raise result
            self._states, self._oldest_ns, self._mutes = result

        self.submit(lambda: (outbox.counts(), outbox.oldest_open_ns(), outbox.mutes(now_ns)), done)

    def _forget(self) -> None:
        """Delete what is old from the outbox, in a thread."""
        if not self._is_started:
            return
        before_ns = self.clock.now_ns() - round(self.settings.keep_days * 86_400e9)

        def done(result: int | Exception) -> None:
            if isinstance(result, Exception) and not isinstance(result, OutboxError):
                raise result

        self.submit(lambda: self._outbox.forget(before_ns), done)
