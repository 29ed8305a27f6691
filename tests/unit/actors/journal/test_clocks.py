"""The journal servers measure each other's clocks, and say once when one is wrong."""

from actors.journal.clocks import Clocks, clock_alarms
from protocol.requests import Reply

SECOND = 1_000_000_000
MS = 1_000_000


class HandClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall_ns, self.passed_ns = 1_700_000_000 * SECOND, 0

    def now_ns(self) -> int:
        return self.wall_ns

    def mono_ns(self) -> int:
        return self.passed_ns

    def advance(self, duration_ns: int) -> None:
        self.wall_ns += duration_ns
        self.passed_ns += duration_ns


class Line:
    """A line that answers when told."""

    def __init__(self) -> None:
        self.waiting = []

    def ask(self, request, done) -> None:
        assert request.op == "ping"
        self.waiting.append(done)

    def tick(self) -> None:
        pass


def measured(clock, line, clocks, offset_ns, rtt_ns=2 * MS):
    clocks.ask()
    clock.advance(rtt_ns // 2)
    told_ns = clock.now_ns() + offset_ns
    clock.advance(rtt_ns // 2)
    line.waiting.pop()(Reply(id=1, ok=True, ts_ns=told_ns))


def test_an_offset_is_measured():
    clock, line = HandClock(), Line()
    clocks = Clocks({"feed": line}, clock)
    assert clocks.told() == {}

    measured(clock, line, clocks, 5 * SECOND)

    assert clocks.told()["feed"]["offset_s"] == 5.0
    assert clocks.told()["feed"]["uncertainty_s"] == 0.001
    assert clocks.beyond(0.1) == {"feed": 5.0}
    assert clocks.beyond(6.0) == {}


def test_who_owes_an_answer_is_not_asked_again():
    clock, line = HandClock(), Line()
    clocks = Clocks({"feed": line}, clock)
    clocks.ask()
    clocks.ask()
    assert len(line.waiting) == 1

    line.waiting.pop()(None)
    clocks.ask()
    assert len(line.waiting) == 1


def test_setting_our_clock_forgets_what_was_measured():
    clock, line = HandClock(), Line()
    clocks = Clocks({"feed": line}, clock)
    measured(clock, line, clocks, 0)
    clock.wall_ns += 3 * SECOND
    clocks.ask()
    assert clocks.told() == {}


def test_a_clock_set_between_question_and_answer_does_no_harm():
    clock, line = HandClock(), Line()
    clocks = Clocks({"feed": line}, clock)
    clocks.ask()
    told_ns = clock.now_ns() + MS
    clock.wall_ns += 60 * SECOND
    clock.advance(2 * MS)
    line.waiting.pop()(Reply(id=1, ok=True, ts_ns=told_ns))
    assert clocks.told()["feed"]["offset_s"] == 0.0


def test_a_wrong_clock_is_told_once_and_again_when_it_is_right():
    (first,) = clock_alarms({"feed": -2.0}, (), "compute", 1)
    assert first.severity == "warning"
    assert "clock of feed is 2.000 s behind that of compute" in first.text
    assert clock_alarms({"feed": -2.1}, {"feed"}, "compute", 2) == []
    (last,) = clock_alarms({}, {"feed"}, "compute", 3)
    assert last.severity == "info"
