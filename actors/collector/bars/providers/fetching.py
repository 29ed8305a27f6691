"""One HTTP GET of a provider over connections that all share. Blocking: it runs in threads.

Bounded in bytes (before and after gzip), in time (the whole of it, also against a server that sends a byte now and then),
and in redirects: only on the same host, and never from https to http. No cookie is kept. No error and no log line has a query
string or a key in it: the HTTP library would log every address, and Alpha Vantage's has the key.
"""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, Literal

from actors.collector.bars.providers.provider import Answer, Call, Refusal
from actors.collector.bars.providers.words import plain
from actors.runtime.clock import Clock

if TYPE_CHECKING:
    import httpx2

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
MAX_REDIRECTS: Final = 3
USER_AGENT: Final = "tapehub"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SHORTEST_SECRET: Final = 4


class FetchFault(Exception):
    """No answer, or only a part of it.

    `kind` is unavailable (not there, too slow, leads elsewhere) or broken (cut off, too large, not to be unpacked).
    """

    def __init__(self, kind: Literal["unavailable", "broken"], text: str, status: int = 0) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind: Literal["unavailable", "broken"] = kind
        self.text = text
        """Short, without query string and key."""
        self.status = status
        """HTTP status, 0 where there was none."""

    def refusal(self) -> Refusal:
        """The same as an answer."""
        return Refusal(self.kind, self.text, self.status)


class Fetcher:
    """Sends calls; one is enough for all providers and all threads.

    Args:
        clock: For deadlines, and to note when an answer came.
        max_connections: Open at a time; who comes when all are busy waits, within its own patience.
        max_body_bytes: Longest body, also after unpacking.
    """

    def __init__(self, clock: Clock, max_connections: int = 16, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        import httpx2  # noqa: PLC0415 - 100 ms, for collectors of bars alone

        from actors.collector.bars.providers import pooling  # noqa: PLC0415 - imports it too

        for name in ("httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._clock, self._max_body_bytes = clock, max_body_bytes
        self._pooling: Any = pooling
        self._client = httpx2.Client(
            transport=pooling.Transport(max_connections, lambda: clock.mono_ns() / 1e9),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            trust_env=False,  # the transport chooses the proxy
            follow_redirects=False,
        )

    def fetch(self, call: Call, timeout_s: float) -> Answer:
        """The answer to a call, whatever its status.

        Args:
            call: What to ask.
            timeout_s: For all of it, with connecting and redirects.

        Raises:
            FetchFault: there is no whole answer.
        """
        deadline_s = self._clock.mono_ns() / 1e9 + timeout_s
        try:
            return self._fetch(call, deadline_s)
        except self._pooling.TOO_SLOW:
            raise FetchFault("unavailable", f"no whole answer within {timeout_s:g} s") from None
        except self._pooling.FAULTS as fault:
            raise FetchFault("unavailable", self._words(call, fault)) from None
        except RuntimeError:  # the library's word for a closed client
            if not self._client.is_closed:
                raise
            raise FetchFault("unavailable", "the fetcher is closed") from None

    def close(self) -> None:
        """Close all connections; calls under way fail."""
        self._client.close()

    def _fetch(self, call: Call, deadline_s: float) -> Answer:
        url, params = self._url(call.url, call.params), None
        for _ in range(MAX_REDIRECTS + 1):
            request = self._client.build_request(
                "GET",
                url,
                params=params,
                headers=dict(call.headers),
                extensions={self._pooling.DEADLINE: deadline_s},
            )
            with contextlib.closing(self._client.send(request, stream=True)) as response:
                location = response.headers.get("location")
                if response.status_code in _REDIRECTS and location:
                    url = _redirected(request.url, location, response.status_code)
                    continue
                return self._answer(call, response)
        raise FetchFault("unavailable", f"more than {MAX_REDIRECTS} redirects", 302)

    def _url(self, url: str, params: Any) -> httpx2.URL:
        import httpx2  # noqa: PLC0415 - loaded in __init__

        found = httpx2.URL(url)
        return found.copy_merge_params(dict(params)) if params else found

    def _answer(self, call: Call, response: httpx2.Response) -> Answer:
        status = response.status_code
        try:
            body = b"".join(_unpacked(response, self._max_body_bytes))
        except self._pooling.TOO_SLOW:
            raise
        except zlib.error as fault:
            raise FetchFault("broken", f"gzip: {fault}", status) from None
        except self._pooling.FAULTS as fault:
            raise FetchFault("broken", self._words(call, fault), status) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status, headers, body, self._clock.now_ns())

    def _words(self, call: Call, fault: BaseException) -> str:
        """A fault in words; those that quote the request are only named."""
        if isinstance(fault, self._pooling.SECRET):
            return type(fault).__name__
        text = str(fault)
        for value in (*call.params.values(), *call.headers.values()):
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "***")
        return plain(f"{type(fault).__name__}: {text}" if text else type(fault).__name__)


def _redirected(url: httpx2.URL, location: str, status: int) -> httpx2.URL:
    """Where a redirect leads: to the same host, from http to https at most."""
    target = url.join(location)
    is_same = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
    is_safer = url.scheme == "http" and target.scheme == "https" and target.host == url.host
    if not is_same and not is_safer:
        raise FetchFault("unavailable", f"HTTP {status} to another host, or to http", status)
    return target


def _unpacked(response: httpx2.Response, max_bytes: int) -> Iterator[bytes]:
    """Pieces of a body, never more than the limit out of a small packet."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FetchFault(
            "broken", f"packed as {plain(encoding)}; only gzip was offered", response.status_code
        )
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding.endswith("gzip") else None
    size = received = 0
    for raw in response.iter_raw():
        received += len(raw)
        piece = raw if unpack is None else unpack.decompress(raw, max_bytes + 1 - size)
        size += len(piece)
        if max(size, received) > max_bytes:
            raise FetchFault("broken", f"more than {max_bytes} bytes", response.status_code)
        yield piece
    if unpack is not None and received and not unpack.eof:
        raise FetchFault("broken", "gzip: cut off", response.status_code)
