"""Routes of metrics and health."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.metrics.checks import Status
from actors.gateway.metrics.health import body_of, look, old_body_of
from actors.gateway.metrics.page import FleetCollector
from actors.gateway.metrics.traffic import Traffic

_UNCACHED: Final = {"Cache-Control": "no-store"}
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The page", "content": {"text/plain": {}, "application/openmetrics-text": {}}}
}
_DOWN: Final[dict[int | str, dict[str, Any]]] = {
    503: {"description": "Reads cannot be answered", "content": {"application/json": {}}}
}


def router_of(context: Context) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["health and metrics"])
    made: list[FleetCollector] = []

    def collector(request: Request) -> FleetCollector:
        """The one collector of this application: what it has told must not be forgotten between two scrapes."""
        if not made:
            made.append(FleetCollector(context, getattr(request.app.state, "traffic", None) or Traffic()))
        return made[0]

    @router.get("/metrics", response_class=Response, responses=_PAGE)
    async def metrics(request: Request) -> Response:
        """All metrics for Prometheus: text, or OpenMetrics where `Accept` asks for it."""
        fleet = collector(request)
        await fleet.look_at_quotes()
        body, media_type = fleet.page(request.headers.get("accept", ""))
        return Response(body, headers={**_UNCACHED, "Content-Type": media_type})

    @router.get("/health/live")
    async def live() -> Response:
        """200 as long as the gateway's loop turns."""
        return _answer("ok", {"status": "ok"})

    @router.get("/health/ready", responses=_DOWN)
    async def ready() -> Response:
        """200: reads are answered, `status` is `ok` or `degraded`; 503, `down`: they are not. Each check says why."""
        return _answer(*body_of(await look(context)))

    @router.get("/health", responses=_DOWN)
    async def health() -> Response:
        """As `/health/ready`; `status` has the words `healthy`, `degraded`, `unhealthy`, and `state` those of it."""
        return _answer(*old_body_of(context, await look(context)))

    return router


def _answer(status: Status, body: dict[str, Any]) -> Response:
    return Response(
        msgspec.json.encode(body), 503 if status == "down" else 200, _UNCACHED, "application/json"
    )
