"""Ballast takes real room, is given back before anything is flagged, and comes back when there is plenty."""

import errno

import pytest

from protocol.journal.ballast import FILE, Ballast
from protocol.journal.disk import Disk
from protocol.journal.journal import Journal
from protocol.record import FLAG_NOT_JOURNALLED, with_flag
from tests.unit.protocol.journal.rig import NAME, frames_of, read_all
from tests.unit.protocol.journal.small_disk import SmallDisk, Times

FRAMES = frames_of(9, [60] * 40)
ONE = len(FRAMES[0])
BALLAST = 10 * ONE


def journal_in(folder, disk=None, ballast_bytes=BALLAST):
    times = Times()
    return Journal(folder, NAME, 9, times.now, times.now, disk or SmallDisk(), ballast_bytes=ballast_bytes)


def flagged(frames):
    return [with_flag(frame, FLAG_NOT_JOURNALLED) for frame in frames]


def test_ballast_is_given_back_before_anything_is_flagged(tmp_path):
    disk = SmallDisk(10 * BALLAST)
    journal = journal_in(tmp_path, disk)
    assert (tmp_path / FILE).stat().st_size == BALLAST
    assert journal.has_ballast
    disk.room = 2 * ONE + 5

    batch = FRAMES[:8]
    assert journal.write(batch) is batch
    assert (journal.state, journal.has_ballast, (tmp_path / FILE).exists()) == ("ok", False, False)
    sent = journal.write(FRAMES[8:20])
    assert sent == [*FRAMES[8:12], *flagged(FRAMES[12:20])]
    assert journal.state == "degraded"
    assert read_all(tmp_path, 9) == (FRAMES[:12], [])


def test_ballast_comes_back_when_there_is_plenty_of_room(tmp_path):
    disk = SmallDisk(10 * BALLAST)
    journal = journal_in(tmp_path, disk)
    disk.room = 0
    journal.write(FRAMES[:15])
    assert (journal.state, journal.has_ballast) == ("degraded", False)

    disk.room = 3 * BALLAST + 4 * ONE
    journal.retry()
    assert (journal.state, journal.has_ballast) == ("ok", False)  # would leave less than twice its size
    disk.room = 3 * BALLAST
    journal.retry()
    assert journal.has_ballast
    assert disk.room == 2 * BALLAST


def test_ballast_of_an_earlier_life_is_kept_and_released_at_a_full_start(tmp_path):
    journal_in(tmp_path).close()
    disk = SmallDisk(0)
    times = Times()
    journal = Journal(tmp_path, NAME, 10, times.now, times.now, disk, ballast_bytes=BALLAST)
    assert (journal.state, journal.has_ballast) == ("ok", False)
    frames = frames_of(10, [60] * 3)
    assert journal.write(frames) is frames


@pytest.mark.parametrize("before", [0, 1, BALLAST - 1, BALLAST + 1])
def test_a_ballast_of_another_size_is_made_again(tmp_path, before):
    (tmp_path / FILE).write_bytes(bytes(before))
    journal_in(tmp_path)
    assert (tmp_path / FILE).stat().st_size == BALLAST


def test_no_ballast_is_wanted(tmp_path):
    (tmp_path / FILE).write_bytes(bytes(7))
    assert not journal_in(tmp_path, ballast_bytes=0).has_ballast
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("call", ["allocate", "create"])
def test_a_ballast_that_cannot_be_made_is_done_without(tmp_path, call):
    disk = SmallDisk()
    disk.broken = {call: errno.EIO}
    ballast = Ballast(disk, tmp_path, BALLAST)
    ballast.settle()
    assert not ballast.is_there
    assert not ballast.release()
    assert list(tmp_path.iterdir()) == []
    disk.broken = {}
    ballast.settle()
    assert ballast.is_there


@pytest.mark.parametrize("number", [0, errno.EOPNOTSUPP])
def test_ballast_takes_real_room(tmp_path, monkeypatch, number):
    """Also where the file system cannot reserve any: a file of holes would give nothing back."""

    def refuse(fd, offset, size):
        raise OSError(number, "not here")

    if number:
        monkeypatch.setattr("protocol.journal.disk.os.posix_fallocate", refuse)
    size = 3 * 1024 * 1024 + 5
    ballast = Ballast(Disk(), tmp_path, size)
    ballast.settle()
    assert ballast.is_there
    found = (tmp_path / FILE).stat()
    assert found.st_size == size
    assert found.st_blocks * 512 >= size
    assert Disk().allocated_bytes(tmp_path / FILE) == size
