"""What a path needs: which scope, or none. Pure."""

from __future__ import annotations

from typing import Final

READ: Final = "read"
PUSH: Final = "push"
ADMIN: Final = "admin"
SAFE: Final = frozenset(("GET", "HEAD"))
"""Methods that change nothing."""
_OPEN: Final = frozenset((
    "/", "/index.html", "/favicon.ico", "/favicon.svg", "/docs", "/health/live", "/api/v1/whoami",
))  # fmt: skip
_OPEN_FOLDERS: Final = ("/app/", "/css/", "/vendor/", "/docs/", "/problems/")
"""The dashboard's own files: they hold no data, and a browser asks for them before it can have a token."""
_PUSH: Final = frozenset(("/api/v1/push", "/market-data"))
_READING: Final = frozenset(("/api/v1/ws-ticket",))
"""Not GET, and yet they change nothing that others see."""


def scope_of(method: str, path: str) -> str:
    """Scope that a request needs; empty: anybody may ask."""
    if method in SAFE:
        return "" if path in _OPEN or path.startswith(_OPEN_FOLDERS) else READ
    if path in _PUSH:
        return PUSH
    return READ if path in _READING else ADMIN
