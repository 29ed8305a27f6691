"""The journal server's answers: frames as they were written, and for everything else the right refusal."""

import zlib

import pytest

from actors.journal.fetch import SCAN_NS
from protocol.journal.acks import read_acks
from protocol.journal.disk import Disk
from protocol.journal.segment import SegmentName, segments_of
from protocol.replay import Extent, Position, ack_request
from protocol.requests import Request
from tests.unit.actors.journal.rig import Desk, StepClock
from tests.unit.protocol.journal.rig import NAME, TOPICS, FailingDisk, frames_of, split, write


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def fetch_args(**changed):
    args = {"publisher": NAME, "epoch": 9, "from_seq": 1, "max_bytes": 1000, "prefixes": []}
    return Request(op="fetch", id=5, args=args | changed)


def test_frames_come_as_they_were_written(tmp_path, desk):
    frames = frames_of(9, [50] * 100)
    write(tmp_path / NAME, 9, frames)
    found, seq = [], 1
    while (fetched := desk.fetch(9, seq, max_bytes=2_000)).outcome == "data":
        assert (fetched.epoch, fetched.first, fetched.next_epoch) == (9, seq, 0)
        assert 0 < len(fetched.frames) <= 2_000
        found += split(fetched.frames)
        assert fetched.last == len(found)
        seq = fetched.last + 1
    assert found == frames
    assert (fetched.outcome, fetched.first, fetched.last) == ("end", 101, 100)


def test_the_end_of_a_closed_epoch_names_the_next(tmp_path, desk):
    for epoch in (9, 12, 15):
        write(tmp_path / NAME, epoch, frames_of(epoch, [5] * 3))
    assert [desk.fetch(epoch, 4).next_epoch for epoch in (9, 12, 15)] == [12, 15, 0]
    assert {desk.fetch(epoch, 4).outcome for epoch in (9, 12, 15)} == {"end"}
    assert (desk.fetch(0, 1).outcome, desk.fetch(0, 1).next_epoch) == ("unknown", 9)
    assert (desk.fetch(20, 1).outcome, desk.fetch(20, 1).next_epoch) == ("unknown", 0)
    assert (desk.fetch(11, 1).outcome, desk.fetch(11, 1).last, desk.fetch(11, 1).next_epoch) == (
        "expired",
        0,
        12,
    )


def test_an_epoch_that_begins_while_the_file_is_read_is_not_named(tmp_path):
    """END with a next epoch promises that nothing will be added: so the next one is looked up first."""
    write(tmp_path / NAME, 9, frames_of(9, [5] * 3))
    looks = []

    class Watched(Disk):
        def names(self, folder):
            found = super().names(folder)
            if folder.name == NAME and any(name.endswith(".seg") for name in found):
                looks.append(found)
                if len(looks) == 1:  # between the look and the read: one more record, then a restart
                    (folder / SegmentName(9, 1).file).unlink()
                    write(folder, 9, frames_of(9, [5] * 4))
                    write(folder, 10, frames_of(10, [5]))
            return found

    desk = Desk(tmp_path, disk=Watched())
    first = desk.fetch(9, 4)
    assert (first.outcome, first.last, first.next_epoch) == ("data", 4, 0)
    second = desk.fetch(9, 5)
    assert (second.outcome, second.next_epoch) == ("end", 10)


def test_topics_are_filtered_and_the_range_is_what_was_scanned(tmp_path, desk):
    frames = frames_of(9, [300] * 400)
    write(tmp_path / NAME, 9, frames, batch=50)
    found, seq = [], 1
    while (fetched := desk.fetch(9, seq, "quote.", "none", max_bytes=5_000)).outcome == "data":
        assert fetched.first == seq
        assert len(fetched.frames) <= 5_000 + 1_000
        found += split(fetched.frames)
        seq = fetched.last + 1
    assert seq == 401
    assert found == [frame for frame in frames if frame.startswith(b"quote.")]
    assert split(desk.fetch(9, 1, TOPICS[0] + "\x00", max_bytes=500).frames)[0] == frames[0]
    nothing = desk.fetch(9, 1, TOPICS[0][:-1] + "\x00")
    assert (nothing.outcome, nothing.first, nothing.last, nothing.frames) == ("data", 1, 400, b"")


