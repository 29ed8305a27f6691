"""Live looks: whom the next minutes come from when providers fail, and what people are told."""

from __future__ import annotations

import collections
import itertools

import pytest

from actors.collector.bars.choosing import OFF_NS
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.settings import TierSettings
from protocol.messages import Bar, Gap, Verdict
from tests.support.bars_looks import (
    FROM_MINUTE,
    ONE,
    TWO,
    at,
    fault,
    is_whole,
    play,
    switches,
    thin,
)
from tests.support.bars_played import (
    HOUR_NS,
    TUESDAY_NS,
    PlayedBars,
    market_of,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.faults import Fault
from tests.support.virtual_bars import SECOND_NS

# who is asked next


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("error", "unavailable: Service Unavailable"),
        ("html", "unavailable: "),
        ("cut", "unavailable: cut"),
        ("torn_gzip", "unavailable: torn_gzip"),
        ("reset", "unavailable: reset"),
        ("hang", "unavailable: hang"),
        ("garbage", "broken: "),
        ("empty", "empty: "),
        ("throttle", "throttled: "),
        ("limit_note", "throttled: "),
        ("auth", "auth: "),
        ("wrong_symbol", "wrong_symbol: "),
        ("wrong_interval", "wrong_symbol: "),
    ],
)
def test_the_next_one_gives_the_minute_whatever_the_best_says(kind: str, reason: str) -> None:
    one = fault(kind, bars=1.0, symbols=(ONE,), retry_after_s=60 if kind == "throttle" else None)
    bars = play(10, "yahoo", "polygon", faults=[one], symbols=(ONE, TWO))

    ((before, after, why),) = switches(bars)
    assert (before, after) == ("yahoo", "polygon")
    assert why.startswith(reason)
    sources = {start_ns: bar.source for start_ns, bar in bars.bars(ONE).items()}
    assert {sources[at(minute)] for minute in range(3)} == {"yahoo"}
    assert {sources[at(minute)] for minute in range(5, 8)} == {"polygon"}
    assert bars.of(Gap) == []
    assert is_whole(bars)
    assert is_whole(bars, TWO)


@pytest.mark.parametrize("kind", ["error", "cut", "empty", "stale"])
def test_the_best_is_asked_again_and_it_is_told_when_it_is_back(kind: str) -> None:
    bars = play(30, "yahoo", "polygon", faults=[fault(kind)])

    (_, _, _), (before, after, why) = switches(bars)
    assert (before, after, why) == ("polygon", "yahoo", "it is preferred, and answers again")
    assert is_whole(bars)
    assert not bars.of(Gap)


@pytest.mark.parametrize("kind", ["wrong_symbol", "wrong_interval"])
def test_one_that_does_not_have_it_is_left_alone_for_an_hour_for_this_instrument_alone(kind: str) -> None:
    one = fault(kind, symbols=(ONE,))
    bars = play(FROM_MINUTE + 80, "yahoo", "polygon", faults=[one], symbols=(ONE, TWO))

    asked = [sent.at_ns for sent in bars.asked("yahoo", ONE) if sent.at_ns >= at(FROM_MINUTE)]
    assert asked[1] - asked[0] >= OFF_NS
    assert asked[1] - asked[0] < OFF_NS + 2 * MINUTE_NS
    assert len(bars.asked("yahoo", TWO)) > 80
    assert switches(bars, TWO) == []
    assert is_whole(bars)


def test_a_plan_that_does_not_cover_it_is_of_one_instrument() -> None:
    one = fault("plan", "polygon", symbols=(ONE,))
    bars = play(15, "polygon", "yahoo", faults=[one], symbols=(ONE, TWO))

    asked = [sent.at_ns for sent in bars.asked("polygon", ONE) if sent.at_ns >= at(FROM_MINUTE)]
    assert len(asked) == 1
    assert bars.orchestrator.lines[ONE].describe(bars.now_ns)["off"]["polygon"].startswith("plan: ")
    assert switches(bars, TWO) == []
    assert is_whole(bars)


def test_a_wrong_key_rests_the_provider_for_all() -> None:
    one = fault("auth", "polygon", symbols=(ONE,))
    bars = play(FROM_MINUTE + 70, "polygon", "yahoo", faults=[one], symbols=(ONE, TWO))

    asked = sorted(sent.at_ns for sent in bars.asked("polygon") if sent.at_ns >= at(FROM_MINUTE))
    first_ns = next(sent.at_ns for sent in bars.asked("polygon", ONE) if sent.at_ns >= at(FROM_MINUTE))
    assert not any(line.standings["polygon"].off_until_ns for line in bars.orchestrator.lines.values())
    rested = [at_ns for at_ns in asked if at_ns > first_ns + SECOND_NS]
    assert rested[0] - first_ns >= HOUR_NS
    assert bars.orchestrator.lines[ONE].describe(bars.now_ns)["off"] == {}
    assert is_whole(bars)
    assert is_whole(bars, TWO)


