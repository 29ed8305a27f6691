"""What is kept on the disk, how fast it grows, and how long the room lasts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from actors.gateway.context import Context
from actors.gateway.operations.actors import status_of
from actors.gateway.operations.masking import shown_url
from protocol.errors import HubError
from protocol.requests import Request
from protocol.stores import NO_DATABASE, database_of, stores

FRESH_NS: Final = 2_000_000_000
SEEN_S: Final = 60.0
"""Growth over less time than this says nothing about days."""
SAMPLE_S: Final = 30.0
SAMPLES: Final = 240
"""Two hours of them."""


class Sample(NamedTuple):
    """How much there was at a moment."""

    mono_ns: int
    bytes: int


class Files(NamedTuple):
    """What the disk says."""

    free_bytes: int
    used_share: float
    parquet_bytes: int
    parquet_files: int


def days_left(samples: deque[Sample], free_bytes: int) -> float | None:
    """Days until the disk is full if it goes on as seen; None: too little was seen, or nothing grows."""
    if len(samples) < 2:
        return None
    seen_s = (samples[-1].mono_ns - samples[0].mono_ns) / 1e9
    grown = samples[-1].bytes - samples[0].bytes
    if seen_s < SEEN_S or grown <= 0:
        return None
    return round(free_bytes / (grown / seen_s * 86_400), 1)


class Storage:
    """Looks at most every two seconds; in between it answers what it saw.

    Args:
        context: The gateway.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._rows: dict[str, tuple[int, int, float]] = {}
        """Epoch, rows and uptime at the look before, of each persistence actor."""
        self._looked_ns = 0
        self._looking: asyncio.Task[dict[str, Any]] | None = None

    async def answer(self) -> dict[str, Any]:
        """Database, Parquet, journals, disk; unknown is None."""
        mono_ns = self._context.clock.mono_ns()
        is_old = mono_ns - self._looked_ns > FRESH_NS
        if self._looking is None or (self._looking.done() and is_old):
            self._looked_ns = mono_ns
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> dict[str, Any]:
        files = await asyncio.to_thread(_files, self._context.run_dir)
        database = await self._database()
        journals = self._journals()
        disk: dict[str, float | None] = {"free_bytes": None, "used_share": None, "days_left": None}
        if files is not None:
            total = (
                files.parquet_bytes + (database["bytes"] or 0) + sum(one["bytes"] or 0 for one in journals)
            )
            self._note(total)
            disk = {
                "free_bytes": files.free_bytes,
                "used_share": files.used_share,
                "days_left": days_left(self._samples, files.free_bytes),
            }
        parquet = {
            "bytes": files.parquet_bytes if files else None,
            "files": files.parquet_files if files else None,
        }
        return {"database": database, "parquet": parquet, "journals": journals, "disk": disk}

    def _note(self, total_bytes: int) -> None:
        mono_ns = self._context.clock.mono_ns()
        if not self._samples or mono_ns - self._samples[-1].mono_ns >= SAMPLE_S * 1e9:
            self._samples.append(Sample(mono_ns, total_bytes))

    async def _database(self) -> dict[str, Any]:
        """All databases together, where several persistence actors divide the kinds."""
        actors = self._context.common.actors
        names = [name for name in stores(actors) if database_of(actors[name]) != NO_DATABASE]
        found = [await self._database_of(name) for name in names]
        waiting = [one["oldest_unflushed_s"] for one in found if one.get("oldest_unflushed_s") is not None]
        return {
            "url": ", ".join(one["url"] for one in found) or None,
            "bytes": _sum(found, "bytes"),
            "rows_per_s": _sum(found, "rows_per_s"),
            "oldest_unflushed_s": max(waiting, default=None),
            "wal_bytes": _sum(found, "wal_bytes"),
        }

    async def _database_of(self, name: str) -> dict[str, Any]:
        url = database_of(self._context.common.actors[name])
        found: dict[str, Any] = {
            "url": shown_url(url or f"sqlite:///{self._context.run_dir}/db/tapehub.sqlite")
        }
        with contextlib.suppress(HubError, msgspec.DecodeError):
            reply = await self._context.reads.ask_query(name, Request(op="size"))
            if reply.ok:
                found |= msgspec.msgpack.decode(reply.data, type=dict[str, int | None])
        status = status_of(self._context, name)
        target = next((one for key, one in status.get("targets", {}).items() if key == name), None)
        if target is not None:
            found["oldest_unflushed_s"] = target.get("oldest_unflushed_s")
            found["rows_per_s"] = self._rows_per_s(name, status, target)
        return found

    def _rows_per_s(self, name: str, status: Mapping[str, Any], target: Mapping[str, Any]) -> float | None:
        """Since the look before; at the first one, since it started."""
        epoch, rows, uptime_s = int(status["epoch"]), int(target["rows"]), float(status["uptime_s"])
        before_epoch, before_rows, before_s = self._rows.get(name, (0, 0, 0.0))
        if epoch != before_epoch:
            before_rows, before_s = 0, 0.0
        if uptime_s - before_s < 1.0:
            return None if not uptime_s else round(rows / uptime_s, 1)
        self._rows[name] = epoch, rows, uptime_s
        return round((rows - before_rows) / (uptime_s - before_s), 1)

    def _journals(self) -> list[dict[str, Any]]:
        names = [name for name in self._context.common.actors if name.partition(".")[0] == "journal"]
        told = {
            publisher: one
            for name in names
            for publisher, one in status_of(self._context, name).get("journals", {}).items()
        }
        return [
            {
                "publisher": publisher,
                "bytes": one.get("bytes"),
                "segments": one.get("segments"),
                "records": one.get("records"),
                "quarantine_bytes": one.get("quarantine_bytes"),
                "lag": one.get("ack_lag", {}),
            }
            for publisher, one in sorted(told.items())
        ]


def _files(run_dir: Path) -> Files | None:
    """Room on the disk, and the Parquet files; in a thread."""
    try:
        usage = shutil.disk_usage(run_dir)
    except OSError:
        return None
    size = count = 0
    for folder, _, names in os.walk(run_dir / "parquet"):
        for name in names:
            if name.endswith(".parquet") and not name.startswith("."):
                with contextlib.suppress(OSError):  # merged away meanwhile
                    size += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118 - thousands of them
                    count += 1
    used_share = round(1 - usage.free / usage.total, 4) if usage.total else 0.0
    return Files(usage.free, used_share, size, count)


def _sum(found: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Of what is known; None if nothing is."""
    known = [one[key] for one in found if one.get(key) is not None]
    return sum(known) if known else None
