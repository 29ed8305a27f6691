"""The old systems' routes: their names and shapes, from our data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.legacy.market_data import MarketData
from actors.gateway.legacy.quotes import iso
from actors.gateway.legacy.views import (
    config_of,
    detectors_of,
    exchanges_of,
    signals_of,
    storage_of,
    symbols_of,
)
from actors.gateway.metrics.health import look, old_body_of
from actors.runtime.hiding import without_secrets
from protocol.client import questions
from protocol.derived import SIGNAL_STATES

Symbol = Annotated[str, Query(max_length=64, description="Canonical symbol, or another name for it")]
Venue = Annotated[
    str, Query(max_length=64, description="Of this venue; empty: of the one with the newest value")
]
AllowStale = Annotated[
    bool, Query(description="Answer what is too old as well, marked, instead of refusing it")
]
Limit = Annotated[int, Query(ge=1, le=5000)]


def router_of(context: Context) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["old routes"])
    _add_market_data(router, context)
    _add_system(router, context)
    return router


def _add_market_data(router: APIRouter, context: Context) -> None:
    market = MarketData(context)

    @router.get("/market-data/feed", response_class=Response)
    @router.get("/market-data/venom-feed", response_class=Response)
    @router.get("/venom-feed", response_class=Response)
    async def feed(symbol: Symbol = "", venue: Venue = "", allow_stale: AllowStale = False) -> Response:
        """One symbol: bid, ask, spread and age; 409 where it is stale and `allow_stale` is not given."""
        return _json(await market.feed(symbol, venue, allow_stale=allow_stale))

    @router.get("/market-data/all", response_class=Response)
    async def everything() -> Response:
        """All symbols by name, stale ones too: `is_stale`, `state` and `age_seconds` say so."""
        return _json(await market.all())

    @router.get("/market-data/health", response_class=Response)
    async def health() -> Response:
        """How many symbols are fresh, how many stale, and when the newest quote came."""
        return _json(await market.health())

    @router.get("/api/signals", response_class=Response)
    async def signals(
        limit: Limit = 100,
        symbol: Symbol = "",
        min_confidence: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)] = 0.0,
        include_vetoed: Annotated[
            bool, Query(description="Those that the shield refused as well; their state is vetoed")
        ] = False,
    ) -> Response:
        """Signals of strategies, each once as it is now, newest first."""
        states = SIGNAL_STATES if include_vetoed else ()
        asked = questions.signals(limit, symbol=symbol, states=states, min_confidence=min_confidence)
        found = await context.reads.result(asked)
        return _json(signals_of(found))


def _add_system(router: APIRouter, context: Context) -> None:
    clock = context.clock

    @router.get("/symbols", response_class=Response)
    async def symbols() -> Response:
        """Every symbol configured or heard of: its venues, kinds of data and age."""
        request = questions.symbols().request
        rows = await context.reads.result(questions.Question(request, _plain))
        return _json({**symbols_of(rows), "timestamp": iso(clock.now_ns())})

    @router.get("/exchanges", response_class=Response)
    async def exchanges() -> Response:
        """Every venue: whether it is connected, by which collectors, how far its time has come."""
        now_ns, mono_ns = clock.now_ns(), clock.mono_ns()
        venues = [(one, context.fleet.is_connected(one, mono_ns)) for one in context.fleet.venues()]
        return _json({**exchanges_of(venues, context.catalog, now_ns, mono_ns), "timestamp": iso(now_ns)})

    @router.get("/detectors", response_class=Response)
    async def detectors() -> Response:
        """Every detector of unusual events, its markets, and what its rules show."""
        names = _named(context, "detector")
        return _json({**detectors_of(names, _details(context, names)), "timestamp": iso(clock.now_ns())})

    @router.get("/storage", response_class=Response)
    async def storage() -> Response:
        """What is stored and how far behind it is; more is in `/api/v1/storage`."""
        persistence = _details(context, _named(context, "persistence"))
        journals = _details(context, _named(context, "journal"))
        return _json({**storage_of(persistence, journals), "timestamp": iso(clock.now_ns())})

    @router.get("/config", response_class=Response)
    async def config() -> Response:
        """The configuration in force; every secret reads `***`."""
        common = msgspec.to_builtins(context.common)
        whole = config_of(common, context.name, msgspec.to_builtins(context.settings))
        return _json(without_secrets(whole))

    @router.get("/health/detailed", response_class=Response)
    async def detailed() -> Response:
        """`/health`, and every actor and venue behind it. 503 where reads cannot be answered."""
        status, body = old_body_of(context, await look(context))
        mono_ns, fleet = clock.mono_ns(), context.fleet
        alive = {one.name: one for one in fleet.publishers() if one.beat and fleet.is_alive(one, mono_ns)}
        actors = {}
        for name in context.common.actors:
            known = alive.get(name)
            if name == context.name:
                actors[name] = {"status": "healthy", "state": "RUNNING", "detail": context.status()}
            elif known is not None and known.beat is not None:
                detail = {**known.detail, "beat_age_s": (mono_ns - known.beat_ns) / 1e9}
                actors[name] = {"status": "healthy", "state": known.beat.state, "detail": detail}
            else:
                actors[name] = {"status": "unhealthy", "state": "DOWN", "detail": {}}
        venues = [(one, fleet.is_connected(one, mono_ns)) for one in fleet.venues()]
        found = exchanges_of(venues, context.catalog, clock.now_ns(), mono_ns)["exchanges"]
        whole = {**body, "actors": actors, "exchanges": {row["name"]: row for row in found}}
        return _json(without_secrets(whole), 503 if status == "down" else 200)


def _plain(reply: Any) -> dict[str, Any]:
    return dict(msgspec.msgpack.decode(reply.data))


def _named(context: Context, kind: str) -> list[str]:
    return [name for name in context.common.actors if name.partition(".")[0] == kind]


def _details(context: Context, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Full status of each; empty: it is not alive."""
    mono_ns, fleet = context.clock.mono_ns(), context.fleet
    alive = {one.name: one.detail for one in fleet.publishers() if one.beat and fleet.is_alive(one, mono_ns)}
    return {name: alive.get(name, {}) for name in names}


def _json(body: Any, status: int = 200) -> Response:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status, media_type="application/json")
