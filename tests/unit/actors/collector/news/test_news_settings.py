"""What a person writes, and what is shown of it."""

import msgspec
import pytest

from actors.collector.news.settings import NewsSettings
from actors.runtime.conformity import faults
from actors.runtime.hiding import HIDDEN, without_secrets


def told(data: dict) -> list[str]:
    return [fault.text for fault in faults(data, NewsSettings, ())]


def test_a_whole_section_is_understood_and_the_token_is_not_shown():
    data = {
        "sources": {"coindesk": {"url": "https://h/rss", "day_s": 60}},
        "cryptopanic": {"token": "s3cret", "currencies": ["BTC"]},
        "day_begins_utc": 22,
        "day_ends_utc": 6,
    }
    assert told(data) == []
    shown = without_secrets(msgspec.to_builtins(msgspec.convert(data, NewsSettings)))
    assert shown["cryptopanic"]["token"] == HIDDEN
    assert "s3cret" not in repr(shown)
    assert shown["sources"]["coindesk"]["url"] == "https://h/rss"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"sources": {"Bad Name": {"url": "https://h/"}}}, "is not a name like coindesk"),
        ({"sources": {"cryptopanic": {"url": "https://h/"}}}, "give an RSS feed another name"),
        ({"sources": {"a": {"url": "file:///etc/passwd"}}}, "http:// or https://"),
        ({"sources": {"a": {"url": "http://[::1"}}}, "http:// or https://"),
        ({"sources": {"a": {}}}, "url is missing"),
        ({"cryptopanic": {"url": "ftp://h/"}}, "http:// or https://"),
        ({"day_begins_utc": 24}, "an integer >= 0 and <= 23"),
        ({"day_s": 0}, "a number > 0"),
        ({"feeds": {}}, "unknown key"),
    ],
)
def test_a_mistake_is_told_in_words(data, word):
    assert any(word in text for text in told(data)), told(data)
