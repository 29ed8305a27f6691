"""Whom to ask: the best that may be asked, with the reasons of those who are passed over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.collector.bars.choosing import (
    OFF_NS,
    PATIENCE_NS,
    Blocked,
    Choice,
    Market,
    Standing,
    Wish,
    askable,
    choose,
)
from actors.collector.bars.providers.provider import Refusal
from actors.collector.bars.spending.account import Obstacle

NOW = 1_000_000_000_000_000_000
ORDER = ("amber", "beryl", "coral")
SECOND = 1_000_000_000


class Asked:
    """A provider whose endpoint is its raw name."""

    def endpoint(self, raw: str) -> str:
        return f"of {raw}"


class Budget:
    """May be asked, or not before a moment."""

    def __init__(self, until_ns: int = 0) -> None:
        self.until_ns = until_ns
        self.questions: list[tuple[str, int, bool]] = []

    def obstacle(self, endpoint: str, cost: int, now_ns: int, *, is_history: bool) -> Obstacle | None:
        self.questions.append((endpoint, cost, is_history))
        return Obstacle("used up", self.until_ns) if self.until_ns > now_ns else None


def market(**until_s: float) -> Market:
    """Provider to how many seconds it may not be asked."""
    budgets = {name: Budget(NOW + round(s * SECOND) if s else 0) for name, s in until_s.items()}
    return Market(dict.fromkeys(until_s, Asked()), budgets)  # type: ignore[arg-type]


def standings(*names: str) -> dict[str, Standing]:
    return {name: Standing(f"raw {name}") for name in names}


def wish(*tried: str, is_history: bool = False, cost_of: dict[str, int] | None = None) -> Wish:
    return Wish(dict.fromkeys(ORDER, 1) if cost_of is None else cost_of, tried, is_history)


def test_the_best_is_asked_at_its_endpoint_for_what_it_costs() -> None:
    there = market(amber=0, beryl=0)
    found = choose(there, standings("amber", "beryl"), ORDER, wish(cost_of={"amber": 3, "beryl": 1}), NOW)

    assert found == Choice("amber", "of raw amber", {})
    assert there.accounts["amber"].questions == [("of raw amber", 3, False)]  # type: ignore[attr-defined]


def test_the_next_one_is_asked_and_it_is_said_why_not_the_better() -> None:
    found = choose(market(amber=600, beryl=0), standings("amber", "beryl"), ORDER, wish(), NOW)

    assert found == Choice("beryl", "of raw beryl", {"amber": "used up"})


def test_the_best_is_waited_for_a_little_rather_than_asking_the_next_one() -> None:
    patience_s = PATIENCE_NS / SECOND
    there = standings("amber", "beryl")

    waiting = choose(market(amber=patience_s, beryl=0), there, ORDER, wish(), NOW)
    assert waiting == Blocked({"amber": "used up"}, NOW + PATIENCE_NS)
    assert isinstance(choose(market(amber=patience_s + 1, beryl=0), there, ORDER, wish(), NOW), Choice)


def test_history_does_not_wait_for_the_best() -> None:
    found = choose(market(amber=1, beryl=0), standings("amber", "beryl"), ORDER, wish(is_history=True), NOW)

    assert isinstance(found, Choice)
    assert found.provider == "beryl"


def test_who_has_been_tried_or_cannot_answer_is_not_named() -> None:
    there = standings("amber", "beryl", "coral")
    found = choose(market(amber=0, beryl=0, coral=0), there, ORDER, wish("amber", cost_of={"coral": 1}), NOW)

    assert found == Choice("coral", "of raw coral", {})
    assert choose(market(amber=0), standings("amber"), ORDER, wish("amber"), NOW) == Blocked({}, 0)


def test_a_provider_that_does_not_have_it_is_passed_over_for_an_hour() -> None:
    there = standings("amber", "beryl")
    there["amber"].turn_off(Refusal("bad_symbol", "no such thing"), NOW)

    found = choose(market(amber=0, beryl=0), there, ORDER, wish(), NOW + OFF_NS - 1)
    assert found == Choice("beryl", "of raw beryl", {"amber": "bad_symbol: no such thing"})
    assert askable(there, ORDER, NOW + OFF_NS - 1) == {"beryl"}
    again = choose(market(amber=0, beryl=0), there, ORDER, wish(), NOW + OFF_NS)
    assert isinstance(again, Choice)
    assert again.provider == "amber"
    assert askable(there, ORDER, NOW + OFF_NS) == {"amber", "beryl"}


def test_a_demoted_one_comes_last_until_its_time_is_over() -> None:
    there = standings("amber", "beryl")
    there["amber"].demote("it was stale", NOW + 5)

    def first(now_ns: int, **until_s: float) -> Choice | Blocked:
        return choose(market(**until_s), there, ORDER, wish(), now_ns)

    assert first(NOW + 4, amber=0, beryl=0).provider == "beryl"  # type: ignore[union-attr]
    assert first(NOW + 4, amber=0, beryl=600).provider == "amber"  # type: ignore[union-attr]
    assert first(NOW + 5, amber=0, beryl=0).provider == "amber"  # type: ignore[union-attr]


def test_when_nobody_may_be_asked_the_soonest_moment_is_told() -> None:
    there = standings("amber", "beryl", "coral")
    there["coral"].turn_off(Refusal("plan", "not in yours"), NOW)

    found = choose(market(amber=700, beryl=600, coral=0), there, ORDER, wish(), NOW)

    reasons = {"amber": "used up", "beryl": "used up", "coral": "plan: not in yours"}
    assert found == Blocked(reasons, NOW + 600 * SECOND)


@given(
    st.lists(st.sampled_from(ORDER), unique=True),
    st.lists(st.sampled_from(ORDER), unique=True),
    st.lists(st.sampled_from((0.0, 5.0, 60.0)), min_size=3, max_size=3),
    st.booleans(),
)
def test_who_is_chosen_may_be_asked_and_nobody_better_might(
    known: list[str], tried: list[str], waits: list[float], is_history: bool
) -> None:
    until_s = dict(zip(ORDER, waits, strict=True))
    found = choose(market(**until_s), standings(*known), ORDER, wish(*tried, is_history=is_history), NOW)

    asked = [name for name in ORDER if name in known and name not in tried]
    free = [name for name in asked if not until_s[name]]
    if isinstance(found, Choice):
        assert found.provider == free[0]
        assert found.passed.keys() == set(asked[: asked.index(free[0])])
    else:
        is_waited_for = [name for name in asked if until_s[name] == 5.0 and not is_history]
        assert not free or asked.index(is_waited_for[0]) < asked.index(free[0])
        assert (found.until_ns > NOW) == bool(asked)
