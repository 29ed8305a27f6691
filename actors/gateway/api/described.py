"""What a route says of its answers in the OpenAPI document: marks at the route, made into schemas by openapi.py. Pure."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

MARK: Final = "x-tapehub-answer"
Shape = Literal["one", "many", "stream"]
REFUSALS: Final = ("not_found", "not_acceptable", "timeout", "unreachable")
ROW_TYPES: Final[dict[str, type[msgspec.Struct]]] = {}
"""Name in a mark to the type."""
LIVE_REFUSALS: Final = (*REFUSALS, "stale_data")


def about(
    operation_id: str,
    tag: str,
    *rows: type[msgspec.Struct],
    shape: Shape = "many",
    is_live: bool = False,
    has_ranges: bool = False,
) -> dict[str, Any]:
    """Keyword arguments of a route.

    Args:
        operation_id: `<noun>_<verb>`.
        tag: Its chapter.
        rows: Types of its rows.
        shape: One value, many, or a stream of lines.
        is_live: Whether it refuses what is stale.
        has_ranges: Whether it answers ranges of the past, which a client may keep.
    """
    ROW_TYPES.update({row.__name__: row for row in rows})
    mark = {
        "rows": [row.__name__ for row in rows],
        "shape": shape,
        "refusals": LIVE_REFUSALS if is_live else REFUSALS,
        "has_ranges": has_ranges,
    }
    return {"operation_id": operation_id, "tags": [tag], "openapi_extra": {MARK: mark}}
