"""All of one provider: what an answer means for limits, rests and breakers; whole days at full greed."""

from __future__ import annotations

import json
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.providers.provider import Limit, Refusal, RefusalKind, Told
from actors.collector.bars.spending.account import Account, AccountState
from actors.collector.bars.spending.breaker import BreakerRules
from actors.collector.bars.spending.stretch import MARGIN_S, NEVER_NS
from tests.unit.actors.collector.bars.counted_provider import CountedProvider, S, T

RULES = BreakerRules()
MINUTE, SECOND, DAY = Limit(8, 60.0), Limit(1, 1.0), Limit(25, 86_400.0)
DAY_NS = 86_400 * S
TOO_MANY = Refusal("throttled", "Too Many Requests", 429)


def account(*limits: Limit, now_ns: int = T, chance: float = 1.0, share: float = 0.5) -> Account:
    return Account("yahoo", limits, RULES, lambda: chance, now_ns, history_share=share)


def ask(one: Account, now_ns: int, endpoint: str = "chart", *, is_history: bool = False) -> None:
    assert one.obstacle(endpoint, 1, now_ns, is_history=is_history) is None
    one.begin(endpoint, 1, now_ns, is_history=is_history)


def refuse(one: Account, now_ns: int, refusal: Refusal, endpoint: str = "chart"):
    ask(one, now_ns, endpoint)
    return one.refused(endpoint, refusal, now_ns)


def restarted(one: Account, *limits: Limit, now_ns: int) -> Account:
    after = account(*limits, now_ns=now_ns)
    after.resume(msgspec.msgpack.decode(msgspec.msgpack.encode(one.state()), type=AccountState), now_ns)
    return after


def why(one: Account, now_ns: int, endpoint: str = "chart") -> str:
    obstacle = one.obstacle(endpoint, 1, now_ns, is_history=False)
    return obstacle.reason if obstacle is not None else ""


def test_a_used_up_limit_is_an_obstacle_until_it_is_not():
    one = account(MINUTE)
    for _ in range(8):
        ask(one, T)
        assert one.answered("chart", None, T) is None
    obstacle = one.obstacle("chart", 1, T, is_history=False)
    assert obstacle == ("8 calls per 60 s used up", T + 61_060_000_000)
    assert one.obstacle("other", 1, obstacle.until_ns - 1, is_history=False) == obstacle
    assert one.obstacle("chart", 1, obstacle.until_ns, is_history=False) is None
    one.history_share = 0.5  # it forgets what it has just found
    assert one.obstacle("chart", 1, obstacle.until_ns + S, is_history=False) is None
    assert one.obstacle("chart", 1, obstacle.until_ns - 1, is_history=False) == obstacle, (
        "to look changes nothing"
    )


def test_to_ask_against_an_obstacle_is_a_bug():
    one = account(SECOND)
    ask(one, T)
    with pytest.raises(RuntimeError, match="yahoo may not be asked now: 1 call per 1 s used up"):
        one.begin("chart", 1, T, is_history=False)
    with pytest.raises(ValueError, match="costs 0"):
        account().begin("chart", 0, T, is_history=False)


def test_history_has_its_share_which_may_be_changed():
    one = account(MINUTE)
    for _ in range(4):
        ask(one, T, is_history=True)
    held = one.obstacle("chart", 1, T, is_history=True)
    assert held.reason == "history's 4 of 8 calls per 60 s used up"
    one.history_share = 1.0
    assert one.obstacle("chart", 1, T, is_history=True) is None
    one.history_share = 0.0
    assert one.obstacle("chart", 1, T, is_history=True).until_ns == NEVER_NS
    for _ in range(4):
        ask(one, T)
    assert one.describe(T)["limits"] == [{"calls": 8, "per_s": 60.0, "used": 8, "left": 0, "history_used": 4}]


