"""Every refusal as RFC 9457 problem details, with the codes that ZeroMQ replies and the client have too. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from protocol.errors import HubError

MEDIA_TYPE: Final = "application/problem+json"
STATUS: Final = {
    "unknown_symbol": 404,
    "no_data": 404,
    "not_found": 404,
    "stale_data": 409,
    "invalid_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "too_large": 413,
    "misdirected": 421,
    "unsupported_media": 415,
    "unprocessable": 422,
    "rate_limited": 429,
    "timeout": 504,
    "unreachable": 503,
    "overloaded": 503,
    "protocol_mismatch": 502,
    "bad_frame": 502,
    "internal": 500,
}
"""Code to HTTP status."""
TITLES: Final = {code: code.replace("_", " ").capitalize() for code in STATUS}
TYPE: Final = "/problems/"


def problem(
    code: str, detail: str, *, instance: str = "", request_id: str = "", headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:  # fmt: skip
    """The answer that says what is wrong.

    Args:
        code: One of `STATUS`.
        detail: What, where and what to do next, for people.
        instance: Path that was asked.
        request_id: Of the request.
        headers: Further ones.
        more: Further members: suggestions, errors, age_s, retry_after_s.
    """
    status = STATUS.get(code, 500)
    body = {
        "type": TYPE + code.replace("_", "-"),
        "title": TITLES.get(code, code),
        "status": status,
        "detail": detail,
        "code": code,
        **({"instance": instance} if instance else {}),
        **({"request_id": request_id} if request_id else {}),
        **more,
    }
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def problem_body(error: HubError) -> dict[str, Any]:
    """What a problem says, where it is part of an answer: of one symbol among many, at the end of a stream."""
    return {
        "type": TYPE + error.code.replace("_", "-"),
        "title": TITLES.get(error.code, error.code),
        "status": STATUS.get(error.code, 500),
        "detail": error.message,
        "code": error.code,
        **_details_of(error),
    }


def _details_of(error: HubError) -> dict[str, Any]:
    """Further members; faults of a request are maps with a `detail` everywhere."""
    details = {key: value for key, value in error.details.items() if key not in _OWN}
    faults = details.get("errors")
    if isinstance(faults, list):
        details["errors"] = [one if isinstance(one, dict) else {"detail": str(one)} for one in faults]
    return details


def problem_of(error: HubError, instance: str = "", request_id: str = "") -> Response:
    """The answer for an error of the contract; its details become members."""
    details = _details_of(error)
    is_passing = error.code in ("overloaded", "unreachable")
    headers = (
        {"Retry-After": str(max(1, round(error.details.get("retry_after_s", 1))))} if is_passing else None
    )
    return problem(
        error.code, error.message, instance=instance, request_id=request_id, headers=headers, **details
    )


_OWN: Final = frozenset(("type", "title", "status", "detail", "code", "instance", "request_id", "headers"))
