"""One program in the guardian's care: what is done about its ends, its silence and its size. Pure, time is an argument."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, Final

from actors.guardian.acts import Act, Relisten, Signal, Start, Stop, Tell
from actors.guardian.breaker import Breaker, Circuit
from actors.guardian.listening import Event
from actors.guardian.pauses import Pauses
from actors.guardian.settings import GuardianSettings
from actors.guardian.silence import Sample, Silence, Verdict

QUARANTINED: Final = "QUARANTINED"
_HEAVY_LOOKS: Final = 3
"""Looks in a row at which it must be too large: a peak is none of our business."""
_UP: Final = frozenset(("STARTING", "RUNNING"))
_DOWN: Final = frozenset(("STOPPED", "EXITED", "FATAL"))
_NS: Final = 1e9


class Ward:
    """One program.

    Args:
        name: Its name.
        settings: The guardian's.
        drain_s: How long an actor may take to end, seconds.
    """

    def __init__(self, name: str, settings: GuardianSettings, drain_s: float) -> None:
        self.name = name
        self.state = "UNKNOWN"
        """supervisord's word."""
        self.pid = 0
        self.restarts = 0
        self.hangs = 0
        self._settings = settings
        self._drain_ns = round(drain_s * _NS)
        self._abort_ns = round(settings.abort_s * _NS)
        stable_ns = self._stable_ns = round(settings.stable_s * _NS)
        silent_ns, grace_ns = round(settings.silent_of(name) * _NS), round(settings.start_grace_s * _NS)
        self.silence = Silence(silent_ns, grace_ns, round(settings.look_s * _NS))
        pauses = Pauses(round(settings.quarantine_s * _NS), round(settings.quarantine_cap_s * _NS))
        self.breaker = Breaker(
            settings.storm_restarts, round(settings.storm_window_s * _NS), stable_ns, pauses
        )
        self._recovery = Pauses(round(settings.fatal_s * _NS), round(settings.fatal_cap_s * _NS))
        self._recovery_ns = self._recover_ns = 0
        """The pause, and when a FATAL program is to be started; 0: it is not FATAL."""
        self._since_ns = 0
        """When its process began, as we heard of it."""
        self._kill_ns = 0
        """When SIGKILL follows; 0: nobody is being ended."""
        self._heavy = 0
        self._is_suspect = False

    @property
    def is_quarantined(self) -> bool:
        """Whether it is kept down because it does not stay up."""
        return self.breaker.circuit is Circuit.OPEN

    # what supervisord says

    def on_event(self, event: Event, mono_ns: int) -> Iterator[Act]:
        """Its state has changed."""
        before, self.state = self.state, event.state
        match event.state:
            case "STARTING":
                if self.is_quarantined and before == "STOPPED":
                    self.breaker.close()
                    yield self._tell("actor_released", "info", "started by hand: the quarantine is over")
            case "RUNNING":
                self._begin(event.pid, mono_ns)
            case "EXITED":
                self.pid = 0
                if not event.is_expected:
                    yield from self._on_end(mono_ns)
            case "BACKOFF" | "STOPPED" | "UNKNOWN":
                self.pid = 0
            case "FATAL":
                self.pid = 0
                yield from self._on_fatal(mono_ns)

    def adopt(self, state: str, pid: int, mono_ns: int) -> Iterator[Act]:
        """What supervisord said when it was asked: the same as the events, unless one was missed."""
        if state == self.state and pid == self.pid:
            return
        self.state = state
        if pid and pid != self.pid:
            self._begin(pid, mono_ns)
        self.pid = pid
        if state == "FATAL" and not self._recover_ns:
            yield from self._on_fatal(mono_ns)

    def on_start_failed(self, mono_ns: int) -> None:
        """The start was refused by supervisord, or nobody answered."""
        if self.breaker.circuit is Circuit.TRIAL and not self.pid:
            self.breaker.open(mono_ns)

    def restore(self, left_ns: int, count: int, mono_ns: int) -> None:
        """An earlier guardian put it into quarantine."""
        for _ in range(count):
            self.breaker.open(mono_ns)
        self.breaker.until_ns = mono_ns + max(0, left_ns)

    def _begin(self, pid: int, mono_ns: int) -> None:
        self.pid, self._since_ns, self._kill_ns, self._heavy = pid, mono_ns, 0, 0
        self._recover_ns, self._is_suspect = 0, False
        self.silence.begin(mono_ns)

    def _on_end(self, mono_ns: int) -> Iterator[Act]:
        self.restarts += 1
        lived_s = (mono_ns - self._since_ns) / _NS if self._since_ns else 0.0
        if self.breaker.ended(mono_ns):
            pause_s = (self.breaker.until_ns - mono_ns) / _NS
            text = (
                f"does not stay up: stopped, tried again in {pause_s:.0f} s; `tapehub logs {self.name}` says why,"
                f" `tapehub restart {self.name}` starts it now"
            )
            yield Stop(self.name)
            yield self._tell("actor_quarantined", "critical", text, pause_s=pause_s)
        elif not self.is_quarantined:
            text = f"ended by itself after {lived_s:.1f} s and is started again: `tapehub logs {self.name}`"
            yield self._tell("actor_ended", "warning", text, lived_s=round(lived_s, 3))

    def _on_fatal(self, mono_ns: int) -> Iterator[Act]:
        pause_ns = self._recovery.next_ns()
        self._recovery_ns, self._recover_ns = pause_ns, mono_ns + pause_ns
        text = f"supervisord has given it up: started again in {pause_ns / _NS:.0f} s, `tapehub logs {self.name}`"
        yield self._tell("actor_fatal", "critical", text, pause_s=pause_ns / _NS)

    # what is seen

    def on_beat(self, beat_ns: int, state: str) -> None:
        """Its loop turned, at a moment of the monotonic clock."""
        slack_ns = 0 if state in _UP else 2 * self._drain_ns + self._abort_ns
        self.silence.beat(beat_ns, slack_ns)

    def look(self, sample: Sample | None, rss_bytes: int, mono_ns: int) -> Iterator[Act]:
        """Judge its process.

        Args:
            sample: Its main thread; None: it has none, or that cannot be read.
            rss_bytes: Its memory.
            mono_ns: Now.
        """
        if self.is_quarantined:
            yield from self._keep_down(mono_ns)
            return
        if self._recover_ns and mono_ns >= self._recover_ns and self.state == "FATAL":
            self._recover_ns = mono_ns + self._recovery_ns  # where even the start is refused
            yield Start(self.name)
        if self.state != "RUNNING" or not self.pid:
            return
        if mono_ns - self._since_ns >= self._stable_ns:
            self._recovery.reset()
        if self.breaker.settle(mono_ns):
            yield self._tell("actor_released", "info", "stays up again: the quarantine is over")
        if self._kill_ns:
            if mono_ns >= self._kill_ns:
                self._kill_ns = mono_ns + self._abort_ns
                yield Signal(self.name, self.pid, signal.SIGKILL)
            return
        if sample is not None:
            yield from self._watch(sample, mono_ns)
        if not self._kill_ns:
            yield from self._weigh(rss_bytes, mono_ns)

    def _keep_down(self, mono_ns: int) -> Iterator[Act]:
        if self.state in ("STARTING", "RUNNING", "BACKOFF"):
            yield Stop(self.name)  # it was between two lives when we stopped it first
        elif self.state in _DOWN and self.breaker.is_due(mono_ns):
            self.breaker.trial(mono_ns)
            yield Start(self.name)

    def _watch(self, sample: Sample, mono_ns: int) -> Iterator[Act]:
        verdict = self.silence.look(sample, mono_ns)
        if verdict is Verdict.SUSPECT and not self._is_suspect:
            yield Relisten(self.name)
        self._is_suspect = verdict is not Verdict.FINE
        if verdict is not Verdict.HUNG:
            return
        self.hangs += 1
        self._kill_ns = mono_ns + self._abort_ns
        quiet_s = self.silence.quiet_ns / _NS
        how = {"T": "was stopped by a signal", "R": "spins"}.get(sample.state, "waits for something")
        text = (
            f"hangs ({how}): its loop has not turned for {quiet_s:.1f} s. It is ended and started again; "
            f"its stacks are in `tapehub logs {self.name}`"
        )
        yield Signal(self.name, self.pid, signal.SIGABRT)
        if sample.state == "T":
            yield Signal(self.name, self.pid, signal.SIGCONT)  # or the one before is never taken
        yield self._tell("actor_hung", "critical", text, quiet_s=round(quiet_s, 3))

    def _weigh(self, rss_bytes: int, mono_ns: int) -> Iterator[Act]:
        ceiling_bytes = self._settings.memory_of(self.name)
        self._heavy = self._heavy + 1 if ceiling_bytes and rss_bytes > ceiling_bytes else 0
        if self._heavy < _HEAVY_LOOKS:
            return
        self._kill_ns = mono_ns + 2 * self._drain_ns + self._abort_ns
        text = f"holds {rss_bytes / 1e6:.0f} MB, more than {ceiling_bytes / 1e6:.0f}: it is started again"
        yield Signal(self.name, self.pid, signal.SIGTERM)
        yield self._tell("actor_memory", "warning", text, rss_bytes=float(rss_bytes))

    # what is told

    def row(self, mono_ns: int) -> dict[str, Any]:
        """For the heartbeat."""
        row: dict[str, Any] = {
            "state": QUARANTINED if self.is_quarantined else self.state,
            "pid": self.pid,
            "restarts": self.restarts,
            "hangs": self.hangs,
            "is_heard": bool(self.pid) and self.silence.has_beaten,
            "quiet_s": round(self.silence.quiet_ns / _NS, 2) if self.pid else 0.0,
        }
        if self.is_quarantined:
            row["retry_in_s"] = round(max(0, self.breaker.until_ns - mono_ns) / _NS, 1)
            row["quarantines"] = self.breaker.count
        return row

    def _tell(self, rule: str, severity: str, text: str, **values: float) -> Tell:
        return Tell(self.name, rule, severity, text, {"restarts": float(self.restarts), **values})
