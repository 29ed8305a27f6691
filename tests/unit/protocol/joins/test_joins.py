"""The consumer, the journal and the journal server's answers together, through everything that goes wrong.

TAPEHUB_EXAMPLES=2000 runs as many lives instead of the few of the default suite; scripts/join-check runs 100,000 joins.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from protocol.consumer import Hole
from protocol.replay import Position
from scripts.join_check import check
from tests.unit.protocol.joins.driver import FAULTS, WANTED, many
from tests.unit.protocol.joins.publisher import NAME
from tests.unit.protocol.joins.subscriber import SimSubscriber
from tests.unit.protocol.joins.world import NotLive, World

EXAMPLES = int(os.environ.get("TAPEHUB_EXAMPLES", "40"))


@pytest.mark.parametrize("is_harsh", [False, True])
def test_hundreds_of_joins_lose_and_double_nothing(is_harsh):
    counts, wrong = many(70_000, 700, 100, is_harsh=is_harsh)

    assert wrong == []
    assert not any(counts[name] for name in FAULTS)
    assert counts["joins"] >= 700
    assert counts["dropped"] > 1_000
    assert counts["crashes"] > 30
    assert bool(counts["holes"]) == is_harsh


class Lives(RuleBasedStateMachine):
    """One world, steered by hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(1)
        self.subscribers = [
            self.world.join(),
            self.world.join(WANTED),
            self.world.join(gives_up_ns=5 * 10**9),
        ]
        self.subscribers.append(self.world.join(position=Position(1, 0)))

    @rule(count=st.integers(1, 12))
    def publish(self, count):
        self.world.publish(count)

    @rule()
    def beat(self):
        self.world.beat()

    @rule(which=st.integers(0, 3), count=st.integers(1, 20))
    def drop(self, which, count):
        self.subscribers[which].bus.dropping = count

    @rule(which=st.integers(0, 3), is_connected=st.booleans())
    def connect(self, which, is_connected):
        bus = self.subscribers[which].bus
        bus.reconnect() if is_connected else bus.disconnect()

    @rule(which=st.integers(0, 3))
    def commit(self, which):
        self.subscribers[which].commit()

    @rule(which=st.integers(0, 3))
    def crash_consumer(self, which):
        self.subscribers[which].start()

    @rule(which=st.integers(0, 3))
    def rewind(self, which):
        self.subscribers[which].rewind()

    @rule(
        how=st.sampled_from(["writing", "sending", "quietly", "order", "power"]),
        count=st.integers(1, 5),
        sent=st.integers(0, 5),
    )
    def end(self, how, count, sent):
        self.world.end(how, count, sent)

    @rule()
    def begin(self):
        self.world.begin()

    @rule(is_alive=st.booleans(), lost=st.sampled_from([0.0, 0.3]), twice=st.sampled_from([0.0, 0.5]))
    def server(self, is_alive, lost, twice):
        server = self.world.server
        server.is_alive, server.lost_share, server.twice_share = is_alive, lost, twice
        if not is_alive:  # then one of them gives up in time
            self.world.losses_allowed = True

    @rule(count=st.integers(1, 3))
    def delete(self, count):
        self.world.delete_oldest(count)

    @rule()
    def damage(self):
        self.world.damage()

    @rule(room=st.sampled_from([0, 300, 1_500, 1 << 40]))
    def room(self, room):
        self.world.fill_disk(room)

    @rule()
    def sync(self):
        self.world.sync()

    @rule(ticks=st.integers(1, 6), tick_ns=st.sampled_from([1_000_000, 20_000_000, 400_000_000]))
    def wait(self, ticks, tick_ns):
        self.world.tick(ticks, tick_ns)

    def teardown(self):
        self.world.settle()
        for verdict in self.world.verdicts():
            assert verdict.is_good
        if not self.world.losses_allowed:
            assert not any(subscriber.stored.holes for subscriber in self.subscribers)


def test_whatever_happens_is_made_good_or_told():
    few = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(Lives, settings=few)


# Negative controls: with the protocol broken the checker must see it, else all of the above proves nothing.


def losing_world(seed: int = 1, **options) -> tuple[World, SimSubscriber]:
    world = World(seed)
    subscriber = world.join(**options)
    world.tick(5)
    world.publish(10)
    world.tick(5)
    return world, subscriber


def judge(world: World):
    world.settle()
    (verdict,) = world.verdicts()
    return verdict


