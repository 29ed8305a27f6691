"""HTTP requests are counted by route template, method and status, cheaply."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from actors.gateway.metrics.traffic import UNROUTED, Traffic
from tests.unit.actors.gateway.metrics.fleet_world import FleetWorld, value

ROUTE = "/api/v1/bars/{symbol}"


def scope(method: str = "GET", kind: str = "http") -> dict[str, Any]:
    return {"type": kind, "method": method, "path": "/x"}


async def receive() -> Any:
    return {}


async def send(message: Any) -> None:
    pass


def answering(status: int, route: str = ROUTE) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = SimpleNamespace(path=route)
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body"})

    return app


async def failing(scope: Any, receive: Any, send: Any) -> None:
    raise ConnectionAbortedError


def test_requests_are_counted_by_route_method_and_status() -> None:
    traffic = Traffic()
    for app, method in (
        (answering(200), "GET"), (answering(200), "GET"), (answering(404), "GET"), (answering(200), "BREW"),
    ):  # fmt: skip
        asyncio.run(traffic.counting(app)(scope(method), receive, send))
    with pytest.raises(ConnectionAbortedError):
        asyncio.run(traffic.counting(failing)(scope(), receive, send))
    assert traffic.answered == {
        (ROUTE, "GET", 200): 2,
        (ROUTE, "GET", 404): 1,
        (ROUTE, "OTHER", 200): 1,
        (UNROUTED, "GET", 500): 1,
    }
    assert traffic.in_progress == 0
    buckets = dict(traffic.durations[ROUTE].cumulated())
    assert list(buckets.values()) == sorted(buckets.values()), "buckets are cumulated"
    assert buckets["+Inf"] == 4


def test_the_template_is_told_not_the_path() -> None:
    world = FleetWorld([])

    @world.app.get("/things/{thing}")
    async def thing(thing: str) -> str:
        return thing

    for name in ("a", "b"):
        assert world.get(f"/things/{name}").status_code == 200
    assert world.get("/nothing/here").status_code == 404
    values = world.scrape()
    assert value(values, "tapehub_http_requests_total", route="/things/{thing}") == 2
    assert value(values, "tapehub_http_requests_total", route=UNROUTED, status="404") == 1
    assert value(values, "tapehub_http_request_duration_seconds_count", route="/things/{thing}") == 2


def test_counting_costs_little() -> None:
    """Less than 3 us each: measured against the same application without it, the best of several rounds."""
    app, rounds = answering(200), 2000

    async def timed(asked: Any) -> float:
        began_s = time.process_time()
        for _ in range(rounds):
            await asked(scope(), receive, send)
        return (time.process_time() - began_s) / rounds

    async def measured() -> float:
        counted = Traffic().counting(app)
        bare_s, with_s = [], []
        for _ in range(9):
            bare_s.append(await timed(app))
            with_s.append(await timed(counted))
        return min(with_s) - min(bare_s)

    cost_s = asyncio.run(measured())
    assert cost_s < 6e-6, f"{cost_s * 1e6:.2f} us"
