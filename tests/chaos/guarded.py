"""The whole default system on a stage of its own, with the guardian or without: how soon is an actor back, and its data fresh?"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from actors.runtime.settings import load
from protocol.client import Hub
from protocol.codec import decode_events
from protocol.errors import HubError
from protocol.record import RecordKind
from protocol.topics import beat_topic
from protocol.transport import Empty, Subscriber, Wire
from tapehub.supervision import launch
from tests.chaos.punctual import Punctual
from tests.chaos.stage import START_S, Stage, StageError
from tests.chaos.topology import COLLECTOR, HUB, SIMULATOR, write_topology
from tests.support.paths import ROOT, free_port

GUARDIAN: Final = "guardian.1"
GATEWAY: Final = "gateway.1"
SYMBOL: Final = "BTC_USDT"
MORE: Final = ("collector.push.1", "orderflow.1", "detector.1", "scanner.1", "notifier.1", GATEWAY, GUARDIAN)
"""What the default system has beyond the actors of a chaos run."""
FAULTY: Final = ROOT / "tests" / "support" / "faulty"
FLOW_STEP_S: Final = 1.0
PAUSE_S: Final = 0.01
LONGEST_S: Final = 60.0
_SPEAKS: Final = {"aggregator": b"bar."}
"""Kinds whose freshness is the first message of a kind that they publish."""
_NS: Final = 1_000_000_000


class Back(NamedTuple):
    """How long it took, seconds."""

    process_s: float
    """Until supervisord had a new process."""
    running_s: float
    """Until the loop of that said RUNNING."""
    fresh_s: float
    """Until its data were those of after the kill."""
    queued_s: float
    """How much of it the new process waited for a processor: the machine's part."""


def write_guarded(run_dir: Path, seed: int, minutes: float, rate_per_s: float) -> Path:
    """The configuration of a chaos run, with the rest of the default system."""
    path = write_topology(run_dir, free_port(), seed=seed, database="", with_replay=True, minutes=minutes)
    tree = yaml.safe_load(path.read_text())
    tree["actors"].update({name: {} for name in MORE})
    tree["actors"][SIMULATOR]["rate_per_s"] = rate_per_s
    tree["actors"][GATEWAY] = {"port": free_port()}
    tree["actors"]["detector.1"] = {"detectors_file": str(ROOT / "config" / "detectors.yaml")}
    # twenty kills of one actor are no storm here; a crash loop still is
    tree["actors"][GUARDIAN] = {"storm_restarts": 12, "storm_window_s": 30, "quarantine_s": 300}
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


