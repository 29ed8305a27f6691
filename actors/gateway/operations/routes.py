"""Routes of this part: what people look at and do."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.edge.guard import caller_of
from actors.gateway.operations import actors, deeds, logs, providers
from actors.gateway.operations.coverage import Coverage
from actors.gateway.operations.exports import TABLES, Exports, Wanted
from actors.gateway.operations.masking import Mask
from actors.gateway.operations.sql import Sql, SqlQuestion
from actors.gateway.operations.storage import Storage
from actors.gateway.operations.watching import unless_gone
from actors.runtime.logfiles import LOG_FOLDER
from protocol.errors import DECODE_ERRORS, InvalidRequest

SUPERVISORD: Final = "supervisord"
MOMENT: Final = r"^(|[0-9]{16,19}|[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d)|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?)$"
"""A moment or a length of time back from now, as the command line takes it."""
TIMEFRAME: Final = r"^[1-9][0-9]{0,3}[smhd]$"
Name = Annotated[str, Path(max_length=64, description="Of the configuration, like `hub.1`.")]
Symbol = Annotated[str, Query(max_length=64, description="Canonical name or alias; all by default.")]
Venue = Annotated[str, Query(max_length=64, description="Only this venue.")]
Moment = Annotated[str, Query(pattern=MOMENT, max_length=40)]
Level = Literal["debug", "info", "warning", "error"]
Table = Literal[TABLES]  # type: ignore[valid-type]
Form = Literal["csv", "ndjson", "parquet", "arrow", "msgpack"]
_SQL_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["sql"],
                    "additionalProperties": False,
                    "properties": {
                        "sql": {"type": "string", "minLength": 1},
                        "limit": {"type": "integer", "minimum": 1, "default": 1000},
                    },
                }
            }
        },
    }
}
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The rows.",
        "content": {
            name: {"schema": {"type": "string", "format": "binary"}}
            for name in (
                "text/csv", "application/x-ndjson", "application/vnd.apache.parquet",
                "application/vnd.apache.arrow.stream", "application/msgpack",
            )
        },
    }
}  # fmt: skip


def router_of(context: Context) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["Operations"])
    mask = Mask(context.common.actors)
    _add_looks(router, context, mask)
    _add_data(router, context, mask)
    _add_deeds(router, context)
    return router


def _add_looks(router: APIRouter, context: Context, mask: Mask) -> None:
    storage = Storage(context)

    @router.get("/actors", operation_id="actors_list")
    async def actors_list() -> Response:
        """Every actor: state, process, heartbeat, rates, lag, drops, restarts, and a note where it is not fine."""
        if context.supervision:
            await context.supervision.fresh()
        return _json({"data": mask.value(actors.rows(context)), "ts_ns": context.clock.now_ns()})

    @router.get("/actors/{name}", operation_id="actors_get")
    async def actors_get(name: Name) -> Response:
        """One actor, with everything that it says of itself (`status`)."""
        deeds.configured(context, name)
        if context.supervision:
            await context.supervision.fresh()
        row = next(one for one in actors.rows(context) if one["name"] == name)
        row["status"] = dict(actors.status_of(context, name))
        return _json({"data": mask.value(row), "ts_ns": context.clock.now_ns()})

    @router.get("/venues", operation_id="venues_list")
    async def venues_list() -> Response:
        """How far each venue's time has come, as each collector hears it."""
        now_ns, mono_ns = context.clock.now_ns(), context.clock.mono_ns()
        return _json({"data": providers.venue_rows(context.fleet, now_ns, mono_ns), "ts_ns": now_ns})

    @router.get("/providers", operation_id="providers_list")
    async def providers_list() -> Response:
        """Circuit breakers and request budgets of everybody who is asked over REST."""
        statuses = [(one.name, one.detail) for one in context.fleet.publishers()]
        return _json({"data": mask.value(providers.provider_rows(statuses)), "ts_ns": context.clock.now_ns()})

    @router.get("/storage", operation_id="storage_get")
    async def storage_get() -> Response:
        """Database, Parquet, journals, and for how long there is room; unknown is null."""
        return _json(mask.value(await storage.answer()))

    @router.get("/logs", operation_id="logs_list")
    async def logs_list(
        actor: Annotated[
            str, Query(max_length=64, description="An actor, or supervisord; all by default.")
        ] = "",
        level: Annotated[Level, Query(description="Nothing less important.")] = "debug",
        grep: Annotated[str, Query(max_length=200, description="Plain text in the message.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        before: Annotated[str, Query(max_length=40, description="Lines before this `ts`.")] = "",
    ) -> Response:
        """The last lines of the logs, merged by time, oldest first."""
        names = [*context.common.actors, SUPERVISORD]
        chosen = (
            names
            if not actor
            else [SUPERVISORD]
            if actor == SUPERVISORD
            else [deeds.configured(context, actor)]
        )
        wanted = logs.Wanted(level, grep, before, limit)
        most = context.settings.operations.log_bytes
        folder = context.run_dir / LOG_FOLDER
        return _json({"data": await asyncio.to_thread(logs.tail, folder, chosen, wanted, most, mask)})


def _add_data(router: APIRouter, context: Context, mask: Mask) -> None:
    sql = Sql(context, mask)
    exports = Exports(context, mask)
    coverage = Coverage(context, sql)

    @router.get("/coverage", operation_id="coverage_get")
    async def coverage_get(
        timeframe: Annotated[str, Query(pattern=TIMEFRAME, description="Of the candles.")] = "1m",
        days: Annotated[int, Query(ge=1, le=366, description="Today is the last one.")] = 30,
        symbol: Symbol = "",
        venue: Venue = "",
    ) -> Response:
        """Share of the candles of each series and day that are stored and complete; null: closed, or not yet stored."""
        _check_timeframe(timeframe)
        return _json(await coverage.answer(timeframe, days, _canonical(context, symbol), venue))

    @router.post("/query", operation_id="sql_query", openapi_extra=_SQL_BODY)
    async def query(request: Request) -> Response:
        """Read-only SQL (DuckDB's) over what is stored; scope admin."""
        deeds.require_admin(request)
        deeds.require_own_page(request)
        question = _question(request, await request.body())
        sql.check(question)
        caller = caller_of(request.scope)
        what = {"sql": question.sql, "limit": question.limit}
        with context.audit.noted(caller.name, caller.peer, "query", **what):
            answer = await unless_gone(request.receive, sql.answer(question))
        return await asyncio.to_thread(_json, answer)

    @router.get("/export/{table}", operation_id="export_get", responses=_FILES, response_class=Response)
    async def export(  # noqa: PLR0913, PLR0917 - one parameter per option
        request: Request,
        table: Table,
        form: Annotated[Form, Query(alias="format")] = "csv",
        symbol: Symbol = "",
        venue: Venue = "",
        timeframe: Annotated[
            str, Query(pattern=rf"^$|{TIMEFRAME}", description="Of bars, features, footprints.")
        ] = "",
        start: Annotated[
            Moment, Query(alias="from", description="Rows from then on: a moment, or `1h` ago.")
        ] = "",
        end: Annotated[Moment, Query(alias="to", description="Rows before then.")] = "",
        times: Annotated[Literal["ns", "iso"], Query()] = "ns",
    ) -> Response:
        """Stored rows as a file, in order of time, however many there are."""
        wanted = Wanted(
            table, form, _plain("symbol", symbol), _plain("venue", venue), timeframe, start, end, times
        )
        return await unless_gone(request.receive, exports.begin(wanted))


def _add_deeds(router: APIRouter, context: Context) -> None:
    doing = deeds.Deeds(context)

    @router.post("/actors/{name}:restart", operation_id="actors_restart", status_code=202)
    async def restart(request: Request, name: Name) -> Response:
        """Restart an actor; scope admin. Its row says when it is back."""
        deeds.require_admin(request)
        deeds.require_own_page(request)
        return _json(await doing.restart(request, name), 202)

    @router.post("/gaps/{gap_id}:repair", operation_id="gaps_repair")
    async def repair(
        request: Request, gap_id: Annotated[str, Path(max_length=200, description="As /gaps has it.")]
    ) -> Response:
        """Have the collector fetch the missing trades of a gap again; scope admin. What becomes of it, /gaps says."""
        deeds.require_admin(request)
        deeds.require_own_page(request)
        return _json({"data": await doing.repair(request, gap_id)})

    @router.get("/audit", operation_id="audit_list")
    async def audit(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
        """What administrators did, oldest first; scope admin."""
        deeds.require_admin(request)
        return _json({"data": await asyncio.to_thread(context.audit.read, limit)})


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _question(request: Request, body: bytes) -> SqlQuestion:
    decode = msgspec.msgpack.decode if "msgpack" in deeds.media_type_of(request) else msgspec.json.decode
    try:
        return decode(body, type=SqlQuestion)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f'the body is not {{"sql": "...", "limit": 1000}}: {fault}') from None


def _check_timeframe(timeframe: str) -> None:
    from protocol.sessions import timeframe_ns  # noqa: PLC0415 - beside its only use

    try:
        timeframe_ns(timeframe)
    except ValueError as fault:
        raise InvalidRequest(str(fault)) from None


def _canonical(context: Context, symbol: str) -> str:
    """Canonical name; one that is not configured any more may still be stored."""
    return context.catalog.get(symbol).symbol if symbol in context.catalog else symbol


def _plain(name: str, value: str) -> str:
    """A word that the command line cannot take for something else."""
    if value and not (value[0].isalnum() and value.isprintable()):
        raise InvalidRequest(f"{name} begins with a letter or digit and has no control characters")
    return value
