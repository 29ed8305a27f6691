"""A process may end before, in and after every file call; a power cut takes what no sync has put on the medium.

Whatever happens: files under their final names are whole, no reader sees a row twice, and once the sink runs
again and is given what lies behind its positions, every row is there once.
"""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.persistence import parquet_folder, parquet_sink
from actors.persistence.parquet_commit import Commit, ParquetError, write_commit
from actors.persistence.parquet_sink import ParquetSink
from protocol.journal.disk import Disk
from tests.unit.actors.persistence.parquet_rig import (
    HOUR_NS,
    Hands,
    QuickDisk,
    batch_of,
    behind,
    keys_of,
    market,
    store,
    stored_keys,
)

MANY = int(os.environ.get("TAPEHUB_PARQUET_EXAMPLES", "15"))
"""Examples of each property; a thorough run (1000 and more) also ends a life at every single call."""
STRIDE = 1 if MANY >= 1000 else 110
FRAMES = market(36)


class Crash(BaseException):
    """The process is gone: nothing of it may catch this."""


class MortalDisk(Disk):
    """Counts changing calls, ends the process at one of them, and knows how to take back what is not on the medium."""

    def __init__(self, ends_at: int, share: float) -> None:
        self.left = ends_at
        self.share = share
        """How much of the last call is still done: 0 none, 1 all."""
        self.calls: list[str] = []
        self._paths: dict[int, Path] = {}
        self._on_medium: dict[Path, int] = {}
        self._undo: list[tuple[Path, Callable[[], None]]] = []
        """Changes of names that no sync of their folder has put on the medium."""

    def _do(self, name: str, call: Callable[[], object]) -> object:
        self.calls.append(name)
        self.left -= 1
        if self.left > 0:
            return call()
        if self.left == 0 and self.share > 0.5:
            call()
        raise Crash

    def make_folder(self, path):
        if not path.is_dir():
            self._do("make_folder", lambda: super(MortalDisk, self).make_folder(path))
            self._undo.append((path.parent, lambda: shutil.rmtree(path)))

    def create(self, path):
        def call() -> int:
            fd = super(MortalDisk, self).create(path)
            self._undo.append((path.parent, lambda: path.unlink(missing_ok=True)))
            self._paths[fd] = path
            self._on_medium[path] = 0
            return fd

        return self._do("create", call)

    def close(self, fd):
        self._paths.pop(fd, None)
        super().close(fd)

    def write(self, fd, data):
        self.calls.append("write")
        self.left -= 1
        if self.left > 0:
            return super().write(fd, data)
        if self.left == 0:
            super().write(fd, data[: int(len(data) * self.share)])
        raise Crash

    def sync(self, fd):
        def call() -> None:
            self._on_medium[self._paths[fd]] = self.size(fd)

        self._do("sync", call)

    def sync_folder(self, path):
        def call() -> None:
            self._undo = [one for one in self._undo if one[0] != path]

        self._do("sync_folder", call)

    def rename(self, source, target):
        def call() -> None:
            before = target.read_bytes() if target.exists() else None
            super(MortalDisk, self).rename(source, target)
            self._on_medium[target] = self._on_medium.pop(source, target.stat().st_size)

            def undo() -> None:
                target.replace(source)
                self._on_medium[source] = self._on_medium.pop(target, 0)
                if before is not None:
                    target.write_bytes(before)
                    self._on_medium[target] = len(before)

            self._undo.append((target.parent, undo))

        self._do("rename", call)

    def remove(self, path):
        if not path.exists():
            return

        def call() -> None:
            content = path.read_bytes()
            super(MortalDisk, self).remove(path)
            self._undo.append((path.parent, lambda: path.write_bytes(content)))

        self._do("remove", call)

    def cut_power(self) -> None:
        """Take back every change that is not on the medium: names first, then bytes."""
        for _, undo in reversed(self._undo):
            undo()
        for path, size in self._on_medium.items():
            if path.exists() and path.stat().st_size > size:
                os.truncate(path, size)


def life(sink: ParquetSink, hands: Hands, frames: list, steps: list[str]) -> None:
    """What a worker does all day."""
    rest = behind(frames, sink.positions())
    since = sink.positions()
    for step in steps:
        if step == "add":
            batch, rest = batch_of(rest[:5], since), rest[5:]
            sink.add(batch)
            since = {**since, **batch.positions}
        elif step == "flush":
            sink.flush()
        elif step == "hour":
            hands.ns += HOUR_NS
        elif step == "compact":
            while sink.compact():
                pass


DAY = [
    "add",
    "add",
    "flush",
    "add",
    "flush",
    "hour",
    "compact",
    "add",
    "flush",
    "hour",
    "add",
    "flush",
    "compact",
]


