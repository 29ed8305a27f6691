"""Who may come in, and how much of it. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Scope = Literal["read", "push", "admin"]


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One token, and what it may do."""

    token: str = ""
    """The token itself, best from the environment or a file: `${TAPEHUB_TOKEN}`, `${file:/run/secrets/token}`."""
    sha256: str = ""
    """Instead of it: its SHA-256 in hex, as `tapehub token` prints it."""
    scopes: list[Scope] = msgspec.field(default_factory=lambda: ["read"])
    """read: questions and WebSockets. push: send ticks and bars. admin: restart, repair, SQL; holds read."""
    source: str = ""
    """Who sends with it, scope push: what it sends is of venue `push.<source>`."""
    expires: str = ""
    """Day (2027-01-31) or moment in UTC from which on it is refused; empty: never."""


class EdgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens, origins, limits."""

    tokens: dict[str, TokenSettings] = {}
    """Name, for the log, to token; without any, everybody who reaches a loopback address may do everything."""
    origins: list[str] = []
    """Origins of pages elsewhere that may ask and open WebSockets: `https://desk.example`; our own always may."""
    hosts: list[str] = []
    """Names, besides the address and localhost, under which the gateway is reached: what `Host` may say."""
    max_body_bytes: Count = 1_048_576
    """Longest body of a request, bytes."""
    max_connections: Count = 4000
    """Connections at once, WebSockets included."""
    requests_per_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Requests a second of one token (or address, where there is none); 0: no limit."""
    request_burst: Count = 200
    """Requests that may come at once before that limit begins to count."""
    request_timeout_s: Seconds = 30.0
    """Longest time for one answer, seconds; WebSockets and exports have none."""
