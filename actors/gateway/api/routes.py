"""Routes of `/api/v1` that read: wiring only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from actors.gateway.api import events, instruments, replay, series, values
from actors.gateway.api.openapi import problem_page
from actors.gateway.context import Context

PREFIX: Final = "/api/v1"
DOCS: Final = Path(__file__).parents[1] / "static" / "docs"


def router_of(context: Context) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix=PREFIX)
    for part in (instruments, values, series, events, replay):
        part.add_routes(router, context)
    whole = APIRouter()
    whole.include_router(router)

    @whole.get("/problems/{code}", include_in_schema=False)
    async def problem_text(code: str) -> Response:
        """What `type` of a problem leads to."""
        return problem_page(code)

    @whole.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        """The reference of all routes, to try them out."""
        return FileResponse(DOCS / "index.html")

    return whole
