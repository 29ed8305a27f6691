"""Actors as processes that come back whenever they die, as under supervisord, with a list of what ended them."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.support.process import ActorProcess

LOOK_S: Final = 0.1
STOP_S: Final = 30.0
CLEAN: Final = (0, -signal.SIGKILL, -signal.SIGTERM)
"""Ends that are meant: asked for (SIGTERM also before anybody listened for it), or killed."""


class Respawned:
    """The actors of one run; use as a context manager.

    Args:
        config: Their configuration; read anew at each start.
        environment: By kind, more variables for its actors.
    """

    def __init__(self, config: Path, environment: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.config = config
        self.restarts = 0
        self.complaints: list[str] = []
        """Ends that nobody meant."""
        self._environment = environment or {}
        self._actors: dict[str, ActorProcess] = {}
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self, names: Sequence[str]) -> None:
        """Start those that do not run yet."""
        with self._lock:
            for name in names:
                if name not in self._actors:
                    self._spawn(name)

    def stop(self, names: Sequence[str], *, hard: bool = False) -> None:
        """End these for good: SIGTERM and a wait, or SIGKILL."""
        with self._lock:
            gone = [(name, self._actors.pop(name)) for name in names if name in self._actors]
        for _, actor in gone:
            if hard:
                actor.kill()
            else:
                actor.send(signal.SIGTERM)
        for name, actor in gone:
            self._note(name, actor, actor.wait(STOP_S))
            actor.__exit__(None, None, None)

    def kill(self, name: str) -> None:
        """SIGKILL one; it comes back."""
        with self._lock:
            actor = self._actors.get(name)
            if actor is not None:
                actor.send(signal.SIGKILL)

    def names(self) -> list[str]:
        """Those that are meant to run."""
        with self._lock:
            return list(self._actors)

    def log_of(self, name: str) -> str:
        """What one has written in its present life."""
        with self._lock:
            return self._actors[name].stderr_text if name in self._actors else ""

    def _spawn(self, name: str) -> None:
        kind = name.partition(".")[0]
        self._actors[name] = ActorProcess(kind, name, self.config, env=self._environment.get(kind))

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_S):
            with self._lock:
                for name, actor in list(self._actors.items()):
                    code = actor.process.poll()
                    if code is not None:
                        self._note(name, actor, code)
                        actor.__exit__(None, None, None)
                        self.restarts += 1
                        self._spawn(name)

    def _note(self, name: str, actor: ActorProcess, code: int) -> None:
        if code not in CLEAN:
            self.complaints.append(f"{name} ended with {code}: {actor.stderr_text[-600:]}")

    def __enter__(self) -> Respawned:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(STOP_S)
        with contextlib.ExitStack() as stack:
            for actor in self._actors.values():
                stack.callback(actor.__exit__, None, None, None)


def pauses(seconds: float, step_s: float) -> Iterator[None]:
    """Let so much time pass, step by step."""
    waiting = threading.Event()
    for _ in range(max(1, round(seconds / step_s))):
        waiting.wait(step_s)
        yield
