"""Comparisons with a second provider: two against one decide, one against one is told."""

from __future__ import annotations

import pytest

from protocol.messages import Alert
from tests.support.bars_looks import ONE, play
from tests.support.bars_played import PlayedBars, untrue
from tests.support.providers.faults import Fault

APART = 1.01
"""100 basis points, where 40 are tolerated."""


def checked(minutes: float, *providers: str, faults=(), check_s: float = 600.0, **changes) -> PlayedBars:
    return play(minutes, *providers, faults=faults, cross_check_s=check_s, **changes)


def disagreements(bars: PlayedBars) -> list[Alert]:
    return [one for one in bars.of(Alert) if one.rule == "provider_disagreement"]


def off(provider: str) -> Fault:
    return Fault(provider, "disagree", factor=APART)


def test_who_agrees_is_remembered_and_no_news() -> None:
    bars = checked(35, "yahoo", "polygon")

    line = bars.orchestrator.lines[ONE]
    assert disagreements(bars) == []
    assert line.apart_bp["polygon"] < 1.0
    assert {one.ask.provider for one in bars.asked(purpose="check")} == {"polygon"}
    asked = [one.at_ns for one in bars.asked(purpose="check")]
    assert 3 <= len(asked) <= 4
    assert line.describe(bars.now_ns)["apart_bp"] == {"polygon": round(line.apart_bp["polygon"], 2)}


def test_without_a_time_between_two_nothing_is_compared() -> None:
    assert checked(20, "yahoo", "polygon", check_s=0.0).asked(purpose="check") == []


def test_who_is_alone_is_compared_with_nobody() -> None:
    assert checked(20, "yahoo").asked(purpose="check") == []


def test_comparing_takes_only_what_is_to_spare() -> None:
    bars = checked(30, "yahoo", "polygon", polygon=[(2, 86_400.0)], check_s=60.0)

    assert len(bars.asked("polygon")) == 1, "half of the limit"


def test_one_against_one_is_told_and_nobody_is_believed_more() -> None:
    bars = checked(14, "yahoo", "polygon", faults=[off("polygon")])

    (told,) = disagreements(bars)
    assert (told.symbol, told.venue, told.severity) == (ONE, "rest", "warning")
    assert told.text.startswith("polygon is 99.0 bp from yahoo")
    assert told.values["apart_bp"] == pytest.approx(99.0, abs=0.1)
    assert told.values["tolerance_bp"] == 40.0
    assert bars.orchestrator.lines[ONE].describe(bars.now_ns)["demoted"] == {}


def test_it_is_told_again_only_with_the_next_comparison() -> None:
    bars = checked(45, "yahoo", "polygon", faults=[off("polygon")])

    assert 2 <= len(disagreements(bars)) <= 5
    assert bars.switches == type(bars.switches)(maxlen=bars.switches.maxlen)


def test_two_against_one_put_the_odd_one_last() -> None:
    bars = checked(14, "yahoo", "polygon", "twelvedata", faults=[off("polygon")])

    assert [one.ask.provider for one in bars.asked(purpose="check")] == ["polygon", "twelvedata"]
    demoted = bars.orchestrator.lines[ONE].describe(bars.now_ns)["demoted"]
    assert list(demoted) == ["polygon"]
    assert "yahoo and others" in demoted["polygon"]
    assert untrue(bars.world.market, ONE, bars.bars(ONE)) == []


def test_two_against_the_one_that_gives_the_minutes_put_that_last() -> None:
    bars = checked(11, "yahoo", "polygon", "twelvedata", faults=[off("yahoo")])

    demoted = bars.orchestrator.lines[ONE].describe(bars.now_ns)["demoted"]
    assert list(demoted) == ["yahoo"]
    assert "polygon" in demoted["yahoo"]
    assert "twelvedata" in demoted["yahoo"]
    assert bars.orchestrator.lines[ONE].apart_bp == {}


@pytest.mark.parametrize("kind", ["error", "empty", "html"])
def test_a_comparison_that_is_refused_says_nothing(kind) -> None:
    bars = checked(25, "yahoo", "polygon", faults=[Fault("polygon", kind)])

    assert bars.asked("polygon", purpose="check")
    assert disagreements(bars) == []
    assert bars.orchestrator.lines[ONE].apart_bp == {}
    assert not bars.orchestrator.lines[ONE].is_checking


def test_a_comparison_that_shows_that_a_provider_does_not_have_it_turns_it_off() -> None:
    bars = checked(25, "yahoo", "polygon", faults=[Fault("polygon", "plan")])

    assert len(bars.asked("polygon")) == 1
    assert "plan" in bars.orchestrator.lines[ONE].describe(bars.now_ns)["off"]["polygon"]


def test_nobody_is_asked_twice_at_once_for_one_instrument() -> None:
    """The last minute came from the second, and the look asks the best again."""
    bars = play(11.5, "yahoo", "polygon", cross_check_s=600.0)
    line = bars.orchestrator.lines[ONE]
    line.source = "polygon"
    line.due_ns = line.check_due_ns = bars.now_ns

    asks = bars.orchestrator.cycle(bars.now_ns)

    assert [(ask.provider, ask.purpose) for ask in asks] == [("yahoo", "live")]
