"""Lives of one publisher on a disk that fills up, frees, fails and ends the process anywhere; then a reader.

TAPEHUB_EXAMPLES=2000 runs as many lives instead of the few of the default suite.
"""

import errno
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from protocol.journal.journal import Journal
from protocol.journal.reader import JournalReader
from protocol.journal.recovery import recover
from protocol.journal.segment import JournalFull
from protocol.record import FLAG_NOT_JOURNALLED, FrameWriter, parse_frame, with_flag
from tests.unit.protocol.journal.rig import NAME, clean_stop, frames_of, read_all
from tests.unit.protocol.journal.small_disk import Killed, SmallDisk, Times

EXAMPLES = int(os.environ.get("TAPEHUB_EXAMPLES", "15"))
PLENTY = 1 << 30


class Epoch:
    """What was asked of a journal in one life, and what it promised."""

    def __init__(self) -> None:
        self.offered: list[bytes] = []
        self.promised: set[int] = set()
        """Numbers that came back unflagged: stored, whatever happens."""
        self.lost: set[int] = set()
        """Numbers that were told to be lost."""
        self.waiting: set[int] = set()
        """Numbers that waited in memory when the life ended."""
        self.is_killed_within = False
        """A call did not return: what it told nobody heard."""


class Lives(RuleBasedStateMachine):
    """The machine; a subclass puts a wrong journal here."""

    journal_type = Journal

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[int, Epoch] = {}
        self.number = 0
        self.times = Times()
        self.disk = SmallDisk(PLENTY)

    @initialize()
    def begin(self):
        self.folder = self.make_folder()
        self.start()

    def start(self) -> None:
        """Recover and begin the next epoch; the disk may be full, but works for that long."""
        disk = self.disk
        disk.calls_left, disk.broken = None, {}
        end = recover(self.folder, NAME, disk)
        self.check_end(end)
        self.number = max(end.highest_epoch, self.number) + 1
        self.now = self.epochs[self.number] = Epoch()
        self.frames = FrameWriter(NAME, self.number)
        self.journal = self.journal_type(
            self.folder,
            NAME,
            self.number,
            self.times.now,
            self.times.now,
            disk,
            segment_bytes=1_500,
            segment_age_ns=10**12,
            ring_bytes=1_000,
            ballast_bytes=700,
        )

    def alive(self, call) -> None:
        """Do something with the journal; if the process ends in it, the next one starts."""
        try:
            call()
        except Killed:
            self.now.is_killed_within = True
            self.restart()
            return
        self.now.lost.update(
            seq for first, last in self.journal.take_losses() for seq in range(first, last + 1)
        )

    def restart(self) -> None:
        self.disk.close_all()
        self.now.waiting = {*range(1, len(self.now.offered) + 1)} - self.now.promised
        self.start()

    def offer(self, frames) -> None:
        """Write, and keep what was promised."""
        first = len(self.now.offered) + 1
        self.now.offered += frames
        sent = self.journal.write(frames)
        assert len(sent) == len(frames)
        for seq, (given, got) in enumerate(zip(frames, sent, strict=True), first):
            if got == given:
                self.now.promised.add(seq)
            else:
                assert got == with_flag(given, FLAG_NOT_JOURNALLED)

    @rule(sizes=st.lists(st.integers(0, 150), min_size=1, max_size=6))
    def write(self, sizes):
        frames = frames_of(self.number, sizes, self.frames)
        self.alive(lambda: self.offer(frames))

    @rule(room=st.integers(0, 1_200))
    def fill(self, room):
        self.disk.room = room

    @rule()
    def free(self):
        self.disk.room = PLENTY

    @rule(call=st.sampled_from(["write", "create", "truncate", "remove", "allocate"]))
    def break_call(self, call):
        self.disk.broken[call] = errno.EIO

    @rule()
    def mend(self):
        self.disk.broken = {}

    @rule()
    def retry(self):
        self.alive(self.journal.retry)

    @rule()
    def let_time_pass(self):
        self.times.pass_retry()

    @rule()
    def sync(self):
        self.alive(self.journal.sync)

    @rule(calls=st.integers(0, 6), share=st.sampled_from([0.0, 0.3, 0.9, 1.0]))
    def end_soon(self, calls, share):
        self.disk.calls_left, self.disk.share = calls, share

    @rule()
    def kill(self):
        self.restart()

    @rule()
    def stop(self):
        def close():
            last = [clean_stop(self.frames)]
            self.now.offered += last
            if self.journal.close(last) == last:
                self.now.promised.add(len(self.now.offered))
            self.now.lost.update(
                seq for first, end in self.journal.take_losses() for seq in range(first, end + 1)
            )
            self.restart()

        self.alive(close)

    @invariant()
    def a_reader_agrees(self):
        if self.number:
            self.check(self.number, is_over=False)

    def teardown(self):
        if not self.number:
            return
        self.disk.room = PLENTY
        self.restart()
        for number in self.epochs:
            self.check(number, is_over=number != self.number)

    def check_end(self, end) -> None:
        """Recovery says where the last life ended, no earlier than its promises."""
        if end.epoch == self.number and self.number:
            assert end.seq >= max(self.now.promised, default=0)
            assert end.seq <= len(self.now.offered)
        elif self.number:
            assert not self.now.promised

    def check(self, number: int, is_over: bool) -> None:
        """Every promise is kept; all else is stored, waits, or is told to be lost; nothing twice, nothing mixed up."""
        epoch = self.epochs[number]
        # an epoch on a disk that was full all the time has no file
        has_file = number in JournalReader(self.folder, NAME).epochs()
        found, holes = read_all(self.folder, number) if has_file else ([], [])
        stored = [parse_frame(frame).seq for frame in found]
        assert stored == sorted(set(stored))
        assert found == [epoch.offered[seq - 1] for seq in stored]
        assert epoch.promised <= set(stored)
        assert not epoch.lost & set(stored)
        told = {seq for _, first, last in holes for seq in range(first, last + 1)}
        waiting = epoch.waiting
        if not is_over:
            first = len(epoch.offered) - self.journal.pending_frames + 1
            waiting = {*range(first, len(epoch.offered) + 1)}
            assert not waiting & epoch.promised
            assert not waiting & set(stored)
            assert self.journal.lost_frames == len(epoch.lost)
            assert (self.journal.state == "ok") <= (not waiting and self.journal.seq == len(epoch.offered))
        if not epoch.is_killed_within:
            assert told <= epoch.lost
        assert not told & epoch.promised
        assert {*range(1, len(epoch.offered) + 1)} <= {*stored} | epoch.lost | waiting


