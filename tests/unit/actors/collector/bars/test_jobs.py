"""Stretches of the past that people order: ids, what they cost, what became of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from actors.collector.bars.choosing import Standing
from actors.collector.bars.history import BEHIND
from actors.collector.bars.jobs import (
    MAX_FINISHED,
    Cost,
    Jobs,
    Order,
    cost_of,
    described,
    limits_of,
    with_time,
)
from actors.collector.bars.line import Stretch
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import Limit
from actors.collector.bars.providers.registry import provider
from actors.collector.bars.settings import LimitSettings, ProviderSettings, RestSettings
from actors.collector.bars.timeline import Timeline
from protocol.sessions import session_named
from tests.support.bars_played import (
    DAY_NS,
    HOUR_NS,
    TUESDAY_NS,
    PlayedBars,
    market_of,
    open_minutes,
    settings,
    untrue,
    world_of,
)
from tests.support.providers.faults import Fault

CRYPTO, FX = session_named("crypto"), session_named("fx")
NOW_NS = TUESDAY_NS + 37 * MINUTE_NS
ALL = {name: provider(name) for name in ("yahoo", "polygon", "twelvedata", "alphavantage")}
TURN = tuple(ALL)
STANDINGS = {name: Standing(name.upper()) for name in ALL}


def order(days: float, length_days: float = 1.0, name: str = "") -> Order:
    from_ns = NOW_NS - round(days * DAY_NS)
    return Order("EUR_USD", name, from_ns, from_ns + round(length_days * DAY_NS))


def cost(one: Order, session: Any = CRYPTO, turn: tuple[str, ...] = TURN) -> Cost:
    return cost_of(one, STANDINGS, turn, ALL, session, NOW_NS)


def test_a_cost_is_that_of_the_first_that_goes_back_so_far() -> None:
    assert cost(order(20)).provider == "yahoo"
    assert cost(order(100)).provider == "polygon"
    assert cost(order(20), turn=("twelvedata", "yahoo")).provider == "twelvedata"
    assert cost(order(20, name="twelvedata")).provider == "twelvedata"


def test_if_nobody_goes_back_so_far_it_is_the_one_that_goes_farthest_and_begins_later() -> None:
    reach_ns = ALL["polygon"].reach_ns
    whole = cost(order(900, 880))
    assert (whole.provider, whole.from_ns) == ("polygon", NOW_NS - reach_ns)
    assert whole.minutes == (whole.to_ns - whole.from_ns) // MINUTE_NS

    nothing = cost(order(900, 10))
    assert (nothing.provider, nothing.calls, nothing.minutes) == ("polygon", 0, 0)


def test_without_a_name_at_any_provider_there_is_no_cost() -> None:
    found = cost_of(order(3), {}, TURN, ALL, CRYPTO, NOW_NS)
    assert (found.provider, found.calls, found.minutes) == ("", 0, 0)
    assert cost(order(3, name="nobody")).provider == ""


def test_minutes_are_those_of_market_hours() -> None:
    found = cost(order(9, 7), FX)

    assert found.minutes == len(open_minutes("fx", found.from_ns, found.to_ns))
    assert found.minutes < 7 * 1440


@pytest.mark.parametrize(("length_days", "calls"), [(1, 1), (6, 1), (8, 2), (20, 3)])
def test_calls_are_pages_less_the_minutes_that_are_asked_for_behind_each(
    length_days: int, calls: int
) -> None:
    assert cost(order(25, length_days)).calls == calls


def test_time_is_that_of_the_tightest_limit_for_all_orders_together() -> None:
    limits = {"yahoo": (Limit(30, 60.0), Limit(100, 3600.0)), "polygon": (Limit(5, 60.0),)}
    costs = [
        Cost("A", "yahoo", 40, 0, 0, 0, 0.0),
        Cost("B", "yahoo", 11, 0, 0, 0, 0.0),
        Cost("C", "polygon", 2, 0, 0, 0, 0.0),
        Cost("D", "", 0, 0, 0, 0, 0.0),
    ]

    found = with_time(costs, limits, 0.5)

    assert [one.seconds for one in found] == [3600.0, 3600.0, 0.0, 0.0]
    assert [one.seconds for one in with_time(costs[:1], limits, 0.5)] == [120.0]
    assert [one.seconds for one in with_time(costs[2:3], limits, 0.1)] == [60.0], (
        "a share is one call at least"
    )


def test_limits_are_those_of_the_settings_where_they_are_given() -> None:
    given = RestSettings(providers={"yahoo": ProviderSettings(limits=[LimitSettings(calls=2, per_s=3.0)])})

    assert limits_of(given, "yahoo", ALL["yahoo"]) == (Limit(2, 3.0),)
    assert limits_of(given, "polygon", ALL["polygon"]) == ALL["polygon"].limits


def stretch(job: Any) -> Stretch:
    timeline = Timeline(job.symbol, CRYPTO, "test", job.line, 6)
    return Stretch(timeline, job.to_ns, job.provider, job.job_id)


class TestJobs:
    def test_ids_are_unique_and_name_the_process(self) -> None:
        jobs = Jobs("collector.rest.1-77")
        ids = [jobs.add(order(days), NOW_NS).job_id for days in (3, 3, 4)]

        assert len(set(ids)) == 3
        assert all(one.startswith("collector.rest.1-77-") for one in ids)

    def test_a_job_begins_at_its_order_and_remembers_when_it_came(self) -> None:
        job = Jobs("x").add(order(3), NOW_NS)

        assert (job.line.begin_ns, job.line.until_ns, job.asked_ns) == (job.from_ns, 0, NOW_NS)

    def test_an_order_that_a_running_job_holds_is_the_same(self) -> None:
        jobs = Jobs("x")
        job = jobs.add(order(9, 4), NOW_NS)

        assert jobs.same(order(9, 4)) is job
        assert jobs.same(order(8, 2)) is job
        assert jobs.same(order(9.1, 4)) is None
        assert jobs.same(order(8, 4)) is None
        assert jobs.same(order(8, 2, "yahoo")) is None
        assert jobs.same(order(8, 2)._replace(symbol="AAPL")) is None
        jobs.finish(job.job_id, stretch(job), "done")
        assert jobs.same(order(8, 2)) is None

    def test_what_became_of_it_is_kept_for_a_while(self) -> None:
        jobs = Jobs("x")
        for _ in range(MAX_FINISHED + 3):
            job = jobs.add(order(3), NOW_NS)
            jobs.finish(job.job_id, stretch(job), "done")
        jobs.finish("nobody's", stretch(job), "done")

        assert jobs.running == {}
        assert list(jobs.finished) == [f"x-{n}" for n in range(4, MAX_FINISHED + 4)]
        assert {one["state"] for one in jobs.finished.values()} == {"done"}

    def test_how_far_it_is_is_told_as_a_share(self) -> None:
        job = Jobs("x").add(order(2, 1), NOW_NS)
        one = stretch(job)
        assert described(job, one)["share"] == 0.0
        job.line.until_ns = job.from_ns + 6 * HOUR_NS
        assert described(job, one)["share"] == 0.25
        job.line.until_ns = job.to_ns + HOUR_NS
        found = described(job, one)
        assert (found["share"], found["reached_ns"], found["state"]) == (1.0, job.to_ns, "running")


# played

PAGE_MINUTES = 400


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in ALL.values():
        monkeypatch.setattr(type(one), "bars_per_call", PAGE_MINUTES)
        monkeypatch.setattr(type(one), "longest_ns", PAGE_MINUTES * MINUTE_NS)


def played(symbol: str, *providers: str) -> PlayedBars:
    market = market_of(symbol)
    bars = PlayedBars(world_of(market, TUESDAY_NS), TUESDAY_NS, settings(*providers))
    bars.run(TUESDAY_NS + 5 * MINUTE_NS)
    return bars


def ends(bars: PlayedBars, *job_ids: str) -> None:
    bars.run_until(lambda: all(job_id in bars.jobs.finished for job_id in job_ids), 2 * HOUR_NS)


@pytest.mark.parametrize(
    ("symbol", "session", "length_minutes"),
    [
        ("BTC_USD", "crypto", 3 * (PAGE_MINUTES - BEHIND)),
        ("BTC_USD", "crypto", 3 * (PAGE_MINUTES - BEHIND) + 1),
        ("EUR_USD", "fx", 5 * 1440),
        ("AAPL", "us_equity", 7 * 1440),
    ],
)
def test_the_cost_that_is_told_before_is_the_calls_that_the_provider_sees(
    small_pages: None, symbol: str, session: str, length_minutes: int
) -> None:
    bars = played(symbol, "yahoo")
    to_ns = TUESDAY_NS - DAY_NS
    one = Order(symbol, "", to_ns - length_minutes * MINUTE_NS, to_ns)
    line = bars.orchestrator.lines[symbol]
    told = cost_of(one, line.standings, line.tier.order, ALL, line.timeline.session, bars.now_ns)

    job_id = bars.backfill(one)
    ends(bars, job_id)

    found = bars.jobs.finished[job_id]
    assert told.calls == len(bars.asked(purpose="history")) == found["calls"]
    assert told.minutes == len(open_minutes(session, one.from_ns, one.to_ns))
    assert bars.world.violations == []


def test_a_job_beside_live_tells_its_minutes_in_order_and_live_goes_on(small_pages: None) -> None:
    bars = played("BTC_USD", "yahoo")
    first = Order("BTC_USD", "", TUESDAY_NS - 2 * DAY_NS, TUESDAY_NS - DAY_NS)
    second = Order("BTC_USD", "", TUESDAY_NS - 12 * HOUR_NS, TUESDAY_NS - 6 * HOUR_NS)
    ids = [bars.backfill(first), bars.backfill(second)]
    ends(bars, *ids)
    bars.run(bars.now_ns + 10 * MINUTE_NS)

    for one, job_id in zip((first, second), ids, strict=True):
        laws = bars.job_laws[job_id]
        expected = open_minutes("crypto", one.from_ns, one.to_ns)
        assert list(laws.newest) == expected[expected.index(min(laws.newest)) :]
        assert len(laws.newest) > len(expected) - 10
        assert untrue(bars.world.market, "BTC_USD", laws.newest) == []
        assert bars.jobs.finished[job_id]["share"] == 1.0
    live = bars.bars("BTC_USD")
    assert list(live) == open_minutes("crypto", min(live), max(live) + MINUTE_NS)
    assert max(live) > bars.now_ns - 2 * MINUTE_NS
    assert bars.world.violations == []


def test_a_job_of_one_provider_asks_nobody_else() -> None:
    bars = played("BTC_USD", "yahoo", "twelvedata", "polygon")
    job_id = bars.backfill(Order("BTC_USD", "polygon", TUESDAY_NS - DAY_NS, TUESDAY_NS - DAY_NS // 2))
    ends(bars, job_id)

    assert {one.ask.provider for one in bars.asked(purpose="history")} == {"polygon"}
    assert {bar.source for bar in bars.job_laws[job_id].newest.values()} == {"polygon"}


def test_a_job_that_is_taken_back_tells_nothing_more(small_pages: None) -> None:
    bars = played("BTC_USD", "yahoo")
    job_id = bars.backfill(Order("BTC_USD", "", TUESDAY_NS - 20 * DAY_NS, TUESDAY_NS - DAY_NS))
    bars.run_until(lambda: len(bars.asked(purpose="history")) == 2, HOUR_NS, 1_000_000_000)
    line = bars.orchestrator.lines["BTC_USD"]
    (stretch,) = line.jobs
    assert stretch.is_under_way
    line.jobs.remove(stretch)
    bars.jobs.finish(job_id, stretch, "cancelled")
    count = len(bars.job_laws[job_id].newest)

    bars.run(bars.now_ns + 10 * MINUTE_NS)

    assert len(bars.job_laws[job_id].newest) == count
    assert bars.jobs.finished[job_id]["state"] == "cancelled"
    assert not bars.orchestrator.lines["BTC_USD"].timeline.holes


def test_a_killed_job_goes_on_behind_its_last_minute(small_pages: None) -> None:
    bars = played("BTC_USD", "yahoo")
    one = Order("BTC_USD", "", TUESDAY_NS - 4 * DAY_NS, TUESDAY_NS - DAY_NS)
    job_id = bars.backfill(one)
    told: dict[int, Any] = {}
    for number in itertools.count():
        assert number < 50, "it does not end"
        bars.run_until(
            lambda: len(bars.asked(purpose="history")) == 3 or job_id in bars.jobs.finished,  # noqa: B023
            HOUR_NS,
            3_000_000_000,
        )
        newest = bars.job_laws[job_id].newest
        assert not told.keys() & newest.keys(), "a minute twice"
        told |= newest
        if job_id in bars.jobs.finished:
            break
        bars = PlayedBars(bars.world, bars.now_ns + 1, bars.settings, bars.remembered(), number, bars.laws)

    assert list(told) == open_minutes("crypto", min(told), one.to_ns)
    assert number > 2
    assert bars.world.violations == []


def test_gaps_of_a_finished_job_are_settled_in_the_ledger() -> None:
    bars = played("BTC_USD", "yahoo")
    bars.world.add(Fault("yahoo", "spike", bars=0.02))
    job_id = bars.backfill(Order("BTC_USD", "", TUESDAY_NS - DAY_NS, TUESDAY_NS - DAY_NS // 2))
    ends(bars, job_id)

    gaps = bars.job_laws[job_id].gaps.values()
    assert gaps
    assert {gap.state for gap in gaps} <= {"filled", "unfillable"}


def test_minutes_of_a_job_are_minutes() -> None:
    bars = played("BTC_USD", "yahoo")
    bars.world.add(Fault("yahoo", "spike", bars=0.02))
    job_id = bars.backfill(Order("BTC_USD", "", TUESDAY_NS - DAY_NS, TUESDAY_NS - DAY_NS // 2))
    ends(bars, job_id)

    assert bars.job_laws[job_id].missing
    assert bars.jobs.finished[job_id]["minutes"] == len(bars.job_laws[job_id].newest)
