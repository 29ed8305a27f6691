"""Old holes: asked for again until somebody has them, all say that there was nothing, or a week is over."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from actors.collector.bars.asking import Found
from actors.collector.bars.filling import GIVE_UP_NS, GIVEN_UP, RETRY_NS
from actors.collector.bars.judging.judged import Judged
from actors.collector.bars.line import LIVE_NS
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import Page, Refusal
from actors.collector.bars.providers.registry import provider
from protocol.messages import Gap
from tests.support.bars_played import (
    HOUR_NS,
    TUESDAY_NS,
    PlayedBars,
    market_of,
    settings,
    untrue,
    world_of,
)
from tests.support.bars_timeline import bar
from tests.support.providers.faults import Fault
from tests.support.providers.market import Market
from tests.support.virtual_bars import SECOND_NS

ONE = "BTC_USD"
HOLE = range(4, 24)
"""Minutes that nobody could tell."""


def at(minute: float) -> int:
    return TUESDAY_NS + round(minute * MINUTE_NS)


def later(
    *providers: str, hours: float = 7.0, faults: Any = (), market: Market | None = None, **changes: Any
) -> PlayedBars:
    """A collector that was stopped with a hole, and has loaded what was since, hours later; from now on the faults."""
    market = market or market_of(ONE)
    broken = [Fault("*", "error", 60.0 * HOLE.start + 30.0)]
    before = PlayedBars(world_of(market, TUESDAY_NS, broken), TUESDAY_NS, settings("yahoo"))
    before.run(at(HOLE.stop + 1.6))
    assert before.laws[ONE].missing == {at(minute) for minute in HOLE}
    now_ns = TUESDAY_NS + round(hours * HOUR_NS)
    world = world_of(market, TUESDAY_NS)
    bars = PlayedBars(world, now_ns, settings(*providers, **changes), before.remembered(), 2, before.laws)
    line = bars.orchestrator.lines[ONE]
    line.hole_due_ns = 1 << 62
    bars.run_until(lambda: not bars.is_loading, HOUR_NS)
    world.add(*faults)
    line.hole_due_ns = 0
    return bars


def missing(bars: PlayedBars) -> set[int]:
    """Minutes of the hole that are still missing."""
    return bars.laws[ONE].missing & {at(minute) for minute in HOLE}


def fill(bars: PlayedBars, limit_ns: int = HOUR_NS) -> None:
    bars.run_until(lambda: not missing(bars), limit_ns)


def test_an_old_hole_is_filled_with_what_happened() -> None:
    bars = later("yahoo")
    fill(bars)

    found = {start_ns: bar for start_ns, bar in bars.bars(ONE).items() if start_ns in map(at, HOLE)}
    assert {(bar.status, bar.revision, bar.source) for bar in found.values()} == {("closed", 2, "yahoo")}
    assert untrue(bars.world.market, ONE, found) == []
    assert bars.laws[ONE].states["filled"] == 1
    assert bars.world.violations == []


def test_a_hole_of_the_last_hours_needs_none_of_this() -> None:
    bars = later("yahoo", hours=1.0)
    fill(bars)

    assert bars.asked(purpose="hole") == []


def test_another_one_is_asked_for_what_the_first_does_not_have() -> None:
    bars = later("yahoo", "polygon", faults=[Fault("yahoo", "missing", bars=0.4)], quiet_minutes=0)
    fill(bars)

    sources = {bars.bars(ONE)[at(minute)].source for minute in HOLE}
    assert sources == {"yahoo", "polygon"}
    assert untrue(bars.world.market, ONE, {at(minute): bars.bars(ONE)[at(minute)] for minute in HOLE}) == []


def test_when_all_say_that_nothing_happened_it_is_quiet_at_the_price_before() -> None:
    bars = later("yahoo", "polygon", faults=[Fault("*", "empty")])
    fill(bars)

    found = [bars.bars(ONE)[at(minute)] for minute in HOLE]
    assert {bar.status for bar in found} == {"quiet"}
    assert {bar.close for bar in found} == {bars.bars(ONE)[at(HOLE.start - 1)].close}
    assert {bar.reason for bar in found} == {"no bar at polygon, yahoo"}


def test_one_word_is_not_enough_for_a_long_hole() -> None:
    faults = [Fault("yahoo", "empty"), Fault("polygon", "error")]
    bars = later("yahoo", "polygon", faults=faults)
    bars.run(bars.now_ns + HOUR_NS)

    assert bars.asked("yahoo", purpose="hole")
    assert missing(bars) == {at(minute) for minute in HOLE}


def test_a_refusal_is_no_word_and_the_pause_is_kept() -> None:
    bars = later("yahoo", yahoo=[(1000, 60.0)])
    asked = []
    for second in range(1, 3000, 5):
        now_ns = bars.now_ns + second * SECOND_NS
        for ask in bars.orchestrator.cycle(now_ns):
            if ask.purpose == "hole":
                asked.append(now_ns)
                bars.orchestrator.answered(ask, Refusal("broken", "no JSON"), now_ns)

    assert len(asked) > 2
    assert min(after - before for before, after in itertools.pairwise(asked)) >= RETRY_NS
    assert missing(bars) == {at(minute) for minute in HOLE}


def test_nobody_is_asked_for_what_it_does_not_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(provider("yahoo")), "reach_ns", LIVE_NS + MINUTE_NS)
    bars = later("yahoo", "polygon")
    fill(bars)

    assert {one.ask.provider for one in bars.asked(purpose="hole")} == {"polygon"}


def test_what_nobody_has_for_a_week_is_given_up() -> None:
    bars = later("yahoo", "polygon", hours=24.0 * 7 - 1, faults=[Fault("*", "error")])
    bars.run(TUESDAY_NS + GIVE_UP_NS)
    assert missing(bars)
    assert not [gap for gap in bars.of(Gap) if gap.state == "unfillable"]
    bars.run(TUESDAY_NS + GIVE_UP_NS + HOUR_NS)

    assert any(gap.state == "unfillable" and gap.reason == GIVEN_UP for gap in bars.of(Gap))
    assert at(HOLE.start) not in bars.orchestrator.lines[ONE].timeline.holes


def test_a_spike_in_a_hole_is_no_minute() -> None:
    bars = later("yahoo", faults=[Fault("yahoo", "spike", bars=0.1)])
    bars.run(bars.now_ns + HOUR_NS)

    known = {at(minute): bars.bars(ONE)[at(minute)] for minute in HOLE}
    assert untrue(bars.world.market, ONE, known) == []
    assert {bar.status for bar in known.values()} == {"closed", "gap"}


def test_a_minute_that_stays_suspect_is_not_asked_for_again_and_again() -> None:
    bars = later("yahoo", yahoo=[(1000, 60.0)])
    asked = 0
    for second in range(1, 600):
        now_ns = bars.now_ns + second * SECOND_NS
        for ask in bars.orchestrator.cycle(now_ns):
            if ask.purpose == "hole":
                asked += 1
                sent = [bar(at(minute)) for minute in HOLE]
                judged = [Judged(one, one, "suspect", ("spike: 7",)) for one in sent]
                bars.orchestrator.answered(ask, Found(Page(sent), judged, now_ns), now_ns)

    assert asked == 1


def test_it_takes_only_the_share_of_history() -> None:
    bars = later("yahoo", yahoo=[(30, 60.0)], history_share=0.1, faults=[Fault("yahoo", "missing", bars=0.5)])
    bars.run(bars.now_ns + 20 * MINUTE_NS)

    history = [one.at_ns for one in bars.sent if one.ask.purpose != "live"]
    assert max(sum(start <= one < start + MINUTE_NS for one in history) for start in history) <= 3
    assert bars.world.violations == []
