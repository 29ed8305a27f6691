"""A file of a person's that an actor reads again whenever it changes; while it is wrong, what was in force stays so."""

from __future__ import annotations

import abc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.runtime.actor import Actor
from protocol.errors import ConfigError, InvalidRequest


class ReloadedFile(abc.ABC):
    """The file, and what is wrong with it.

    Args:
        path: It.
        is_optional: Without it defaults are in force.
    """

    def __init__(self, path: Path, *, is_optional: bool = False) -> None:
        self.path = path
        self.problems: list[str] = []
        """What is wrong with the file as it stands; while anything is, what it said before stays in force."""
        self.loads = 0
        """How often it was read with success."""
        self._is_optional = is_optional
        self._seen: tuple[int, int, int] | None = None

    @abc.abstractmethod
    def read(self) -> None:
        """Read it and put it in force.

        Raises:
            ConfigError: names every mistake; nothing has changed then.
        """

    def load(self) -> None:
        """Read it, whether or not it has changed.

        Raises:
            ConfigError: names every mistake; what was in force stays so.
        """
        self._seen = self._stamp()
        if self._seen is None and self._is_optional and not self.loads:
            self.problems = []
            return
        try:
            self.read()
        except ConfigError as error:
            self.problems = error.problems
            raise
        self.problems = []
        self.loads += 1

    def is_changed(self) -> bool:
        """Whether it is another file than the one last looked at: by time, size and number."""
        return self._stamp() != self._seen

    def detail(self) -> dict[str, Any]:
        """For the status."""
        return {"path": str(self.path), "loads": self.loads, "problems": self.problems}

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class Reloading:
    """Looks after an actor's file; make it in `setup`, after the first `load`.

    Args:
        actor: Whose.
        file: It.
        what: What it holds, for the log.
        watch_s: Seconds between two looks whether it has changed.
        put_in_force: Called when it was read again.
    """

    def __init__(
        self, actor: Actor, file: ReloadedFile, what: str, watch_s: float, put_in_force: Callable[[], None]
    ) -> None:
        self._actor = actor
        self._file = file
        self._what = what
        self._put_in_force = put_in_force
        actor.every(watch_s, self._watch)

    def reload(self) -> dict[str, Any]:
        """Read it again since somebody asks; returns its state.

        Raises:
            InvalidRequest: names every mistake of the file.
        """
        try:
            self._load()
        except ConfigError as error:
            raise InvalidRequest("\n".join(error.problems), errors=error.problems) from error
        return self._file.detail()

    def _watch(self) -> None:
        if not self._file.is_changed():
            return
        try:
            self._load()
        except ConfigError as error:
            self._actor.counters["reloads_refused"] += 1
            self._actor.log.error("the %s stay as they were, %s is wrong:", self._what, self._file.path)
            for problem in error.problems:
                self._actor.log.error("%s", problem)

    def _load(self) -> None:
        self._file.load()
        self._put_in_force()
        self._actor.counters["reloads"] += 1
        self._actor.log.info("%s of %s are in force", self._what, self._file.path)
