"""Breaker of one endpoint: when it opens, for how long, and that one trial at a time finds out that it is well."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.spending.breaker import Breaker, BreakerRules, BreakerState, Transition
from tests.unit.actors.collector.bars.counted_provider import S, T

RULES = BreakerRules(failures=3, open_s=30.0, cap_s=900.0, trial_timeout_s=60.0)


def breaker(chance: float = 1.0, rules: BreakerRules = RULES) -> Breaker:
    return Breaker("yahoo", "chart", rules, lambda: chance)


def fail(one: Breaker, now_ns: int, times: int = 1) -> Transition | None:
    change = None
    for _ in range(times):
        one.begin(now_ns)
        change = one.failed("503", now_ns)
    return change


def test_it_opens_after_failures_in_a_row_and_closes_with_a_trial():
    one = breaker()
    assert fail(one, T, 2) is None
    one.begin(T)
    assert one.succeeded(T) is None, "not in a row"
    assert fail(one, T, 2) is None
    assert fail(one, T) == ("yahoo", "chart", "closed", "open", "503", T)
    assert (one.free_at_ns(T), one.why(T)) == (T + 30 * S, "breaker chart open: 503")
    after_ns = T + 30 * S
    assert (one.free_at_ns(after_ns), one.why(after_ns), one.state) == (after_ns, "", "open")
    assert one.begin(after_ns)[2:4] == ("open", "half_open")
    assert one.why(after_ns) == "breaker chart half open: a trial is under way"
    assert one.succeeded(after_ns + S) == (
        "yahoo", "chart", "half_open", "closed", "the trial was answered", after_ns + S,
    )  # fmt: skip
    assert (one.free_at_ns(after_ns + S), one.failures, one.reason) == (after_ns + S, 0, "")
    assert fail(one, after_ns + S, 2) is None, "it counts anew"


def test_each_failed_trial_doubles_the_pause_up_to_the_cap():
    one, now_ns, pauses = breaker(), T, []
    fail(one, now_ns, 3)
    for _ in range(7):
        free_ns = one.free_at_ns(now_ns)
        pauses.append((free_ns - now_ns) // S)
        now_ns = free_ns
        assert fail(one, now_ns)[2:4] == ("half_open", "open")
    assert pauses == [30, 60, 120, 240, 480, 900, 900]


@pytest.mark.parametrize(("chance", "pauses"), [(0.0, [15, 30, 60]), (0.5, [22.5, 45, 90])])
def test_chance_shortens_a_pause_by_half_at_most(chance, pauses):
    one, now_ns = breaker(chance), T
    fail(one, now_ns, 3)
    for pause_s in pauses:
        assert one.free_at_ns(now_ns) == now_ns + round(pause_s * S)
        now_ns = one.free_at_ns(now_ns)
        fail(one, now_ns)


@pytest.mark.parametrize(
    ("asked_s", "pause_s"), [(5.0, 30), (600.0, 600), (1e9, 86_400), (-1.0, None), (float("nan"), None)]
)
def test_a_time_that_the_provider_names_opens_it_at_once_for_as_long_at_least(asked_s, pause_s):
    one = breaker()
    one.begin(T)
    change = one.failed("503", T, asked_s)
    assert one.free_at_ns(T) == T + (pause_s or 0) * S
    assert (change is None) == (pause_s is None)


def test_a_refusal_of_too_many_calls_opens_it_for_exactly_that_time_and_after_a_trial_for_longer():
    one = breaker()
    one.begin(T)
    assert one.tripped("429", T, 7.0)[2:5] == ("closed", "open", "429")
    assert one.free_at_ns(T) == T + 7 * S
    one.begin(T + 7 * S)
    assert one.tripped("429", T + 7 * S, 7.0)[2:4] == ("half_open", "open")
    assert one.free_at_ns(T + 7 * S) == T + 67 * S


def test_what_was_under_way_when_it_opened_neither_closes_it_nor_counts():
    one = breaker()
    for _ in range(16):
        one.begin(T)
    assert [one.failed("503", T) is None for _ in range(8)] == [True, True, False] + 5 * [True]
    assert one.succeeded(T + S) is None
    assert one.state == "open"
    one.failed("503", T + S, 100.0)
    assert one.free_at_ns(T + S) == T + 101 * S, "but what it asked for does"
    one.tripped("429", T + S, 200.0)
    assert one.free_at_ns(T + S) == T + 201 * S
    assert one.failures == 3


def test_a_trial_waits_for_what_is_still_under_way():
    one = breaker()
    one.begin(T + 20 * S)
    fail(one, T + 20 * S, 3)
    assert one.free_at_ns(T + 50 * S) == T + 80 * S, "until it is lost"
    one.failed("late", T + 55 * S)
    assert one.free_at_ns(T + 55 * S) == T + 55 * S


def test_a_trial_that_never_comes_back_makes_room_for_another():
    one = breaker()
    fail(one, T, 3)
    one.begin(T + 30 * S)
    assert one.free_at_ns(T + 31 * S) == T + 90 * S
    assert one.free_at_ns(T + 90 * S) == T + 90 * S
    assert one.begin(T + 90 * S) is None, "it was half open already"
    assert one.succeeded(T + 91 * S)[3] == "closed"
    fail(one, T + 92 * S, 3)
    assert one.free_at_ns(T + 92 * S) == T + 122 * S, (
        "nothing is waited for, and the pause is the first one again"
    )


def test_calls_that_are_lost_do_not_block_for_ever():
    one = breaker()
    for _ in range(5):
        one.begin(T)
    assert one.free_at_ns(T) == T, "while it is closed they do not matter"
    fail(one, T + S, 3)
    assert one.free_at_ns(T + 31 * S) == T + 61 * S
    one.begin(T + 61 * S)
    assert one.succeeded(T + 62 * S)[3] == "closed"


@pytest.mark.parametrize("back_s", [0, 10, 10 * 365 * 86_400])
def test_a_restart_goes_on_with_the_pause_whatever_the_clock_does(back_s):
    before = breaker()
    fail(before, T, 3)
    fail(before, T + 30 * S)
    past = msgspec.msgpack.decode(msgspec.msgpack.encode(before.remember()), type=BreakerState)
    now_ns = T + (30 + 20 - back_s) * S
    after = breaker()
    after.resume(past, back_s * S, now_ns)
    assert (after.state, after.failures, after.why(now_ns)) == ("open", 4, "breaker chart open: 503")
    assert after.free_at_ns(now_ns) == now_ns + 40 * S
    assert fail(after, now_ns + 40 * S)[2:4] == ("half_open", "open")
    assert after.until_s(now_ns + 40 * S) == 120.0, "it still doubles"


def test_a_trial_ends_with_its_process():
    before = breaker()
    fail(before, T, 3)
    before.begin(T + 30 * S)
    after = breaker()
    after.resume(before.remember(), 0, T + 31 * S)
    assert (after.state, after.free_at_ns(T + 31 * S)) == ("open", T + 31 * S)
    assert after.begin(T + 31 * S)[2:4] == ("open", "half_open")


def test_a_state_that_makes_no_sense_blocks_for_a_day_at_most():
    one = breaker()
    one.resume(BreakerState(True, 3, 1, 2**62, "503"), 0, T)
    assert one.free_at_ns(T) == T + 86_400 * S


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "good", "bad", "bad", "wish", "trip", "restart"]),
        st.one_of(st.sampled_from([0, 1, S, 30 * S, 60 * S]), st.integers(0, 100 * S)),
        st.booleans(),
    ),
    max_size=80,
)


@given(STEPS, st.integers(0, 99))
def test_never_two_trials_never_stuck_and_closed_by_a_success(steps, seed):
    rules, chance = RULES._replace(failures=1 + seed % 4), random.Random(seed)
    one, now_ns, in_a_row = Breaker("yahoo", "chart", rules, chance.random), T, 0
    begun: list[int] = []
    """Calls under way that are not lost."""
    trial_ns: int | None = None
    for name, gap_ns, waits in steps:
        now_ns += gap_ns
        if name == "ask" and waits:
            now_ns = one.free_at_ns(now_ns)
        begun = [at_ns for at_ns in begun if now_ns - at_ns < 60 * S]
        state = one.state
        free_ns = one.free_at_ns(now_ns)
        assert free_ns - now_ns <= 1_000 * S, "a pause ends"
        if name == "ask" and free_ns <= now_ns:
            if state != "closed":
                assert not begun, "a trial is alone"
                trial_ns = now_ns
            change = one.begin(now_ns)
            assert (change is not None) == (state == "open")
            begun.append(now_ns)
            if state != "closed":
                assert one.state == "half_open"
                assert one.free_at_ns(now_ns) == now_ns + 60 * S
        elif name == "restart":
            after = Breaker("yahoo", "chart", rules, chance.random)
            after.resume(one.remember(), 0, now_ns)
            assert (after.state == "closed") == (state == "closed")
            one, begun, trial_ns = after, [], None
        elif begun and name in ("good", "bad", "wish", "trip"):
            begun.pop(0)
            if name == "good":
                one.succeeded(now_ns)
                assert (one.state == "closed") == (state != "open")
                in_a_row = in_a_row if state == "open" else 0
                continue
            if name == "trip":
                one.tripped("429", now_ns, 999.0)
            else:
                one.failed("503", now_ns, 500.0 if name == "wish" else None)
            in_a_row += state != "open"
            opens = state != "closed" or in_a_row >= rules.failures or name != "bad"
            assert one.state == ("open" if opens else "closed")
            if state == "half_open":
                assert trial_ns is not None
                assert one.until_s(now_ns) >= 15.0
            if name in ("wish", "trip"):
                assert one.until_s(now_ns) >= (500.0 if name == "wish" else 999.0)
    now_ns = one.free_at_ns(now_ns)
    one.begin(now_ns)
    one.succeeded(now_ns)
    assert (one.state, one.free_at_ns(now_ns)) == ("closed", now_ns)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8))
def test_each_pause_is_as_long_as_the_one_before_at_least_and_within_the_bounds(chances):
    rolls = iter([*chances, 0.0])
    one, now_ns, pause_ns = Breaker("yahoo", "chart", RULES, lambda: next(rolls)), T, 0
    fail(one, now_ns, 3)
    for trips in range(len(chances)):
        before_ns, pause_ns = pause_ns, one.free_at_ns(now_ns) - now_ns
        assert 15 * S <= pause_ns <= 900 * S
        assert pause_ns >= before_ns or 30.0 * 2**trips > 900.0
        now_ns += pause_ns
        fail(one, now_ns)
