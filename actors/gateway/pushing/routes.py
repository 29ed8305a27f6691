"""Routes of this part: POST /api/v1/push, and the old name /market-data."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from actors.gateway.context import Context
from actors.gateway.pushing.receiving import Receiving

_NUMBER: Final = {"type": "number", "exclusiveMinimum": 0}
_ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A tick (bid and ask) or a bar (timeframe, open, high, low, close).",
    "required": ["symbol"],
    "properties": {
        "symbol": {"type": "string", "description": "Canonical, an alias, or a broker's spelling: EURUSD.r"},
        "bid": _NUMBER,
        "ask": _NUMBER,
        "time": {
            "description": "Seconds, milliseconds or nanoseconds since 1970, or ISO text; by the sender's clock."
        },
        "time_msc": {"type": "integer", "description": "Milliseconds; before `time` where both are there."},
        "ts_event_ns": {"type": "integer", "description": "Nanoseconds, always UTC."},
        "gmt_offset": {"type": "number", "description": "What the sender's clock has over UTC, seconds."},
        "id": {"description": "Its own identity: sent again it counts once, whatever the rest says."},
        "timeframe": {"type": "string", "description": "Of a bar: 1m, M1, PERIOD_H4."},
        "open": _NUMBER,
        "high": _NUMBER,
        "low": _NUMBER,
        "close": _NUMBER,
        "tick_volume": {"type": "integer", "minimum": 0},
        "volume": {"type": "number", "minimum": 0},
    },
}
_BODY: Final[dict[str, Any]] = {
    "anyOf": [
        _ITEM,
        {"type": "array", "items": _ITEM},
        {
            "type": "object",
            "properties": {
                "ticks": {"type": "array", "items": _ITEM},
                "bars": {"type": "array", "items": _ITEM},
                "data": {"type": "array", "items": _ITEM},
                "source": {"type": "string"},
                "gmt_offset": {"type": "number"},
            },
        },
    ]
}
_RESULT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected", "items", "server_time_ns", "gmt_offset_s"],
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer"},
        "rejected": {"type": "integer"},
        "items": {
            "type": "array",
            "description": "Items that were not accepted, the first ones of them.",
            "items": {
                "type": "object",
                "required": ["index", "code"],
                "properties": {
                    "index": {"type": "integer"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "suggestions": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
        "server_time_ns": {"type": "integer"},
        "gmt_offset_s": {"type": ["integer", "null"]},
    },
}
_PROBLEM: Final[dict[str, Any]] = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Accepted, or came before", "content": {"application/json": {"schema": _RESULT}}},
    400: {"description": "The body cannot be read; nothing was accepted", **_PROBLEM},
    401: {"description": "No token", **_PROBLEM},
    403: {"description": "The token may not push, or not as this source", **_PROBLEM},
    413: {"description": "Too long, or too many items; nothing was accepted", **_PROBLEM},
    415: {"description": "Compressed; nothing was accepted", **_PROBLEM},
    422: {"description": "Every item was rejected", **_PROBLEM},
    429: {"description": "Too fast; nothing was accepted", **_PROBLEM},
    503: {"description": "Nobody takes it now; nothing was accepted", **_PROBLEM},
    504: {"description": "No answer in time: send the same again, it counts once", **_PROBLEM},
}
_HEADERS: Final = [
    {"name": "X-Source", "in": "header", "schema": {"type": "string"}, "description": "Whose it is; a token's own comes first."},
    {"name": "source", "in": "query", "schema": {"type": "string"}, "description": "The same, where headers cannot be set."},
    {"name": "X-Gmt-Offset", "in": "header", "schema": {"type": "number"}, "description": "What the sender's clock has over UTC, seconds."},
]  # fmt: skip
_EXTRA: Final[dict[str, Any]] = {
    "parameters": _HEADERS,
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _BODY}, "application/msgpack": {"schema": _BODY}},
    },
}


def router_of(context: Context) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["Push"])
    receiving = Receiving(context)

    async def push(request: Request) -> Response:
        """Send ticks and bars: one, a list, or a map with `ticks`, `bars` or `data`; JSON or msgpack.

        What is new becomes quotes and bars of venue `push.<source>`. Sent again it counts once.
        """
        return await receiving.receive(request)

    for path, operation_id in (("/api/v1/push", "push_post"), ("/market-data", "market_data_post")):
        router.add_api_route(
            path, push, methods=["POST"], operation_id=operation_id, responses=_RESPONSES, openapi_extra=_EXTRA,
            response_class=Response,
        )  # fmt: skip
    return router
