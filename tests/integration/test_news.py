"""Headlines through the feed and through the collector itself: published once, in order, also after a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest

from actors.collector.checkpoint import Checkpoint
from actors.collector.news.settings import CryptopanicSettings, NewsSettings
from protocol.codec import decode_events
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import News
from protocol.record import parse_frames
from tests.support.config import write_config
from tests.support.news_world import NOON, S, World, ids, item, rss, serving, settings
from tests.support.peers import peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until

server = pytest.fixture(serving)


def test_new_headlines_are_published_once_in_order_of_their_time(server):
    server.page(
        "/wire",
        rss(item(2, "BTC &lt;b&gt;up&lt;/b&gt;"), item(1, "EUR/USD", "Sat, 15 Aug 2026 09:00:00 GMT")),
    )
    world = World(settings(server))
    first = world.turn()
    assert ids(first) == ["id-1", "id-2"]
    assert first[1] == News(
        "wire", "id-2", NOON - 60 * S, NOON + 40 * S, "BTC up", "https://news.example/2", ["BTC_USDT"]
    )
    assert world.host.topics == ["news.wire"]
    server.page("/wire", rss(item(3), item(2), item(1)))
    assert ids(world.turn()) == ["id-3"]
    assert world.turn() == []
    assert world.host.counters["news_received"] == 3
    assert world.feed.is_connected
    assert not world.feed.clock.has_begun, "no candle waits for news"


def test_an_unchanged_document_is_not_sent_again(server):
    server.page("/wire", rss(item(1)))
    world = World(settings(server))
    world.turn()
    world.turn()
    assert server.answers == {("/wire", 200): 1, ("/wire", 304): 1}
    _, headers = server.requests[1]
    assert headers["if-modified-since"] == "Sat, 15 Aug 2026 17:26:43 GMT"
    assert world.source("wire")["unchanged"] == 1


def test_without_etag_the_same_body_is_not_read_again_and_a_changed_one_is(server):
    server.page("/wire", rss(item(1)), has_etag=False)
    world = World(settings(server))
    world.turn()
    assert world.turn() == []
    assert world.source("wire")["unchanged"] == 1
    server.page("/wire", rss(item(1), item(2)), has_etag=False, is_gzipped=True)
    assert ids(world.turn()) == ["id-2"]


def test_at_the_first_look_old_headlines_are_left_out_and_stay_out(server):
    old = "Thu, 13 Aug 2026 11:59:00 GMT"
    server.page("/wire", rss(item(1, at=old), item(2)))
    world = World(settings(server))
    assert ids(world.turn()) == ["id-2"]
    server.page("/wire", rss(item(1, at=old), item(2), item(3, at=old)))
    assert ids(world.turn()) == ["id-3"], "what appears later is new, whatever its date"
    assert world.host.counters["news_old"] == 1


def test_dates_that_are_missing_or_in_the_future(server):
    server.page("/wire", rss(item(1, at=""), item(2, at="Sun, 16 Aug 2026 12:00:00 GMT")))
    world = World(settings(server))
    undated, ahead = world.turn()
    assert undated.ts_event_ns == undated.ts_recv_ns == NOON + 40 * S
    assert ahead.ts_event_ns == NOON + 86_400 * S
    assert (world.host.counters["news_undated"], world.host.counters["news_ahead"]) == (1, 1)


def test_after_a_restart_what_was_published_is_not_published_again_and_what_was_missed_is(server):
    server.page("/wire", rss(item(1, at="Thu, 13 Aug 2026 11:00:00 GMT"), item(2)))
    first = World(settings(server))
    assert ids(first.turn()) == ["id-2"]
    past = Checkpoint(at_ns=NOON, news_ids=first.feed.news_ids)

    three_days_ns = 3 * 86_400 * S
    server.page(
        "/wire",
        rss(
            item(1, at="Thu, 13 Aug 2026 11:00:00 GMT"), item(2), item(3, at="Sat, 15 Aug 2026 13:00:00 GMT")
        ),
    )
    second = World(settings(server), past)
    second.host.clock.mono += three_days_ns
    assert ids(second.turn()) == ["id-3"], "it is two days old, and nobody has had it"


def test_a_restart_that_knows_only_what_was_published_leaves_old_ones_out(server):
    old = "Thu, 13 Aug 2026 11:59:00 GMT"
    server.page("/wire", rss(item(1, at=old), item(2)))
    world = World(settings(server), Checkpoint(at_ns=NOON, news_ids=["wire id-2", "gone id-9", "rubbish"]))
    assert world.turn() == []


def test_stories_of_several_sources(server):
    server.page("/a", rss(item(1, "Fed holds rates again today", link="https://h.example/x?utm_source=a")))
    server.page("/b", rss(item(7, "Something else in four words", link="http://www.h.example/x")))
    assert len(World(settings(server, "a", "b")).turn()) == 2
    once = World(settings(server, "a", "b", same_across_sources=True))
    assert len(once.turn()) == 1
    assert once.host.counters["news_repeated"] == 1


def test_cryptopanic_posts_are_published_with_the_assets_they_name(server):
    body = b"""{"results": [
        {"id": 5, "title": "Mastercard buys", "published_at": "2026-08-15T11:00:00Z", "url": "https://c/5", "currencies": [{"code": "BTC"}]},
        {"id": 6, "title": "ad", "kind": "sponsored"}, {"id": 7}]}"""
    server.page("/api/", body, "application/json")
    world = World(NewsSettings(cryptopanic=CryptopanicSettings(token="t", url=server.url("/api/"))))
    (news,) = world.turn()
    assert (news.source, news.news_id, news.symbols) == ("cryptopanic", "5", ["BTC_USDT"])
    assert (world.host.counters["news_sponsored"], world.host.counters["news_unreadable_posts"]) == (1, 1)


def test_harmless_titles_addresses_and_items_without_a_title(server):
    server.page(
        "/wire",
        rss(
            item(1, "&lt;script&gt;alert(1)&lt;/script&gt;Good", link="javascript:alert(1)"),
            "<item><guid>id-2</guid><link>https://h/2</link></item>",
        ),
    )
    world = World(settings(server))
    (news,) = world.turn()
    assert (news.title, news.url) == ("Good", "")
    assert (world.host.counters["news_bad_url"], world.host.counters["news_no_title"]) == (1, 1)


def test_many_headlines_go_out_in_frames_of_a_hundred(server):
    server.page("/wire", rss(*[item(number) for number in range(250)]))
    world = World(settings(server, max_items=230))
    assert len(world.turn()) == 230
    assert world.host.topics == ["news.wire"] * 3


# the collector itself

NAME = "collector.news.1"


def journalled(run_dir: Path) -> list[News]:
    """Every headline that the collector has published, in all its lives."""
    reader = JournalReader(run_dir / "journal" / NAME, NAME)
    found: list[News] = []
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            for frame in parse_frames(chunk.frames):
                found += decode_events(frame) if frame.topic.startswith("news.") else []
            seq = chunk.last + 1
    return found


def test_a_collector_that_is_killed_publishes_nothing_twice_and_goes_on(server, run_dir):
    now = format_datetime(datetime.now(UTC))
    server.page("/wire", rss())
    section = {"news": {"sources": {"wire": {"url": server.url("/wire")}}, "day_s": 0.2, "night_s": 0.2}}
    config = write_config(run_dir, {NAME: section}, heartbeat_s=0.05)
    with peers_of(run_dir) as peers:
        ear = peers.ear(NAME)
        with ActorProcess("collector", NAME, config) as process:
            ear.beat("RUNNING")
            server.page("/wire", rss(item(1, at=now), item(2, "BTC up", at=now)))
            ear.until(
                lambda news: news.news_id == "id-2" and news.symbols == ["BTC_USDT", "BTC_USDT.PERP"],
                "news.wire",
            )
            until(lambda: server.answers["/wire", 304] > 1, 40.0, "looks that bring nothing new")
            status = msgspec.msgpack.decode(peers.ask(NAME, "status").data)
            assert status["markets"]["news"]["sources"]["wire"]["state"] == "ok"
            until(lambda: len(journalled(run_dir)) == 2, 40.0, "both in the journal")
            process.kill()
        server.page("/wire", rss(item(1, at=now), item(2, "BTC up", at=now), item(3, at=now)))
        looks = len(server.requests)
        with ActorProcess("collector", NAME, config):
            until(lambda: len(server.requests) > looks + 2, 40.0, "looks of the next process")
            until(lambda: len(journalled(run_dir)) >= 3, 40.0, "the new one in the journal")
    assert sorted(ids(journalled(run_dir))) == ["id-1", "id-2", "id-3"]


def test_a_collector_without_a_source_says_so_and_ends(run_dir):
    with ActorProcess("collector", NAME, write_config(run_dir, {NAME: {}})) as process:
        assert process.wait() == 78
        assert "name at least one of sources" in process.stderr_text
