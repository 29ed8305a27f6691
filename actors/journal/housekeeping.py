"""One round of housekeeping over all journals: delete what may go, compress what is closed, look what is left.

Runs in a thread, one round at a time; a journal that makes trouble does not keep the others from their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from actors.journal.settings import JournalSettings
from protocol.journal.acks import read_acks
from protocol.journal.disk import Disk
from protocol.journal.extents import Extents
from protocol.journal.folder import Files, delete, files_of, trim_quarantine
from protocol.journal.retention import Deletion, Fullness, Limits, plan
from protocol.journal.room import DiskRoom, disk_room
from protocol.journal.sealed import sealed_file
from protocol.journal.sealing import Sealed, SealFault, seal, sealable, tidy
from protocol.journal.segment import JournalVersion, SegmentName
from protocol.journal.source import Blocks, open_sealed
from protocol.replay import Extent, Position
from protocol.topics import is_publisher

SEALING_NS: Final = 5_000_000_000
"""No further segment is compressed in a round that has lasted so long."""
_NOTHING: Final = Position(0, 0)


class Survey(NamedTuple):
    """One journal after a round."""

    extents: list[Extent]
    bytes: int
    sealed_bytes: int
    plain_bytes: int
    """Of the sealed segments, before they were sealed."""
    segments: int
    quarantine_bytes: int
    acks: dict[str, Position]

    def lag(self, position: Position) -> int:
        """Records behind a position."""
        return sum(
            max(0, extent.last - max(extent.first - 1, position.seq if extent.epoch == position.epoch else 0))
            for extent in self.extents
            if extent.epoch >= position.epoch
        )


class Round(NamedTuple):
    """What one round did and found."""

    room: DiskRoom
    fullness: Fullness
    surveys: dict[str, Survey]
    deleted: list[tuple[str, Deletion]]
    sealed: list[tuple[str, Sealed]]
    problems: dict[str, str]
    """Publisher to what was wrong."""


class Housekeeper:
    """Keeps the journals below one folder within their limits.

    Args:
        root: Folder of the journals.
        settings: Limits.
        mono_ns: Monotonic clock.
        disk: Instead of this machine's.
    """

    def __init__(
        self, root: Path, settings: JournalSettings, mono_ns: Callable[[], int], disk: Disk | None = None
    ) -> None:
        self._root = root
        self._settings = settings
        self._mono_ns = mono_ns
        self._disk = disk or Disk()
        self._limits = limits_of(settings)
        self._extents: dict[str, Extents] = {}
        self._plain_sizes: dict[tuple[str, SegmentName], int] = {}

    def round(self, now_ns: int) -> Round:
        """Do everything once; `now_ns` is the wall clock.

        Raises:
            OSError: the folder of all journals cannot be read.
        """
        room = disk_room(self._root)
        found = Round(room, self._limits.fullness(room), {}, [], [], {})
        until_ns = self._mono_ns() + SEALING_NS
        publishers = [name for name in self._disk.names(self._root) if is_publisher(name)]
        for step in (self._delete, self._seal, self._survey):
            for publisher in publishers:
                try:
                    step(publisher, found, now_ns, until_ns)
                except JournalVersion as fault:
                    found.problems[publisher] = str(fault)
                except (OSError, SealFault) as fault:
                    found.problems[publisher] = f"{step.__name__.strip('_')}: {fault}"
        return found

    def _delete(self, publisher: str, found: Round, now_ns: int, _until_ns: int) -> None:
        folder = self._root / publisher
        deletions = plan(
            self._files(publisher).stored, self._acks(folder), now_ns, disk_room(self._root), self._limits
        )
        for deletion in deletions:
            delete(folder, [deletion.name], self._disk)
            self._plain_sizes.pop((publisher, deletion.name), None)
            found.deleted.append((publisher, deletion))
        trim_quarantine(folder, self._settings.quarantine_bytes, self._disk)

    def _seal(self, publisher: str, found: Round, now_ns: int, until_ns: int) -> None:
        if not self._settings.seal:
            return
        folder, before_ns = self._root / publisher, now_ns - round(self._settings.seal_after_s * 1e9)
        tidy(folder, self._disk)
        for name in sealable(folder, publisher, self._disk, before_ns):
            if self._mono_ns() > until_ns:
                return
            sealed = seal(folder, publisher, name, self._disk, self._settings.zstd_level)
            self._plain_sizes[publisher, name] = sealed.plain_bytes
            found.sealed.append((publisher, sealed))

    def _survey(self, publisher: str, found: Round, _now_ns: int, _until_ns: int) -> None:
        folder = self._root / publisher
        files = self._files(publisher)
        found.surveys[publisher] = Survey(
            extents=files.extents,
            bytes=sum(one.size for one in files.stored),
            sealed_bytes=files.sealed_bytes,
            plain_bytes=sum(self._plain_size(publisher, name) for name in files.sealed),
            segments=len(files.stored),
            quarantine_bytes=trim_quarantine(folder, self._settings.quarantine_bytes, self._disk),
            acks=self._acks(folder),
        )

    def _files(self, publisher: str) -> Files:
        folder = self._root / publisher
        if publisher not in self._extents:
            self._extents[publisher] = Extents(folder, publisher, self._disk)
        return files_of(folder, self._disk, self._extents[publisher])

    def _acks(self, folder: Path) -> dict[str, Position]:
        return {**dict.fromkeys(self._settings.consumers, _NOTHING), **read_acks(folder, self._disk)}

    def _plain_size(self, publisher: str, name: SegmentName) -> int:
        key = publisher, name
        if key not in self._plain_sizes:
            path = self._root / publisher / sealed_file(name)
            source = open_sealed(path, name, self._disk, Blocks())
            try:
                self._plain_sizes[key] = source.size()
            finally:
                source.close()
        return self._plain_sizes[key]


def limits_of(settings: JournalSettings) -> Limits:
    """Settings in the units of retention."""
    return Limits(
        min_age_ns=round(settings.min_age_s * 1e9),
        max_age_ns=round(settings.max_age_s * 1e9),
        low_min_age_ns=round(settings.low_min_age_s * 1e9),
        warn=settings.disk_warn,
        low=settings.disk_low,
        critical=settings.disk_critical,
        max_bytes=settings.max_bytes_per_publisher,
    )


def overview(surveys: Mapping[str, Survey]) -> dict[str, dict[str, object]]:
    """Small and JSON-able: what a person asks first of each journal."""
    return {
        name: {
            "epochs": len(one.extents),
            "last": [one.extents[-1].epoch, one.extents[-1].last] if one.extents else [0, 0],
            "records": sum(extent.last - extent.first + 1 for extent in one.extents),
            "bytes": one.bytes,
            "segments": one.segments,
            "ratio": round(one.plain_bytes / one.sealed_bytes, 2) if one.sealed_bytes else 0.0,
            "quarantine_bytes": one.quarantine_bytes,
            "ack_lag": {consumer: one.lag(position) for consumer, position in one.acks.items()},
        }
        for name, one in surveys.items()
    }
