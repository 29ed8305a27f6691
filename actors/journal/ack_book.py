"""Acknowledgements on their way to the medium: a thread writes what has come, the loop never waits for the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from protocol.journal.acks import write_acks
from protocol.journal.disk import Disk
from protocol.replay import Position

Done = Callable[[OSError | None], None]
Submit = Callable[[Callable[[], Any], Callable[[Any], None]], None]
_NOTHING: Final = Position(0, 0)


class AckBook:
    """Collects acknowledgements while the thread writes those before; of one consumer only the newest is written.

    Args:
        root: Folder of the journals.
        submit: Runs work in a thread and gives its result to a callback in the loop.
        disk: Instead of this machine's.
    """

    def __init__(self, root: Path, submit: Submit, disk: Disk | None = None) -> None:
        self._root = root
        self._submit = submit
        self._disk = disk or Disk()
        self._waiting: dict[str, dict[str, Position]] = {}
        self._askers: dict[str, list[Done]] = {}
        self._is_writing = False

    def note(self, publisher: str, consumer: str, position: Position, done: Done) -> None:
        """Store a position; `done` is called in the loop once it is stored, or cannot be."""
        waiting = self._waiting.setdefault(publisher, {})
        waiting[consumer] = max(position, waiting.get(consumer, _NOTHING))
        self._askers.setdefault(publisher, []).append(done)
        self._write()

    def _write(self) -> None:
        if self._is_writing or not self._waiting:
            return
        self._is_writing = True
        batch, askers = self._waiting, self._askers
        self._waiting, self._askers = {}, {}

        def work() -> dict[str, OSError]:
            faults: dict[str, OSError] = {}
            for publisher, acks in batch.items():
                try:
                    write_acks(self._root / publisher, acks, self._disk)
                except OSError as fault:
                    faults[publisher] = fault
            return faults

        def written(result: dict[str, OSError] | Exception) -> None:
            self._is_writing = False
            if isinstance(result, Exception):
                raise result
            for publisher, waiting in askers.items():
                for done in waiting:
                    done(result.get(publisher))
            self._write()

        self._submit(work, written)
