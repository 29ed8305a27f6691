"""Rounds of housekeeping over real files: what is stored and old goes, what is closed is sealed, trouble stays local."""

import os
import zlib

import msgspec
import pytest

from actors.journal.alarms import TOPIC, alarms
from actors.journal.housekeeping import Housekeeper, Round, overview
from actors.journal.settings import JournalSettings
from protocol.journal.acks import write_acks
from protocol.journal.disk import Disk
from protocol.journal.reader import JournalReader, Outcome
from protocol.journal.retention import Deletion, Fullness, Reason
from protocol.journal.room import DiskRoom
from protocol.journal.sealed import all_segments, sealed_file
from protocol.journal.segment import SegmentName, segments_of
from protocol.journal.writer import JournalWriter
from protocol.record import FrameWriter
from protocol.replay import Position
from protocol.topics import parse_topic
from tests.unit.protocol.journal.rig import NAME, FailingDisk, Hands, frames_of, read_all, split, write

DAY_NS = 86_400 * 10**9
NOW_NS = Hands().now() + 10 * DAY_NS


def keeper(root, disk=None, **settings):
    return Housekeeper(root, JournalSettings(**settings), lambda: 0, disk)


def journal(root, name=NAME, age_days=5.0):
    """Several segments of epoch 9 and one of epoch 12, all written so long ago."""
    frames = frames_of(9, [100] * 60)
    write(root / name, 9, frames, batch=1, max_bytes=2_500)
    write(root / name, 12, frames_of(12, [5] * 4))
    for path in (root / name).iterdir():
        os.utime(path, ns=(0, round(NOW_NS - age_days * DAY_NS)))
    return frames


def names_of(root, name=NAME):
    return all_segments(path.name for path in (root / name).iterdir())


def test_closed_segments_are_sealed_and_read_as_before(tmp_path):
    frames = journal(tmp_path)
    before = names_of(tmp_path)
    found = keeper(tmp_path).round(NOW_NS)
    assert [sealed.name for _, sealed in found.sealed] == before[:-1]
    assert not found.deleted
    assert not found.problems
    files = {path.name for path in (tmp_path / NAME).iterdir()}
    assert files == {sealed_file(name) for name in before[:-1]} | {before[-1].file}
    assert read_all(tmp_path / NAME, 9) == (frames, [])
    survey = found.surveys[NAME]
    assert survey.bytes == sum(path.stat().st_size for path in (tmp_path / NAME).iterdir())
    assert survey.plain_bytes == sum(map(len, frames)) + 64 * len(before[:-1])
    again = keeper(tmp_path).round(NOW_NS)
    assert again.sealed == []
    assert again.surveys[NAME] == survey
    told = overview(again.surveys)
    assert msgspec.json.decode(msgspec.json.encode(told)) == told
    assert told[NAME]["records"] == 64
    assert told[NAME]["last"] == [12, 4]


def test_nothing_is_sealed_where_that_is_off(tmp_path):
    journal(tmp_path)
    before = names_of(tmp_path)
    assert keeper(tmp_path, seal=False).round(NOW_NS).sealed == []
    assert segments_of(path.name for path in (tmp_path / NAME).iterdir()) == before


def test_what_all_have_stored_expires_and_nothing_else(tmp_path):
    journal(tmp_path)
    names = names_of(tmp_path)
    house = keeper(tmp_path)
    house.round(NOW_NS)
    write_acks(tmp_path / NAME, {"persistence.1": Position(9, 60), "engine.1": Position(9, 30)}, Disk())
    found = house.round(NOW_NS)
    gone = [deletion.name for _, deletion in found.deleted]
    last = max(name.first_seq for name in names if name.epoch == 9 and name.first_seq <= 31) - 1
    assert gone == [name for name in names if name.epoch == 9 and name.first_seq < last]
    reader = JournalReader(tmp_path / NAME, NAME)
    assert reader.read(9, 1)[:3] == (Outcome.EXPIRED, 1, last)
    assert reader.read(9, 31).outcome is Outcome.DATA
    assert found.surveys[NAME].lag(Position(9, 30)) == 34
    assert overview(found.surveys)[NAME]["ack_lag"] == {"persistence.1": 4, "engine.1": 34}

    write_acks(tmp_path / NAME, {"engine.1": Position(12, 4)}, Disk())
    house.round(NOW_NS)
    assert names_of(tmp_path) == [names[-1]]
    assert reader.read(9, 31)[:3] == (Outcome.EXPIRED, 31, 0)
    assert split(reader.read(12, 1).frames) == frames_of(12, [5] * 4)


def test_a_consumer_of_the_settings_counts_before_it_has_begun(tmp_path):
    journal(tmp_path, age_days=9)
    write_acks(tmp_path / NAME, {"engine.1": Position(12, 4)}, Disk())
    before = names_of(tmp_path)
    found = keeper(tmp_path, consumers=["persistence.1"]).round(NOW_NS)
    assert found.deleted == []
    assert found.surveys[NAME].lag(found.surveys[NAME].acks["persistence.1"]) == 64
    assert keeper(tmp_path).round(NOW_NS).deleted != []
    assert len(names_of(tmp_path)) < len(before)