@pytest.fixture
def make_folder(tmp_path_factory):
    return lambda: tmp_path_factory.mktemp("journal")


def machine_with(journal: type[Journal], make_folder) -> type[Lives]:
    """The machine for one kind of journal."""
    return type("Machine", (Lives,), {"journal_type": journal, "make_folder": staticmethod(make_folder)})


def test_no_promise_is_broken(make_folder):
    run_state_machine_as_test(
        machine_with(Journal, make_folder),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            database=None,
        ),
    )


class Passing(Journal):
    """Wrong: new frames pass those that wait."""

    def _write_late(self, frames):
        writer = self._writer
        if writer is None:
            return super()._write_late(frames)
        kept, writer.seq = writer.seq, self._ring.next_seq - 1
        try:
            writer.append(frames)
        except JournalFull:
            writer.seq = kept
            return super()._write_late(frames)
        writer.seq = kept
        self._ring.next_seq += len(frames)
        return frames


class Forgetting(Journal):
    """Wrong: what a full disk refused is flagged and forgotten."""

    def _park(self, frames):
        sent = super()._park(frames)
        self._ring.pop(1)
        return sent


class Boasting(Journal):
    """Wrong: what was refused is sent as if it were stored."""

    def _park(self, frames):
        super()._park(frames)
        return frames


class Doubling(Journal):
    """Wrong: what a full disk took of a batch waits as well."""

    def _write_rest(self, frames, full):
        full.stored = 0
        return super()._write_rest(frames, full)


def live_through_a_full_disk(journal: type[Journal], make_folder) -> None:
    """A disk with room for a part of a batch, then for nothing, then plenty; then the end."""
    machine = machine_with(journal, make_folder)()
    steps = [
        lambda: machine.write([20, 20]),
        lambda: machine.fill(400),
        lambda: machine.write([150] * 6),  # more than the ballast can save
        machine.free,
        lambda: machine.write([30, 30]),  # behind those that wait, though there is room
        machine.retry,
        lambda: machine.write([10]),
        machine.kill,
    ]
    machine.begin()
    for step in steps:
        step()
        machine.a_reader_agrees()
    machine.teardown()


def test_a_right_journal_lives_through_a_full_disk(make_folder):
    live_through_a_full_disk(Journal, make_folder)


@pytest.mark.parametrize("wrong", [Passing, Forgetting, Boasting, Doubling])
def test_a_wrong_journal_is_caught(make_folder, wrong):
    """Else the checker above would prove nothing."""
    with pytest.raises((AssertionError, ValueError)):
        live_through_a_full_disk(wrong, make_folder)
