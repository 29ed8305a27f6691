"""Who is to blame for a heartbeat that stays away: the process, or the machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.guardian.silence import Sample, Silence, Verdict

S = 1_000_000_000
LOOK_NS = S // 2
LIMIT_NS = 5 * S
GRACE_NS = 60 * S
START_NS = 100 * S


class Looking:
    """A process looked at every half second."""

    def __init__(self, limit_ns: int = LIMIT_NS) -> None:
        self.silence = Silence(limit_ns, GRACE_NS, LOOK_NS)
        self.now_ns = START_NS
        self.waited_ns = self.cpu_ns = 0
        self.silence.begin(self.now_ns)

    def beat(self, ago_ns: int = 0, slack_ns: int = 0) -> None:
        self.silence.beat(self.now_ns - ago_ns, slack_ns)

    def pass_by(
        self,
        seconds: float,
        state: str,
        *,
        waiting: float = 0.0,
        running: float = 0.0,
        step_ns: int = LOOK_NS,
    ) -> Verdict:
        """Let time pass in which it waits for a processor, and runs, for these shares of it; the worst verdict."""
        worst = Verdict.FINE
        for _ in range(round(seconds * S / step_ns)):
            self.now_ns += step_ns
            self.waited_ns += round(waiting * step_ns)
            self.cpu_ns += round(running * step_ns)
            found = self.silence.look(Sample(state, self.waited_ns, self.cpu_ns), self.now_ns)
            worst = max(worst, found, key=lambda verdict: verdict.value)
        return worst


def alive() -> Looking:
    looking = Looking()
    looking.pass_by(1, "S")
    looking.beat()
    looking.pass_by(0.5, "S")
    return looking


def test_a_stopped_process_hangs_after_the_limit() -> None:
    looking = alive()
    assert looking.pass_by(1.5, "T") is Verdict.FINE
    assert looking.pass_by(2.5, "T") is Verdict.SUSPECT
    assert looking.pass_by(0.5, "T") is Verdict.HUNG


def test_a_loop_that_spins_on_a_free_machine_hangs_after_the_limit() -> None:
    assert alive().pass_by(5, "R", running=1.0) is Verdict.HUNG


def test_a_deadlock_hangs_after_the_limit() -> None:
    assert alive().pass_by(5, "S") is Verdict.HUNG


def test_on_a_machine_ten_times_too_busy_the_limit_is_processor_time() -> None:
    looking = alive()
    assert looking.pass_by(40, "R", waiting=0.9, running=0.1) is not Verdict.HUNG
    assert looking.pass_by(5, "R", waiting=0.9, running=0.1) is Verdict.HUNG


def test_a_disk_that_does_not_answer_is_not_its_fault() -> None:
    assert alive().pass_by(120, "D") is Verdict.FINE


def test_who_is_being_debugged_is_left_alone() -> None:
    assert alive().pass_by(120, "t") is Verdict.FINE


def test_where_we_did_not_run_ourselves_nobody_is_judged_by_that() -> None:
    looking = alive()
    assert looking.pass_by(60, "S", step_ns=20 * S) is Verdict.FINE


def test_each_heartbeat_begins_anew() -> None:
    looking = alive()
    for _ in range(20):
        assert looking.pass_by(4, "S") is not Verdict.HUNG
        looking.beat()


def test_a_heartbeat_that_was_long_on_its_way_counts_from_when_it_was_sent() -> None:
    looking = alive()
    looking.pass_by(4, "S")
    looking.beat(ago_ns=3 * S)
    assert looking.pass_by(1.5, "S") is not Verdict.HUNG
    assert looking.pass_by(0.5, "S") is Verdict.HUNG


def test_a_start_has_its_own_grace() -> None:
    looking = Looking()
    assert looking.pass_by(59, "S") is not Verdict.HUNG
    assert looking.pass_by(1, "S") is Verdict.HUNG


def test_what_the_process_before_said_is_not_heard() -> None:
    looking = Looking()
    looking.beat(ago_ns=1)
    assert not looking.silence.has_beaten


def test_who_drains_has_longer() -> None:
    looking = alive()
    looking.beat(slack_ns=11 * S)
    assert looking.pass_by(15.5, "S") is not Verdict.HUNG
    assert looking.pass_by(0.5, "S") is Verdict.HUNG


def test_a_limit_of_0_judges_nobody() -> None:
    looking = Looking(limit_ns=0)
    looking.beat()
    assert looking.pass_by(300, "T") is Verdict.FINE


def test_a_kernel_that_does_not_count_waiting_is_judged_by_processor_time() -> None:
    silence = Silence(LIMIT_NS, GRACE_NS, LOOK_NS)
    silence.begin(START_NS)
    silence.beat(START_NS + 1)
    verdicts = [
        silence.look(Sample("R", -1, S + look * LOOK_NS // 10), START_NS + look * LOOK_NS)
        for look in range(1, 60)
    ]
    assert Verdict.HUNG not in verdicts


@given(st.lists(st.tuples(st.sampled_from("RSD"), st.floats(0, 1), st.booleans()), min_size=1, max_size=200))
def test_who_beats_within_the_limit_is_never_ended(steps: list[tuple[str, float, bool]]) -> None:
    """Whatever its main thread does: guilty is only what is longer than the limit without a heartbeat."""
    looking = Looking()
    looking.beat(-1)
    last_ns = looking.now_ns
    for state, waiting, beats in steps:
        if beats or looking.now_ns - last_ns > LIMIT_NS - 2 * LOOK_NS:
            looking.beat()
            last_ns = looking.now_ns
        assert looking.pass_by(0.5, state, waiting=waiting) is not Verdict.HUNG
