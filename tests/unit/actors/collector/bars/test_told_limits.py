"""What a provider tells of its limits is believed where it is worse than what we know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.providers.provider import Limit, Told
from actors.collector.bars.spending.allowance import Allowance
from tests.unit.actors.collector.bars.allowance_rig import DAY, DAY_NS, MINUTE, MINUTE_NS, restarted, spend
from tests.unit.actors.collector.bars.counted_provider import CountedProvider, S, T


def test_somebody_else_uses_the_key_too():
    allowance = Allowance([MINUTE, DAY])
    spend(allowance, T, 2)
    allowance.learn(Told(left=1), T + S)
    spend(allowance, T + S, 1)
    minute_ns = T + S + MINUTE_NS
    assert allowance.free_at_ns(1, T + S, is_history=False) == minute_ns, "its minute may just have begun"
    used = [(row["used"], row["left"]) for row in allowance.describe(T + S)]
    assert used == [(8, 0), (3, 22)], "nothing was said of the day"


def test_what_others_spend_of_a_day_does_not_hold_back_what_we_spent_in_the_morning():
    allowance, evening_ns = Allowance([DAY]), T + 20 * 3_600 * S
    spend(allowance, T, 10)
    allowance.learn(Told(left=5, limit=25, per_s=86_400.0), evening_ns)
    spend(allowance, evening_ns, 5)
    assert allowance.free_at_ns(10, evening_ns, is_history=False) == T + DAY_NS
    assert allowance.free_at_ns(11, evening_ns, is_history=False) == evening_ns + DAY_NS


@pytest.mark.parametrize(
    ("told", "left"),
    [
        (Told(left=8), 6),
        (Told(used=1, left=7), 6),
        (Told(used=1, left=2), 1),
        (Told(used=0, limit=55), 6),
        (Told(used=5, limit=55), 6),
        (Told(used=3, limit=5), 2),
        (Told(used=5), 3),
        (Told(used=5, limit=8), 3),
        (Told(used=12, limit=8), 0),
        (Told(left=-3), 0),
        (Told(limit=5), 3),
        (Told(used=3, left=1), 1),
        (Told(limit=0), 0),
        (Told(left=3, per_s=61.0), 6),
        (Told(left=3, limit=5, per_s=float("nan")), 6),
        (Told(), 6),
    ],
)
def test_what_the_provider_tells_counts_where_it_is_worse(told, left):
    allowance = Allowance([MINUTE])
    spend(allowance, T, 2)
    allowance.learn(told, T)
    (row,) = allowance.describe(T)
    assert (row["left"], row["used"]) == (left, max(2, row["calls"] - left))


def test_a_lower_limit_is_obeyed_until_the_provider_says_otherwise_and_a_higher_one_changes_nothing():
    allowance = Allowance([MINUTE])
    allowance.learn(Told(limit=3), T)
    spend(allowance, T, 3)
    assert allowance.why(1, T, is_history=False) == "3 calls per 60 s used up"
    allowance.learn(Told(limit=0), T)
    assert allowance.free_at_ns(1, T, is_history=False) == T + MINUTE_NS, "none is one, now and then"
    allowance.learn(Told(limit=55), T)
    spend(allowance, T, 5)
    assert allowance.free_at_ns(1, T, is_history=False) == T + MINUTE_NS


def test_a_limit_that_nobody_configured_is_learnt_with_what_is_known_of_it():
    allowance = Allowance([DAY])
    spend(allowance, T, 3)
    allowance.learn(Told(limit=4, per_s=60.0), T + S)
    spend(allowance, T + S, 1)
    assert allowance.free_at_ns(1, T + S, is_history=False) == T + MINUTE_NS
    allowance = restarted(allowance, [DAY], T + S, T + S)
    assert allowance.free_at_ns(1, T + S, is_history=False) == T + MINUTE_NS
    for per_s in range(1, 50):
        allowance.learn(Told(limit=4, per_s=float(per_s)), T + S)
    assert len(allowance.describe(T + S)) < 10, "a provider that tells nonsense costs no memory"


@given(
    st.lists(st.tuples(st.integers(0, 40 * S), st.integers(0, 8), st.booleans()), max_size=60), st.booleans()
)
def test_with_somebody_else_on_the_key_nothing_is_exceeded_as_long_as_it_shows(steps, is_sliding):
    """The other one uses what is left, the provider tells what it counts in its way, and that is more than ours."""
    allowance, provider, now_ns = Allowance([MINUTE]), CountedProvider(), T
    for gap_ns, others, waits in steps:
        now_ns += gap_ns
        begins_ns = now_ns - 60 * S + 1 if is_sliding else now_ns - now_ns % (60 * S)
        used = sum(cost for at_ns, cost in provider.arrivals if at_ns >= begins_ns)
        foreign = min(others, MINUTE.calls - used)
        if foreign > 0 and used + foreign > allowance.describe(now_ns)[0]["used"]:
            provider.arrive(now_ns, foreign)
            used += foreign
        allowance.learn(Told(used=used, left=MINUTE.calls - used), now_ns)
        free_ns = allowance.free_at_ns(1, now_ns, is_history=False)
        now_ns = free_ns if waits else now_ns
        if free_ns <= now_ns:
            allowance.spend(1, now_ns, is_history=False)
            provider.arrive(now_ns)
    assert (provider.sliding(60.0) if is_sliding else provider.calendar(60.0)) <= MINUTE.calls


def test_a_restart_knows_what_others_spent_of_which_limit():
    allowance = Allowance([MINUTE, DAY])
    spend(allowance, T, 3)
    allowance.learn(Told(left=1), T)
    after = restarted(allowance, [DAY, MINUTE], T, T)
    assert [row["used"] for row in after.describe(T)] == [3, 7]


def test_a_lower_limit_outlives_a_restart_for_a_day_unless_the_settings_change():
    allowance = Allowance([MINUTE])
    allowance.learn(Told(limit=3), T)
    assert restarted(allowance, [MINUTE], T, T + S).describe(T + S)[0]["calls"] == 3
    assert restarted(allowance, [Limit(55, 60.0)], T, T + S).describe(T + S)[0]["calls"] == 55
    tomorrow_ns = T + 86_400 * S
    assert restarted(allowance, [MINUTE], T, tomorrow_ns).describe(tomorrow_ns)[0]["calls"] == 8