def test_a_throttled_provider_is_left_alone_as_long_as_it_says() -> None:
    bars = play(20, "yahoo", "polygon", faults=[fault("throttle", retry_after_s=240)], symbols=(ONE, TWO))

    asked = sorted(sent.at_ns for sent in bars.asked("yahoo") if sent.at_ns >= at(FROM_MINUTE))
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert max(pauses) >= 240 * SECOND_NS
    assert sum(sent.at_ns < at(FROM_MINUTE + 4) for sent in bars.asked("yahoo") if sent.at_ns > at(5.5)) == 0
    assert is_whole(bars)


def test_the_best_is_waited_for_rather_than_spending_the_calls_of_the_next() -> None:
    bars = play(10, "yahoo", "polygon", symbols=(ONE, TWO), yahoo=[(1, 5.0)])

    assert bars.asked("polygon") == []
    assert is_whole(bars)
    assert is_whole(bars, TWO)


def test_when_calls_are_short_the_important_ones_are_asked_for_first() -> None:
    tiers = {"best": TierSettings(symbols=[TWO], rank=1), "rest": TierSettings(symbols=[ONE], rank=9)}
    bars = play(20, "yahoo", symbols=(ONE, TWO), yahoo=[(1, 55.0)], tiers=tiers)

    assert len(bars.asked(symbol=TWO)) > 3 * len(bars.asked(symbol=ONE))
    assert is_whole(bars, TWO)


# not good enough


def test_an_answer_that_stands_still_is_told_and_the_one_who_gave_it_comes_last() -> None:
    one = Fault("yahoo", "stale", 60.0 * FROM_MINUTE, 60.0 * 20, minutes=2.0)
    bars = play(10.5, "yahoo", "polygon", faults=[one])

    ((before, after, why),) = switches(bars)
    assert (before, after) == ("yahoo", "polygon")
    assert "stale" in why
    demoted = bars.orchestrator.lines[ONE].describe(bars.now_ns)["demoted"]
    assert "stale" in demoted["yahoo"]
    assert [sent.ask.provider for sent in bars.sent if sent.at_ns > at(7.5)] == ["polygon"] * 3
    assert [bars.bars(ONE)[at(minute)].source for minute in range(5, 9)] == ["polygon"] * 4


def test_an_older_answer_takes_nothing_back() -> None:
    one = Fault("yahoo", "stale", 60.0 * FROM_MINUTE, 60.0 * (FROM_MINUTE + 2), minutes=1.5)
    bars = play(11.5, "yahoo", "polygon", faults=[one])

    assert is_whole(bars)
    assert [
        bar for bar in bars.of(Bar) if bar.revision > 1 and bar.status == "closed" and not bar.reason
    ] == []


def test_a_provider_that_stands_still_makes_no_gap_of_what_another_one_has() -> None:
    one = Fault("yahoo", "stale", 60.0 * FROM_MINUTE, 60.0 * 20, minutes=2.0)
    bars = play(15, "yahoo", "polygon", faults=[one])

    assert bars.of(Gap) == []


def test_if_all_stand_still_nobody_is_blamed() -> None:
    bars = play(12, "yahoo", "polygon", faults=[fault("stale", "*", minutes=2.0, to_minute=20)])

    assert bars.orchestrator.lines[ONE].describe(bars.now_ns)["demoted"] == {}
    assert [bar.status for bar in bars.laws[ONE].running if bar.ts_open_ns == at(11)] == ["stale"]


def test_a_spike_is_not_published_and_another_one_tells_the_minute() -> None:
    bars = play(25, "yahoo", "polygon", faults=[fault("spike", to_minute=20, bars=0.2)])

    wrong = [one for one in bars.of(Verdict) if one.verdict == "quarantine"]
    assert wrong
    assert {one.provider for one in wrong} == {"yahoo"}
    assert max(collections.Counter((one.ts_open_ns, *one.reasons) for one in wrong).values()) == 1
    assert is_whole(bars)


def test_a_leap_is_asked_of_another_one() -> None:
    """Two minutes in a row are a tenth too high."""
    spike = Fault("yahoo", "spike", 11.8 * 60.0, 20 * 60.0)
    bars = play(25, "yahoo", "polygon", faults=[spike], symbols=(TWO,))

    assert is_whole(bars, TWO)


def test_a_suspect_minute_is_settled_with_the_next_one_and_is_no_gap() -> None:
    bars = play(25, "yahoo", "polygon", faults=[fault("spike", to_minute=20, bars=0.1)])

    assert bars.of(Verdict)
    assert bars.of(Gap) == []


