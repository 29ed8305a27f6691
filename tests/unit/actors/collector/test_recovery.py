"""Every unsynced book is asked for sooner or later, none too often."""

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.exchange.recovery import LOST_CAP_S, Recovery

S = 1_000_000_000


def recovery(capacity: float = 1000.0, at_once: int = 4, jitter: float = 1.0) -> Recovery:
    return Recovery(
        50.0, Budget(capacity, capacity / 60, 0), lambda: Backoff(0.5, 30.0, lambda: jitter), 30.0, at_once
    )


def test_a_new_book_is_asked_for_at_once_and_only_once():
    owner = recovery()
    assert owner.due({"A"}, 0) == ["A"]
    assert owner.due({"A"}, 1) == []
    assert owner.under_way == 1


def test_only_so_many_at_once():
    owner = recovery(at_once=2)
    assert len(owner.due(["A", "B", "C"], 0)) == 2
    owner.synced("A", 1)
    assert owner.due(["B", "C"], 1) == ["C"]


def test_the_weight_budget_is_kept():
    owner = recovery(capacity=100.0, at_once=10)
    assert len(owner.due(["A", "B", "C"], 0)) == 2
    assert owner.due(["A", "B", "C"], 29 * S) == []
    assert owner.due(["A", "B", "C"], 30 * S - 1 + 1) != []


def test_a_failure_waits():
    owner = recovery()
    owner.due({"A"}, 0)
    assert owner.failed("A", 0) == 0.5
    assert owner.due({"A"}, S // 2 - 1) == []
    assert owner.due({"A"}, S // 2) == ["A"]
    assert owner.failed("A", S) == 1.0


def test_a_book_lost_again_and_again_waits_longer_but_not_for_long():
    owner = recovery()
    asked = []
    for tick in range(0, 60_000, 50):
        if owner.due({"A"}, tick * S // 1000):
            asked.append(tick)
            owner.synced("A", tick * S // 1000)
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[:3] == [550, 1050, 2050]  # each is noticed one look later
    assert set(pauses[3:]) == {int(LOST_CAP_S * 1000) + 50}


def test_an_answer_that_never_comes_is_given_up():
    owner = recovery()
    owner.due({"A"}, 0)
    assert owner.due({"A"}, 29 * S) == []
    assert owner.due({"A"}, 30 * S) == []
    assert owner.due({"A"}, 31 * S) == ["A"]


def test_an_answer_that_never_comes_makes_room_for_others():
    owner = recovery(at_once=1)
    assert owner.due(["A", "B"], 0) == ["A"]
    assert owner.due(["A", "B"], 30 * S) == ["B"]


def test_too_many_requests_stop_the_market():
    owner = recovery()
    owner.due({"A"}, 0)
    assert owner.failed("A", 0, 429, 20.0) == 20.0
    assert owner.due({"A", "B"}, 19 * S) == []
    assert set(owner.due({"A", "B"}, 20 * S)) == {"A", "B"}


def test_an_unknown_symbol_stops_nobody_else():
    owner = recovery()
    owner.due({"A"}, 0)
    owner.failed("A", 0, 400)
    assert owner.due({"A", "B"}, 1) == ["B"]


def test_who_is_forgotten_starts_anew():
    owner = recovery()
    owner.due({"A"}, 0)
    owner.forget("A")
    assert owner.failed("A", 0) == 0.0
    assert owner.due({"A"}, 1) == ["A"]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_the_venue_answers_every_book_is_synced_in_the_end(seed):
    random_ = random.Random(seed)
    owner = recovery(capacity=2000.0)
    unsynced = {f"S{number}" for number in range(12)}
    asked: list[str] = []
    for tick in range(6_000):
        mono_ns = tick * S // 20
        is_calm = tick > 2000
        for symbol in asked:
            match 9 if is_calm else random_.randrange(10):
                case 0:
                    continue  # the answer never comes
                case 1 | 2:
                    owner.failed(symbol, mono_ns)
                case 3:
                    owner.failed(symbol, mono_ns, 429, 2.0)
                case _:
                    unsynced.discard(symbol)
                    owner.synced(symbol, mono_ns)
        asked = owner.due(sorted(unsynced), mono_ns)
        if not is_calm and random_.random() < 0.01:
            unsynced.add(f"S{random_.randrange(12)}")
    assert unsynced == set()
