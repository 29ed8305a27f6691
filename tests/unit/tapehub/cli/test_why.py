from collections import Counter
from typing import Any

import msgspec

from tapehub.cli.why import hops_of
from tapehub.hops import Actor, Collector
from tapehub.walking import Walk

NOW_NS = 1_723_161_255_000_000_000
FRESH = {"what": "tick", "age_s": 1.0, "state": "fresh"}


def actor(name: str, **changes: Any) -> Actor:
    good = {"now_ns": NOW_NS, "state": "RUNNING", "newest_ns": NOW_NS - 10**9, "kinds": ("bar",), "beats": 4}
    return Actor(name=name, **{**good, **changes})


def collector(name: str = "collector.binance.1") -> Collector:
    return Collector(
        name=name,
        now_ns=NOW_NS,
        state="RUNNING",
        newest_ns=NOW_NS - 10**9,
        kinds=("trade",),
        beats=4,
        is_connected=True,
    )


def walk(*aggregators: Actor) -> Walk:
    return Walk(
        listened_s=1.0,
        collectors={"collector.binance.1": collector()},
        aggregators={one.name: one for one in aggregators},
        hubs={"hub.1": ([FRESH], "")},
        readers=[],
        heard=Counter({"collector.binance.1": 3}),
        gaps=Counter(),
    )


def places(seen: Walk, serving: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    return [(hop.place, hop.name, hop.status) for hop in hops_of(seen, serving, 60.0)]


def test_hops_stand_in_the_order_of_the_way() -> None:
    seen = walk(actor("aggregator.1"))

    assert places(seen, {"binance": ["collector.binance.1"]}) == [
        ("venue", "binance", "OK"),
        ("collector", "collector.binance.1", "OK"),
        ("bus", "collector.binance.1 ->", "OK"),
        ("aggregator", "aggregator.1", "OK"),
        ("hub", "hub.1", "OK"),
    ]


def test_order_flow_and_detectors_stand_between_candles_and_hub() -> None:
    seen = walk(actor("aggregator.1"))
    seen.orderflows = {"orderflow.1": actor("orderflow.1", newest_ns=0)}
    seen.detectors = {"detector.1": actor("detector.1", newest_ns=0)}

    assert places(seen, {"binance": ["collector.binance.1"]})[3:] == [
        ("aggregator", "aggregator.1", "OK"),
        ("orderflow", "orderflow.1", "FAIL"),
        ("detector", "detector.1", "OK"),
        ("hub", "hub.1", "OK"),
    ]


def test_of_fetched_candles_there_is_no_order_flow() -> None:
    seen = walk(actor("aggregator.1"))
    seen.collectors = {
        "collector.rest.1": msgspec.structs.replace(collector("collector.rest.1"), kinds=("bar",))
    }
    seen.orderflows = {"orderflow.1": actor("orderflow.1", newest_ns=0)}

    assert places(seen, {"rest": ["collector.rest.1"]}) == [
        ("venue", "rest", "OK"),
        ("collector", "collector.rest.1", "OK"),
        ("bus", "collector.rest.1 ->", "OK"),
        ("aggregator", "aggregator.1", "OK"),
        ("orderflow", "orderflow.1", "SKIP"),
        ("hub", "hub.1", "OK"),
    ]


def test_a_venue_without_collector_breaks_the_way_only_if_there_is_no_other() -> None:
    seen = walk(actor("aggregator.1"))

    assert ("venue", "okx", "SKIP") in places(seen, {"okx": [], "binance": ["collector.binance.1"]})
    assert ("venue", "okx", "FAIL") in places(seen, {"okx": []})


def test_of_several_shards_the_one_that_has_the_symbol_is_judged() -> None:
    seen = walk(
        actor("aggregator.1"),
        actor("aggregator.2", newest_ns=0),
        actor("aggregator.3", newest_ns=0, error="not running"),
    )

    shards = [row for row in places(seen, {"binance": ["collector.binance.1"]}) if row[0] == "aggregator"]

    assert shards == [("aggregator", "aggregator.1", "OK"), ("aggregator", "aggregator.3", "FAIL")]


def test_if_no_shard_has_the_symbol_all_of_them_fail() -> None:
    seen = walk(actor("aggregator.1", newest_ns=0))

    assert ("aggregator", "aggregator.1", "FAIL") in places(seen, {"binance": ["collector.binance.1"]})
