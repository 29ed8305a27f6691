"""Lives by the thousand: a seeded mix of everything that goes wrong, and what came of it."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from tests.unit.protocol.joins.checker import Verdict
from tests.unit.protocol.joins.subscriber import SimSubscriber
from tests.unit.protocol.joins.world import World

FAULTS = ("lost", "doubled", "mixed_up", "strange", "falsely_lost", "needless_holes")
"""Counts that must be 0."""
STEPS_NS = (2_000_000, 15_000_000, 40_000_000, 300_000_000)
WANTED = ("trade.binance.", "bar.binance.BTC_USDT.1m\0")


class Life(NamedTuple):
    """What happened in one world."""

    counts: Counter[str]
    verdicts: list[Verdict]


def live(seed: int, joins: int, *, is_harsh: bool) -> Life:
    """One world until its subscribers have joined so often; a harsh one also loses records for good."""
    world = World(seed)
    rng = random.Random(seed + 1)
    subscribers = [world.join(), world.join(WANTED), world.join(), world.join()]
    for subscriber in subscribers:
        subscriber.raises_share = rng.choice((0.0, 0.02))
        subscriber.rewinds_share = rng.choice((0.0, 0.01))
        subscriber.bus.drop_share = rng.choice((0.0, 0.05, 0.2))
        subscriber.bus.delay_ns = rng.choice((1, 5_000_000, 60_000_000))
    world.server.lost_share = rng.choice((0.0, 0.01))
    world.server.twice_share = rng.choice((0.0, 0.1))
    world.server.delay_ns = rng.choice((1, 3_000_000, 30_000_000))
    turns = 0
    while sum(subscriber.joins for subscriber in subscribers) < joins and turns < joins * 20:
        turns += 1
        go_wrong(world, rng, rng.choice(subscribers), is_harsh=is_harsh)
        world.tick(rng.randrange(1, 3), rng.choice(STEPS_NS))
    world.settle()
    counts = Counter(
        joins=sum(subscriber.joins for subscriber in subscribers),
        crashes=world.crashes,
        dropped=sum(subscriber.bus.dropped for subscriber in subscribers),
        holes=sum(len(subscriber.stored.holes) for subscriber in subscribers),
        orphans=sum(len(subscriber.stored.orphans) for subscriber in subscribers),
        applied=sum(len(subscriber.stored.frames) for subscriber in subscribers),
    )
    verdicts = world.verdicts()
    counts["records"] = world.records
    if not world.losses_allowed:
        counts["needless_holes"] = counts["holes"]
    return Life(counts, verdicts)


def go_wrong(world: World, rng: random.Random, subscriber: SimSubscriber, *, is_harsh: bool) -> None:
    """Publish, and now and then let something happen."""
    world.publish(rng.choice((1, 1, 2, 3, 12)))
    chance = rng.random()
    if chance < 0.15:
        world.beat()
    elif chance < 0.60:
        _lose_on_bus(world, rng, subscriber)
    elif chance < 0.63:
        for member in world.members:
            member.subscriber.commit()
        world.delete_stored()
    elif chance < 0.64:
        subscriber.start()  # it was killed, and begins with what it has stored
        world.crashes += 1
    elif chance < 0.66:
        world.end(
            rng.choice(("writing", "sending", "quietly", "order")), rng.randrange(1, 6), rng.randrange(6)
        )
    elif chance < 0.74:
        world.begin()
    elif chance < 0.83:
        _trouble_server(world, rng)
    elif chance < 0.85:
        world.sync()
    elif is_harsh and chance < 0.89:
        _lose_for_good(world, rng)


def _lose_on_bus(world: World, rng: random.Random, subscriber: SimSubscriber) -> None:
    chance = rng.random()
    if chance < 0.75:
        subscriber.bus.dropping = rng.choice((1, 2, 4, 30))
    elif chance < 0.8:
        subscriber.bus.disconnect()
    else:
        for member in world.members:
            member.subscriber.bus.reconnect()


def _trouble_server(world: World, rng: random.Random) -> None:
    if rng.random() < 0.12:
        world.server.is_alive = False
    else:
        world.server.restart()


def _lose_for_good(world: World, rng: random.Random) -> None:
    chance = rng.random()
    if chance < 0.2:
        world.end("power")
    elif chance < 0.4:
        world.delete_oldest(rng.randrange(1, 4))
    elif chance < 0.5:
        world.damage()
    elif chance < 0.6:
        world.fill_disk(rng.randrange(2_000))
    else:
        world.fill_disk(1 << 40)


def many(
    first_seed: int, joins: int, joins_per_life: int, *, is_harsh: bool
) -> tuple[Counter[str], list[int]]:
    """Lives until there were so many joins; returns the counts, and the seeds of lives in which something is wrong."""
    counts: Counter[str] = Counter()
    wrong: list[int] = []
    seed = first_seed
    while counts["joins"] < joins:
        life = live(seed, joins_per_life, is_harsh=is_harsh)
        counts += life.counts
        for verdict in life.verdicts:
            counts.update({name: len(found) for name, found in verdict._asdict().items()})
        if not all(verdict.is_good for verdict in life.verdicts) or life.counts["needless_holes"]:
            wrong.append(seed)
        counts["lives"] += 1
        seed += 1
    return counts, wrong
