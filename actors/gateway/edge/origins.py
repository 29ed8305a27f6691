"""From which pages a browser may ask, and under which names. Pure.

`Host` is checked since a page elsewhere can make its own name point to 127.0.0.1 (DNS rebinding) and would then count
as ours; `Origin` since a WebSocket, and a POST of plain text, cross origins without asking.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

METHODS: Final = "GET, HEAD, POST"
ASKED_HEADERS: Final = "Authorization, Content-Type, If-None-Match, X-Request-ID, X-Source, X-Tapehub"
TOLD_HEADERS: Final = (
    "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Data-Age-S, X-Data-Missing, X-Data-Refused, "
    "X-Data-State, X-Request-ID"
)
MAX_AGE_S: Final = 600


class Origins:
    """Who may ask from where.

    Args:
        hosts: Names under which the gateway is reached, besides localhost and addresses.
        origins: Origins of pages elsewhere that may ask.
    """

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts = {"localhost", *(host.lower().rstrip(".") for host in hosts)}
        self._origins = {origin.rstrip("/").lower() for origin in origins}
        self._known_hosts: dict[str, bool] = {}

    def is_host(self, host: str) -> bool:
        """Whether a `Host` header is one of ours: an address, localhost, or a configured name."""
        known = self._known_hosts.get(host)
        if known is None:
            known = self._is_host(host)
            if len(self._known_hosts) < 64:
                self._known_hosts[host] = known
        return known

    def _is_host(self, host: str) -> bool:
        name = _name_of(host).lower().rstrip(".")
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def is_ours(self, origin: str, host: str) -> bool:
        """Whether an `Origin` is the page that this gateway itself serves."""
        return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())

    def is_allowed(self, origin: str) -> bool:
        """Whether it is one of the configured pages elsewhere."""
        return origin.lower() in self._origins


def _name_of(host: str) -> str:
    """The name in `name:port`, `[::1]:port` or alone."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def problems(hosts: Iterable[str], origins: Iterable[str]) -> list[str]:
    """What is wrong with settings of these."""
    found = [f"edge.hosts: {host!r} is a bare name: no scheme, no path" for host in hosts if "/" in host]
    for origin in origins:
        scheme, separator, rest = origin.rstrip("/").partition("://")
        if scheme not in ("http", "https") or not separator or not rest or "/" in rest or "*" in rest:
            found.append(f"edge.origins: {origin!r} is not like https://desk.example:8443")
    return found
