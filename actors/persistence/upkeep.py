"""What a database needs besides rows: its log merged, what is too old deleted; a little of it after each batch.

Where the server has jobs of its own for old data (TimescaleDB's Community edition), it is told the ages once and
nothing is deleted from here but what is in no hypertable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actors.persistence import timescale
from actors.persistence.retention import Retention
from actors.persistence.store import Store

MERGE_NS: Final = 30_000_000_000
PASS_NS: Final = 600_000_000_000
"""Between the end of one search for old rows and the next."""
STEPS: Final = 4
"""Chunks deleted in one turn: some ten milliseconds."""


class Upkeep:
    """Keeps one store in shape; used in its thread.

    Args:
        store: That store.
        max_age_s: Kind to the age at which its rows go, seconds, see `Retention`.
    """

    def __init__(self, store: Store, max_age_s: Mapping[str, float]) -> None:
        self.retention = Retention(store, max_age_s)
        self.log_bytes = 0
        """Of SQLite's write-ahead log at the last merge: it grows while a reader stays in one transaction."""
        self._store = store
        self._max_age_s = dict(max_age_s)
        self._merge_ns = self._pass_ns = 0

    def opened(self) -> bool:
        """Tell a new connection's server what it can do by itself; whether it can.

        Raises:
            StoreError: it refuses.
        """
        return self._store.transact(lambda connection: timescale.set_policies(connection, self._max_age_s))

    def turn(self, now_ns: int, mono_ns: int) -> None:
        """Do what is due, not much at once.

        Raises:
            StoreError: some rows could not be deleted; they are still there.
        """
        if mono_ns >= self._pass_ns and self._max_age_s:
            for _ in range(STEPS):
                if not self.retention.step(now_ns):
                    self._pass_ns = mono_ns + PASS_NS
                    break
        if mono_ns >= self._merge_ns:
            self._merge_ns = mono_ns + MERGE_NS
            self.log_bytes = self._store.maintain()