@pytest.mark.parametrize("kind", ["unavailable", "broken"])
def test_an_endpoint_that_is_not_well_is_left_alone_and_the_others_are_not(kind: RefusalKind):
    one = account(Limit(100, 60.0))
    refusal = Refusal(kind, "no JSON", 503)
    assert refuse(one, T, refusal) is None
    assert refuse(one, T, refusal) is None
    assert refuse(one, T, refusal)[2:] == ("closed", "open", "503 no JSON", T)
    assert why(one, T) == "breaker chart open: 503 no JSON"
    assert why(one, T, "fx") == ""
    after_ns = one.obstacle("chart", 1, T, is_history=False).until_ns
    assert after_ns == T + 30 * S
    assert one.begin("chart", 1, after_ns, is_history=True)[2:4] == ("open", "half_open")
    assert why(one, after_ns) == "breaker chart half open: a trial is under way"
    assert one.answered("chart", None, after_ns + S)[2:4] == ("half_open", "closed")
    assert why(one, after_ns + S) == ""


@pytest.mark.parametrize("kind", ["bad_symbol", "plan", "empty", "bad_request", "wrong_symbol"])
def test_what_is_wrong_with_the_question_is_no_fault_of_the_endpoint(kind: RefusalKind):
    one, failure = account(), Refusal("broken", "cut off")
    refuse(one, T, failure)
    refuse(one, T, failure)
    for _ in range(9):
        assert refuse(one, T, Refusal(kind, "no", 404)) is None
    assert refuse(one, T, failure) is None, "no longer three in a row"


def test_too_many_calls_rest_the_provider_and_open_the_endpoint_for_what_it_asks():
    one = account(MINUTE)
    change = refuse(one, T, Refusal("throttled", "Too Many Requests", 429, retry_after_s=90.0))
    assert change[1:5] == ("chart", "closed", "open", "429 Too Many Requests")
    for endpoint in ("chart", "fx"):
        obstacle = one.obstacle(endpoint, 1, T, is_history=False)
        assert obstacle == ("rests until 00:01:30 UTC: 429 Too Many Requests", T + 90 * S)
    ask(one, T + 90 * S, "fx")
    assert one.begin("chart", 1, T + 90 * S, is_history=False)[3] == "half_open"


def test_a_limit_per_day_rests_until_the_next_day():
    one, now_ns = account(DAY, SECOND), T + 9 * 3_600 * S
    refusal = Refusal("throttled", "25 requests per day", 200, retry_after_s=15 * 3_600.0)
    refuse(one, now_ns, refusal)
    obstacle = one.obstacle("fx", 1, now_ns, is_history=False)
    assert obstacle == ("rests until next day: 25 requests per day", T + DAY_NS)


def test_without_a_time_each_rest_is_twice_the_one_before_up_to_an_hour():
    one, now_ns, rests = account(Limit(100, 600.0), MINUTE), T, []
    for number in range(9):
        refuse(one, now_ns, TOO_MANY, f"endpoint {number}")
        until_ns = one.obstacle("fx", 1, now_ns, is_history=False).until_ns
        rests.append((until_ns - now_ns) // S)
        now_ns = until_ns
    assert rests == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]
    ask(one, now_ns)
    one.answered("chart", None, now_ns)
    refuse(one, now_ns, TOO_MANY)
    assert one.describe(now_ns)["rests_s"] == 60.0


def test_refusals_of_calls_that_were_under_way_together_are_one():
    one = account(Limit(30, 60.0))
    for _ in range(16):
        ask(one, T)
    one.answered("chart", None, T)
    changes = [one.refused("chart", TOO_MANY, T + number) for number in range(14)]
    assert [change is not None for change in changes] == [True] + 13 * [False]
    one.answered("chart", None, T + 20)
    assert one.describe(T)["rests_s"] == pytest.approx(60.0)
    assert one.state().throttles == 1


@pytest.mark.parametrize("retry_after_s", [0.0, -5.0, float("nan"), None])
def test_a_time_that_is_none_is_unknown(retry_after_s):
    one = account(MINUTE)
    refuse(one, T, Refusal("throttled", "", 429, retry_after_s))
    assert why(one, T) == "rests until 00:01:00 UTC: 429 throttled"


