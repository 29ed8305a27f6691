"""What is wrong with a request, said by name: parameters that do not exist, values that do not fit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starlette.requests import HTTPConnection

from protocol.errors import InvalidRequest
from protocol.likeness import nearest

PREFIX: Final = "/api/v1/"
MAX_NAMED: Final = 20
_KNOWN: Final = "tapehub_parameters"


def refuse_unknown(connection: HTTPConnection) -> None:
    """Refuse query parameters that the route does not have; a misspelt filter would silently filter nothing.

    Raises:
        InvalidRequest: there are some.
    """
    scope = connection.scope
    if scope["type"] != "http" or not scope["query_string"] or not scope["path"].startswith(PREFIX):
        return
    route = scope.get("route")
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return
    known: frozenset[str] | None = getattr(route, _KNOWN, None)
    if known is None:
        known = frozenset(_names(dependant))
        setattr(route, _KNOWN, known)
    unknown = [name for name in connection.query_params if name not in known]
    if unknown:
        raise InvalidRequest(
            "; ".join(_unknown_text(name, known) for name in unknown[:MAX_NAMED]),
            errors=[
                {"parameter": name[:60], "detail": _unknown_text(name, known)} for name in unknown[:MAX_NAMED]
            ],
        )


def _names(dependant: Any) -> Iterator[str]:
    """Query parameters of a route and of what it depends on."""
    for field in dependant.query_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _names(inner)


def _unknown_text(name: str, known: frozenset[str]) -> str:
    near = nearest(name[:60], known)
    hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(known)) or 'none'}"
    return f"no parameter {name[:60]!r} here; {hint}"


def faults_of(errors: Any) -> list[dict[str, str]]:
    """FastAPI's list of what did not fit, in ours: `parameter` or `pointer`, and `detail`."""
    found = []
    for error in list(errors)[:MAX_NAMED]:
        where, *path = error.get("loc", ("",)) or ("",)
        text = str(error.get("msg", "")).strip() or "is wrong"
        if where == "body":
            found.append({"pointer": "#/" + "/".join(str(part) for part in path), "detail": text})
        else:
            found.append({"parameter": ".".join(str(part) for part in path), "detail": text})
    return found
