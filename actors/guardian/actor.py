"""Wiring of the guardian: supervisord's events, ends of processes and heartbeats go in, signals and orders go out.

It runs as an event listener of the supervisord that it helps: stdin and stdout are the line between the two.
"""

from __future__ import annotations

import os
import xmlrpc.client
from collections.abc import Iterable
from typing import Any, Final

from actors.guardian.acts import Act, Relisten, Signal, Start, Stop, Tell
from actors.guardian.guard import Guard, Known
from actors.guardian.hearing import Beats
from actors.guardian.keeping import Keeping
from actors.guardian.listening import DONE, READY, TICK, Event, Events
from actors.guardian.processes import open_pidfd, sample, send
from actors.guardian.settings import GuardianSettings
from actors.runtime.actor import Actor
from actors.runtime.supervisord import Process, Supervisor, SupervisorDownError
from protocol.messages import Alert, Beat
from protocol.topics import market_topic

VENUE: Final = "guardian"
NUDGE_S: Final = 0.05
"""Seconds between two wake-ups of a supervisord that has not noticed an end yet."""
ASK_S: Final = 5.0
"""Seconds between two questions to supervisord what it runs."""
DEAF_S: Final = 30.0
"""No event for so long from a supervisord that answers: it does not take us for a listener any more."""
STDIN: Final = 0
STDOUT: Final = 1
_READ_BYTES: Final = 65_536


