"""What strangers write, on one line of plain text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.harmless import clean_id, clean_title, clean_url, same_title, same_url


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("Fed &amp; ECB hold rates", "Fed & ECB hold rates"),
        ("<b>Bitcoin</b> hits <i>high</i>", "Bitcoin hits high"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;BTC", "BTC"),
        ("<script>alert(1)</script>BTC up", "BTC up"),
        ("<img src=x onerror=alert(1)>ETH", "ETH"),
        ("<img src=x onerror=alert(1)", ""),
        ("a <!-- hidden --> b", "a b"),
        ("AT&amp;amp;T", "AT&T"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("two\n\tlines\u2028here", "two lines here"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202eevil\u202c \u200bzero", "evil zero"),
        ("&#x1b;[2J&#0;&#xd800;", "[2J\ufffd\ufffd"),
        ("R&eacute;sum&#233;", "Résumé"),
        ("   ", ""),
    ],
)
def test_a_title_becomes_plain_text(raw, plain):
    assert clean_title(raw, 200) == plain


def test_a_long_title_is_cut_where_it_says_so():
    assert clean_title("x" * 1_000_000, 50) == "x" * 49 + "…"


@given(st.text(max_size=300) | st.text("<>&;#x/!- abscriptlg\x1b\u202e", max_size=80))
def test_no_title_keeps_a_control_character_or_gets_too_long(text):
    found = clean_title(text, 40)
    assert len(found) <= 40
    assert not [char for char in found if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert "<script" not in found.lower()


@pytest.mark.parametrize(
    "hostile", ["<" * 20_000, "<a" * 10_000, "<!--" * 5_000, "<script>" * 2_500, "&" * 20_000]
)
def test_a_hostile_title_costs_little(hostile):
    clean_title(
        hostile, 100
    )  # the time limit of the whole test run is the assertion: quadratic ones take minutes


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "ftp://host/x", "//host/x", "/x", "http://",
        "http://a b/", "http://host/\x00", 'http://host/"onclick=', "http://user:pw@host/", "http://[::1", "http://h:0/",
        "http://host/" + "x" * 3000, "\u202ehttp://host/", "http://host:99999/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url):
    assert clean_url(url) == ""


def test_a_scheme_is_written_small():
    assert clean_url("hTTps://Example.com/A") == "https://Example.com/A"


def test_a_web_address_stays_as_it_is():
    for url in ("https://cointelegraph.com/news/x?utm_source=rss", "http://host:8080/ä#frag"):
        assert clean_url(f" {url}\n") == url


def test_an_id_is_the_sources_own_or_made_of_what_there_is():
    assert clean_id(" 123 ", "https://h/x", "t") == "123"
    assert clean_id("", "https://h/x", "t") == "https://h/x"
    made = clean_id("has a space", "", "t")
    assert len(made) == 32
    assert made != clean_id("has a space", "", "other")
    assert " " not in clean_id("x" * 5000, "https://h/" + "y" * 400, "t")


def test_one_story_has_one_address_whatever_marks_it_carries():
    first = same_url("https://www.Example.com/a/?utm_source=rss&id=1#top")
    assert first == same_url("http://example.com/a?id=1&fbclid=zzz") == "example.com/a?id=1"
    assert first != same_url("http://example.com/a?id=2")


def test_titles_are_compared_by_their_words():
    assert same_title("Fed HOLDS rates, again!") == same_title("Fed holds rates - again")
    assert same_title("Market update") == ""
