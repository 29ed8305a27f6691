"""An answer that contradicts what went out: another one decides, else time."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actors.collector.bars.candidate import closed
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import ProviderBar
from actors.collector.bars.rebasing import BELIEVED_NS, Rebasing, apart_bp, apart_is_known
from protocol.messages import Bar
from tests.support.bars_timeline import SYMBOL, bar, candidate

T0 = 1_767_657_600_000_000_000
TOLERANCE_BP = 10.0
SECOND = 1_000_000_000


def known(*minutes: int) -> list[Bar]:
    """What went out, at a price of 1."""
    return [closed(SYMBOL, candidate(T0 + at * MINUTE_NS), 1) for at in minutes]


def said(*minutes: int, price: float = 1.0) -> list[ProviderBar]:
    return [bar(T0 + at * MINUTE_NS, price) for at in minutes]


@pytest.fixture
def rebasing() -> Rebasing:
    return Rebasing(TOLERANCE_BP)


def test_the_difference_is_that_of_the_middle_minute() -> None:
    fresh = [*said(0, 1), *said(2, price=2.0)]

    assert apart_bp(known(0, 1, 2), fresh) == 0.0
    assert apart_bp(known(1, 2), fresh) == pytest.approx(2500.0)
    assert apart_bp(known(2, 3), said(2, 3, price=2.0)) == pytest.approx(5000.0)


def test_too_few_common_minutes_tell_nothing() -> None:
    assert not apart_is_known(known(0, 1), said(1, 2, price=9.0))
    assert apart_bp(known(0, 1), said(1, 2, price=9.0)) == 0.0
    assert apart_is_known(known(0, 1), said(0, 1))


def test_only_finished_minutes_of_providers_are_compared() -> None:
    quiet = [replace(one, status="quiet") for one in known(0, 1)]
    running = [replace(one, is_running=True) for one in said(0, 1, price=9.0)]

    assert not apart_is_known(quiet, said(0, 1, price=9.0))
    assert not apart_is_known(known(0, 1), running)


def test_an_answer_that_fits_is_taken(rebasing: Rebasing) -> None:
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.0009), T0) == ""
    assert list(rebasing.names) == []


def test_a_contradiction_is_told_with_its_size_and_remembered(rebasing: Rebasing) -> None:
    why = rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)

    assert "476 bp" in why
    assert list(rebasing.names) == ["amber"]
    rebasing.forget("amber")
    assert list(rebasing.names) == []


def test_a_second_provider_that_says_the_same_is_believed(rebasing: Rebasing) -> None:
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)
    assert rebasing.contradiction("beryl", known(0, 1), said(0, 1, price=1.02), T0), "it says a third thing"

    assert rebasing.contradiction("coral", known(0, 1), said(0, 1, price=1.0505), T0) == ""
    assert list(rebasing.names) == []


def test_a_provider_that_contradicts_itself_is_no_second_one(rebasing: Rebasing) -> None:
    for _ in range(5):
        assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)


@pytest.mark.parametrize(("after_ns", "is_believed"), [(BELIEVED_NS - 1, False), (BELIEVED_NS, True)])
def test_a_lone_one_is_believed_in_the_end(rebasing: Rebasing, after_ns: int, is_believed: bool) -> None:
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)

    again = rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0 + after_ns)

    assert (again == "") == is_believed


def test_one_of_two_that_contradict_each_other_is_not_believed_for_its_patience(rebasing: Rebasing) -> None:
    assert rebasing.contradiction("beryl", known(0, 1), said(0, 1, price=1.5), T0)
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)

    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0 + 2 * BELIEVED_NS)


def test_who_fits_again_begins_anew(rebasing: Rebasing) -> None:
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0)
    assert not rebasing.contradiction("amber", known(0, 1), said(0, 1), T0 + SECOND)

    later_ns = T0 + BELIEVED_NS + SECOND
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), later_ns)


def test_a_lone_one_must_say_the_same_all_the_time(rebasing: Rebasing) -> None:
    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.5), T0)

    assert rebasing.contradiction("amber", known(0, 1), said(0, 1, price=1.05), T0 + BELIEVED_NS)
