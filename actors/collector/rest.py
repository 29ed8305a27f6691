"""One HTTP GET of a venue's REST interface. Blocking: it runs in a thread."""

from __future__ import annotations

import contextlib
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from actors.collector.exchange.connection import retry_after_s

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
USER_AGENT: Final = "tapehub"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class RestError(Exception):
    """The venue did not give what was asked for.

    `status` is 0 where there was no HTTP answer at all; `retry_after_s` is the venue's wish.
    """

    def __init__(self, message: str, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


def get(url: str, timeout_s: float) -> bytes:
    """Body of a 200 answer.

    Args:
        url: `http://` or `https://` address, from the configuration.
        timeout_s: For each step: connect, and every piece of the answer.

    Raises:
        RestError: refused, broken off, too large, or not there.
    """
    request = Request(url, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})  # noqa: S310 - the configuration is checked for http and https
    try:
        with contextlib.closing(_opener(url).open(request, timeout=timeout_s)) as answer:
            body: bytes = answer.read(MAX_BODY_BYTES + 1)
    except HTTPError as refusal:
        with contextlib.closing(refusal):
            text = refusal.read(300).decode("utf-8", "replace")
            wait_s = retry_after_s(refusal.headers.get("Retry-After"))
            raise RestError(f"HTTP {refusal.code}: {text}", refusal.code, wait_s) from None
    except (OSError, HTTPException) as fault:
        raise RestError(f"{type(fault).__name__}: {fault}") from fault
    if len(body) > MAX_BODY_BYTES:
        raise RestError(f"answer is longer than {MAX_BODY_BYTES} bytes")
    return body


def _opener(url: str) -> OpenerDirector:
    """Proxies of the environment are for other hosts: a simulator on this one is never behind them."""
    if urlsplit(url).hostname in _LOOPBACK:
        return build_opener(ProxyHandler({}))
    return build_opener()
