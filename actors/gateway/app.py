"""The ASGI application: the parts' routes behind one guard. Wiring only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from actors.gateway.api.openapi import document_of
from actors.gateway.api.routes import router_of as api_router
from actors.gateway.api.strictness import faults_of, refuse_unknown
from actors.gateway.context import Context
from actors.gateway.edge.guard import Guard
from actors.gateway.edge.routes import router_of as edge_router
from actors.gateway.edge.tickets import Tickets
from actors.gateway.edge.tokens import Tokens
from actors.gateway.hot.dispatch import Hot
from actors.gateway.hot.lane import Lane
from actors.gateway.legacy.routes import router_of as legacy_router
from actors.gateway.metrics.routes import router_of as metrics_router
from actors.gateway.metrics.traffic import Traffic
from actors.gateway.operations.routes import router_of as operations_router
from actors.gateway.problems import problem, problem_of
from actors.gateway.pushing.routes import router_of as pushing_router
from actors.gateway.sockets.routes import router_of as sockets_router
from actors.gateway.tracing import Traced, request_id_of
from actors.runtime.version import VERSION
from protocol.errors import HubError

STATIC: Final = Path(__file__).parent / "static"
_CODES: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


def app_of(context: Context, tokens: Tokens) -> Any:
    """Everything the gateway serves."""
    app = FastAPI(
        title="tapehub", version=VERSION, docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        dependencies=[Depends(refuse_unknown)],
    )  # fmt: skip
    app.openapi = document_of(app)  # type: ignore[method-assign]
    app.add_exception_handler(HubError, _on_refusal)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_misfit)
    for make in (
        api_router, legacy_router, metrics_router, operations_router, pushing_router, sockets_router,
    ):  # fmt: skip
        app.include_router(make(context))
    tickets = Tickets()
    app.include_router(edge_router(context, tokens, tickets))
    app.mount("/", StaticFiles(directory=STATIC, html=True), name="dashboard")
    traffic = app.state.traffic = Traffic()
    hot = Hot(app, context, _on_refusal)
    guard = Guard(hot, context, tokens, tickets)
    return Lane(traffic.counting(Traced(guard)), hot, guard, traffic)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return problem_of(error, request.url.path, request_id_of(request.scope))


async def _on_misfit(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = faults_of(error.errors())
    text = "; ".join(f"{one.get('parameter') or one.get('pointer')}: {one['detail']}" for one in faults)
    return problem(
        "invalid_request", text, instance=request.url.path, request_id=request_id_of(request.scope), errors=faults
    )  # fmt: skip


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal")
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = (
            f"nothing is served at {request.url.path[:200]}; all there is stands in /docs and /openapi.json"
        )
    return problem(
        code, detail, instance=request.url.path, request_id=request_id_of(request.scope),
        headers=dict(error.headers or {}),
    )  # fmt: skip