def test_no_rest_is_shorter_than_a_second():
    one = account(SECOND)
    refuse(one, T, Refusal("throttled", "1 request per second", 200, retry_after_s=0.2))
    assert one.describe(T)["rests_s"] == 1.0


def test_a_wrong_key_rests_the_provider_for_an_hour():
    one = account(MINUTE)
    assert refuse(one, T, Refusal("auth", "401 Unknown API Key", 401)) is None
    assert one.obstacle("fx", 1, T, is_history=True) == (
        "rests until 01:00:00 UTC: 401 Unknown API Key",
        T + 3_600 * S,
    )


def test_what_an_answer_tells_of_the_limits_is_believed():
    one = account(MINUTE, DAY)
    ask(one, T)
    one.answered("chart", Told(used=6, left=2), T)
    assert [row["left"] for row in one.describe(T)["limits"]] == [2, 24]
    ask(one, T)
    one.refused("chart", Refusal("throttled", "credits", 429, told=Told(used=12, limit=7)), T)
    assert one.describe(T)["limits"][0] == {
        "calls": 7, "per_s": 60.0, "used": 7, "left": 0, "history_used": 0,
    }  # fmt: skip


def test_a_refusal_that_names_its_end_blocks_no_longer_than_that():
    """25 requests per day, all of others, three hours before midnight: it counts anew at midnight, and so do we."""
    one, now_ns = account(DAY, SECOND), T + 21 * 3_600 * S
    told = Told(left=0, limit=20, per_s=86_400.0)
    refuse(one, now_ns, Refusal("throttled", "20 per day", 200, retry_after_s=3 * 3_600.0, told=told))
    assert one.obstacle("fx", 1, now_ns, is_history=False).until_ns == T + DAY_NS
    assert one.obstacle("fx", 1, T + DAY_NS, is_history=False) is None
    assert [row["calls"] for row in one.describe(T + DAY_NS)["limits"]] == [20, 1]


def test_a_state_for_people_is_json_with_the_worst_word_first():
    one = account(MINUTE)
    assert one.describe(T) == {
        "state": "closed",
        "breakers": {},
        "limits": [{"calls": 8, "per_s": 60.0, "used": 0, "left": 8, "history_used": 0}],
        "rests_s": 0.0,
        "why": "",
    }
    for _ in range(3):
        refuse(one, T, Refusal("unavailable", "Bad Gateway", 502))
    ask(one, T, "fx")
    one.answered("fx", None, T)
    told = json.loads(json.dumps(one.describe(T + 5 * S)))
    assert (told["state"], told["why"]) == ("open", "breaker chart open: 502 Bad Gateway")
    assert told["breakers"] == {
        "chart": {"state": "open", "failures": 3, "reason": "502 Bad Gateway", "until_s": 25.0},
        "fx": {"state": "closed", "failures": 0, "reason": "", "until_s": 0.0},
    }
    one.begin("chart", 1, T + 30 * S, is_history=False)
    assert one.describe(T + 30 * S)["state"] == "half_open"
    refuse(one, T + 31 * S, Refusal("auth", "Unknown API Key", 401), "fx")
    assert one.describe(T + 31 * S)["state"] == "resting"
    assert one.describe(T + 31 * S)["why"].startswith("rests until 01:00:31 UTC")


def test_everything_that_a_restart_must_know_is_a_change():
    one, before = account(MINUTE), []
    for step in (
        lambda: ask(one, T),
        lambda: one.answered("chart", None, T),
        lambda: refuse(one, T, TOO_MANY),
    ):
        before.append(one.changes)
        step()
        assert one.changes > before[-1]
    changes = one.changes
    assert one.obstacle("chart", 1, T, is_history=False)
    assert one.changes == changes


