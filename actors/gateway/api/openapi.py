"""The OpenAPI document: FastAPI's own, with the schemas of our messages, the forms of answers and the problems. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from actors.gateway.api.described import MARK, ROW_TYPES
from actors.gateway.problems import MEDIA_TYPE, STATUS, TITLES, TYPE, problem
from actors.gateway.rendering.envelopes import ManyHead, OneHead
from actors.gateway.rendering.formats import MEDIA_TYPES, Format

OPEN: Final = ("/health", "/metrics")
"""Routes that need no token and ask nobody."""
REF: Final = "#/components/schemas/{name}"
TEXTS: Final = {
    "unknown_symbol": "Nothing is called so, neither configured nor heard of; `suggestions` names the nearest.",
    "no_data": "It is known, but nothing of that has arrived or is stored.",
    "not_found": "There is no such page.",
    "stale_data": "The newest value is older than its time to live (`age_s`, `ttl_s`, `state`); `allow_stale=true` has it.",
    "invalid_request": "The request itself is wrong; `errors` lists each fault with its parameter or pointer.",
    "unauthorized": "A token is needed: `Authorization: Bearer …`.",
    "forbidden": "The token may not do this.",
    "method_not_allowed": "The page is there, but not for this method.",
    "misdirected": "`Host` is not a name of this gateway (`edge.hosts`).",
    "not_acceptable": "`Accept` allows none of the forms there are (`available`).",
    "too_large": "The body is longer than allowed.",
    "unsupported_media": "The body is of a type that is not read.",
    "unprocessable": "The body was understood, and nothing of it can be taken; `errors` or `results` say why.",
    "rate_limited": "Too many requests; `Retry-After` says when to come back.",
    "timeout": "The hub did not answer in time.",
    "unreachable": "The hub does not answer at all: is it running?",
    "overloaded": "Too much is asked at once; `Retry-After` says when to come back.",
    "protocol_mismatch": "Gateway and hub are of different versions.",
    "bad_frame": "What another process sent cannot be read.",
    "internal": "Our own bug; it stands in the gateway's log.",
}
TAGS: Final = {
    "Instruments": "What there is.",
    "Market": "Quotes, books, trades, candles, indicators.",
    "Order flow": "Order flow over windows, footprints, volume profile.",
    "Events": "News, alerts, signals, liquidations, sweeps, verdicts, gaps.",
    "History": "Everything stored.",
    "Operations": "Actors, venues, providers, storage, logs; what an administrator does.",
    "Push": "Ticks and bars from terminals.",
    "Health": "For load balancers and Prometheus.",
    "Session": "Who am I; tickets for WebSockets.",
    "Old routes": "Addresses of the systems before, with our data.",
}
ALWAYS: Final = ("invalid_request", "unauthorized", "forbidden", "rate_limited", "timeout", "unreachable")
_CHAPTERS: Final = {name.lower(): name for name in TAGS} | {"access": "Session"}
OF_SYMBOL: Final = ("unknown_symbol", "no_data", "stale_data")
OF_BODY: Final = ("unsupported_media", "too_large")
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Where the kind of problem is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What, where, and what to do next."},
        "code": {"type": "string", "enum": sorted(STATUS)},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "suggestions": {"type": "array", "items": {"type": "string"}},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "parameter": {"type": "string"},
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_NS: Final = "_ns"


def document_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What makes the document, once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(
                get_openapi(
                    title=app.title, version=app.version, routes=app.routes, tags=[
                        {"name": name, "description": text} for name, text in TAGS.items()
                    ],
                    description="Market data, each answer with its age, its state and how complete it is.",
                )
            )  # fmt: skip
        return app.openapi_schema

    return document


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with what it does not know."""
    document = copy.copy(document)
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `edge.tokens`; none where the gateway has none.",
        }
    }
    document["security"] = [{}, {"bearer": []}]
    document["servers"] = [{"url": "/"}]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation, schemas)
    return document


def _complete(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    responses: dict[str, Any] = operation.setdefault("responses", {})
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]  # FastAPI's own: ours is 400
    mark = operation.pop(MARK, None)
    operation["tags"] = [_CHAPTERS.get(tag.lower(), tag) for tag in operation.get("tags", [])]
    for parameter in operation.get("parameters", []):
        _plain_parameter(parameter)
    codes: tuple[str, ...] = () if path.startswith(OPEN) else ALWAYS
    named = {parameter["name"] for parameter in operation.get("parameters", [])}
    if "symbol" in named:
        codes += OF_SYMBOL
    if method == "post":
        codes += OF_BODY
    if "{" in path or "actor" in named:
        codes += ("not_found",)
    if mark is not None:
        codes += tuple(mark["refusals"])
        responses["200"] = _success(mark, schemas)
        if mark["has_ranges"]:
            responses["304"] = {"description": "You have it already (`If-None-Match`)."}
    for code in dict.fromkeys(codes):
        status = str(STATUS[code])
        described = responses.setdefault(status, {"description": ""})
        text = f"`{code}`: {TEXTS[code]}"
        if text not in described["description"]:
            described["description"] = f"{described['description']} {text}".strip()
        described.setdefault("content", {})[MEDIA_TYPE] = {"schema": {"$ref": REF.format(name="Problem")}}


