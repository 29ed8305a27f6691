"""What people and programs ask of a collector of bars, and order of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from actors.collector.bars.memory import MINUTE_NS
from actors.collector.market_feed import Answering, HasBars
from protocol.errors import InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Gap
from protocol.requests import Request
from tests.support.bars_host import FeedRig, Host, feed_rig
from tests.support.bars_played import (
    DAY_NS,
    TUESDAY_NS,
    instruments_of,
    market_of,
    settings,
    world_of,
)
from tests.support.providers.faults import Fault
from tests.support.providers.listings import listings
from tests.support.providers.market import Market
from tests.support.providers.world import World

ONE, TWO = "BTC_USD", "ETH_USD"
YAHOO = settings("yahoo")


@pytest.fixture
def world() -> World:
    return world_of(market_of(ONE, TWO), TUESDAY_NS)


@pytest.fixture
def rig(world: World) -> Iterator[FeedRig]:
    with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS) as found:
        yield found


def submitted(rig: FeedRig) -> int:
    return sum(what == "submit" for what, _ in rig.host.events)


def ask(rig: FeedRig, op: str, **fields: Any) -> Any:
    """The answer as it goes over the wire."""
    found = rig.feed.answer(Request(op, **fields))
    return json.loads(json.dumps(found))


def yesterday(**fields: Any) -> dict[str, Any]:
    return {"symbol": ONE, "from_ns": TUESDAY_NS - DAY_NS, "to_ns": TUESDAY_NS - DAY_NS // 2} | fields


# orders


def test_a_dry_run_tells_the_cost_and_orders_nothing(rig: FeedRig) -> None:
    rig.run(5)
    found = ask(rig, "backfill", **yesterday(symbol="", symbols=[ONE, TWO], args={"dry_run": True}))

    assert found["jobs"] == []
    assert [(one["symbol"], one["provider"], one["calls"], one["minutes"]) for one in found["costs"]] == [
        (ONE, "yahoo", 1, 720), (TWO, "yahoo", 1, 720),
    ]  # fmt: skip
    assert ask(rig, "backfills") == {"running": [], "finished": []}


def test_an_order_runs_is_told_and_ends(rig: FeedRig) -> None:
    rig.run(5)
    (job_id,) = ask(rig, "backfill", **yesterday())["jobs"]
    (running,) = ask(rig, "backfills")["running"]
    assert (running["job_id"], running["state"], running["share"]) == (job_id, "running", 0.0)
    assert ask(rig, "backfill", **yesterday())["jobs"] == [job_id], "the same again is the same"

    rig.run(30)

    (finished,) = ask(rig, "backfills")["finished"]
    assert (finished["job_id"], finished["state"], finished["share"]) == (job_id, "done", 1.0)
    assert (finished["minutes"], finished["calls"], finished["missing"]) == (720, 1, 0)
    assert ask(rig, "rest")["finished"] == [finished]


def test_an_order_for_several_instruments_is_a_job_for_each(rig: FeedRig) -> None:
    rig.run(5)
    ids = ask(rig, "backfill", **yesterday(symbol="", symbols=[ONE, TWO]))["jobs"]

    assert len(set(ids)) == 2
    rig.run(60)
    assert {one["symbol"] for one in ask(rig, "backfills")["finished"]} == {ONE, TWO}


def test_an_order_that_is_taken_back_ends_and_its_gaps_with_it(rig: FeedRig) -> None:
    rig.run(5)
    (job_id,) = ask(rig, "backfill", **yesterday())["jobs"]

    assert ask(rig, "cancel_backfill", args={"job_id": job_id}) == {"cancelled": job_id}

    (finished,) = ask(rig, "backfills")["finished"]
    assert (finished["job_id"], finished["state"]) == (job_id, "cancelled")
    assert rig.feed.bars.jobs == []
    with pytest.raises(InvalidRequest, match="no backfill"):
        ask(rig, "cancel_backfill", args={"job_id": job_id})


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"args": {"provider": "iex"}}, "'iex' is not asked here; there are yahoo"),
        ({"args": {"provider": "polygon"}}, "'polygon' is not asked here"),
        ({"from_ns": TUESDAY_NS}, "before it ends"),
        ({"from_ns": 0}, "before it ends"),
        ({"from_ns": TUESDAY_NS + DAY_NS, "to_ns": TUESDAY_NS + 2 * DAY_NS}, "before now"),
        ({"symbol": ""}, "no symbol is named"),
        ({"symbol": "XRP_USD"}, "XRP_USD not collected here"),
        ({"symbol": "XRP_USD", "args": {"dry_run": True}}, "XRP_USD not collected here"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_its_reason(
    rig: FeedRig, fields: dict[str, Any], what: str
) -> None:
    rig.host.catalog = rig.feed.desk._catalog = Catalog(instruments_of(market_of(ONE, TWO, "XRP_USD")))
    rig.run(5)
    with pytest.raises(InvalidRequest, match=what):
        ask(rig, "backfill", **yesterday(**fields))
    assert ask(rig, "backfills")["running"] == []


def test_an_unknown_instrument_is_told_with_those_that_are_near(rig: FeedRig) -> None:
    with pytest.raises(UnknownSymbol) as caught:
        ask(rig, "backfill", **yesterday(symbol="BTC_USX"))

    assert ONE in caught.value.suggestions


def test_an_order_is_taken_for_all_of_its_instruments_or_none(world: World) -> None:
    odd = Instrument(symbol="ODD", asset_class="fx", providers={"polygon": "C:ODD"})
    with feed_rig(world, [odd, *instruments_of(world.market)], YAHOO, TUESDAY_NS) as rig:
        rig.run(2)
        with pytest.raises(InvalidRequest, match="ODD"):
            ask(rig, "backfill", **yesterday(symbol="", symbols=[ONE, "ODD"]))
        assert ask(rig, "backfills")["running"] == []


def test_a_stretch_that_ends_now_is_whole_minutes(rig: FeedRig) -> None:
    rig.run(93.25)
    odd = {"from_ns": TUESDAY_NS - DAY_NS + 12_345, "to_ns": 0}
    ask(rig, "backfill", **yesterday(**odd))

    (running,) = ask(rig, "backfills")["running"]
    assert running["from_ns"] == TUESDAY_NS - DAY_NS
    assert running["to_ns"] == TUESDAY_NS + MINUTE_NS


# people


def test_the_heartbeat_stays_small_with_many_instruments() -> None:
    many = Market(listings(500))
    world = world_of(many, TUESDAY_NS, [Fault("*", "error", 30.0, 60.0), Fault("yahoo", "throttle", 61.0)])
    with feed_rig(
        world, instruments_of(many), settings("yahoo", "polygon", "twelvedata", "alphavantage"), TUESDAY_NS
    ) as rig:
        sizes = []
        for _ in range(12):
            rig.run(10)
            sizes.append(len(json.dumps(rig.feed.detail(0))))

        assert max(sizes) < 20_000
        assert rig.feed.detail(0)["instruments"] == 500
        assert rig.events(Gap) or rig.events(Bar)
        json.dumps(rig.feed.connections(0))
        json.dumps(rig.feed.desk.answer(Request("rest"), rig.feed._now_ns))
        assert msgspec.msgpack.encode(rig.feed.detail(0))


def test_rotating_a_provider_looks_at_everything_now(rig: FeedRig) -> None:
    rig.run(70)
    count = submitted(rig)
    assert not rig.feed.rotate("nobody")
    assert rig.feed.rotate("yahoo")
    rig.run(1.5)

    assert submitted(rig) == count + 2


def test_it_is_connected_while_minutes_come_or_all_markets_are_closed() -> None:
    saturday_ns = TUESDAY_NS + 4 * DAY_NS
    world = world_of(market_of("EUR_USD"), saturday_ns)
    with feed_rig(world, instruments_of(world.market), YAHOO, saturday_ns) as rig:
        assert not rig.feed.is_connected, "it has not begun"
        rig.run(2)
        assert rig.feed.is_connected
    world = world_of(market_of(ONE), TUESDAY_NS, [Fault("*", "error", 60.0)])
    with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS) as rig:
        rig.run(70)
        assert rig.feed.is_connected
        rig.run(600)
        assert not rig.feed.is_connected


def test_it_is_what_the_collector_wants_of_a_feed_of_bars(rig: FeedRig) -> None:
    assert isinstance(rig.feed, Answering)
    assert isinstance(rig.feed, HasBars)
    assert isinstance(rig.host, Host)
    assert rig.feed.news_ids == []
    assert rig.feed.remember() == {}
    assert rig.feed.budget_state(0, 0) is None
    assert not rig.feed.is_unsynced(ONE)
    assert not rig.feed.republish(ONE)
    assert rig.feed.retry("gap-1")


def test_everything_of_instruments_and_providers_is_told(rig: FeedRig) -> None:
    rig.run(130)
    found = ask(rig, "rest")

    assert found.keys() == {"providers", "instruments", "switches", "history", "running", "finished"}
    assert found["instruments"].keys() == {ONE, TWO}
    assert found["providers"]["yahoo"]["state"] == "closed"
    assert found["history"] == {
        "waiting": 0, "loading": 0, "share": pytest.approx(0.9, abs=0.1), "minutes": 0, "calls": 0, "why": [],
    }  # fmt: skip


def test_how_far_history_is_is_told(world: World) -> None:
    faults = [Fault("yahoo", "error", 0.0, 600.0)]
    world.add(*faults)
    with feed_rig(
        world, instruments_of(world.market), settings("yahoo", bootstrap_days=1), TUESDAY_NS
    ) as rig:
        rig.feed.tick(0)
        assert ask(rig, "rest")["history"]["waiting"] == 2
        rig.run(30)
        found = rig.feed.detail(0)["history"]
        assert (found["waiting"], found["loading"], found["minutes"]) == (0, 2, 0)
        assert "Service Unavailable" in found["why"][0]
        assert found["share"] < 0.01
        rig.run(900)
        found = rig.feed.detail(0)["history"]
        assert (found["loading"], found["why"]) == (0, [])
        assert found["minutes"] >= 2 * 1440
        assert found["share"] > 0.99


def test_stale_instruments_are_counted(world: World) -> None:
    world.add(Fault("yahoo", "error", 130.0, 900.0))
    with feed_rig(world, instruments_of(world.market), YAHOO, TUESDAY_NS) as rig:
        rig.run(120)
        assert rig.feed.detail(0)["stale"] == 0
        rig.run(400)
        assert rig.feed.detail(0)["stale"] == 2
        assert rig.feed.detail(0)["minutes_missing"] > 0
        rig.run(600)
        assert (rig.feed.detail(0)["stale"], rig.feed.detail(0)["minutes_missing"]) == (0, 0)
