"""What is counted of WebSockets stands on the page, all of it."""

from __future__ import annotations

from typing import Any

from actors.gateway.metrics.catalogue import FAMILIES
from actors.gateway.metrics.edge_rows import put_edge
from actors.gateway.metrics.series import Register
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.traffic import Traffic
from tests.unit.actors.gateway.metrics.fleet_world import FleetWorld, value
from tests.unit.actors.gateway.sockets.world import World

DERIVED = {"dropped", "evicted", "lag_p50_s", "lag_p99_s"}
"""Sums and quantiles of what is there in full."""


class Noting(dict[str, Any]):
    """A status that knows which of its keys were asked for."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(status)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def counted() -> dict[str, Any]:
    """The status of a broadcast in which everything has happened."""
    broadcast = World().broadcast
    counts = broadcast.counts
    counts.clients_total, counts.messages_in, counts.messages_out, counts.bytes_out = 3, 5, 700, 81_000
    counts.dropped.update(trades=120)
    counts.closed.update(slow_consumer=1, too_many_errors=2)
    counts.refused.update(unknown_symbol=4, rate_limited=6)
    counts.resumes.update(complete=8, incomplete=9)
    counts.unjoined.update(behind=2, ahead=1)
    counts.lag.add(0.003)
    broadcast.feeds.beyond = 11
    broadcast.feeds.rings.bytes = 4096
    return {**broadcast.status(), "clients": 2, "slow": 1}


def test_every_count_of_the_sockets_is_exported_or_follows_from_one_that_is() -> None:
    status = Noting(counted())
    put_edge(Sheet(Register(100)), Traffic(), status)
    assert status.keys() - status.asked == DERIVED


def test_the_counts_of_the_sockets_stand_on_the_page() -> None:
    world = FleetWorld([])
    world.sockets = counted()
    values = world.scrape()

    def of(name: str, **labels: str) -> float:
        return value(values, f"tapehub_websocket_{name}", **labels)

    assert (of("clients"), of("slow_clients"), of("connections_total")) == (2, 1, 3)
    assert (of("messages_total"), of("sent_bytes_total"), of("received_total")) == (700, 81_000, 5)
    assert of("refused_total", code="unknown_symbol") == 4
    assert of("refused_total", code="rate_limited") == 6
    assert (of("resumes_total", result="complete"), of("resumes_total", result="incomplete")) == (8, 9)
    assert of("snapshots_unjoined_total", verdict="behind") == 2
    assert of("snapshots_unjoined_total", verdict="ahead") == 1
    assert (of("topics"), of("topics_open"), of("topics_beyond_total")) == (1, 0, 11)
    assert of("ring_bytes") == 4096


def test_what_has_not_happened_yet_is_0() -> None:
    """The rate of a counter that appears with its first event would miss that."""
    world = FleetWorld([])
    world.sockets = World().broadcast.status()
    values = world.scrape()
    for name, labels in {
        "dropped": {"channel": "trades"}, "evicted": {"reason": "slow_consumer"}, "refused": {"code": "invalid_request"},
        "resumes": {"result": "incomplete"}, "snapshots_unjoined": {"verdict": "behind"}, "topics_beyond": {},
    }.items():  # fmt: skip
        assert value(values, f"tapehub_websocket_{name}_total", **labels) == 0, name


def test_names_have_their_units() -> None:
    for family in FAMILIES.values():
        if "websocket" in family.name and family.kind == "counter":
            assert family.name.endswith("_total")