@pytest.mark.parametrize("back_s", [0, 3, 86_400])
def test_a_restart_forgets_nothing(back_s):
    before = account(MINUTE, DAY)
    for _ in range(3):
        refuse(before, T, Refusal("broken", "HTML"), "fx")
    refuse(before, T, TOO_MANY)
    now_ns = T - back_s * S
    after = restarted(before, MINUTE, DAY, now_ns=now_ns)
    assert after.describe(now_ns)["limits"] == before.describe(T)["limits"]
    assert after.describe(now_ns)["breakers"] == before.describe(T)["breakers"]
    assert after.describe(now_ns)["rests_s"] == 60.0
    assert refuse(after, now_ns + 60 * S, TOO_MANY)[2:4] == ("half_open", "open")
    assert after.describe(now_ns + 60 * S)["rests_s"] == 120.0, "it still doubles"


KINDS = st.sampled_from(
    ["page"] * 6 + ["unavailable", "unavailable", "broken", "throttled", "empty", "auth", "lost"]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fx", "chart"]),
        st.integers(1, 3),
        st.booleans(),
        KINDS,
        st.one_of(st.just(0), st.integers(0, 90 * S)),
        st.floats(0.0, 1.0),
    ),
    max_size=60,
)


@given(STEPS, st.booleans())
def test_whatever_happens_no_limit_is_exceeded_and_every_obstacle_ends(steps, has_restarts):
    """`until_ns` is exact: a moment earlier there is an obstacle, then there is none, and nobody waits for ever."""
    limits = [MINUTE, Limit(6, 1.0), Limit(40, 3_600.0)]
    one, now_ns = account(*limits), T
    provider = CountedProvider()
    for endpoint, cost, is_history, kind, gap_ns, chance in steps:
        now_ns += gap_ns
        obstacle = one.obstacle(endpoint, cost, now_ns, is_history=is_history)
        if obstacle is not None:
            assert obstacle.reason
            assert now_ns < obstacle.until_ns <= now_ns + DAY_NS
            one.history_share = 0.5  # it forgets what it has just found, and must find the same
            before = one.obstacle(endpoint, cost, obstacle.until_ns - 1, is_history=is_history)
            assert before.until_ns == obstacle.until_ns
            if chance < 0.5:
                continue
            now_ns = obstacle.until_ns
        one.history_share = 0.5
        assert one.obstacle(endpoint, cost, now_ns, is_history=is_history) is None
        one.begin(endpoint, cost, now_ns, is_history=is_history)
        provider.arrive(now_ns + round(chance * MARGIN_S * S), cost)
        now_ns += round(chance * 5 * S)
        if kind == "page":
            one.answered(endpoint, None, now_ns)
        elif kind != "lost":
            one.refused(endpoint, Refusal(kind, "no", retry_after_s=99.0 if chance > 0.9 else None), now_ns)
        if has_restarts and chance > 0.7:
            one = restarted(one, *limits, now_ns=now_ns)
    assert provider.exceeded(limits) == []


@pytest.mark.parametrize(
    ("limits", "days", "ideal"),
    [
        pytest.param([Limit(30, 60.0)], 1, 30 * 1_440, id="yahoo"),
        pytest.param([DAY, SECOND], 4, 25 * 4, id="alphavantage"),
        pytest.param([MINUTE, Limit(800, 86_400.0)], 4, 800 * 4, id="twelvedata"),
        pytest.param([Limit(5, 60.0)], 1, 5 * 1_440, id="polygon"),
    ],
)
def test_a_day_at_full_greed_uses_what_the_plan_allows_and_never_more(limits, days, ideal):
    """It begins in mid-minute and goes over midnight; calls are on their way for up to a second, in any order."""
    chance, provider = random.Random(7), CountedProvider()
    now_ns = begin_ns = T + 47_123_456_789
    one = account(*limits, now_ns=now_ns)
    while True:
        obstacle = one.obstacle("chart", 1, now_ns, is_history=False)
        now_ns = now_ns if obstacle is None else obstacle.until_ns
        if now_ns >= begin_ns + days * DAY_NS:
            break
        one.begin("chart", 1, now_ns, is_history=False)
        provider.arrivals.append((now_ns + chance.randint(0, S), 1))
        one.answered("chart", None, now_ns)
    provider.arrivals.sort()
    assert provider.exceeded(limits) == []
    assert 0.98 * ideal <= provider.total <= ideal
