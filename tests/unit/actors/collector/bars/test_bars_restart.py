"""A collector of bars that is killed: the next one goes on behind its last record, and spends nothing twice."""

from __future__ import annotations

import pytest

from actors.collector.bars.feed import SPENT
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.registry import provider
from protocol.messages import Bar, Gap
from protocol.requests import Request
from tests.support.bars_host import feed_rig
from tests.support.bars_played import (
    DAY_NS,
    TUESDAY_NS,
    instruments_of,
    market_of,
    settings,
    world_of,
)
from tests.support.providers.faults import Fault
from tests.support.providers.world import World
from tests.support.virtual_bars import SECOND_NS

ONE, TWO = "BTC_USD", "ETH_USD"
YAHOO = settings("yahoo")


@pytest.fixture
def world() -> World:
    return world_of(market_of(ONE, TWO), TUESDAY_NS)


def test_a_call_that_was_under_way_at_a_kill_is_spent(world: World) -> None:
    short = settings("yahoo", yahoo=[(2, 600.0)])
    with feed_rig(world, instruments_of(world.market), short, TUESDAY_NS) as killed:
        killed.feed.tick(killed.host.clock.mono_ns())
        killed.host.answer_store()
        killed.feed.tick(killed.host.clock.mono_ns())
        killed.host.clock.move(SECOND_NS)
        killed.feed.tick(killed.host.clock.mono_ns())
        assert len(killed.host.pending) == 2, "both are on their way"

        later_ns = TUESDAY_NS + 5 * SECOND_NS
        with feed_rig(world, instruments_of(world.market), short, later_ns, killed) as next_one:
            next_one.run(300)

    assert next_one.fetcher.calls == []
    assert SPENT in next_one.host.memories


def test_a_memory_that_cannot_be_read_is_told_and_does_no_harm(world: World) -> None:
    with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS) as killed:
        killed.run(60)
        killed.host.memories[SPENT] = b"\xc1nonsense"
        with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS + 60 * SECOND_NS, killed) as rig:
            rig.run(60)

    assert rig.host.drops[0][0] == "bad_memory"
    assert rig.fetcher.calls


@pytest.mark.parametrize("after_s", [61.0, 125.0, 300.0])
def test_a_killed_collector_goes_on_behind_its_last_record(world: World, after_s: float) -> None:
    instruments = instruments_of(world.market)
    with feed_rig(world, instruments, YAHOO, TUESDAY_NS) as killed:
        killed.run(30)
        killed.snap()
        killed.run(after_s)
        now_ns = killed.host.clock.now_ns() + 20 * SECOND_NS
        with feed_rig(world, instruments, YAHOO, now_ns, killed) as next_one:
            next_one.run(300)
            assert not any(what == "ask_store" for what, _ in next_one.host.events)
            both = [*killed.events(Bar), *next_one.events(Bar)]

    for symbol in (ONE, TWO):
        starts = [bar.ts_open_ns for bar in both if bar.symbol == symbol and bar.revision == 1]
        assert starts == [TUESDAY_NS + n * MINUTE_NS for n in range(len(starts))]
        assert starts[-1] >= now_ns + 180 * SECOND_NS
    assert world.violations == []


def test_a_backfill_goes_on_after_a_kill(world: World) -> None:
    instruments = instruments_of(world.market)
    slow = settings("yahoo", page_pause_s=5.0)
    pages = pytest.MonkeyPatch()
    pages.setattr(type(provider("yahoo")), "bars_per_call", 100)
    try:
        with feed_rig(world, instruments, slow, TUESDAY_NS) as killed:
            killed.run(70)
            asked = Request(
                "backfill", symbol=ONE, from_ns=TUESDAY_NS - DAY_NS, to_ns=TUESDAY_NS - DAY_NS // 2
            )
            (job_id,) = killed.feed.answer(asked)["jobs"]  # type: ignore[index]
            killed.run(12)
            killed.snap()
            killed.run(12)
            now_ns = killed.host.clock.now_ns()
            with feed_rig(world, instruments, slow, now_ns, killed) as next_one:
                next_one.run(120)
                found = next_one.feed.answer(Request("backfills"))
    finally:
        pages.undo()

    assert [one["job_id"] for one in found["finished"]] == [job_id]  # type: ignore[index]
    both = [*killed.events(Bar), *next_one.events(Bar)]
    starts = [
        bar.ts_open_ns for bar in both if bar.revision == 1 and bar.ts_open_ns < TUESDAY_NS - DAY_NS // 2
    ]
    assert starts == [starts[0] + n * MINUTE_NS for n in range(len(starts))]
    assert len(starts) >= 715


def test_gaps_of_what_is_collected_no_longer_end(world: World) -> None:
    world.add(Fault("yahoo", "error", 100.0))
    instruments = instruments_of(world.market)
    with feed_rig(world, instruments, YAHOO, TUESDAY_NS) as killed:
        killed.run(400)
        opened = {gap.gap_id for gap in killed.events(Gap) if gap.symbol == TWO}
        assert opened
        now_ns = killed.host.clock.now_ns()
        with feed_rig(world, instruments[:1], YAHOO, now_ns, killed) as next_one:
            next_one.run(10)

    ended = {gap.gap_id for gap in next_one.events(Gap) if gap.state == "unfillable"}
    assert ended == opened
