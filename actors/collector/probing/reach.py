"""Can a host be reached: its name, its port, its certificate; each said apart, because each is mended elsewhere. Blocking."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from actors.collector.probing.probe import Probe

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS: Final = {"ws": 80, "http": 80, "wss": 443, "https": 443}


class Place(NamedTuple):
    """Where to connect to."""

    host: str
    port: int
    is_encrypted: bool

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return self.host in _LOOPBACK


def place_of(url: str) -> Place:
    """Host and port of a `ws`, `wss`, `http` or `https` address."""
    parts = urlsplit(url)
    return Place(
        parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443), parts.scheme in ("wss", "https")
    )


def reach(probe: Probe, place: Place, *, may_use_proxy: bool = True) -> float | None:
    """Connect, shake hands, hang up, and say how that went.

    Returns:
        Seconds that the connection took, the name not counted; 0 where a proxy is in between; None if it failed.
    """
    probe.begin("connect")
    proxy = _proxy(place) if may_use_proxy else ""
    if proxy:
        probe.skip(f"{place.host}:{place.port} is reached through the proxy {proxy} of the environment")
        return 0.0
    where = f"{place.host}:{place.port}"
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        text = f"the name {place.host} does not resolve: {fault}"
        probe.fail(text, "is this machine online, is the name in the configuration right?")
        return None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    began_s = time.monotonic()
    try:
        sock = socket.create_connection(
            (place.host, place.port), timeout=probe.left_s(probe.settings.connect_timeout_s)
        )
    except OSError as fault:
        probe.fail(
            f"{where} ({addresses[0]}): no TCP connection: {_words(fault)}",
            "does what listens there run (tapehub status)?"
            if place.is_here
            else "a firewall on the way, or the wrong port",
        )
        return None
    with contextlib.closing(sock):
        tcp_s = time.monotonic() - began_s
        if not place.is_encrypted:
            probe.ok(f"{where}: {len(addresses)} addresses, TCP in {tcp_s * 1e3:.0f} ms")
            return tcp_s
        try:
            with ssl.create_default_context().wrap_socket(sock, server_hostname=place.host) as encrypted:
                version = encrypted.version()
        except (OSError, ValueError) as fault:
            text = f"{where}: TCP works, TLS does not: {_words(fault)}"
            probe.fail(
                text, "is our clock right? else something on the way takes the place of the venue (a proxy)"
            )
            return None
    took_s = time.monotonic() - began_s
    probe.ok(
        f"{where}: {len(addresses)} addresses, TCP in {tcp_s * 1e3:.0f} ms, {version} in {(took_s - tcp_s) * 1e3:.0f} ms"
    )
    return took_s


def _words(fault: Exception) -> str:
    return "no answer in time" if isinstance(fault, TimeoutError) else str(fault) or type(fault).__name__


def _proxy(place: Place) -> str:
    """Host and port of the proxy that the environment names for a place; empty if it names none."""
    if place.is_here or proxy_bypass(place.host):
        return ""
    url = getproxies().get("https" if place.is_encrypted else "http", "")
    parts = urlsplit(url if "//" in url else f"//{url}")
    return f"{parts.hostname}:{parts.port or 80}" if parts.hostname else ""
