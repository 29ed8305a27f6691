"""A process may end before, in and after every file call; a power cut takes what no sync has put on the medium."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.journal.disk import Disk
from protocol.journal.recovery import recover
from protocol.journal.segment import segments_of
from tests.unit.protocol.journal.rig import NAME, frames_of, read_all, writer_in


class Crash(BaseException):
    """The process is gone: nothing of it may catch this."""


class MortalDisk(Disk):
    """Counts changing calls, and ends the process at one of them; knows what is on the medium."""

    def __init__(self, ends_at: int, share: float) -> None:
        self.left = ends_at
        self.share = share
        """How much of the last call is still done: 0 none, 1 all."""
        self.paths: dict[int, Path] = {}
        self.on_medium: dict[Path, int] = {}

    def _live(self) -> bool:
        """Whether this call is done as usual; if not, it is the last one."""
        self.left -= 1
        if self.left < 0:
            raise Crash
        return self.left > 0

    def _last(self, call) -> None:
        if self.share > 0.5:
            call()
        raise Crash

    def create(self, path):
        if not self._live():
            self._last(lambda: super(MortalDisk, self).create(path))
        fd = super().create(path)
        self.paths[fd] = path
        self.on_medium[path] = 0
        return fd

    def duplicate(self, fd):
        copy = super().duplicate(fd)
        self.paths[copy] = self.paths[fd]
        return copy

    def close(self, fd):
        self.paths.pop(fd, None)
        super().close(fd)

    def close_all(self) -> None:
        """What the system does for a process that is gone."""
        for fd in [*self.paths]:
            self.close(fd)

    def write(self, fd, data):
        if not self._live():
            super().write(fd, data[: int(len(data) * self.share)])
            raise Crash
        return super().write(fd, data)

    def sync(self, fd):
        if self._live():
            self.on_medium[self.paths[fd]] = self.size(fd)
        else:
            raise Crash

    def sync_folder(self, path):
        if not self._live():
            raise Crash

    def rename(self, source, target):
        if not self._live():
            self._last(lambda: super(MortalDisk, self).rename(source, target))
        super().rename(source, target)
        self.on_medium[target] = self.on_medium.pop(source)

    def cut_power(self, folder: Path, kept: float) -> None:
        """Take a part of what was not on the medium from the end of each file."""
        for path in folder.glob("*.seg"):
            size, safe = path.stat().st_size, self.on_medium.get(path, 0)
            with path.open("r+b") as segment:
                segment.truncate(safe + int((size - safe) * kept))


def live(folder: Path, epoch: int, disk: MortalDisk, count: int, batch: int) -> tuple[list[bytes], int, int]:
    """One life of a publisher: its frames, how many `append` returned for, and how many a sync did."""
    frames, done, durable, writer = frames_of(epoch, [30] * count), 0, 0, None
    try:
        writer = writer_in(folder, epoch, disk, max_bytes=1_200)
        for start in range(0, count, batch):
            writer.append(frames[start : start + batch])
            done = writer.seq
            if start % 3 == 0:
                durable = writer.sync()
            durable = writer.durable_seq
        writer.close()
        durable = writer.durable_seq
    except Crash:
        pass
    finally:
        disk.close_all()
    return frames, done, max(durable, writer.durable_seq if writer else 0)


@settings(max_examples=120)
@given(
    lives=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.integers(1, 8)),
        min_size=1,
        max_size=4,
    )
)
def test_the_end_of_the_process_loses_nothing_that_was_appended(tmp_path_factory, lives):
    folder, written = tmp_path_factory.mktemp("journal"), {}
    for ends_at, share, batch in lives:
        epoch = recover(folder, NAME).highest_epoch + 1
        frames, done, _ = live(folder, epoch, MortalDisk(ends_at, share), 30, batch)
        written[epoch] = (frames, done)
        if not segments_of(Disk().names(folder)):
            written.clear()  # it ended before there was a file
    end = recover(folder, NAME)
    for epoch, (frames, done) in written.items():
        found, lost = read_all(folder, epoch)
        assert not lost
        assert len(found) >= done
        assert found == frames[: len(found)]
    assert end.seq == len(read_all(folder, end.epoch)[0]) if end.epoch else end.seq == 0


@settings(max_examples=120)
@given(
    ends_at=st.integers(1, 70),
    share=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    batch=st.integers(1, 8),
    kept=st.floats(0, 1),
)
def test_a_power_cut_loses_nothing_that_was_durable(tmp_path_factory, ends_at, share, batch, kept):
    folder = tmp_path_factory.mktemp("journal")
    disk = MortalDisk(ends_at, share)
    frames, _, durable = live(folder, 9, disk, 30, batch)
    disk.cut_power(folder, kept)

    end = recover(folder, NAME)
    found, lost = read_all(folder, 9)
    assert not lost
    assert len(found) == end.seq >= durable
    assert found == frames[: len(found)]
    assert end.highest_epoch in (0, 9)
