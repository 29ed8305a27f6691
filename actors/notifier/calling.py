"""One POST over HTTP, blocking, bounded in time and bytes; its faults say whether the request can have arrived.

No error and no log line has an address in it: Telegram's token is a part of it. The library would log every one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from actors.notifier.failures import NotSent, Unsure

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
_KEEP_ALIVE_S: Final = 4.0
"""A connection that waited longer is not used again: the other side may be about to close it."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1", "[::1]")


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""


class Caller:
    """Posts to one address; for one thread.

    Args:
        timeout_s: Patience for a whole request.
    """

    def __init__(self, timeout_s: float) -> None:
        import httpx2  # noqa: PLC0415 - 100 ms, and not every notifier needs it

        for name in ("httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._library: Any = httpx2
        self._timeout_s = timeout_s
        limits = httpx2.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=_KEEP_ALIVE_S)
        self._clients = {
            is_near: httpx2.Client(limits=limits, trust_env=not is_near, follow_redirects=False)
            for is_near in (False, True)
        }

    def post(
        self, url: str, content: bytes, headers: Mapping[str, str], timeout_s: float | None = None
    ) -> Answer:
        """The answer, whatever its status.

        Raises:
            NotSent: no connection.
            Unsure: a connection, but no whole answer in time.
        """
        library, patience_s = self._library, timeout_s or self._timeout_s
        deadline_s = time.monotonic() + patience_s
        client = self._clients[library.URL(url).host in _LOOPBACK]
        try:
            with client.stream(
                "POST", url, content=content, headers=dict(headers), timeout=patience_s
            ) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > MAX_BODY_BYTES:
                        raise Unsure("the answer is too long")
                    if time.monotonic() > deadline_s:
                        raise Unsure(f"no whole answer within {patience_s:g} s")
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, bytes(body), found)
        except (
            library.ConnectError,
            library.ConnectTimeout,
            library.PoolTimeout,
            library.ProxyError,
        ) as fault:
            raise NotSent(f"no connection: {type(fault).__name__}") from None
        except library.TimeoutException:
            raise Unsure(f"no whole answer within {patience_s:g} s") from None
        except library.HTTPError as fault:
            raise Unsure(f"no whole answer: {type(fault).__name__}") from None

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()