class GuardedStage(Stage):
    """The running system.

    Args:
        run_dir: Where it lives.
        seed: Of the simulated market.
        minutes: Length of the run.
        is_guarded: Whether the guardian runs; else supervisord is alone.
        rate_per_s: Events from the start on; 0: the market begins when it is told to.
    """

    def __init__(
        self, run_dir: Path, seed: int, minutes: float, *, is_guarded: bool = True, rate_per_s: float = 0.0
    ) -> None:
        config = write_guarded(run_dir, seed, minutes, rate_per_s)
        self.faults = run_dir / "faults"
        self.faults.mkdir(mode=0o700)
        paths = {"PYTHONPATH": f"{FAULTY}:{ROOT}", "TAPEHUB_FAULTY": str(self.faults)}
        super().__init__(run_dir, config, paths)
        self.loaded = load(config)
        self.all_names = [name for name in self.loaded.common.actors if is_guarded or name != GUARDIAN]
        self.names = list(self.all_names)
        self.gateway_port = int(self.loaded.common.actors[GATEWAY]["port"])
        self.is_guarded = is_guarded
        self._random = random.Random(seed)
        self._killed_ns = 0
        """When the newest signal was sent, wall clock."""
        self._old = 0
        """Process that is being replaced."""
        self.wire = Wire()
        self.hub = Hub(self.endpoints.query(HUB), timeout_s=0.3)

    def prepare(self) -> Path:
        """Write what supervisord reads; the faults are for all programs but the venue."""
        from tests.chaos.topology import with_environment

        conf = launch.prepare(self.loaded, frozenset(self.all_names))
        conf.write_text(with_environment(conf.read_text(), self._environment, SIMULATOR))
        return conf

    def launch(self) -> subprocess.Popen[bytes]:
        """Start supervisord; returns at once."""
        self._daemon = launch.start(self.prepare(), ends_with_us=True)
        return self._daemon

    def kill_daemon(self) -> None:
        """Kill -9 of supervisord alone."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def start(self) -> None:
        """Start supervisord and wait until every actor says RUNNING."""
        from tapehub.supervision.readiness import RUNNING, until_running

        daemon = self.launch()
        states = until_running(
            self.endpoints,
            self.names,
            START_S,
            lambda *_: None,
            lambda: "" if daemon.poll() is None else "gone",
        )
        late = [name for name, state in states.items() if state != RUNNING]
        if late:
            raise StageError("\n".join(self.last_lines(name) for name in late))

    def close(self) -> None:
        """Stop, and give the sockets back."""
        super().close()
        self.hub.close()
        self.wire.close()

    # measuring

    def kill(self, name: str, number: int) -> Back:
        """Send a signal that ends an actor, now or when the guardian says so; how soon it is back.

        Raises:
            StageError: it is not, within a minute.
        """
        old = self._old = self.pids()[name]
        beats = self._subscriber(name, beat_topic(name).encode() + b"\0")
        spoken = _SPEAKS.get(name.partition(".")[0])
        voice = self._subscriber(name, spoken) if spoken else None
        try:
            is_fresh = self._is_fresh(name, voice)
            threading.Event().wait(self._random.uniform(0.0, FLOW_STEP_S))  # any moment of a second
            started_ns, self._killed_ns = time.monotonic_ns(), time.time_ns()
            os.kill(old, number)
            return self._await_back(name, beats, is_fresh, started_ns)
        finally:
            self.wire.forget(beats.socket)
            if voice is not None:
                self.wire.forget(voice.socket)

    def _await_back(
        self, name: str, beats: Subscriber, is_fresh: Callable[[], bool], started_ns: int
    ) -> Back:
        running_ns = fresh_ns = 0
        pause = threading.Event()
        while not (running_ns and fresh_ns):
            running_ns = running_ns or _running_since(beats, started_ns)
            if is_fresh():
                fresh_ns = time.monotonic_ns()
            if time.monotonic_ns() - started_ns > LONGEST_S * _NS:
                raise StageError(f"{name} is not back after {LONGEST_S:g} s\n{self.last_lines(name)}")
            pause.wait(PAUSE_S)
        began_s, queued_s = _began(self.pids()[name], started_ns)
        return Back(
            round(began_s, 3),
            round((running_ns - started_ns) / _NS, 3),
            round((max(fresh_ns, running_ns) - started_ns) / _NS, 3),
            round(queued_s, 3),
        )

    def _is_fresh(self, name: str, voice: Subscriber | None) -> Callable[[], bool]:
        """What tells that the data of an actor are those of after its end."""
        kind = name.partition(".")[0]
        if kind == "orderflow":
            steps = Punctual(self._newest_flow, FLOW_STEP_S)
            return lambda: self._says(name, lambda _status: steps.is_on_time())
        if voice is not None:
            return lambda: _spoke(voice, self._killed_ns)
        if name in (COLLECTOR, SIMULATOR, HUB):
            return lambda: self._has_tick(self._killed_ns)
        if kind == "gateway":
            return lambda: self._has_answer(self._killed_ns)
        if kind == "persistence":
            return lambda: self._says(name, _is_storing)
        if kind in ("detector", "scanner", "notifier"):
            return lambda: self._says(name, lambda status: status["frames_in"] > 0 or kind == "notifier")
        return lambda: self._says(name, lambda _status: True)

    def _newest_flow(self) -> int:
        try:
            return self.hub.order_flow(SYMBOL, allow_stale=True).ts_event_ns
        except HubError:
            return 0

    def _has_tick(self, wall_ns: int) -> bool:
        try:
            tick = self.hub.tick(SYMBOL)
        except HubError:
            return False
        return tick.state == "fresh" and tick.ts_recv_ns > wall_ns

    def _has_answer(self, wall_ns: int) -> bool:
        url = f"http://127.0.0.1:{self.gateway_port}/api/v1/quotes/{SYMBOL}"
        try:
            with urllib.request.urlopen(url, timeout=0.5) as answer:
                document = json.load(answer)
        except (OSError, urllib.error.URLError, ValueError):
            return False
        data = document["data"]
        row = data[0] if isinstance(data, list) else data
        state = row.get("state", document.get("state"))
        return bool(state == "fresh" and row["ts_recv_ns"] > wall_ns)

    def _says(self, name: str, is_so: Callable[[dict[str, Any]], bool]) -> bool:
        try:
            status = self.ask(name, "status", 0.5)
        except HubError:
            return False
        return status["pid"] != self._old and status["state"] == "RUNNING" and is_so(status)

    def _subscriber(self, name: str, prefix: bytes) -> Subscriber:
        subscriber = self.wire.subscriber([self.endpoints.pub(name)], [prefix])
        subscriber.wait(2.0)
        return subscriber

    # processes

    def processes(self) -> dict[str, list[int]]:
        """Every process of this run directory that lives, by actor, whoever is its parent."""
        found: dict[str, list[int]] = {}
        mark = str(self.run_dir / "config.msgpack")
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    words = (folder / "cmdline").read_text().split("\0")
                    is_dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                    if mark in words and not is_dead:
                        found.setdefault(words[words.index("--name") + 1], []).append(int(folder.name))
        return found


def _running_since(beats: Subscriber, started_ns: int) -> int:
    """When a loop of after the kill said first that it runs; 0: it has not."""
    for frame in _frames(beats):
        for beat in decode_events(frame):
            if beat.mono_ns > started_ns and beat.state == "RUNNING" and beat.epoch:
                return int(beat.mono_ns)
    return 0


def _spoke(voice: Subscriber, wall_ns: int) -> bool:
    return any(frame.kind == RecordKind.DATA and frame.ts_pub_ns > wall_ns for frame in _frames(voice))


def _frames(subscriber: Subscriber) -> Iterator[Any]:
    while True:
        try:
            yield subscriber.receive()
        except Empty:
            return


def _is_storing(status: dict[str, Any]) -> bool:
    return all(one["state"] == "storing" and one["is_live"] for one in status["targets"].values())


def _began(pid: int, started_ns: int) -> tuple[float, float]:
    """Seconds from a moment to the start of a process, and seconds that its main thread has waited for a processor."""
    with contextlib.suppress(OSError):
        folder = Path("/proc") / str(pid)
        ticks = int((folder / "stat").read_text().rpartition(")")[2].split()[19])
        queued_ns = int((folder / "schedstat").read_text().split()[1])
        began_s = ticks / os.sysconf("SC_CLK_TCK") - started_ns / _NS
        return max(0.0, began_s), queued_ns / _NS
    return 0.0, 0.0