def test_a_filtered_scan_is_bounded_and_stops_before_damage(tmp_path, desk):
    frames = frames_of(9, [100_000] * 100)
    write(tmp_path / NAME, 9, frames, batch=10)
    nothing = desk.fetch(9, 1, "bar.")
    assert (nothing.outcome, nothing.first, nothing.frames) == ("data", 1, b"")
    assert 1 <= nothing.last <= 45

    path = tmp_path / NAME / SegmentName(9, 1).file
    content = bytearray(path.read_bytes())
    content[64 + sum(map(len, frames[:4])) + 5_000] ^= 1
    path.write_bytes(content)
    before = Desk(tmp_path, clock=StepClock(0)).fetch(9, 1, "bar.")
    assert (before.outcome, before.first, before.last) == ("data", 1, 4)
    at = desk.fetch(9, 5, "bar.")
    assert (at.outcome, at.first, at.last) == ("corrupt", 5, 5)
    assert desk.counters["fetch_corrupt"] == 1
    assert "9/5 to 5" in desk.server.problems[NAME]


def test_a_scan_that_finds_nothing_ends_after_its_time(tmp_path):
    write(tmp_path / NAME, 9, frames_of(9, [100_000] * 30), batch=10)
    slow = Desk(tmp_path, clock=StepClock(SCAN_NS // 4))
    found = slow.fetch(9, 1, "bar.")
    assert (found.outcome, found.first, found.frames) == ("data", 1, b"")
    assert 1 <= found.last < 30
    assert Desk(tmp_path, clock=StepClock(0)).fetch(9, 1, "bar.").last == 30


def test_status_says_what_there_is(tmp_path, desk):
    assert desk.status().extents == []
    write(tmp_path / NAME, 9, frames_of(9, [100] * 60), batch=1, max_bytes=2_500)
    write(tmp_path / NAME, 12, frames_of(12, [1] * 5))
    names = segments_of(entry.name for entry in (tmp_path / NAME).iterdir())
    (tmp_path / NAME / names[0].file).unlink()
    first = names[1].first_seq
    status = desk.status()
    assert status.publisher == NAME
    assert status.extents == [Extent(9, first, 60, True), Extent(12, 1, 5, False)]
    assert status.bytes == sum(path.stat().st_size for path in (tmp_path / NAME).iterdir())
    assert status.free_bytes > 0
    write(tmp_path / NAME, 13, [frames_of(13, [1])[0]])
    with (tmp_path / NAME / SegmentName(13, 1).file).open("ab") as segment:
        segment.write(frames_of(13, [1, 1])[1][:-1])
    assert desk.status().extents[1:] == [Extent(12, 1, 5, True), Extent(13, 1, 1, False)]


@pytest.mark.parametrize(
    "name", ["../x", "/etc", "", "a/b", "UP", "x" * 33, "nobody.1", "..", "acks", NAME + "\n"]
)
@pytest.mark.parametrize("op", ["fetch", "journal_status", "ack"])
def test_a_name_from_the_wire_is_no_path(tmp_path, name, op):
    (tmp_path / "x").mkdir()
    root = tmp_path / "journal"
    write(root / "source.1", 9, frames_of(9, [5]))
    args = {
        "fetch": {"epoch": 9, "from_seq": 1},
        "journal_status": {},
        "ack": {"consumer": "persistence.1", "epoch": 9, "seq": 1},
    }[op]
    reply = Desk(root).ask(Request(op=op, id=3, args=args | {"publisher": name}))
    assert (reply.ok, reply.code, reply.id) == (False, "no_data", 3)
    assert "source.1" in reply.message
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == sorted(
        ["x", "journal", "source.1", SegmentName(9, 1).file]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"epoch": -1}, {"epoch": "9"}, {"from_seq": 0}, {"max_bytes": 0}, {"prefixes": "quote."}, {"extra": 1},
        {"epoch": 1 << 64 - 1}, {"from_seq": 1 << 63}, {"prefixes": [1]}, {"publisher": None},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_by_name(desk, wrong):
    reply = desk.ask(fetch_args(**wrong))
    assert (reply.code, reply.id) == ("invalid_request", 5)
    assert "fetch" in reply.message


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x80", b"\x93\x01\x02\x03", b"x" * 70_000])
def test_rubbish_is_answered(desk, body):
    assert desk.ask(body).code == "invalid_request"


def test_other_refusals(tmp_path, desk):
    assert desk.ask(Request(op="candles")).code == "invalid_request"
    assert desk.ask(Request(op="ping", v=99)).code == "protocol_mismatch"
    assert desk.ask(Request(op="ping", deadline_ns=1)).code == "timeout"
    assert desk.ask(Request(op="ping")).ok
    assert desk.ask(ack_request("persistence.1", NAME, Position(1, 1))).code == "no_data"
    assert not (tmp_path / NAME).exists()


def test_a_journal_of_a_newer_program_is_said_to_be_one(tmp_path, desk):
    write(tmp_path / NAME, 9, frames_of(9, [5]))
    path = tmp_path / NAME / SegmentName(9, 1).file
    content = bytearray(path.read_bytes())
    content[2] = 2
    content[4:8] = bytes(4)

    content[4:8] = zlib.crc32(content[:64]).to_bytes(4, "little")
    path.write_bytes(content)
    reply = desk.ask(fetch_args())
    assert reply.code == "protocol_mismatch"
    assert "newer program" in reply.message
    assert desk.counters["fetch_newer_version"] == 1
    assert "version 2" in desk.server.problems[NAME]


def test_a_disk_that_cannot_be_read_is_told_and_survived(tmp_path):
    class Broken(Disk):
        is_broken = True

        def read(self, fd, count, offset):
            if self.is_broken:
                raise OSError(5, "Input/output error")
            return super().read(fd, count, offset)

    write(tmp_path / NAME, 9, frames_of(9, [5]))
    disk = Broken()
    desk = Desk(tmp_path, disk=disk)
    for request in (fetch_args(), Request(op="journal_status", args={"publisher": NAME})):
        reply = desk.ask(request)
        assert (reply.ok, reply.code) == (False, "internal")
        assert "Input/output error" in reply.message
    assert desk.counters["disk_faults"] == 2
    disk.is_broken = False
    assert desk.fetch(9, 1).outcome == "data"


def test_an_acknowledgement_is_answered_when_it_is_on_the_medium(tmp_path, desk):
    write(tmp_path / NAME, 9, frames_of(9, [5] * 9))
    first = desk.send(ack_request("persistence.1", NAME, Position(9, 3)))
    later = [desk.send(ack_request("persistence.1", NAME, Position(9, seq))) for seq in (5, 4)]
    other = desk.send(ack_request("engine.7", NAME, Position(8, 9)))
    assert not first
    assert read_acks(tmp_path / NAME, Disk()) == {}
    desk.run()
    assert [reply.ok for replies in (first, *later, other) for reply in replies] == [True] * 4
    assert read_acks(tmp_path / NAME, Disk()) == {"persistence.1": (9, 5), "engine.7": (8, 9)}
    assert desk.status().acks == {"persistence.1": (9, 5), "engine.7": (8, 9)}
    assert desk.ask(ack_request("persistence.1", NAME, Position(9, 1))).ok
    assert desk.status().acks["persistence.1"] == (9, 5)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "acks.new", "X", "x" * 33])
def test_a_consumer_has_a_proper_name(tmp_path, desk, name):
    write(tmp_path / NAME, 9, frames_of(9, [5]))
    assert desk.ask(ack_request(name, NAME, Position(9, 1))).code == "invalid_request"
    assert not (tmp_path / NAME / "acks").exists()


def test_an_acknowledgement_that_cannot_be_written_is_refused(tmp_path):
    write(tmp_path / NAME, 9, frames_of(9, [5]))
    disk = FailingDisk()
    disk.broken.add("write")
    desk = Desk(tmp_path, disk=disk)
    assert desk.ask(ack_request("persistence.1", NAME, Position(9, 1))).code == "internal"
    disk.broken.clear()
    assert desk.ask(ack_request("persistence.1", NAME, Position(9, 1))).ok
    assert desk.status().acks == {"persistence.1": (9, 1)}
