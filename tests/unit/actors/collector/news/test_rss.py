"""RSS and Atom documents, and those that want to do harm. Each is read by the process that live documents are read by."""

import time

import pytest

from actors.collector.news.item import Item, UnreadableNews
from actors.collector.news.rss import parse_feed
from actors.collector.news.times import ns_of

AT = ns_of("2026-08-15T17:26:43Z")
URL = "https://news.example/feeds/rss.xml"
RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>N</title>
<item><title><![CDATA[Fed <b>holds</b> &amp; waits]]></title><link>/a?x=1&amp;y=2</link><guid isPermaLink="false">id-1</guid>
<pubDate>Sat, 15 Aug 2026 17:26:43 GMT</pubDate><media:thumbnail url="x"/></item>
<item><title>No date</title><link>https://other.example/b</link></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title>
<entry><id>urn:1</id><title type="html">A &lt;i&gt;B&lt;/i&gt;</title><link rel="alternate" href="https://h/1"/>
<updated>2026-08-15T19:26:43.25+02:00</updated></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><item rdf:about="https://h/1"><title>One</title><link>https://h/1</link>
<dc:date>2026-08-15T17:26:43Z</dc:date></item></rdf:RDF>"""


def read(body: str | bytes, content_type: str = "", most: int = 100, limit_s: float = 10.0) -> list[Item]:
    return parse_feed(body.encode() if isinstance(body, str) else body, content_type, URL, most, limit_s)


def outcome(body: str, limit_s: float) -> str:
    """`read`, or the reason why not."""
    try:
        read(body, limit_s=limit_s)
    except UnreadableNews as fault:
        return fault.reason
    return "read"


def test_rss_with_html_entities_relative_links_and_an_item_without_a_date():
    first, second = read(RSS)
    assert first == Item("id-1", "Fed <b>holds</b> &amp; waits", "https://news.example/a?x=1&y=2", AT)
    assert (second.title, second.url, second.published_ns) == ("No date", "https://other.example/b", 0)


def test_atom_and_rss_1_0():
    (atom,) = read(ATOM)
    assert (atom.news_id, atom.url, atom.published_ns) == ("urn:1", "https://h/1", AT + 250_000_000)
    (rdf,) = read(RDF)
    assert (rdf.title, rdf.url, rdf.published_ns) == ("One", "https://h/1", AT)


def test_no_more_items_than_wanted():
    assert len(read(RSS, most=1)) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<rss><channel><item><title>Zürich</title></item></channel></rss>".encode("utf-16"), "text/xml"),
        ("<rss><channel><item><title>Zürich</title></item></channel></rss>".encode("latin-1"), "text/xml; charset=iso-8859-1"),
        ("<?xml version='1.0' encoding='windows-1252'?><rss><channel><item><title>Zürich</title></item></channel></rss>".encode("cp1252"), ""),
        ("\ufeff  <rss><channel><item><title>Zürich</title></item></channel></rss>".encode(), ""),
    ],
)  # fmt: skip
def test_any_encoding(body, content_type):
    assert [item.title for item in read(body, content_type)] == ["Zürich"]


@pytest.mark.parametrize(
    "body",
    [
        RSS.replace("&amp; waits", "& waits &nbsp;"),
        RSS.replace("</item>\n</channel></rss>", ""),
        RSS.replace("No date", "No \x0b date"),
        "garbage before " + RSS,
    ],
)
def test_a_feed_that_is_no_good_xml_is_read_as_far_as_it_goes(body):
    assert read(body)[0].news_id == "id-1"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html><body>Just a moment...</body></html>", b'{"error": 1}', b"\x00" * 100, b"\x89PNG" + bytes(500),
        b"/etc/hostname", b"file:///etc/hostname", b"http://127.0.0.1:1/feed",
    ],
)  # fmt: skip
def test_what_is_no_feed_is_refused(body):
    with pytest.raises(UnreadableNews) as refusal:
        read(body)
    assert refusal.value.reason == "not_a_feed"


def test_texts_and_times_that_no_message_can_hold():
    body = f"<rss><channel><item><title>a&#xD800;&#99999999;&#x{'9' * 5000};&#0;b & c</title><guid>\x00g</guid><pubDate>9999-12-31T23:59:59Z</pubDate></item></channel></rss>"
    (item,) = read(body)
    assert item.title.startswith("a\ufffd\ufffd\ufffd\ufffdb")
    item.news_id.encode()
    assert item.published_ns == 0


def laughs(depth: int = 12) -> str:
    rows = "\n".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))
    return (
        f'<?xml version="1.0"?>\n<!DOCTYPE rss [\n<!ENTITY l0 "ha">\n{rows}\n]>\n'
        f"<rss><channel><item><title>&l{depth - 1};</title><guid>g</guid></item></channel></rss>"
    )


def test_entities_of_entities_do_not_expand():
    began_s = time.monotonic()
    for item in read(laughs(), limit_s=5.0):
        assert len(item.title) < 100
    assert time.monotonic() - began_s < 30.0


def test_no_file_is_read_through_an_entity(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOP-SECRET")
    body = f'<?xml version="1.0"?>\n<!DOCTYPE rss [\n<!ENTITY x SYSTEM "file://{secret}">\n]>\n<rss><channel><item><title>a &x; b</title></item></channel></rss>'
    assert all("TOP-SECRET" not in item.title for item in read(body))


@pytest.mark.parametrize(
    "body",
    [
        "<rss><channel><item>" + "".join(f"<category>c{n}</category>" for n in range(60_000)) + "</item></channel></rss>",
        "\n" * 400_000 + "<rss><channel></channel></rss>",
        "<?xml " + "encoding='a' " * 4_000 + "<rss>",
    ],
    ids=["categories", "newlines", "declaration"],
)  # fmt: skip
def test_a_document_that_is_made_to_be_slow_is_given_up(body):
    began_s = time.monotonic()
    assert outcome(body, 1.0) in ("read", "too_costly", "not_a_feed", "parser_failed")
    assert time.monotonic() - began_s < 30.0


def test_the_limit_of_processor_time_is_kept():
    rows = "".join(f"<category>c{n}</category>" for n in range(60_000))
    assert outcome(f"<rss><channel><item>{rows}</item></channel></rss>", 1.0) == "too_costly"


def test_deep_nesting_does_no_harm():
    body = "<rss><channel><item>" + "<a>" * 50_000 + "</item></channel></rss>"
    assert outcome(body, 1.0) in ("read", "too_costly", "parser_failed")
