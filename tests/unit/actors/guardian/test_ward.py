"""What is done about the ends, the silence and the size of one program."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from typing import Any

import pytest

from actors.guardian.acts import Act, Relisten, Signal, Start, Stop, Tell
from actors.guardian.guard import Guard, Kept, Known
from actors.guardian.listening import Event
from actors.guardian.settings import GuardianSettings, Limits
from actors.guardian.silence import Sample
from actors.guardian.ward import Ward

S = 1_000_000_000
NAME = "hub.1"
SLEEPS = Sample("S", 0, 0)
STOPPED = Sample("T", 0, 0)


def event(state: str, pid: int = 0, **fields: str) -> Event:
    return Event(f"PROCESS_STATE_{state}", {"processname": NAME, "pid": str(pid), **fields})


def rules(acts: Iterable[Act]) -> list[str]:
    return [act.rule for act in acts if isinstance(act, Tell)]


class Life:
    """A ward, and the time."""

    def __init__(self, **settings: Any) -> None:
        self.ward = Ward(NAME, GuardianSettings(**settings), 5.0)
        self.now_ns = 1000 * S
        self.pid = 100

    def say(self, *states: str) -> list[Act]:
        acts: list[Act] = []
        for state in states:
            if state == "RUNNING":
                self.pid += 1
            acts += self.ward.on_event(event(state, self.pid), self.now_ns)
        return acts

    def look(
        self, seconds: float, sample: Sample = SLEEPS, rss_bytes: int = 1, *, beats: bool = True
    ) -> list[Act]:
        acts: list[Act] = []
        for _ in range(round(seconds * 2)):
            self.now_ns += S // 2
            if beats:
                self.ward.on_beat(self.now_ns - 1, "RUNNING")
            acts += self.ward.look(sample, rss_bytes, self.now_ns)
        return acts

    def crash(self, times: int) -> list[Act]:
        acts: list[Act] = []
        for _ in range(times):
            self.now_ns += S // 5
            acts += self.say("EXITED", "STARTING", "RUNNING")
        return acts


@pytest.fixture
def life() -> Life:
    life = Life()
    assert life.say("STARTING", "RUNNING") == []
    assert life.look(2) == []
    return life


def test_who_works_is_left_alone(life: Life) -> None:
    assert life.look(600) == []


def test_a_hung_one_is_asked_for_its_stacks_and_then_killed(life: Life) -> None:
    acts = life.look(5.5, beats=False)
    assert [type(act) for act in acts] == [Relisten, Signal, Tell]
    assert acts[1] == Signal(NAME, life.pid, signal.SIGABRT)
    assert rules(acts) == ["actor_hung"]
    assert life.look(1, beats=False) == [Signal(NAME, life.pid, signal.SIGKILL)]
    life.say("EXITED", "STARTING", "RUNNING")
    assert life.look(3) == [], "the new one is not to blame"
    assert (life.ward.restarts, life.ward.hangs) == (1, 1)


def test_a_stopped_one_is_woken_to_die_with_its_stacks(life: Life) -> None:
    signals = [act.number for act in life.look(5.5, STOPPED, beats=False) if isinstance(act, Signal)]
    assert signals == [signal.SIGABRT, signal.SIGCONT]


def test_who_is_told_to_stop_is_not_judged(life: Life) -> None:
    life.say("STOPPING")
    assert life.look(30, beats=False) == []


def test_a_storm_is_quarantined_told_once_and_tried_again(life: Life) -> None:
    acts = life.crash(5)
    assert rules(acts) == ["actor_ended"] * 5
    acts = life.say("EXITED")
    assert [type(act) for act in acts] == [Stop, Tell]
    assert rules(acts) == ["actor_quarantined"]
    assert life.ward.row(life.now_ns)["state"] == "QUARANTINED"
    life.say("STARTING", "RUNNING")  # supervisord was faster than our stop
    assert life.look(0.5) == [Stop(NAME)]
    life.say("STOPPING", "STOPPED")
    assert life.look(29) == []
    assert life.look(1) == [Start(NAME)]
    life.say("STARTING", "RUNNING")
    acts = life.look(60)
    assert rules(acts) == ["actor_released"]
    assert life.ward.row(life.now_ns)["state"] == "RUNNING"


def test_a_start_by_hand_lifts_the_quarantine(life: Life) -> None:
    life.crash(5)
    life.say("EXITED")
    life.say("STARTING", "STOPPING", "STOPPED")
    assert rules(life.say("STARTING")) == ["actor_released"]
    life.say("RUNNING")
    assert not life.ward.is_quarantined
    assert rules(life.crash(5)) == ["actor_ended"] * 5, "it has all its lives again"


def test_a_trial_that_cannot_be_started_is_tried_later(life: Life) -> None:
    life.crash(5)
    life.say("EXITED", "STARTING", "STOPPING", "STOPPED")
    assert Start(NAME) in life.look(31)
    life.ward.on_start_failed(life.now_ns)
    assert life.ward.is_quarantined
    assert Start(NAME) in life.look(61)


def test_a_bad_configuration_stays_down(life: Life) -> None:
    assert list(life.ward.on_event(event("EXITED", expected="1"), life.now_ns)) == []
    assert life.look(600, beats=False) == []
    assert life.ward.restarts == 0


def test_what_supervisord_gave_up_is_started_with_growing_pauses(life: Life) -> None:
    pauses = []
    for _ in range(7):
        assert rules(life.say("FATAL")) == ["actor_fatal"]
        since_ns = life.now_ns
        while Start(NAME) not in life.look(0.5):
            pass
        pauses.append((life.now_ns - since_ns) // S)
        life.say("STARTING", "BACKOFF")
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    life.say("STARTING", "RUNNING")
    life.look(61)
    life.say("FATAL")
    assert Start(NAME) in life.look(2), "it was well for long enough"


def test_too_much_memory_ends_it_in_order_and_then_at_once() -> None:
    life = Life(limits={"hub": Limits(memory_max_bytes=1000)})
    life.say("STARTING", "RUNNING")
    assert life.look(1, rss_bytes=2000) == [], "a peak is none of our business"
    assert life.look(1, rss_bytes=500) == []
    acts = life.look(1.5, rss_bytes=2000)
    assert acts[0] == Signal(NAME, life.pid, signal.SIGTERM)
    assert rules(acts) == ["actor_memory"]
    assert life.look(10, rss_bytes=2000) == []
    assert Signal(NAME, life.pid, signal.SIGKILL) in life.look(2, rss_bytes=2000)


def test_the_next_guardian_goes_on_with_a_quarantine() -> None:
    guard = Guard("guardian.1", GuardianSettings(), 5.0)
    kept = {NAME: Kept(NAME, 50 * S, 2)}
    rows = [Known("guardian.1", "RUNNING", 5), Known(NAME, "STOPPED", 0), Known("journal.1", "RUNNING", 6)]
    assert guard.adopt(rows, kept, 40 * S, 1000 * S) == []
    assert set(guard.wards) == {NAME, "journal.1"}
    assert guard.quarantines(40 * S, 1000 * S) == [Kept(NAME, 50 * S, 2)]
    assert list(guard.look({}, 1009 * S)) == []
    assert list(guard.look({}, 1010 * S)) == [Start(NAME)]


def test_supervisord_is_woken_until_it_has_noticed() -> None:
    guard = Guard("guardian.1", GuardianSettings(), 5.0)
    guard.on_event(event("RUNNING", 7), 0)
    assert not guard.is_nudging(0)
    guard.on_end(NAME, S)
    assert guard.is_nudging(S)
    guard.on_event(event("EXITED", 7), S)
    guard.on_event(event("STARTING"), S)
    assert guard.is_nudging(S)
    guard.on_event(event("RUNNING", 8), S)
    assert not guard.is_nudging(S)
    guard.on_end(NAME, S)
    assert not guard.is_nudging(7 * S), "it has its own reasons"


def test_a_missed_event_is_made_up_for_by_asking() -> None:
    guard = Guard("guardian.1", GuardianSettings(), 5.0)
    guard.on_event(event("RUNNING", 7), 0)
    guard.adopt([Known(NAME, "RUNNING", 8)], {}, 0, S)
    assert guard.wards[NAME].pid == 8
    guard.adopt([], {}, 0, S)
    assert guard.wards == {}