@pytest.mark.parametrize("can_pull", [False, True])
def test_without_replay_records_are_lost(can_pull):
    world, subscriber = losing_world(can_pull=can_pull)
    subscriber.bus.dropping = 7
    world.publish(20)
    world.tick(5)

    world.settle()
    held = subscriber.stored.holes
    subscriber.stored.holes = []  # that it is told does not bring it back
    (verdict,) = world.verdicts()
    assert [hole[2:4] for hole in held] == ([] if can_pull else [(12, 18)])
    missed = [(1, seq) for seq in range(12, 19)]
    assert [here for here in verdict.lost if here > (1, 1)] == ([] if can_pull else missed)


@pytest.mark.parametrize("sends_first", [True, False])
def test_sending_before_writing_is_seen(sends_first):
    world = World(1, sends_first=sends_first)
    one, other = world.join(), world.join()
    world.tick(5)
    other.bus.dropping = 3
    world.end("writing", 3)
    world.tick(5)
    world.settle()

    found = [{(frame.epoch, frame.seq) for frame in member.stored.frames} for member in (one, other)]
    assert (found[0] != found[1]) == sends_first
    assert (
        bool(one.stored.orphans) == sends_first
    )  # the checker of each alone sees records that no journal has


@pytest.mark.parametrize("first", ["rows", "position", "both"])
def test_a_position_outside_the_transaction_loses_or_doubles(first):
    world, subscriber = losing_world()
    if first == "rows":
        subscriber.store_rows()
    elif first == "position":
        subscriber.store_position()
    else:
        subscriber.commit()
    subscriber.start()  # killed between the two halves

    verdict = judge(world)
    assert bool(verdict.doubled) == (first == "rows")
    assert bool(verdict.lost) == (first == "position")
    assert verdict.is_good == (first == "both")


def test_holes_that_nobody_had_to_tell_are_seen():
    world, subscriber = losing_world(gives_up_ns=1)
    world.server.is_alive = False
    subscriber.bus.dropping = 4
    world.publish(9)
    world.tick(30, 250_000_000)

    verdict = judge(world)
    assert [(hole.first_seq, hole.last_seq) for hole in subscriber.stored.holes] == [(12, 15)]
    assert verdict.is_good


def test_a_hole_that_was_applied_is_seen():
    world, subscriber = losing_world()
    world.settle()
    assert world.verdicts()[0].is_good

    subscriber.stored.holes.append(Hole(NAME, 1, 2, 3, "it is not"))
    assert sorted(world.verdicts()[0].falsely_lost) == [(1, 2), (1, 3)]


def no_chain_check(*_):
    return []


def knows_nothing(_, frame):
    return frame.seq == 0


def knows_too_much(self, frame):
    return frame.epoch == self.epoch and frame.seq <= self.seq + 1


@pytest.mark.parametrize(
    ("place", "wrong", "joins"),
    [
        ("protocol.applying.missing_between", no_chain_check, 200),
        ("protocol.consumer.Consumer._is_known", knows_nothing, 30),
        ("protocol.consumer.Consumer._is_known", knows_too_much, 30),
        ("protocol.topic_consumer.TopicConsumer._is_known", knows_too_much, 30),
    ],
)
def test_a_wrong_consumer_is_caught(monkeypatch, place, wrong, joins):
    monkeypatch.setattr(place, wrong)
    try:
        _, seeds = many(1, joins, joins // 2, is_harsh=True)
    except NotLive:
        return
    assert seeds


@pytest.mark.parametrize("probe_ns", [10**10, 1 << 62])
def test_a_lost_last_record_of_a_topic_is_found_by_the_probe_alone(monkeypatch, probe_ns):
    monkeypatch.setattr("protocol.topic_consumer.PROBE_NS", probe_ns)
    world = World(1)
    subscriber = world.join(("bar.",))
    world.tick(5)
    world.publish(4)
    world.tick(5)
    subscriber.bus.dropping = 1
    world.publish(4)  # the last of four is a bar; none of those that `settle` publishes is

    verdict = judge(world)
    assert verdict.lost == ([] if probe_ns == 10**10 else [(1, 9)])


@pytest.mark.parametrize("is_right", [True, False])
def test_the_long_check_can_say_no(monkeypatch, capsys, is_right):
    if not is_right:
        monkeypatch.setattr("protocol.topic_consumer.TopicConsumer._is_known", knows_too_much)

    assert check(1, 30, is_harsh=False) == is_right
    assert ("wrong with the seeds 1" in capsys.readouterr().out) != is_right
