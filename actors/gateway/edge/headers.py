"""Headers of every answer: what a browser may do with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Pairs = list[tuple[bytes, bytes]]

POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""No inline script or style, nothing from elsewhere."""
SECURITY: Final[Pairs] = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
SAME_ORIGIN: Final = (b"cross-origin-resource-policy", b"same-origin")
_IMMUTABLE: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_REVALIDATE: Final = (b"cache-control", b"no-cache")
_NEVER: Final = (b"cache-control", b"no-store")


def caching_of(path: str) -> tuple[bytes, bytes]:
    """How long an answer that does not say so itself may be kept."""
    if path.startswith("/vendor/"):
        return _IMMUTABLE  # the version stands in its name
    return _REVALIDATE if path.startswith(("/app/", "/css/", "/docs")) or path == "/" else _NEVER


def needed(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The request's headers that the guard looks at; the first of each name counts."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _LOOKED_AT:
            found.setdefault(name, value)
    return found


_LOOKED_AT: Final = frozenset((
    b"host", b"origin", b"authorization", b"x-api-key", b"content-length", b"access-control-request-method",
))  # fmt: skip


def token_of(found: Mapping[bytes, bytes]) -> str:
    """The token that a request shows, empty if it shows none: `Authorization: Bearer …` or `X-API-Key: …`."""
    scheme, _, token = found.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip().decode("latin-1")
    return found.get(b"x-api-key", b"").decode("latin-1")


def with_headers(message: Any, extra: Pairs) -> Any:
    """A start of an answer with these headers added, but for those that it has itself."""
    own = message.get("headers") or []
    names = {name for name, _ in own}
    return {**message, "headers": [*own, *(pair for pair in extra if pair[0] not in names)]}
