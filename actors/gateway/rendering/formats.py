"""Which form an answer takes, by `Accept` and `format`. Pure."""

from __future__ import annotations

import functools
from enum import StrEnum
from typing import ClassVar, Final

from protocol.errors import HubError


class Format(StrEnum):
    """How an answer is written; the value is what `format` says."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    ARROW = "arrow"
    MSGPACK = "msgpack"


MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.ARROW: "application/vnd.apache.arrow.stream",
    Format.MSGPACK: "application/msgpack",
}
_FORMATS: Final = {media: form for form, media in MEDIA_TYPES.items()} | {
    "application/ndjson": Format.NDJSON,
    "application/x-msgpack": Format.MSGPACK,
    "application/vnd.msgpack": Format.MSGPACK,
}
MAX_ACCEPT_LENGTH: Final = 1000


class NotAcceptable(HubError):
    """Nothing that we write is accepted."""

    code: ClassVar[str] = "not_acceptable"


def format_of(accept: str, asked: str = "") -> Format:
    """The form of an answer: `format` where it is given, else the best that `Accept` allows; JSON where it says nothing.

    Raises:
        NotAcceptable: it allows none.
    """
    if asked:
        return Format(asked)
    found = _accepted(accept[:MAX_ACCEPT_LENGTH])
    if found is None:
        raise NotAcceptable(
            f"Accept is {accept[:100]!r}; there is {', '.join(MEDIA_TYPES.values())}",
            available=list(MEDIA_TYPES.values()),
        )
    return found


@functools.lru_cache(maxsize=256)
def _accepted(accept: str) -> Format | None:
    if not accept.strip():
        return Format.JSON
    qualities: dict[Format, tuple[int, float]] = {}
    for entry in accept.split(","):
        media, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = _quality(parameters)
        for form, exactness in _matching(media):
            if exactness > qualities.get(form, (-1, 0.0))[0]:
                qualities[form] = (exactness, quality)
    ranked = [form for form in Format if qualities.get(form, (0, 0.0))[1] > 0]
    return max(ranked, key=lambda form: qualities[form][1], default=None)  # of equals the first: JSON


def _matching(media: str) -> list[tuple[Format, int]]:
    """Forms that a media range names, and how exactly it does."""
    if media == "*/*":
        return [(form, 0) for form in Format]
    kind, _, what = media.partition("/")
    if what == "*":
        return [(form, 1) for form in Format if MEDIA_TYPES[form].startswith(f"{kind}/")]
    known = _FORMATS.get(media)
    return [(known, 2)] if known is not None else []


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
