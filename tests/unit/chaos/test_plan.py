"""The schedule: repeatable, dense enough, fair, and never two stops of one process at a time."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from tests.chaos.plan import (
    CALM_KILLS,
    KINDS,
    PROCESS,
    STORM_S,
    VENUE,
    Round,
    Targets,
    parse_kinds,
    promised,
    rounds,
)

TARGETS = Targets(["journal.1", "collector.1", "hub.1"], ["BTC_USDT", "ETH_USDT"], ["journal"])


def first(count: int, seed: int = 7, kinds=KINDS, targets: Targets = TARGETS) -> list[Round]:
    return list(itertools.islice(rounds(seed, kinds, targets), count))


def test_one_seed_is_one_schedule() -> None:
    assert first(5) == first(5)
    assert first(5) != first(5, seed=8)


def test_numbers_go_up_in_the_order_of_doing() -> None:
    faults = [fault for one in first(4) for fault in (*one.storm, *one.calm)]
    assert [fault.number for fault in faults] == list(range(1, len(faults) + 1))


def test_five_minutes_hold_what_is_promised() -> None:
    round_s = STORM_S + (CALM_KILLS + 1) * 5.0
    faults = sum(len(one.storm) + len(one.calm) for one in first(int(300 / round_s)))
    assert promised(5) == 300
    assert faults > 300, "and crash points come on top"


def test_a_storm_ends_within_its_time() -> None:
    for one in first(20):
        assert [fault.at_s for fault in one.storm] == sorted(fault.at_s for fault in one.storm)
        assert max(fault.at_s + fault.seconds for fault in one.storm) <= STORM_S + 0.01


def test_nobody_is_stopped_twice_at_a_time() -> None:
    for one in first(30):
        spans = [
            (fault.kind, fault.target, fault.at_s, fault.at_s + fault.seconds)
            for fault in one.storm
            if fault.seconds
        ]
        for one_span, other in itertools.combinations(spans, 2):
            if one_span[:2] == other[:2]:
                assert one_span[3] <= other[2] + 0.01 or other[3] <= one_span[2] + 0.01


def test_every_actor_is_killed_as_often_as_the_others() -> None:
    kills = [fault for one in first(12) for fault in (*one.storm, *one.calm) if fault.kind == "kill"]
    counts = Counter(fault.target for fault in kills)
    assert set(counts) == set(TARGETS.actors)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_stops_are_of_all_lengths() -> None:
    seconds = [fault.seconds for one in first(60) for fault in one.storm if fault.kind == "stop"]
    assert min(seconds) < 1.0
    assert max(seconds) > 15.0


def test_only_what_was_asked_for() -> None:
    kinds = {fault.kind for one in first(5, kinds=["kill", "drop"]) for fault in (*one.storm, *one.calm)}
    assert kinds == {"kill", "drop"}
    assert not list(itertools.islice(rounds(1, ["crash"], TARGETS), 1)), "crash points are not planned"
    no_disk = first(20, targets=TARGETS._replace(disks=[]))
    assert not any(fault.kind == "disk" for one in no_disk for fault in (*one.storm, *one.calm))


def test_groups_and_mistakes() -> None:
    assert parse_kinds("") == list(KINDS)
    assert parse_kinds("venue, kill") == ["kill", *VENUE]
    assert parse_kinds("process") == list(PROCESS)
    with pytest.raises(ValueError, match="no fault 'kil'; there are: kill"):
        parse_kinds("kil")
