"""The two places where rows go: the database, and Parquet files. Blocking: called in worker threads only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from actors.persistence.batch import Batch
from actors.persistence.catalogue import Catalogue
from actors.persistence.failures import StoreError
from actors.persistence.opening import open_store
from actors.persistence.settings import PersistenceSettings
from actors.persistence.store import Saved
from actors.persistence.upkeep import Upkeep
from actors.runtime.clock import Clock
from protocol.replay import Position

if TYPE_CHECKING:
    from actors.persistence.parquet_sink import ParquetSink

DAY_S: Final = 86_400.0


class SqlTarget:
    """The database.

    Args:
        name: Of the actor.
        settings: Which database, and how.
        run_dir: Run directory.
        clock: Clocks.

    Raises:
        StoreError: the URL is none, or of a database that is not supported.
    """

    def __init__(self, name: str, settings: PersistenceSettings, run_dir: str, clock: Clock) -> None:
        self.name = name
        self.store = open_store(
            settings.database,
            run_dir,
            auto_upgrade=settings.auto_upgrade,
            synchronous=settings.synchronous,
        )
        self._kinds = frozenset(settings.kinds)
        self._clock = clock
        self._upkeep = Upkeep(self.store, {kind: days * DAY_S for kind, days in settings.keep_days.items()})
        self._durable: dict[str, Position] = {}

    def open(self) -> dict[str, Position]:
        """Connect anew."""
        self._durable = self.store.positions()
        self._upkeep.opened()
        return dict(self._durable)

    def batch(self) -> Batch:
        """An empty batch."""
        return self.store.batch(self._kinds)

    def save(self, batch: Batch) -> Saved:
        """Store rows and positions in one transaction."""
        saved = self.store.save(batch, self._clock.now_ns())
        self._durable = {**self._durable, **batch.positions}
        self._upkeep.turn(self._clock.now_ns(), self._clock.mono_ns())
        return saved

    def durable(self) -> dict[str, Position]:
        """How far it is stored."""
        return self._durable

    def close(self) -> None:
        """Disconnect."""
        self.store.close()


class Buffered(NamedTuple):
    """What the Parquet target says of a batch."""

    rows: int
    refused_doubles: dict[str, int]


class ParquetTarget:
    """Hourly files.

    Args:
        name: Of the actor.
        settings: How often.
        run_dir: Run directory.
        clock: Clocks.
    """

    def __init__(self, name: str, settings: PersistenceSettings, run_dir: str, clock: Clock) -> None:
        self.name = f"{name}.parquet"
        self._folder = Path(run_dir) / "parquet"
        self._settings = settings
        self._clock = clock
        self._sink: ParquetSink | None = None

    def open(self) -> dict[str, Position]:
        """Bring the folder into order."""
        from actors.persistence.parquet_commit import ParquetError  # noqa: PLC0415 - 60 MB, only where wanted
        from actors.persistence.parquet_sink import ParquetSink  # noqa: PLC0415

        try:
            if self._sink is not None:
                return self._sink.reopen()
            self._sink = ParquetSink(
                self._folder,
                self._clock,
                kinds=self._settings.kinds,
                flush_s=self._settings.parquet_flush_s,
            )
        except ParquetError as fault:
            raise StoreError(str(fault)) from fault
        return self._sink.positions()

    def batch(self) -> Batch:
        """An empty batch."""
        return Batch(Catalogue(), self.durable(), frozenset(self._settings.kinds))

    def save(self, batch: Batch) -> Buffered:
        """Buffer rows; write them when it is time, and then merge an hour that is over."""
        from actors.persistence.parquet_commit import ParquetError  # noqa: PLC0415

        sink = self._sink
        assert sink is not None
        try:
            sink.add(batch)
            if sink.is_due:
                sink.flush()
                self._drop_old(sink)
            else:
                sink.compact()
        except ParquetError as fault:
            raise StoreError(str(fault)) from fault
        return Buffered(batch.row_count, {})

    def _drop_old(self, sink: ParquetSink) -> None:
        now_ns = self._clock.now_ns()
        for kind, days in self._settings.keep_days.items():
            sink.drop_before(kind, now_ns - round(days * DAY_S * 1e9))

    def durable(self) -> dict[str, Position]:
        """How far it is written."""
        return self._sink.positions() if self._sink is not None else {}

    def close(self) -> None:
        """Write what is buffered."""
        from actors.persistence.parquet_commit import ParquetError  # noqa: PLC0415

        if self._sink is not None:
            try:
                self._sink.close()
            except ParquetError as fault:
                raise StoreError(str(fault)) from fault
