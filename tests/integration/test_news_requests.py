"""One request for a page of news: redirects, secrets, answers that drip, break off or are packed badly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from actors.collector.news.fetching import FetchError, Limits, Validators, fetch
from actors.runtime.clock import SystemClock
from tests.support.news_server import NewsServer, send
from tests.support.news_world import serving

LIMITS = Limits(2.0, 6.0, 100_000)
server = pytest.fixture(serving)


def get(url: str, *, is_secret: bool = False, limits: Limits = LIMITS) -> Any:
    return fetch(url, Validators(), limits, SystemClock(), is_secret=is_secret)


def reason_of(url: str, **more: Any) -> str:
    with pytest.raises(FetchError) as refusal:
        get(url, **more)
    return refusal.value.reason


def test_redirects_are_followed_and_the_address_is_the_last_one(server):
    server.page("/new", "<rss></rss>")
    server.redirect("/old", "/new", 301)
    assert get(server.url("/old")).url == server.url("/new")


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)", "http://", "http://[::1/"]
)
def test_redirects_lead_to_the_web_only(server, to):
    server.redirect("/old", to)
    assert reason_of(server.url("/old")) in ("bad_redirect", "refused", "unreachable")


def test_redirects_end(server):
    server.redirect("/a", "/b")
    server.redirect("/b", "/a")
    assert reason_of(server.url("/a")) == "refused"
    assert server.answers["/a", 302] <= 5


def test_a_secret_goes_to_no_other_host(server):
    with NewsServer() as other:
        other.page("/x", "<rss></rss>")
        server.redirect("/old", other.url("/x"))
        assert get(server.url("/old")).url == other.url("/x")
        assert reason_of(server.url("/old?auth_token=s"), is_secret=True) == "bad_redirect"
        assert len(other.requests) == 1


def test_an_answer_that_drips_is_given_up(server):
    server.drip("/slow")
    began_s = time.monotonic()
    assert reason_of(server.url("/slow"), limits=Limits(2.0, 0.2, 100_000)) == "too_slow"
    assert time.monotonic() - began_s < 30.0


def test_an_answer_that_breaks_off_is_refused(server):
    server.break_off("/cut", b"<rss>", 1000)
    assert reason_of(server.url("/cut")) in ("cut_off", "unreachable")


def test_gzip_that_is_none_or_cut_off(server):
    def answer(body: bytes, encoding: str) -> Callable[..., None]:
        return lambda handler: send(handler, 200, body, {"Content-Encoding": encoding})

    whole = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" + b"\x4b\x04\x00"
    server.pages["/none"] = answer(b"plain", "gzip")
    server.pages["/cut"] = answer(whole, "gzip")
    server.pages["/br"] = answer(b"x", "br")
    assert reason_of(server.url("/none")) == "broken_gzip"
    assert reason_of(server.url("/cut")) == "broken_gzip"
    assert reason_of(server.url("/br")) == "unknown_encoding"


def test_nobody_there():
    with NewsServer() as gone:
        url = gone.url("/x")
    assert reason_of(url) == "unreachable"


def test_headers_of_a_stranger_are_not_sent_back_unseen(server):
    long = "x" * 5000
    server.pages["/wire"] = lambda handler: send(
        handler, 200, b"<rss></rss>", {"ETag": long, "Last-Modified": "ok"}
    )
    assert get(server.url("/wire")).validators == Validators("", "ok")