def _plain_parameter(parameter: dict[str, Any]) -> None:
    """A parameter that may be left out is not one that may be null: nobody can write null in an address."""
    schema = parameter.get("schema", {})
    left = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    if len(left) == 1 and len(schema["anyOf"]) == 2:
        del schema["anyOf"]
        schema.update(left[0])


def _success(mark: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    rows, shape = [ROW_TYPES[name] for name in mark["rows"]], mark["shape"]
    text = {"schema": {"type": "string"}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    if shape == "stream":
        for row in rows:
            _add(schemas, row)
        lines = {"schema": {"type": "string", "description": "One JSON object per line."}}
        return {"description": "The stream.", "content": {MEDIA_TYPES[Format.NDJSON]: lines}}
    shapes = [_answer(row, shape, schemas) for row in rows]
    whole = {"anyOf": [one for named in shapes for one in named]}
    headers = {
        "X-Data-State": _header("string", "State of the data, as in the envelope."),
        "X-Data-Age-S": _header("number", "Age of the data, seconds."),
        "X-Request-ID": _header("string", "Yours, or one that was made."),
        "Server-Timing": _header("string", "`hub;dur=` milliseconds that the hub took."),
    }
    if shape == "many":
        headers["Link"] = _header("string", 'Address of the next page, `rel="next"`; absent on the last.')
    if mark["has_ranges"]:
        headers["ETag"] = _header("string", "Of a range that is over.")
    forms = {Format.JSON: {"schema": whole}, Format.MSGPACK: binary, Format.ARROW: binary}
    content = {MEDIA_TYPES[form]: forms.get(form, text) for form in Format}
    return {"description": "It.", "headers": headers, "content": content}


def _header(kind: str, description: str) -> dict[str, Any]:
    return {"schema": {"type": kind}, "description": description}


def _answer(row: type[msgspec.Struct], shape: str, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """References to what an answer with these rows may be: plain, and as `time`, `numbers` and `layout` have it."""
    name = row.__name__.removesuffix("Row")
    _add(schemas, row)
    plain, written = f"{name}{shape.capitalize()}", f"{name}{shape.capitalize()}Written"
    if plain not in schemas:
        head = _head(OneHead if shape == "one" else ManyHead)
        reference = {"$ref": REF.format(name=row.__name__)}
        data = reference if shape == "one" else {"type": "array", "items": reference}
        schemas[plain] = _enveloped(data, head)
        loose: dict[str, Any] = {"$ref": REF.format(name=f"{row.__name__}Written")}
        schemas[f"{row.__name__}Written"] = _written(schemas[row.__name__])
        if shape == "many":
            columns = {"type": "object", "additionalProperties": {"type": "array"}}
            loose = {"anyOf": [{"type": "array", "items": loose}, columns]}
        schemas[written] = _written(_enveloped(loose, head))
    return [{"$ref": REF.format(name=plain)}, {"$ref": REF.format(name=written)}]


def _add(schemas: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    _, found = msgspec.json.schema_components([kind], ref_template=REF)
    for name, schema in found.items():
        schemas.setdefault(
            name, {**schema, "additionalProperties": False} if "properties" in schema else schema
        )


def _head(kind: type[msgspec.Struct]) -> dict[str, Any]:
    schema: dict[str, Any]
    (schema,) = msgspec.json.schema_components([kind], ref_template=REF)[1].values()
    return schema


def _enveloped(data: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    properties = {"data": data, **head["properties"]}
    return {
        "type": "object", "required": list(properties), "properties": properties, "additionalProperties": False,
    }  # fmt: skip


def _written(schema: dict[str, Any]) -> dict[str, Any]:
    """As a schema, with times and numbers as texts too."""
    properties: dict[str, Any] = {}
    for name, value in schema.get("properties", {}).items():
        properties[name] = _loose(value)
        if name.endswith(_NS):
            properties[name.removesuffix(_NS)] = {"type": ["string", "null"]}
    required = [name for name in schema.get("required", []) if not name.endswith(_NS)]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _loose(schema: dict[str, Any]) -> dict[str, Any]:
    """A number may be a text, also within lists and maps; a row within a row may be anything."""
    if schema.get("type") == "number":
        return {"type": ["number", "string", "null"]}
    if "anyOf" in schema and {"type": "number"} in schema["anyOf"]:
        return {"type": ["number", "string", "null"]}
    if "$ref" in schema and not schema["$ref"].endswith("Written"):
        return {"type": "object"}
    found = dict(schema)
    for inner in ("items", "additionalProperties"):
        if isinstance(found.get(inner), dict):
            found[inner] = _loose(found[inner])
    if "prefixItems" in found:
        found["prefixItems"] = [_loose(one) for one in found["prefixItems"]]
    return found


def problem_page(code: str) -> Response:
    """What a kind of problem means."""
    known = code.replace("-", "_")
    if known not in TEXTS:
        return problem("not_found", f"no problem {code[:60]!r}; there is {', '.join(TEXTS)}")
    body = {"type": f"{TYPE}{code}", "title": TITLES[known], "status": STATUS[known], "detail": TEXTS[known]}
    return Response(msgspec.json.encode(body), media_type="application/json")
