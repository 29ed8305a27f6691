"""Limits of one provider: never a call too much by any way of counting, and not one ns later than need be."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.providers.provider import Limit, Told
from actors.collector.bars.spending.allowance import Allowance, AllowanceState
from actors.collector.bars.spending.stretch import MARGIN_S, MAX_EXACT, NEVER_NS, Spent, StretchState
from tests.unit.actors.collector.bars.allowance_rig import DAY, DAY_NS, MINUTE, MINUTE_NS, restarted, spend
from tests.unit.actors.collector.bars.counted_provider import CountedProvider, S, T

LIMITS = st.lists(
    st.builds(Limit, st.integers(1, 9), st.sampled_from([1.0, 5.0, 60.0, 3_600.0])),
    min_size=1,
    max_size=3,
    unique_by=lambda limit: limit.per_s,
)
GAPS_NS = st.one_of(
    st.sampled_from([0, 1, S, 2_001_000_000, 6_005_000_000, MINUTE_NS - 1, MINUTE_NS, MINUTE_NS + 1]),
    st.integers(0, 120 * S),
)


class Definition:
    """What is allowed, by the words of the promise: every call is remembered for ever."""

    def __init__(self, limits: list[Limit], share: float) -> None:
        self.limits, self.share = limits, share
        self.calls: list[tuple[int, int, bool]] = []

    def length_ns(self, limit: Limit) -> int:
        return round(limit.per_s * 1.001 * S + 1.0 * S)

    def allows(self, cost: int, at_ns: int, is_history: bool) -> bool:
        for limit in self.limits:
            inside = [call for call in self.calls if at_ns - call[0] < self.length_ns(limit)]
            if sum(call[1] for call in inside) + cost > limit.calls:
                return False
            most = max(1, int(self.share * limit.calls)) if self.share else 0
            if is_history and sum(call[1] for call in inside if call[2]) + cost > most:
                return False
        return True

    def free_at_ns(self, cost: int, now_ns: int, is_history: bool) -> int:
        ends = {sent_ns + self.length_ns(limit) for sent_ns, _, _ in self.calls for limit in self.limits}
        moments = sorted({now_ns} | {end_ns for end_ns in ends if end_ns > now_ns})
        return next((at_ns for at_ns in moments if self.allows(cost, at_ns, is_history)), NEVER_NS)


@given(
    LIMITS,
    st.sampled_from([0.0, 0.01, 0.25, 0.5, 1.0]),
    st.lists(
        st.tuples(
            GAPS_NS, st.integers(1, 4), st.booleans(), st.sampled_from(["leave", "wait", "nearly", "restart"])
        ),
        max_size=40,
    ),
)
def test_free_at_is_the_exact_moment(limits, share, steps):
    allowance, definition, now_ns = Allowance(limits, share), Definition(limits, share), T
    for gap_ns, cost, is_history, then in steps:
        now_ns += gap_ns
        free_ns = allowance.free_at_ns(cost, now_ns, is_history)
        assert free_ns == definition.free_at_ns(cost, now_ns, is_history)
        if then == "restart":
            allowance = restarted(allowance, limits, now_ns, now_ns, share)
        if free_ns > now_ns and then == "nearly" and free_ns != NEVER_NS:
            now_ns = free_ns - 1
            assert allowance.free_at_ns(cost, now_ns, is_history) == free_ns
        if free_ns > now_ns and then == "wait" and free_ns != NEVER_NS:
            now_ns = free_ns
        if free_ns <= now_ns:
            assert allowance.free_at_ns(cost, now_ns, is_history) == now_ns
            allowance.spend(cost, now_ns, is_history)
            definition.calls.append((now_ns, cost, is_history))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["live", "live", "history", "burst", "restart", "rest", "told"]),
        GAPS_NS,
        st.integers(1, 3),
        st.floats(0.0, 1.0),
    ),
    max_size=60,
)


@given(LIMITS, st.sampled_from([0.25, 0.5, 1.0]), STEPS)
def test_a_provider_never_sees_more_than_its_limit(limits, share, steps):
    """Calls are up to the margin on their way, our clock runs 0.05 % fast, and over a restart it may go back."""
    allowance, provider, history = Allowance(limits, share), CountedProvider(), CountedProvider()
    true_ns, now_ns = T, T

    def passes(wall_ns: int) -> None:
        nonlocal true_ns, now_ns
        now_ns += wall_ns
        true_ns += wall_ns * 9_995 // 10_000

    for name, gap_ns, cost, chance in steps:
        passes(gap_ns)
        match name:
            case "restart":  # away for 0 to 2 gaps, while the clock goes back by 0 to 4 of these, or 10 days
                stopped_ns = now_ns
                passes(round(2 * chance * gap_ns))
                now_ns -= 10 * 86_400 * S if chance > 0.9 else round(4 * (1 - chance) * gap_ns)
                allowance = restarted(allowance, limits, stopped_ns, now_ns, share)
            case "rest":
                allowance.rest_until(now_ns + gap_ns, "429", now_ns)
            case "told":
                left = round(chance * limits[0].calls)
                allowance.learn(Told(left=left, limit=limits[0].calls, per_s=limits[0].per_s), now_ns)
            case _:
                is_history = name == "history"
                for _ in range(12 if name == "burst" else 1):
                    free_ns = allowance.free_at_ns(cost, now_ns, is_history)
                    if free_ns == NEVER_NS or (free_ns > now_ns and chance < 0.3):
                        break
                    passes(free_ns - now_ns)
                    allowance.spend(cost, now_ns, is_history)
                    provider.arrive(true_ns + round(chance * MARGIN_S * S), cost)
                    if is_history:
                        history.arrive(true_ns + round(chance * MARGIN_S * S), cost)
    assert provider.exceeded(limits) == []
    shares = [limit._replace(calls=max(1, int(share * limit.calls))) for limit in limits]
    assert history.exceeded(shares) == []


def test_eight_calls_a_minute_and_the_ninth_waits_for_the_first_to_leave():
    allowance = Allowance([MINUTE])
    spend(allowance, T, 1)
    spend(allowance, T + S, 7)
    assert allowance.free_at_ns(1, T + S, is_history=False) == T + MINUTE_NS
    assert allowance.free_at_ns(2, T + S, is_history=False) == T + S + MINUTE_NS
    assert allowance.why(1, T + S, is_history=False) == "8 calls per 60 s used up"


def test_what_leaves_one_ns_later_still_counts():
    allowance, almost_ns = Allowance([MINUTE]), T + MINUTE_NS - 1
    spend(allowance, T, 1)
    spend(allowance, almost_ns, 7)
    assert allowance.free_at_ns(1, almost_ns, is_history=False) == almost_ns + 1
    spend(allowance, almost_ns + 1, 1)
    assert allowance.free_at_ns(1, almost_ns + 1, is_history=False) == almost_ns + MINUTE_NS


def test_the_longest_of_several_limits_counts():
    allowance = Allowance([Limit(1, 1.0), DAY])
    now_ns = T
    for _ in range(25):
        spend(allowance, now_ns, 1)
        now_ns += 2_001_000_000
    assert allowance.free_at_ns(1, now_ns, is_history=False) == T + DAY_NS
    assert allowance.why(1, now_ns, is_history=False) == "25 calls per day used up"


def test_what_costs_more_than_the_limit_is_never_free():
    allowance = Allowance([MINUTE], 0.5)
    assert allowance.free_at_ns(9, T, is_history=False) == NEVER_NS
    assert allowance.why(9, T, is_history=False) == "it costs 9, more than 8 calls per 60 s"
    assert allowance.free_at_ns(5, T, is_history=True) == NEVER_NS
    assert allowance.why(5, T, is_history=True) == "it costs 5, and history may use 4 of 8 calls per 60 s"
    assert allowance.free_at_ns(5, T, is_history=False) == T


def test_nothing_is_free_of_charge():
    with pytest.raises(ValueError, match="costs 0"):
        Allowance([MINUTE]).spend(0, T, is_history=False)


def test_history_keeps_to_its_share_and_live_calls_take_all_that_is_left():
    allowance = Allowance([MINUTE], 0.5)
    spend(allowance, T, 4, is_history=True)
    assert allowance.free_at_ns(1, T, is_history=True) == T + MINUTE_NS
    assert allowance.why(1, T, is_history=True) == "history's 4 of 8 calls per 60 s used up"
    spend(allowance, T, 4)
    assert allowance.why(1, T, is_history=True) == "8 calls per 60 s used up"
    allowance = Allowance([MINUTE], 0.5)
    spend(allowance, T, 8)
    assert allowance.free_at_ns(1, T, is_history=True) == T + MINUTE_NS, "nothing is kept for history"


def test_history_has_one_call_of_a_small_limit_and_none_without_a_share():
    assert Allowance([Limit(1, 1.0)], 0.01).free_at_ns(1, T, is_history=True) == T
    allowance = Allowance([Limit(100, 1.0)], 0.0)
    assert allowance.free_at_ns(1, T, is_history=True) == NEVER_NS
    allowance.history_share = 0.29
    spend(allowance, T, 29, is_history=True)
    assert allowance.free_at_ns(1, T, is_history=True) > T


def test_without_limits_only_rests_hold_back():
    allowance = Allowance([])
    spend(allowance, T, 1_000)
    allowance.rest_until(T + 5 * S, "429", T)
    allowance.rest_until(T + 3 * S, "shorter", T)
    assert (allowance.free_at_ns(1, T, is_history=False), allowance.why(1, T, is_history=False)) == (
        T + 5 * S,
        "429",
    )
    assert allowance.free_at_ns(1, T + 5 * S, is_history=False) == T + 5 * S
    allowance.rest_until(NEVER_NS, "for ever", T + 9 * S)
    assert allowance.free_at_ns(1, T + 9 * S, is_history=False) == T + (86_400 + 9) * S


def test_a_great_plan_is_remembered_in_few_entries_and_never_exceeded():
    limit, chance = Limit(100_000, 86_400.0), random.Random(6)
    allowance, provider, now_ns = Allowance([limit]), CountedProvider(), T
    while now_ns < T + 3 * 86_400 * S:
        now_ns = max(now_ns + round(chance.expovariate(1 / 5) * S), allowance.free_at_ns(11, now_ns, False))
        allowance.spend(11, now_ns, is_history=False)
        provider.arrivals.append((now_ns, 11))
    assert provider.sliding(86_487.4) <= limit.calls, "not even in the longer stretch"
    assert len(allowance.state(now_ns).limits[0].spent) <= MAX_EXACT + 2
    assert provider.total > 0.98 * 3 * limit.calls


def test_a_restart_knows_what_was_spent_and_when():
    allowance = Allowance([MINUTE, DAY], 0.5)
    spend(allowance, T, 3, is_history=True)
    spend(allowance, T + 20 * S, 5)
    allowance.rest_until(T + 30 * S, "429 Too Many Requests", T + 20 * S)
    after = restarted(allowance, [MINUTE, DAY], T + 20 * S, T + 25 * S, 0.5)
    assert after.why(1, T + 25 * S, is_history=False) == "8 calls per 60 s used up"
    assert after.rests_until_ns == T + 30 * S
    assert after.free_at_ns(1, T + 25 * S, is_history=True) == T + MINUTE_NS
    assert [row["history_used"] for row in after.describe(T + 25 * S)] == [3, 3]


def test_an_old_state_has_expired():
    allowance = Allowance([MINUTE])
    spend(allowance, T, 8)
    allowance.rest_until(T + 90 * S, "429", T)
    after = restarted(allowance, [MINUTE], T, T + 100 * S)
    assert (after.describe(T + 100 * S)[0]["used"], after.rests_until_ns) == (0, 0)
    spend(after, T + 100 * S, 8)


@pytest.mark.parametrize("back_s", [1, 45, 3_600, 10 * 365 * 86_400])
def test_a_clock_that_has_gone_back_stops_time_and_no_more(back_s):
    allowance = Allowance([MINUTE])
    spend(allowance, T, 4)
    spend(allowance, T + 40 * S, 4)
    allowance.rest_until(T + 50 * S, "429", T + 45 * S)
    now_ns = T + 45 * S - back_s * S
    after = restarted(allowance, [MINUTE], T + 45 * S, now_ns)
    assert after.rests_until_ns == now_ns + 5 * S
    assert after.free_at_ns(4, now_ns, is_history=False) == now_ns + MINUTE_NS - 45 * S
    assert after.free_at_ns(8, now_ns, is_history=False) == now_ns + MINUTE_NS - 5 * S


def test_a_state_that_makes_no_sense_blocks_for_one_stretch_at_most():
    after, never = Allowance([MINUTE]), Spent(2**62, 2**62, 8)
    after.resume(AllowanceState(T, [StretchState(60.0, 8, 8, [never])], 2**62, "429"), T)
    assert after.describe(T)[0]["left"] == 0
    assert after.rests_until_ns == T + 86_400 * S
    assert after.free_at_ns(8, T + 86_400 * S, is_history=False) == T + 86_400 * S


def test_limits_that_were_configured_anew_begin_with_what_is_known():
    allowance = Allowance([DAY])
    spend(allowance, T, 5)
    spend(allowance, T + 300 * S, 2)
    after = restarted(allowance, [MINUTE, Limit(10, 86_400.0)], T + 300 * S, T + 301 * S)
    assert [row["used"] for row in after.describe(T + 301 * S)] == [2, 7]
    longer = restarted(after, [Limit(100, 7 * 86_400.0)], T + 301 * S, T + 302 * S)
    assert longer.describe(T + 302 * S)[0]["used"] == 7


def test_a_clock_that_goes_back_within_a_process_costs_no_limit():
    """It must not; if it does, calls count from the newest moment that was seen."""
    allowance = Allowance([MINUTE])
    spend(allowance, T, 4)
    allowance.spend(4, T - 30 * S, is_history=False)
    assert allowance.free_at_ns(8, T, is_history=False) == T + MINUTE_NS


def test_to_look_ahead_changes_nothing():
    allowance = Allowance([MINUTE])
    spend(allowance, T, 8)
    assert allowance.free_at_ns(8, T + 3_600 * S, is_history=True) == T + 3_600 * S
    assert allowance.describe(T + 3_600 * S)[0]["used"] == 0
    assert allowance.free_at_ns(1, T, is_history=False) == T + MINUTE_NS
    assert allowance.describe(T)[0]["used"] == 8
