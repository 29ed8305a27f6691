"""CryptoPanic's posts, of all years."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.cryptopanic import parse_posts, request_url
from actors.collector.news.item import UnreadableNews
from actors.collector.news.settings import CryptopanicSettings
from actors.collector.news.times import ns_of

POST = {
    "id": 7, "slug": "s", "title": "BTC up", "description": None, "published_at": "2026-11-20T10:00:00Z",
    "created_at": "2026-11-20T10:00:01Z", "kind": "news", "source": {"title": "t", "domain": "d"}, "url": "https://h/7",
    "instruments": [{"code": "BTC", "title": "Bitcoin"}], "votes": {"positive": 0}, "new_field": [1, {"a": 2}],
}  # fmt: skip


def page(*posts: object) -> bytes:
    return json.dumps({"next": None, "previous": None, "results": list(posts)}).encode()


def test_a_post_of_the_developer_plan():
    (item,) = parse_posts(page(POST)).items
    assert (item.news_id, item.title, item.url, item.codes) == ("7", "BTC up", "https://h/7", ("BTC",))
    assert item.published_ns == ns_of("2026-11-20T10:00:00Z")


def test_codes_of_both_shapes_are_taken_once():
    both = POST | {"currencies": [{"code": "ETH"}, {"code": "BTC"}, {"title": "no code"}]}
    assert parse_posts(page(both)).items[0].codes == ("ETH", "BTC")


def test_a_bad_post_does_not_take_the_good_ones_with_it():
    found = parse_posts(
        page({"id": []}, POST, {"id": 1, "title": 5}, {"id": 2}, "text", POST | {"kind": "sponsored"})
    )
    assert [item.news_id for item in found.items] == ["7"]
    assert (found.unreadable, found.sponsored) == (4, 1)


def test_fields_that_are_missing_or_null_do_not_matter():
    (item,) = parse_posts(page({"title": "t", "id": None, "url": None, "currencies": None})).items
    assert (item.news_id, item.url, item.published_ns, item.codes) == ("", "", 0, ())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"results": 5}', b'{"results": [', b"\xff" * 10, b"[" * 5000])  # fmt: skip
def test_what_is_no_answer_of_it_is_refused(body):
    with pytest.raises(UnreadableNews):
        parse_posts(body)


@given(st.data())
def test_a_damaged_answer_is_read_or_refused_and_nothing_else(data):
    body = bytearray(page(POST, POST | {"id": "x"}))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not body:
            break
    try:
        found = parse_posts(bytes(body))
    except UnreadableNews as refusal:
        reason = refusal.reason
    else:
        reason = ""
        assert all(item.title for item in found.items)
    assert reason in ("", "not_json", "no_posts")


def test_the_request_asks_for_what_is_configured():
    settings = CryptopanicSettings(
        token="s3cret&", url="https://h/api/?x=1", currencies=["BTC", "ETH"], filter="hot"
    )
    parts = urlsplit(request_url(settings))
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "h", "/api/")
    assert parse_qs(parts.query) == {
        "x": ["1"], "auth_token": ["s3cret&"], "public": ["true"], "currencies": ["BTC,ETH"], "kind": ["news"], "filter": ["hot"],
    }  # fmt: skip