def check_a_crash(
    folder: Path, ends_at: int, share: float, steps: list[str], *, is_power_cut: bool
) -> list[str]:
    """One life that ends at a call, what is there then, and the next lives; returns the calls of the first."""
    hands = Hands()
    disk = MortalDisk(ends_at, share)
    sink = None
    try:
        sink = ParquetSink(folder, hands, disk=disk)
        life(sink, hands, FRAMES, steps)
    except Crash:
        pass
    for fd in [*disk._paths]:
        disk.close(fd)
    if sink is not None:
        os.close(sink._lock_fd)
    if is_power_cut:
        disk.cut_power()

    seen = stored_keys(folder)  # a reader while nothing runs: opens every file that counts
    assert not seen or max(seen.values()) == 1
    for path in folder.rglob("[!.]*.parquet"):
        pq.read_metadata(path)

    again = ParquetSink(folder, hands, disk=QuickDisk())
    assert not list(folder.rglob(".*.tmp"))
    committed = stored_keys(folder)
    assert committed == keys_of([frame for frame in FRAMES if frame not in behind(FRAMES, again.positions())])
    assert seen <= committed
    store(again, behind(FRAMES, again.positions()))
    hands.ns += HOUR_NS
    while again.compact():
        pass
    again.close()
    assert stored_keys(folder) == keys_of(FRAMES)
    assert all(len(list(hour.glob("*.parquet"))) <= 1 for hour in folder.glob("*/*/*"))
    return disk.calls


CALLS = 400
"""More than a life makes; a crash that never comes is a life without one."""


@given(
    ends_at=st.integers(1, CALLS),
    share=st.sampled_from([0.0, 0.4, 1.0]),
    is_power_cut=st.booleans(),
    steps=st.just(DAY) | st.lists(st.sampled_from(sorted({*DAY})), max_size=14),
)
@settings(max_examples=MANY)
def test_nothing_is_lost_or_doubled_wherever_it_ends(tmp_path_factory, ends_at, share, is_power_cut, steps):
    check_a_crash(tmp_path_factory.mktemp("p"), ends_at, share, steps, is_power_cut=is_power_cut)


def test_the_property_reaches_every_kind_of_call(tmp_path):
    calls = check_a_crash(tmp_path, CALLS, 1.0, DAY, is_power_cut=False)
    assert 100 < len(calls) < CALLS
    assert {*calls} == {"make_folder", "create", "write", "sync", "sync_folder", "rename", "remove"}


@pytest.mark.parametrize("is_power_cut", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.timeout(600)
def test_call_by_call(tmp_path, share, is_power_cut):
    ends_at, count = 1, 2
    while ends_at < count:
        folder = tmp_path / str(ends_at)
        count = max(count, 1 + len(check_a_crash(folder, ends_at, share, DAY, is_power_cut=is_power_cut)))
        shutil.rmtree(folder)
        ends_at += STRIDE


class FullDisk(QuickDisk):
    """Full at one of its calls, and only there."""

    def __init__(self, at: int) -> None:
        self.left = at

    def _check(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")

    def create(self, path):
        self._check()
        return super().create(path)

    def write(self, fd, data):
        self._check()
        return super().write(fd, data)

    def rename(self, source, target):
        self._check()
        super().rename(source, target)

    def sync_folder(self, path):
        self._check()


def flushed(sink: ParquetSink) -> bool:
    """Whether a flush worked; if not, it must say what to do."""
    try:
        sink.flush()
    except ParquetError as fault:
        if "No space left on device: free some space" not in str(fault):
            raise
        return False
    return True


@given(at=st.integers(1, 30))
@settings(max_examples=max(8, MANY // 10))
def test_a_failed_write_is_told_and_the_next_attempt_goes_on_from_what_is_stored(tmp_path_factory, at):
    folder = tmp_path_factory.mktemp("full")
    disk = FullDisk(0)
    sink = ParquetSink(folder, Hands(), disk=disk)
    disk.left = at
    failures = 0
    for end in (10, 20, len(FRAMES)):
        sink.add(batch_of(behind(FRAMES[:end], sink.positions()), sink.positions()))
        if not flushed(sink):
            failures += 1
            assert sink.row_count == 0
            with pytest.raises(ParquetError, match="reopen it first"):
                sink.flush()
            assert sink.reopen() == sink.positions()
            store(sink, behind(FRAMES[:end], sink.positions()))
        assert stored_keys(folder) == keys_of(FRAMES[:end])
    assert failures == (disk.left <= 0)
    sink.close()


def failures_of(folder: Path, lives: range) -> int:
    """How many of these lives, each ended at another call, leave something lost or doubled."""
    failed = 0
    for ends_at in lives:
        try:
            check_a_crash(folder / str(ends_at), ends_at, 0.0, DAY, is_power_cut=False)
        except (AssertionError, pa.ArrowInvalid):
            failed += 1
    return failed


def test_the_property_sees_positions_that_are_stored_before_the_rows(tmp_path, monkeypatch):
    """Negative control: the watermark outside the transaction."""
    keep = parquet_sink.write_draft

    def early(disk, path, schema, tables, commit):
        write_commit(disk, path.parents[3], msgspec.json.decode(commit, type=Commit))
        return keep(disk, path, schema, tables, commit)

    monkeypatch.setattr(parquet_sink, "write_draft", early)
    assert failures_of(tmp_path, range(12, 40, 6)) > 0


def test_the_property_sees_parts_that_still_count_once_they_are_merged(tmp_path, monkeypatch):
    """Negative control: every file counts, whatever its name says."""
    monkeypatch.setattr(parquet_folder, "split_live", lambda names: (sorted(names), []))
    assert failures_of(tmp_path, range(100, 220, 20)) > 0
