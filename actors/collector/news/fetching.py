"""One conditional HTTP GET of a source. Blocking: it runs in a thread.

Bounded in bytes (before and after gzip), in time (also against a server that sends a byte now and then), and in
redirects: http and https only, never with a secret to another host or from https to http.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from actors.collector.exchange.connection import retry_after_s
from actors.collector.news.times import ns_of
from actors.collector.rest import USER_AGENT
from actors.runtime.clock import Clock

MAX_REDIRECTS: Final = 5
_ACCEPT: Final = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"
_CHUNK_BYTES: Final = 65_536
_MAX_HEADER_CHARS: Final = 512
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class FetchError(Exception):
    """The source gave nothing of use.

    `reason` is one of ours; `status` is 0 where there was no HTTP answer; `retry_after_s` is the source's wish.
    """

    def __init__(
        self, reason: str, text: str = "", status: int = 0, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason, self.status, self.retry_after_s = reason, status, retry_after_s


class Validators(NamedTuple):
    """What the server gave to tell whether its document has changed; empty where it gave none."""

    etag: str = ""
    last_modified: str = ""


class Document(NamedTuple):
    """A 200 answer."""

    body: bytes
    content_type: str
    url: str
    """After redirects."""
    validators: Validators


class Limits(NamedTuple):
    """What one look may cost."""

    step_s: float
    """For each step: connect, and every piece of the answer."""
    whole_s: float
    max_bytes: int


def fetch(
    url: str, validators: Validators, limits: Limits, clock: Clock, *, is_secret: bool
) -> Document | None:
    """The document, or None if it has not changed.

    Args:
        url: `http://` or `https://` address.
        validators: Of the document that we have.
        limits: What it may cost.
        clock: For the deadline, and for a `Retry-After` that is a date.
        is_secret: The address holds a token: it is in no error text, and goes to no other host.

    Raises:
        FetchError: refused, broken off, too large, too slow, or not there.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    if validators.etag:
        headers["If-None-Match"] = validators.etag
    if validators.last_modified:
        headers["If-Modified-Since"] = validators.last_modified
    deadline_ns = clock.mono_ns() + round(limits.whole_s * 1e9)
    try:
        request = Request(url, headers=headers)  # noqa: S310 - the settings are checked for http and https
        opener = _opener(url, is_secret=is_secret)
        with contextlib.closing(opener.open(request, timeout=limits.step_s)) as answer:
            if answer.status != 200:
                raise FetchError("unexpected_status", f"HTTP {answer.status}", answer.status)
            body = _read(answer, answer.headers, limits.max_bytes, lambda: clock.mono_ns() > deadline_ns)
            return Document(
                body, _header(answer.headers, "Content-Type"), answer.url, _validators(answer.headers)
            )
    except HTTPError as refusal:
        with contextlib.closing(refusal):
            if refusal.code == 304:
                return None
            wait_s = _retry_after(refusal.headers, clock.now_ns())
            raise FetchError("refused", f"HTTP {refusal.code}", refusal.code, wait_s) from None
    except (
        OSError,
        HTTPException,
        ValueError,
    ) as fault:  # ValueError: an address that is none, after a redirect
        text = type(fault).__name__ if is_secret else f"{type(fault).__name__}: {fault}"[:300]
        raise FetchError("unreachable", text) from None


def _read(answer: Any, headers: HTTPMessage, max_bytes: int, is_late: Callable[[], bool]) -> bytes:
    unpack = None
    match (headers.get("Content-Encoding") or "identity").strip().lower():
        case "gzip" | "x-gzip":
            unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        case "identity" | "":
            pass
        case _:
            raise FetchError("unknown_encoding", "only gzip was offered", 200)
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := answer.read1(_CHUNK_BYTES):
            if unpack is not None:  # never more than the limit out of a small packet
                piece = unpack.decompress(piece, max_bytes + 1 - size)
            size += len(piece)
            pieces.append(piece)
            if size > max_bytes or (unpack is not None and unpack.unconsumed_tail):
                raise FetchError("too_large", f"more than {max_bytes} bytes", 200)
            if is_late():
                raise FetchError("too_slow", f"{size} bytes until the deadline", 200)
    except zlib.error as fault:
        raise FetchError("broken_gzip", str(fault), 200) from None
    if unpack is not None and not unpack.eof and size:
        raise FetchError("broken_gzip", "cut off", 200)
    length = headers.get("Content-Length") or ""
    if unpack is None and length.isdigit() and int(length) != size:
        raise FetchError("cut_off", f"{size} of {length} bytes", 200)
    return b"".join(pieces)


def _header(headers: HTTPMessage, name: str) -> str:
    """One header, if it is short and harmless enough to be sent back or handed on."""
    text = (headers.get(name) or "").strip()
    return text if len(text) <= _MAX_HEADER_CHARS and text.isprintable() and text.isascii() else ""


def _validators(headers: HTTPMessage) -> Validators:
    return Validators(_header(headers, "ETag"), _header(headers, "Last-Modified"))


def _retry_after(headers: Message, now_ns: int) -> float | None:
    """Seconds to wait, told as a number or as a date."""
    text = headers.get("Retry-After")
    seconds = retry_after_s(text)
    if seconds is not None or not text:
        return seconds
    at_ns = ns_of(text)
    return max(0.0, (at_ns - now_ns) / 1e9) if at_ns else None


class _Redirects(HTTPRedirectHandler):
    """Follows few redirects, and only where they may lead."""

    max_redirections = MAX_REDIRECTS
    max_repeats = 2

    def __init__(self, *, is_secret: bool) -> None:
        self._is_secret = is_secret

    def http_error_302(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> HTTPResponse | None:
        """Follow a redirect; where that is refused, the connection is closed."""
        try:
            found: HTTPResponse | None = super().http_error_302(req, fp, code, msg, headers)
        except BaseException:
            fp.close()
            raise
        return found

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Refuse what leads elsewhere than to a web page."""
        old, new = urlsplit(req.full_url), urlsplit(urljoin(req.full_url, newurl))
        if new.scheme not in ("http", "https") or not new.hostname:
            raise FetchError("bad_redirect", "not to http or https", code)
        if old.scheme == "https" and new.scheme == "http":
            raise FetchError("bad_redirect", "from https to http", code)
        if self._is_secret and old.netloc.lower() != new.netloc.lower():
            raise FetchError("bad_redirect", "to another host, with a secret", code)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str, *, is_secret: bool) -> OpenerDirector:
    """Proxies of the environment are for other hosts: a server on this one is never behind them."""
    redirects = _Redirects(is_secret=is_secret)
    if urlsplit(url).hostname in _LOOPBACK:
        return build_opener(redirects, ProxyHandler({}))
    return build_opener(redirects)
