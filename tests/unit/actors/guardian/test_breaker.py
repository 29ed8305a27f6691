"""When a program that does not stay up is stopped, and when it is tried again."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.guardian.breaker import Breaker, Circuit
from actors.guardian.pauses import Pauses

S = 1_000_000_000


def breaker() -> Breaker:
    return Breaker(5, 60 * S, 60 * S, Pauses(30 * S, 300 * S))


def storm(one: Breaker, mono_ns: int) -> bool:
    return [one.ended(mono_ns + end * S) for end in range(6)][-1]


def test_the_sixth_end_within_a_minute_opens_it() -> None:
    one = breaker()
    assert [one.ended(end * S) for end in range(6)] == [False] * 5 + [True]
    assert one.circuit is Circuit.OPEN
    assert one.until_ns == 5 * S + 30 * S


def test_five_a_minute_for_ever_do_not() -> None:
    one = breaker()
    assert not any(one.ended(end * 13 * S) for end in range(100))


def test_pauses_double_up_to_the_cap_and_one_end_is_enough_on_trial() -> None:
    one = breaker()
    assert storm(one, 0)
    now_ns, pauses = 5 * S, []
    for _ in range(6):
        pauses.append((one.until_ns - now_ns) // S)
        now_ns = one.until_ns
        assert one.is_due(now_ns)
        one.trial(now_ns)
        assert not one.ended(now_ns + S), "the first end on trial is borne"
        assert one.ended(now_ns + 2 * S)
        now_ns += 2 * S
    assert pauses == [30, 60, 120, 240, 300, 300]


def test_a_trial_that_lasts_succeeds_and_all_is_forgotten() -> None:
    one = breaker()
    storm(one, 0)
    one.trial(one.until_ns)
    assert not one.settle(one.until_ns + 59 * S)
    assert one.settle(one.until_ns + 60 * S)
    assert one.circuit is Circuit.CLOSED
    assert one.count == 0


def test_a_person_closes_it() -> None:
    one = breaker()
    storm(one, 0)
    one.close()
    assert not one.is_due(10_000 * S)
    assert not one.ended(6 * S)


class Life(RuleBasedStateMachine):
    """Ends, time and people in any order: an open breaker always has a next trial, not further away than the cap."""

    def __init__(self) -> None:
        super().__init__()
        self.one = breaker()
        self.now_ns = 0

    @rule(seconds=st.integers(0, 400))
    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * S

    @rule()
    def end(self) -> None:
        was_open = self.one.circuit is Circuit.OPEN
        opened = self.one.ended(self.now_ns)
        assert opened == (self.one.circuit is Circuit.OPEN and not was_open)

    @rule()
    def look(self) -> None:
        if self.one.is_due(self.now_ns):
            self.one.trial(self.now_ns)
        self.one.settle(self.now_ns)

    @rule()
    def restart(self) -> None:
        self.one.close()

    @invariant()
    def has_a_next_trial(self) -> None:
        if self.one.circuit is Circuit.OPEN:
            assert self.one.until_ns <= self.now_ns + 300 * S


TestLife = Life.TestCase
