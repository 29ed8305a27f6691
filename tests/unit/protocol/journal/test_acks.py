"""An acknowledgement stands on the medium whole, and is never taken back by an older one."""

import pytest

from protocol.journal.acks import ACKS, is_consumer, read_acks, write_acks
from protocol.journal.disk import Disk
from protocol.replay import Position
from tests.unit.protocol.journal.rig import FailingDisk


def test_the_newest_stands(tmp_path):
    disk = Disk()
    assert read_acks(tmp_path, disk) == {}
    assert write_acks(tmp_path, {"a": Position(9, 5), "b": Position(8, 1)}, disk) == {
        "a": (9, 5),
        "b": (8, 1),
    }
    assert write_acks(tmp_path, {"a": Position(9, 4)}, disk) == {"a": (9, 5)}
    assert write_acks(tmp_path, {"a": Position(8, 999)}, disk) == {"a": (9, 5)}
    assert write_acks(tmp_path, {"a": Position(10, 1)}, disk) == {"a": (10, 1)}
    assert read_acks(tmp_path, disk) == {"a": (10, 1), "b": (8, 1)}
    assert (tmp_path / ACKS / "a").read_text() == "10 1\n"


@pytest.mark.parametrize(
    "content", [b"", b"9", b"9 5", b"9 x\n", b"9 5 1\n", b"\x00" * 8, b"-9 5\n", b"9 5\n" * 9]
)
def test_a_damaged_file_keeps_everything_until_it_is_mended(tmp_path, content):
    disk = Disk()
    write_acks(tmp_path, {"a": Position(9, 5)}, disk)
    (tmp_path / ACKS / "a").write_bytes(content)
    assert read_acks(tmp_path, disk) == {"a": (0, 0)}
    write_acks(tmp_path, {"a": Position(9, 6)}, disk)
    assert read_acks(tmp_path, disk) == {"a": (9, 6)}


def test_files_of_other_kinds_are_no_consumers(tmp_path):
    disk = Disk()
    write_acks(tmp_path, {"a": Position(9, 5)}, disk)
    for name in ("b.new", ".hidden", "UP"):
        (tmp_path / ACKS / name).write_text("1 1\n")
    assert read_acks(tmp_path, disk) == {"a": (9, 5)}
    assert [
        name for name in ("a", "a.1", "", "../a", "a/b", "a.new", "A", "x" * 33) if is_consumer(name)
    ] == ["a", "a.1"]
    with pytest.raises(ValueError, match="consumer's name"):
        write_acks(tmp_path, {"c": Position(1, 1), "../a": Position(1, 1)}, disk)
    assert read_acks(tmp_path, disk) == {"a": (9, 5)}


@pytest.mark.parametrize("call", ["create", "write", "sync"])
def test_a_disk_that_fails_leaves_the_old_one(tmp_path, call):
    disk = FailingDisk()
    write_acks(tmp_path, {"a": Position(9, 5)}, disk)
    disk.broken.add(call)
    with pytest.raises(OSError, match=call):
        write_acks(tmp_path, {"a": Position(9, 6)}, disk)
    assert read_acks(tmp_path, disk) == {"a": (9, 5)}
    assert [path.name for path in (tmp_path / ACKS).iterdir()] == ["a"]


def test_it_is_on_the_medium_before_it_counts(tmp_path):
    calls = []

    class Watched(Disk):
        def sync(self, fd):
            calls.append("sync")
            super().sync(fd)

        def rename(self, source, target):
            calls.append("rename")
            super().rename(source, target)

        def sync_folder(self, path):
            calls.append("sync_folder")
            super().sync_folder(path)

    write_acks(tmp_path, {"a": Position(9, 5)}, Watched())
    assert calls == ["sync", "rename", "sync_folder"]
