"""What providers say instead of bars: short, on one line, without a key. Pure.

Alpha Vantage repeats the caller's key in its texts, so whatever may be one is masked.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from actors.collector.bars.providers.provider import Answer, Refusal, RefusalKind, Told
from actors.collector.bars.providers.times import retry_after_s

MAX_CHARS: Final = 200
_LOOKED_AT: Final = 4_000
_AFTER_KEY: Final = re.compile(
    r"(\b(?:api[ _-]?key|token)[\"']?\s*(?:\bas\b|[:=])\s*[\"']?|\bbearer\s+)[^\s\"'&,;]+", re.IGNORECASE
)
_LIKE_A_KEY: Final = re.compile(r"\b(?=\w*\d)[A-Za-z0-9_-]{16,}\b|\b[A-Z0-9]{16,}\b")
_TAG: Final = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding raises for bytes that are not what was expected."""

T = TypeVar("T")


def plain(text: str) -> str:
    """A provider's words on one line, cut, without what may be a key."""
    text = "".join(char if char.isprintable() else " " for char in text[:_LOOKED_AT])
    text = _AFTER_KEY.sub(r"\1***", " ".join(text.split()))
    return _LIKE_A_KEY.sub("***", text)[:MAX_CHARS]


def decoded(body: bytes, shape: type[T]) -> T | None:
    """A JSON body of that shape; None: it is something else."""
    try:
        found: T = msgspec.json.decode(body, type=shape)
    except UNREADABLE:
        return None
    return found


def refused(
    answer: Answer,
    kind: RefusalKind,
    text: str,
    retry_after: float | None = None,
    told: Told | None = None,
) -> Refusal:
    """A refusal; a header that says when to come again counts where it is later than what the words mean."""
    header_s = retry_after_s(answer.headers.get("retry-after"), answer.at_ns)
    waits_s = [wait_s for wait_s in (header_s, retry_after) if wait_s is not None]
    return Refusal(kind, plain(text) or kind, answer.status, max(waits_s, default=None), told)


def no_json(answer: Answer) -> Refusal:
    """What an answer means whose body is not the provider's JSON: a proxy, a page for people, half an answer."""
    text = answer.body[:_LOOKED_AT].decode("utf-8", "replace")
    words = _TAG.sub(" ", text) if "<" in text else text
    lower = words.lower()
    if answer.status == 429 or "too many requests" in lower:
        return refused(answer, "throttled", words)
    if answer.status >= 500 or 300 <= answer.status < 400 or "will be right back" in lower:
        return refused(answer, "unavailable", words or f"HTTP {answer.status}")
    if answer.status in (401, 403):
        return refused(answer, "auth", words)
    if answer.status in (404, 408):
        return refused(answer, "unavailable", words)
    if answer.status >= 400:
        return refused(answer, "bad_request", words)
    return refused(answer, "broken", f"not understood: {words}" if words.strip() else "no body")


def wrong(answer: Answer, what: str, found: Any, asked: Any) -> Refusal:
    """The answer is to another question."""
    return refused(answer, "wrong_symbol", f"{what} is {found}, asked for {asked}")