def test_an_epoch_that_ends_while_one_looks_is_kept(tmp_path):
    """The end of an epoch is looked for after the names: a record in between must not go unstored."""
    frames = frames_of(9, [100] * 20)
    write(tmp_path / NAME, 9, frames[:10])
    write_acks(tmp_path / NAME, {"persistence.1": Position(9, 10)}, Disk())

    class Busy(Disk):
        looks = 0

        def names(self, folder):
            if folder.name == NAME:
                self.looks += 1
                if self.looks == 2:
                    path = folder / SegmentName(9, 1).file
                    with path.open("ab") as segment:
                        segment.write(b"".join(frames[10:]))
                    write(folder, 10, frames_of(10, [5]))
                    os.utime(path, ns=(0, 0))
            return super().names(folder)

    keeper(tmp_path, Busy(), disk_warn=1e-9, disk_low=1e-9, disk_critical=1e-9, seal=False).round(NOW_NS)
    assert read_all(tmp_path / NAME, 9) == (frames, [])


def other_journal(root, name):
    """Two segments of another publisher."""
    hands = Hands()
    for epoch in (9, 12):
        frames = FrameWriter(name, epoch)
        journal = JournalWriter(root / name, name, epoch, hands.now, hands.now)
        journal.append([frames.build("trade.x.A", 257, b"1", 1)])
        journal.close()


def test_a_journal_that_makes_trouble_does_not_keep_the_others(tmp_path):
    journal(tmp_path)
    for name in ("a.1", "b.1"):
        other_journal(tmp_path, name)
    path = tmp_path / "b.1" / SegmentName(12, 1).file
    content = bytearray(path.read_bytes())
    content[2], content[4:8] = 9, bytes(4)
    content[4:8] = zlib.crc32(content[:64]).to_bytes(4, "little")
    path.write_bytes(content)
    (tmp_path / "NOT A PUBLISHER").mkdir()
    found = keeper(tmp_path).round(NOW_NS)
    assert found.problems.keys() == {"b.1"}
    assert "newer program" in found.problems["b.1"]
    assert {publisher for publisher, _ in found.sealed} == {"a.1", NAME}


def test_a_full_disk_leaves_segments_plain(tmp_path):
    frames = journal(tmp_path)
    found = keeper(tmp_path, FailingDisk(room=100)).round(NOW_NS)
    assert "no room" in found.problems[NAME]
    assert found.sealed == []
    assert not list((tmp_path / NAME).glob("*.new"))
    assert read_all(tmp_path / NAME, 9) == (frames, [])


def test_quarantine_is_bounded(tmp_path):
    journal(tmp_path)
    place = tmp_path / NAME / "quarantine"
    place.mkdir()
    for number in range(5):
        (place / f"{number}.tail").write_bytes(bytes(1_000))
        os.utime(place / f"{number}.tail", ns=(0, (9 - number) * 10**9))
    found = keeper(tmp_path, quarantine_bytes=2_500).round(NOW_NS)
    assert sorted(path.name for path in place.iterdir()) == ["0.tail", "1.tail"]
    assert found.surveys[NAME].quarantine_bytes == 2_000


def round_of(fullness, deleted=()):
    return Round(DiskRoom(20, 100), fullness, {}, list(deleted), [], {})


def test_alarms_are_raised_when_something_changes():
    assert alarms(Fullness.OK, round_of(Fullness.OK), 5) == []
    assert alarms(Fullness.LOW, round_of(Fullness.LOW), 5) == []
    severities = {
        level: [alert.severity for alert in alarms(before, round_of(level), 5)]
        for before, level in [
            (Fullness.OK, Fullness.WARN),
            (Fullness.WARN, Fullness.CRITICAL),
            (Fullness.LOW, Fullness.OK),
        ]
    }
    assert severities == {Fullness.WARN: ["warning"], Fullness.CRITICAL: ["critical"], Fullness.OK: ["info"]}
    assert parse_topic(TOPIC).kind == "alert"


def test_what_had_to_go_unstored_is_an_alarm():
    deleted = [
        (NAME, Deletion(SegmentName(9, 1), Reason.STORED, 10)),
        (NAME, Deletion(SegmentName(9, 11), Reason.UNSTORED, 20)),
        ("b.1", Deletion(SegmentName(9, 1), Reason.MAX_BYTES, 10)),
    ]
    (alert,) = alarms(Fullness.OK, round_of(Fullness.OK, deleted), 5)
    assert (alert.rule, alert.severity, alert.values) == (
        "journal_unstored",
        "critical",
        {"segments": 1.0, "bytes": 20.0},
    )
    assert NAME in alert.text


@pytest.mark.parametrize("limit", [2_000, 6_000])
def test_the_limit_of_bytes_holds(tmp_path, limit):
    journal(tmp_path, age_days=0.1)
    write_acks(tmp_path / NAME, {"persistence.1": Position(9, 15)}, Disk())
    found = keeper(tmp_path, max_bytes_per_publisher=limit, seal=False).round(NOW_NS)
    assert found.surveys[NAME].bytes <= limit
    reasons = [deletion.reason for _, deletion in found.deleted]
    assert Reason.UNSTORED in reasons
    assert reasons[0] is Reason.MAX_BYTES
