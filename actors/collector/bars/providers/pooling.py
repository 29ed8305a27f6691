"""Connections to providers: kept open and shared, each request with one deadline for all of it.

What HTTP libraries call a timeout is the patience for each piece, so a server that sends a byte now and then holds a
thread for hours. Here the pool's timeouts are moments on the monotonic clock, and the stream under it, which knows, waits until
then and no longer. Names are looked up by the system, whose patience is its own.

Proxies of the environment are used, but never for this host. Only `fetching.py` imports this file, and only when it is needed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from protocol.endpoints import is_loopback

DEADLINE: Final = "deadline_s"
"""Extension of a request: when its answer must be complete, seconds of the monotonic clock."""
FAULTS: Final = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
    ValueError,
)
"""What a request may raise."""
TOO_SLOW: Final = (httpx2.TimeoutException, httpcore2.TimeoutException)
SECRET: Final = (httpcore2.LocalProtocolError, httpx2.LocalProtocolError, httpx2.InvalidURL, ValueError)
"""Faults of the request, whose texts quote it."""
_IDLE_S: Final = 30.0

Now = Callable[[], float]


class Transport(httpx2.BaseTransport):
    """One pool for everything, and one more for each proxy.

    Args:
        max_connections: Open at a time, in each pool; who comes when all are busy waits.
        now_s: Monotonic clock, seconds.
    """

    def __init__(self, max_connections: int, now_s: Now) -> None:
        self._max_connections = max_connections
        self._now_s = now_s
        self._tls = httpcore2.default_ssl_context()
        self._lock = threading.Lock()
        self._pools: dict[str, httpcore2.ConnectionPool] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and wait for the head of its answer."""
        deadline_s: float = request.extensions[DEADLINE]
        timeouts = {
            "pool": max(deadline_s - self._now_s(), 0.0),
            "connect": deadline_s,
            "read": deadline_s,
            "write": deadline_s,
        }
        url = request.url
        found = self._pool(proxy_for(url.scheme, url.host)).handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": timeouts},
            )
        )
        return httpx2.Response(
            found.status, headers=found.headers, stream=_Body(found), extensions=found.extensions
        )

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _pool(self, proxy: str) -> httpcore2.ConnectionPool:
        with self._lock:
            pool = self._pools.get(proxy)
            if pool is None:
                pool = self._pools[proxy] = httpcore2.ConnectionPool(
                    ssl_context=self._tls,
                    proxy=_proxy(proxy) if proxy else None,
                    max_connections=self._max_connections,
                    max_keepalive_connections=self._max_connections,
                    keepalive_expiry=_IDLE_S,
                    network_backend=_Network(self._now_s),
                )
        return pool


def proxy_for(scheme: str, host: str, environment: Mapping[str, str] | None = None) -> str:
    """Address of the proxy that the environment names for a host; empty: none, as always for this one."""
    if is_loopback(host) or (environment is None and proxy_bypass(host)):
        return ""
    proxies = getproxies() if environment is None else environment
    return proxies.get(scheme) or proxies.get("all") or ""


def _proxy(address: str) -> httpcore2.Proxy:
    parts = urlsplit(address if "//" in address else f"http://{address}")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    port = f":{parts.port}" if parts.port else ""
    return httpcore2.Proxy(f"{parts.scheme}://{parts.hostname}{port}", auth=auth)


class _Body(httpx2.SyncByteStream):
    """The rest of an answer, as it comes."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore2.NetworkBackend):
    """Opens connections; its timeouts, and those of its streams, are moments."""

    def __init__(self, now_s: Now) -> None:
        self._now_s = now_s
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the addresses of a host one after the other, each with its share of the time that is left."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as fault:
            raise httpcore2.ConnectError(str(fault)) from None
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        for tried, address in enumerate(addresses, 1):
            try:
                share_s = self.left_s(timeout) / (len(addresses) - tried + 1)
                stream = self._inner.connect_tcp(address, port, share_s, local_address, socket_options)
                return _Stream(stream, self)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if tried == len(addresses):
                    raise
        raise httpcore2.ConnectError("no address")

    def left_s(self, deadline_s: float | None) -> float:
        """Seconds until a moment.

        Raises:
            httpcore2.ReadTimeout: it is over.
        """
        if deadline_s is None:
            raise httpcore2.ReadTimeout("no deadline")
        left_s = deadline_s - self._now_s()
        if left_s <= 0:
            raise httpcore2.ReadTimeout("the deadline is over")
        return left_s


class _Stream(httpcore2.NetworkStream):
    """A connection whose timeouts are moments."""

    def __init__(self, inner: httpcore2.NetworkStream, network: _Network) -> None:
        self._inner, self._network = inner, network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes first."""
        return self._inner.read(max_bytes, self._network.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._inner.write(buffer, self._network.left_s(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Encrypt what follows."""
        left_s = self._network.left_s(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left_s), self._network)

    def get_extra_info(self, info: str) -> Any:
        """What the connection under it knows."""
        return self._inner.get_extra_info(info)
