"""MarkdownV2: whatever a text is, escaped it reads as it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.notifier.markdown import SPECIAL, cleaned, escape, length_of, plain, shortened, unescape
from tests.support.telegram_server import BadRequest, shown_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(TEXTS)
@example(SPECIAL + "\\")
@example("\\*_\\_*")
def test_escaped_text_reads_as_it_is(text: str) -> None:
    # in front of it and behind it stands something, so that an empty text is no empty message
    assert shown_text(f"a{escape(text)}b", "MarkdownV2") == f"a{cleaned(text)}b"


@given(TEXTS)
def test_escaped_text_reads_as_it_is_within_markup(text: str) -> None:
    for sign in ("*", "_", "`", "~"):
        assert shown_text(f"{sign}a{escape(text)}b{sign}", "MarkdownV2") == f"a{cleaned(text)}b"


@given(TEXTS)
def test_without_its_markup_it_reads_the_same(text: str) -> None:
    assert unescape(escape(text)) == cleaned(text)
    assert plain(f"*a* {escape(text)}") == f"a {cleaned(text)}"


@pytest.mark.parametrize("sign", list(SPECIAL))
def test_each_of_the_18_signs_means_something(sign: str) -> None:
    """The server refuses each alone: what would not be escaped would be found."""
    assert len(SPECIAL) == len(set(SPECIAL)) == 18
    with pytest.raises(BadRequest):
        shown_text(f"a{sign}b", "MarkdownV2")


@given(TEXTS, st.integers(1, 50))
def test_a_shortened_text_is_short(text: str, longest: int) -> None:
    found = shortened(text, longest)
    assert length_of(found) <= longest
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))


def test_control_characters_and_halves_of_characters_go() -> None:
    assert escape("a\x00b\x1b[31m\ud800c\n\td") == "ab\\[31mc\n\td"
