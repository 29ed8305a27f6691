"""The page of metrics: right for Prometheus, whatever the actors send and whoever of them is dead."""

from __future__ import annotations

import math

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open
from prometheus_client.parser import text_string_to_metric_families

from actors.gateway.metrics.catalogue import ALIASES, FAMILIES
from tests.unit.actors.gateway.metrics import heartbeats
from tests.unit.actors.gateway.metrics.fleet_world import OPEN, SILENCE_S, FleetWorld, full_world, value

HUB = "hub.1"


def test_the_text_is_that_of_the_client_library() -> None:
    world = full_world()
    assert world.text() == generate_latest(world.collector).decode()
    assert world.text(OPEN) == generate_open(world.collector).decode()


def test_help_and_type_are_those_of_the_catalogue() -> None:
    for family in text_string_to_metric_families(full_world().text()):
        name = family.name + ("_total" if family.type == "counter" else "")
        assert (family.type, family.documentation) == (FAMILIES[name].kind, FAMILIES[name].help)


@pytest.mark.parametrize(("accept", "begins"), [("", "text/plain"), (OPEN, "application/openmetrics-text")])
def test_the_format_is_the_one_that_accept_wants(accept: str, begins: str) -> None:
    answer = full_world().get("/metrics", accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(begins)
    assert answer.text.endswith("# EOF\n") is bool(accept)
    assert "tapehub_quote_age_seconds" in answer.text


def test_older_names_have_the_same_values() -> None:
    values = full_world().scrape()
    for old, name in ALIASES.items():
        assert values[old] == values[name]
        assert values[old]


@pytest.mark.parametrize(("lagging", "behind_s"), [(None, 0.0), ({"behind_s": 3.5}, 3.5), ("much", 0.0)])
def test_how_far_an_actor_is_behind(lagging: object, behind_s: float) -> None:
    world = full_world()
    world.beat(HUB, heartbeats.base(HUB, lagging=lagging))

    assert value(world.scrape(), "tapehub_behind_seconds", actor=HUB) == behind_s


def test_what_the_heartbeats_say_stands_there() -> None:
    values = full_world().scrape()
    assert value(values, "tapehub_actor_up", actor=HUB) == 1
    assert value(values, "tapehub_messages_total", actor=HUB, kind="trades") == 100
    assert value(values, "tapehub_events_total", actor=HUB, event="snapshots_asked") == 3
    assert value(values, "tapehub_dropped_total", actor=HUB, reason="bad_payload") == 2
    assert value(values, "tapehub_lag_seconds", actor=HUB, quantile="0.99") == 0.003
    assert value(values, "tapehub_gaps_total", actor="collector.binance.1") == 5
    assert value(values, "tapehub_breaker_state", provider="yahoo") == 2
    assert value(values, "tapehub_budget_used_ratio", provider="yahoo", window="1d") == 388 / 800
    assert value(values, "tapehub_budget_used_ratio", provider="binance.spot.snapshots") == 0.25
    assert value(values, "tapehub_db_rows_total", target="sqlite") == 5000
    assert value(values, "tapehub_journal_ack_lag_records", publisher=HUB, consumer="sqlite") == 17
    assert value(values, "tapehub_venue_behind_seconds", venue="binance") == 0.5
    assert value(values, "tapehub_books_unsynced", actor="collector.binance.1") == 1
    assert value(values, "tapehub_http_requests_total", route="/health/live", status="200") == 1
    assert value(values, "tapehub_news_failures_total", source="ecb") == 1


def test_an_actor_that_dies_is_down_within_the_silence() -> None:
    world = full_world()
    world.clock.pass_s(SILENCE_S)
    assert value(world.scrape(), "tapehub_actor_up", actor=HUB) == 1
    world.clock.pass_s(0.001)
    world.beat("collector.binance.1")
    values = world.scrape()
    assert value(values, "tapehub_actor_up", actor=HUB) == 0
    assert value(values, "tapehub_actor_up", actor="collector.binance.1") == 1
    assert value(values, "tapehub_venue_connected", venue="binance") == 0
    assert value(values, "tapehub_actor_heartbeat_age_seconds", actor=HUB) == pytest.approx(SILENCE_S + 0.001)
    assert value(values, "tapehub_messages_total", actor=HUB, kind="trades") == 100, "counters stay"
    told = {labels for labels in values["tapehub_actor_rss_bytes"] if ("actor", HUB) in labels}
    assert not told, "what it last measured is no measurement any more"


def test_one_that_stopped_or_was_never_heard_is_down() -> None:
    world = FleetWorld([HUB, "aggregator.1"])
    world.beat(HUB, heartbeats.base(HUB), state="STOPPED")
    values = world.scrape()
    assert value(values, "tapehub_actor_up", actor=HUB) == 0
    assert value(values, "tapehub_actor_up", actor="aggregator.1", kind="aggregator") == 0
    assert value(values, "tapehub_actor_up", actor="gateway.1") == 1
    ages = values["tapehub_actor_heartbeat_age_seconds"]
    assert not any(("actor", "aggregator.1") in labels for labels in ages), "no age of what never was"


def test_counters_go_down_with_a_new_process_only() -> None:
    world = FleetWorld([HUB])

    def rows(count: int, epoch: int) -> float:
        world.beat(HUB, heartbeats.base(HUB, frames_in=count, dropped={"late": count}), epoch=epoch)
        values = world.scrape()
        found = value(values, "tapehub_frames_in_total", actor=HUB)
        assert value(values, "tapehub_dropped_total", actor=HUB) == found
        return found

    assert [rows(10, 7), rows(30, 7), rows(20, 7), rows(31, 7)] == [10, 30, 30, 31]
    assert [rows(3, 8), rows(4, 8)] == [3, 4]


def test_a_counter_summed_as_other_does_not_go_down() -> None:
    world = FleetWorld([HUB], max_label_values=3)
    before = -1.0
    for round_ in range(1, 6):
        reasons = {f"reason_{number:02}": round_ for number in range(2 * round_)}
        world.beat(HUB, heartbeats.base(HUB, dropped=reasons))
        rows = world.scrape()["tapehub_dropped_total"].items()
        found = {labels: count for labels, count in rows if ("actor", HUB) in labels}
        assert len(found) <= 4
        other = found.get((("actor", HUB), ("reason", "other")), 0.0)
        assert other >= before
        before = other
    assert sum(found.values()) == 5 * 10, "nothing is left out"


def test_hostile_heartbeats_do_not_break_the_page() -> None:
    world = full_world()
    clean = world.scrape()
    evil = heartbeats.base(
        "collector.binance.2",
        rss_bytes="much", frames_in=-1, frames_out=float("nan"), lag_p50_s=float("inf"), lag_p99_s=-3.0,
        gaps_open={"a": 1}, counters={"trades_received": "many", 7: 7, 'x"}\n': 2, "": 1},
        dropped={f"reason {number}": 1 for number in range(5000)}, bus=[1], journal=17, host=["h"], version={"v": 1},
        markets={"spot": {"providers": {"p": {"state": "odd", "limits": [1, {"used": 1, "calls": 0, "per_s": 0}]}},
                          "budgets": "none", "sources": {"s": 3}, "books_synced": "x"}, "usdm": None},
    )  # fmt: skip
    world.beat("collector.binance.2", evil, epoch=9)
    world.beat(
        "persistence.2", heartbeats.base("persistence.2", targets={"sqlite": "x", "pg": {"rows": "x"}})
    )
    world.beat("journal.2", heartbeats.base("journal.2", journals=["x"], free_bytes="x"))
    world.beat("hub.2", {"counters": 3, "books": "x", "books_synced": 2**63, "seq": "x"})
    values = world.scrape()
    assert not [one for rows in values.values() for one in rows.values() if not math.isfinite(one)]
    assert len(values["tapehub_dropped_total"]) <= len(clean["tapehub_dropped_total"]) + 104
    assert value(values, "tapehub_actor_up", actor="collector.binance.2") == 1
    assert value(values, "tapehub_lag_seconds", actor="collector.binance.2") == 0
    mine = {labels: one for labels, one in clean["tapehub_events_total"].items() if ("actor", HUB) in labels}
    assert mine.items() <= values["tapehub_events_total"].items(), "an honest actor is told as before"
    whose = [str(what).partition(":")[0] for reason, what in world.drops if reason == "heartbeat_value"]
    assert sorted(whose) == ["collector.binance.2", "hub.2", "journal.2", "persistence.2"]
    world.scrape()
    assert len(world.drops) == 4, "one heartbeat counts once, however often it is scraped"


def test_the_page_is_there_without_the_hub() -> None:
    world = full_world()
    world.reads.is_dead = True
    assert "tapehub_quote_age_seconds{" not in world.get("/metrics").text
    world.reads.is_dead, world.reads.hangs = False, True
    world.context.settings.metrics = type(world.context.settings.metrics)(
        per_symbol=["BTC_USDT"], health_timeout_s=0.01
    )
    answer = world.get("/metrics")
    assert answer.status_code == 200
    assert 'tapehub_actor_up{actor="hub.1",kind="hub"} 1.0' in answer.text


def test_a_scrape_grows_with_the_actors_and_not_faster() -> None:
    """No label multiplies another."""
    world = full_world(7)
    before = _samples(world.collector.page("")[0])
    for name, detail in heartbeats.fleet(7).items():
        counters = {**detail["counters"], **{f"counter_{number}": number for number in range(25)}}
        world.beat(name, {**detail, "counters": counters, "dropped": {f"r{one}": one for one in range(10)}})
    actors = len(world.fleet.publishers())
    assert actors >= 20
    more = _samples(world.collector.page("")[0]) - before
    assert 0 < more <= actors * (25 + 10)


def _samples(page: bytes) -> int:
    return sum(not line.startswith(b"#") for line in page.splitlines())


def test_a_guardian_tells_restarts_hangs_and_quarantines_of_others() -> None:
    world = FleetWorld([HUB, "guardian.1"])
    programs = {
        HUB: {"state": "QUARANTINED", "restarts": 6, "hangs": 1},
        "x.1": {"state": "RUNNING", "restarts": 0, "hangs": 0},
    }
    world.beat("guardian.1", heartbeats.base("guardian.1", programs=programs))
    values = world.scrape()
    assert value(values, "tapehub_actor_restarts_total", actor=HUB) == 6
    assert value(values, "tapehub_actor_hangs_total", actor=HUB) == 1
    assert value(values, "tapehub_actor_quarantined", actor=HUB) == 1
    assert value(values, "tapehub_actor_quarantined", actor="x.1") == 0
