"""One HTTP request to IG, with headers and body. Blocking: it runs in a thread.

No redirect is followed: what is sent holds secrets.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from typing import IO, Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from actors.collector.rest import MAX_BODY_BYTES, USER_AGENT, RestError

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Answer(NamedTuple):
    """What came back, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def is_safe(url: str) -> bool:
    """Whether secrets may go to this address: encrypted, or on this host."""
    parts = urlsplit(url)
    return parts.scheme in ("https", "wss") or (parts.scheme in ("http", "ws") and parts.hostname in LOOPBACK)


def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> Answer:
    """Send one request.

    Raises:
        RestError: no answer, one that is too large, or an address that secrets must not go to.
    """
    if not is_safe(url):
        raise RestError("the address is neither https nor on this host")
    request = Request(url, data=body, method=method, headers={"User-Agent": USER_AGENT, **headers})  # noqa: S310 - checked above
    try:
        with contextlib.closing(_opener(url).open(request, timeout=timeout_s)) as reply:
            return _answer(reply.status, reply.headers, reply.read(MAX_BODY_BYTES + 1))
    except HTTPError as refusal:
        with contextlib.closing(refusal):
            return _answer(refusal.code, refusal.headers, refusal.read(MAX_BODY_BYTES + 1))
    except (
        OSError,
        HTTPException,
        ValueError,
    ) as fault:  # ValueError: a header that cannot be sent; its text may be secret
        told = type(fault).__name__ if isinstance(fault, ValueError) else f"{type(fault).__name__}: {fault}"
        raise RestError(told) from None


def _answer(status: int, headers: Message, body: bytes) -> Answer:
    if len(body) > MAX_BODY_BYTES:
        raise RestError(f"answer is longer than {MAX_BODY_BYTES} bytes")
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like any other."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing."""


def _opener(url: str) -> OpenerDirector:
    handlers: list[Any] = [_NoRedirect()]
    if urlsplit(url).hostname in LOOPBACK:
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
