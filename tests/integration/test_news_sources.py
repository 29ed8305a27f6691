"""Sources of news that fail, refuse, flood or are asked for by people: each for itself, and all of it in the status."""

from __future__ import annotations

import time

import pytest

from actors.collector.news.feed import problems
from actors.collector.news.settings import CryptopanicSettings, NewsSettings, SourceSettings
from protocol.errors import ConfigError
from tests.support.news_world import S, World, ids, item, rss, serving, settings

server = pytest.fixture(serving)


def test_a_source_that_is_down_does_not_disturb_the_others(server):
    server.page("/good", rss(item(1)))
    server.refuse("/bad", 500)
    world = World(settings(server, "good", "bad"))
    assert ids(world.turn()) == ["id-1"]
    assert world.source("bad")["state"] == "failing"
    assert world.source("bad")["fault"] == "refused: HTTP 500"
    assert world.host.dropped[0][0] == "news_refused"
    assert world.feed.is_connected
    server.page("/bad", rss(item(5)))
    assert ids(world.turn(1000.0)) == ["id-5"]
    assert world.source("bad")["state"] == "ok"
    assert world.source("bad")["fault"] == ""


def test_retry_after_is_kept(server):
    server.refuse("/wire", 429, Retry_After="500")
    world = World(settings(server))
    world.turn()
    assert world.source("wire")["state"] == "paused"
    world.turn(450.0)
    assert server.answers["/wire", 429] == 1
    world.turn(60.0)
    assert server.answers["/wire", 429] == 2


def test_retry_after_may_be_a_date(server):
    server.refuse("/wire", 503, Retry_After="Sat, 15 Aug 2026 12:20:40 GMT")
    world = World(settings(server))
    world.turn()
    assert world.source("wire")["next_s"] == 1200.0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_cryptopanic_that_refuses_is_off_and_nothing_else(server, status):
    server.refuse("/api/", status)
    server.page("/wire", rss(item(1)))
    api = CryptopanicSettings(token="s3cret", url=server.url("/api/"))
    world = World(settings(server, cryptopanic=api))
    assert ids(world.turn()) == ["id-1"]
    assert world.source("cryptopanic")["state"] == "off"
    world.turn(3000.0)
    assert server.answers["/api/", status] == 1
    told = repr((world.host.dropped, world.feed.detail(0), world.feed.connections(0)))
    assert "s3cret" not in told
    assert "auth_token=s3cret" in next(path for path, _ in server.requests if path.startswith("/api/"))


def test_a_body_of_50_megabytes_is_refused_early(server):
    server.flood("/wire", 50_000_000)
    world = World(settings(server, max_body_bytes=1_000_000))
    began_s = time.monotonic()
    world.turn()
    assert world.source("wire")["fault"].startswith("too_large")
    assert time.monotonic() - began_s < 30.0


def test_a_small_packet_of_50_megabytes_is_refused_too(server):
    server.page("/wire", b"<rss>" + bytes(50_000_000), is_gzipped=True)
    world = World(settings(server, max_body_bytes=1_000_000))
    world.turn()
    assert world.source("wire")["fault"].startswith("too_large")


def test_a_page_that_is_no_feed_counts_as_failure_and_memory_stays(server):
    server.page("/wire", rss(item(1)), has_etag=False)
    world = World(settings(server))
    world.turn()
    server.page("/wire", "<html>Just a moment...</html>", has_etag=False)
    assert world.turn() == []
    assert world.source("wire")["fault"].startswith("not_a_feed")
    server.page("/wire", rss(item(1), item(2)), has_etag=False)
    assert ids(world.turn(1000.0)) == ["id-2"]


def test_people_can_have_a_source_looked_at_now(server):
    server.page("/wire", rss(item(1)))
    world = World(settings(server))
    world.turn()
    assert world.feed.rotate("wire")
    world.turn(0.0)
    assert world.source("wire")["looks"] == 2
    assert not world.feed.rotate("nobody")
    assert [one["name"] for one in world.feed.connections(0)] == ["wire"]


def test_a_look_that_ends_after_the_feed_is_closed_is_ignored(server):
    server.page("/wire", rss(item(1)))
    world = World(settings(server))
    world.host.clock.mono += 40 * S
    world.feed.tick(world.host.clock.mono_ns())
    world.feed.close()
    world.host.settle()
    assert world.host.published == []


def test_settings_without_a_source_are_a_mistake(server):
    assert problems(NewsSettings())
    with pytest.raises(ConfigError):
        World(NewsSettings())
    assert not problems(settings(server))
    for bad in ("Wire", "a.b", "cryptopanic", ""):
        with pytest.raises(ValueError, match="source"):
            NewsSettings(sources={bad: SourceSettings(url="http://h/")})
    with pytest.raises(ValueError, match="http"):
        SourceSettings(url="file:///etc/passwd")