def test_prices_that_contradict_what_went_out_are_asked_of_another_one() -> None:
    bars = play(20, "yahoo", "polygon", faults=[fault("disagree", to_minute=15)])

    (before, after, why), *_ = switches(bars)
    assert (before, after) == ("yahoo", "polygon")
    assert why.startswith("disagrees by 476 bp")
    assert len([sent for sent in bars.asked("yahoo") if at(6) < sent.at_ns < at(10)]) == 0, "it comes last"
    assert is_whole(bars)


def test_prices_that_another_one_confirms_are_believed_at_once() -> None:
    bars = play(14, "yahoo", "polygon", faults=[fault("disagree", "*", to_minute=60)])

    found = bars.bars(ONE)
    truth = bars.world.market.minute(ONE, at(10))
    assert truth is not None
    assert found[at(10)].close == pytest.approx(1.05 * truth.close)
    assert bars.laws[ONE].missing == set()


def test_a_lone_provider_whose_prices_stay_elsewhere_is_believed_in_the_end() -> None:
    one = Fault("yahoo", "disagree", 60.0 * FROM_MINUTE, factor=3.0)
    bars = play(40, "yahoo", faults=[one])

    found = bars.bars(ONE)
    assert {found[at(minute)].status for minute in range(8, 18)} == {"closed"}
    assert {bar.status for bar in bars.of(Bar) if bar.revision == 1 and at(8) <= bar.ts_open_ns < at(17)} == {
        "gap"
    }
    assert found[at(30)].status == "closed"


def test_a_minute_that_the_best_left_out_is_asked_of_another_one() -> None:
    bars = play(30, "yahoo", "polygon", faults=[Fault("yahoo", "missing", bars=0.2)])

    sources = collections.Counter(bar.source for bar in bars.bars(ONE).values())
    assert sources["polygon"] > 2
    assert is_whole(bars)
    assert bars.of(Gap) == []


def test_when_all_have_nothing_each_is_asked_once_a_minute() -> None:
    bars = play(20, "yahoo", "polygon", faults=[fault("empty", "*", to_minute=60)])

    for minute in range(FROM_MINUTE + 1, 19):
        asked = [one.ask.provider for one in bars.sent if at(minute) <= one.at_ns < at(minute + 1)]
        assert asked == ["yahoo", "polygon"]


def test_half_a_minute_of_one_that_stands_still_is_none() -> None:
    """It shows nothing newer than the middle of minute 3, and is asked in minute 8 for what was since minute 0."""
    stale = Fault("yahoo", "stale", 3.5 * 60.0, 8.5 * 60.0, minutes=0.0)
    world = world_of(market_of(ONE), TUESDAY_NS, [stale])
    bars = PlayedBars(world, at(8), settings("yahoo"))
    bars.laws[ONE]._begin_ns = bars.orchestrator.lines[ONE].timeline.state.begin_ns = at(0)
    bars.run(at(8) + 20 * SECOND_NS)

    assert len(bars.bars(ONE)) >= 3
    assert untrue(world.market, ONE, bars.bars(ONE)) == []


def test_a_second_opinion_takes_only_what_is_to_spare() -> None:
    bars = play(60, "yahoo", "polygon", faults=[Fault("yahoo", "missing", bars=0.2)], polygon=[(4, 86_400.0)])

    assert len(bars.asked("polygon")) == 2, "half of the limit"
    quiet = [bar for bar in bars.bars(ONE).values() if bar.status == "quiet"]
    assert len(quiet) > 2
    assert {bar.reason for bar in quiet} == {"no bar at yahoo"}
    for bar in bars.of(Bar):
        is_first_quiet = bar.revision == 1 and bar.status == "quiet"
        assert not is_first_quiet or bar.ts_recv_ns >= bar.ts_open_ns + MINUTE_NS + 90 * SECOND_NS


def test_a_minute_that_nobody_has_is_quiet_before_it_is_late() -> None:
    bars = play(60, "yahoo", "polygon", market=thin())

    quiet = [
        bar for bar in bars.of(Bar) if bar.status == "quiet" and bar.reason == "no bar at polygon, yahoo"
    ]
    assert len(quiet) > 5
    for bar in quiet:
        assert bar.ts_recv_ns < bar.ts_open_ns + 7 * MINUTE_NS
    assert is_whole(bars)


def test_the_newest_minute_is_corrected_as_the_provider_corrects_it() -> None:
    """A provider that is late shows half a minute as a whole one."""
    world = world_of(market_of(ONE), TUESDAY_NS, delay_s=20.0)
    bars = PlayedBars(world, TUESDAY_NS, settings("yahoo"))
    bars.run(at(20))

    assert {bar.revision for bar in bars.bars(ONE).values()} >= {2}
    known = {start_ns: bar for start_ns, bar in bars.bars(ONE).items() if start_ns < at(17)}
    assert untrue(world.market, ONE, known) == []