class Guardian(Actor):
    """Has killed actors back in tens of milliseconds, ends hung ones, revives what was given up, and stops restart storms."""

    kind = "guardian"
    Settings = GuardianSettings
    settings: GuardianSettings

    def setup(self) -> None:
        """Listen to supervisord, ask what runs, begin to look."""
        self._guard = Guard(self.name, self.settings, self.common.drain_s)
        self._supervisor = Supervisor(self.run_dir)
        self._pulse = Beats(self.wire, self.endpoints, self.drop)
        self._keeping = Keeping(self.run_dir / "guardian" / f"{self.name}.json")
        self._kept = self._keeping.read()
        self._pidfds: dict[str, tuple[int, int]] = {}
        """Program to its process id and the descriptor of that."""
        self._events = Events()
        self._is_asking = self._has_asked = False
        self._event_ns = self.clock.mono_ns()
        self._is_listener = bool(os.environ.get("SUPERVISOR_ENABLED"))
        if self._is_listener:
            self.watch(STDIN, self._on_stdin)
            os.write(STDOUT, READY)
        self.every(NUDGE_S, self._nudge)
        self.every(self.settings.look_s, self._look)
        self.every(ASK_S, self._ask)
        self.soon(self._ask)

    def detail(self) -> dict[str, Any]:
        """Every program with its state, restarts, hangs and silence; what is quarantined; whether supervisord answers."""
        rows = self._guard.rows(self.clock.mono_ns())
        return {
            "programs": rows,
            "quarantined": sorted(name for name, row in rows.items() if "retry_in_s" in row),
            "is_supervised": self._has_asked,
        }

    # supervisord

    def _on_stdin(self) -> None:
        data = os.read(STDIN, _READ_BYTES)
        if not data:
            self.log.info("supervisord has closed the line")
            self.stop()
            self.unwatch(STDIN)
            return
        for event in self._events.feed(data):
            os.write(STDOUT, DONE)  # at once: it wakes supervisord
            self._on_event(event)

    def _on_event(self, event: Event) -> None:
        mono_ns = self._event_ns = self.clock.mono_ns()
        if event.name == TICK:
            self.counters["ticks"] += 1
            return
        self.counters["process_events"] += 1
        self._do(self._guard.on_event(event, mono_ns))
        self._follow()
        if self._guard.is_nudging(mono_ns):
            self._supervisor.nudge()

    def _nudge(self) -> None:
        if self._guard.is_nudging(self.clock.mono_ns()):
            self.counters["nudges"] += 1
            self._supervisor.nudge()

    def _ask(self) -> None:
        """What runs, from supervisord itself: at the start, and in case that an event was lost."""
        if self._is_asking:
            return
        self._is_asking = True
        events = self._guard.events

        def done(found: list[Process] | Exception) -> None:
            self._is_asking = False
            if isinstance(found, SupervisorDownError | xmlrpc.client.Fault):
                self._has_asked = False
                return
            if isinstance(found, Exception):
                raise found
            self._check_line()
            if events == self._guard.events or not self._has_asked:
                self._adopt(found)
            self._has_asked = True

        self.submit(self._supervisor.processes, done)

    def _adopt(self, found: list[Process]) -> None:
        rows = [Known(one.name, one.state, one.pid) for one in found]
        kept, self._kept = self._kept, {}
        self._do(self._guard.adopt(rows, kept, self.clock.now_ns(), self.clock.mono_ns()))
        actors = [one.name for one in found if one.name in self.common.actors and one.name != self.name]
        self._pulse.follow(actors)
        self._follow()

    def _check_line(self) -> None:
        silent_s = (self.clock.mono_ns() - self._event_ns) / 1e9
        if self._is_listener and silent_s > DEAF_S:
            raise RuntimeError(f"supervisord answers, but has sent no event for {silent_s:.0f} s")

    # processes

    def _follow(self) -> None:
        """Hold a descriptor of every process that runs now, and of no other one."""
        for name, (pid, pidfd) in list(self._pidfds.items()):
            ward = self._guard.wards.get(name)
            if ward is None or ward.pid != pid:
                del self._pidfds[name]
                if pidfd >= 0:
                    self.unwatch(pidfd)
                    os.close(pidfd)
        for name, ward in self._guard.wards.items():
            if ward.pid and name not in self._pidfds:
                pidfd = open_pidfd(ward.pid)
                self._pidfds[name] = (ward.pid, pidfd)
                if pidfd >= 0:
                    self.watch(pidfd, lambda name=name, pidfd=pidfd: self._on_end(name, pidfd))  # type: ignore[misc]

    def _on_end(self, name: str, pidfd: int) -> None:
        self.unwatch(pidfd)  # it stays readable
        self._guard.on_end(name, self.clock.mono_ns())
        self.counters["ends_seen"] += 1
        self._supervisor.nudge()

    def _look(self) -> None:
        self._pulse.take(self._on_beat)
        seen = {name: sample(pid) for name, (pid, _) in self._pidfds.items()}
        self._do(self._guard.look(seen, self.clock.mono_ns()))

    def _on_beat(self, name: str, beat: Beat) -> None:
        ward = self._guard.wards.get(name)
        if ward is not None:
            ward.on_beat(beat.mono_ns, beat.state)

    # what is done

    def _do(self, acts: Iterable[Act]) -> None:
        for act in acts:
            match act:
                case Signal():
                    self._signal(act)
                case Start():
                    self._order(act.program, "start", self._supervisor.start)
                case Stop():
                    self._order(act.program, "stop", self._supervisor.stop)
                case Relisten():
                    self._pulse.renew(act.program)
                case Tell():
                    self._tell(act)
        self._keeping.write(self._guard.quarantines(self.clock.now_ns(), self.clock.mono_ns()))

    def _signal(self, act: Signal) -> None:
        pid, pidfd = self._pidfds.get(act.program, (0, -1))
        if pid == act.pid:
            self.log.warning("%s: signal %d to process %d", act.program, act.number, pid)
            send(pidfd, pid, act.number)

    def _order(self, program: str, what: str, call: Any) -> None:
        def done(found: Exception | None) -> None:
            if isinstance(found, SupervisorDownError | xmlrpc.client.Fault):
                self.log.warning("%s: cannot %s it: %s", program, what, found)
                ward = self._guard.wards.get(program)
                if ward is not None and what == "start":
                    ward.on_start_failed(self.clock.mono_ns())
            elif isinstance(found, Exception):
                raise found

        self.log.info("%s: %s", program, what)
        self.submit(lambda: call(program), done)

    def _tell(self, act: Tell) -> None:
        self.counters[act.rule] += 1
        self.log.log(30 if act.severity != "info" else 20, "%s %s", act.program, act.text)
        symbol = act.program.upper()
        text = f"{act.program} {act.text}"
        alert = Alert(symbol, VENUE, act.rule, act.severity, self.clock.now_ns(), text, act.values)
        self.publish(market_topic(Alert.KIND, VENUE, symbol), [alert])
