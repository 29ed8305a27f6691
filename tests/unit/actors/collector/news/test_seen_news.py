"""No headline twice, in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from actors.collector.news.seen import SeenIds, SeenStories


@given(
    st.integers(1, 20), st.lists(st.lists(st.integers(0, 60).map(str), max_size=30), min_size=1, max_size=30)
)
def test_what_a_source_still_shows_is_never_forgotten_and_the_rest_is_bounded(limit, documents):
    seen = SeenIds(limit)
    for document in documents:
        seen.add(document)
        assert all(news_id in seen for news_id in document)
        assert len(seen) <= max(limit, len(document))
        assert set(document) <= set(seen.newest)


def test_the_oldest_ids_go_first():
    seen = SeenIds(3)
    seen.add(["a", "b", "c"])
    seen.add(["d"])
    assert seen.newest == ["b", "c", "d"]
    assert "a" not in seen


def test_a_restart_is_told_a_hundred_ids_or_what_the_source_shows():
    seen = SeenIds(1000)
    seen.add(map(str, range(300)))
    assert len(seen.newest) == 300
    seen.add(["300", "301"])
    assert seen.newest == [str(number) for number in range(202, 302)]


def test_a_story_is_known_by_its_address_or_its_headline():
    stories = SeenStories(limit=6)
    assert stories.is_new("https://a.com/x?utm_source=1", "Fed holds rates again today")
    assert not stories.is_new("https://www.a.com/x", "Another headline of four words")
    assert not stories.is_new("https://b.com/y", "Fed Holds Rates Again Today!")
    assert stories.is_new("", "short")
    assert stories.is_new("", "short"), "two words prove nothing"


def test_stories_are_bounded():
    stories = SeenStories(limit=10)
    for number in range(100):
        assert stories.is_new(f"https://a.com/{number}", "")
    assert stories.is_new("https://a.com/0", ""), "the oldest is forgotten"
    assert not stories.is_new("https://a.com/99", "")
