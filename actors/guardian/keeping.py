"""Quarantines on disk: the next guardian goes on with them."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import msgspec

from actors.guardian.guard import Kept

log = logging.getLogger(__name__)


class Keeping:
    """One small file, replaced whenever a quarantine begins or ends.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: list[str] | None = None

    def read(self) -> dict[str, Kept]:
        """What an earlier guardian kept; nothing where the file is not there or makes no sense."""
        try:
            rows = msgspec.json.decode(self._path.read_bytes(), type=list[Kept])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as fault:
            log.warning("%s: cannot be read, no quarantine goes on: %s", self._path, fault)
            return {}
        return {row.name: row for row in rows}

    def write(self, rows: list[Kept]) -> None:
        """Keep these, if they are others than before."""
        names = [f"{row.name} {row.times}" for row in rows]
        if names == self._written or (not names and self._written is None and not self._path.exists()):
            return
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(rows))
            fresh.replace(self._path)
            self._written = names
        except OSError as fault:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            log.warning(
                "%s: cannot be written, a restart of the guardian would not know: %s", self._path, fault
            )
