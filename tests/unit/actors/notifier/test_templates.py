"""Templates: names and number formats, and nothing of Python behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.notifier.markdown import LONGEST, escape, length_of
from actors.notifier.note import FIELDS, note_of_alert, note_of_signal
from actors.notifier.templates import MARKDOWN, PLAIN, Template, TemplateBook, TemplateError
from tests.support.notifier_world import alert_of, signal_of
from tests.support.telegram_server import shown_text

VALUES = {"symbol": "EUR_USD", "entry": 1.07123457, "revision": 2, "text": "", "reasons": ""}
NAMES = FIELDS["signal"]


def test_values_with_and_without_a_format() -> None:
    template = Template("{symbol} {entry:.5f} {entry} {revision:d} {{braces}}", NAMES)
    assert template.render(VALUES) == "EUR_USD 1.07123 1.07123457 2 {braces}"


def test_a_line_whose_fields_are_empty_is_left_out() -> None:
    assert (
        Template("a\n{text}{reasons}\n\nb {text}\n{symbol} {text}", NAMES).render(VALUES) == "a\n\nEUR_USD "
    )


@pytest.mark.parametrize(
    "text",
    [
        "{symbol.__class__}",
        "{symbol[0]}",
        "{symbol!r}",
        "{0}",
        "{}",
        "{nothing}",
        "{entry:{revision}}",
        "{entry:>100000000}",
        "{entry:x}",
        "{symbol",
        "}",
    ],
)
def test_nothing_else_of_pythons_formats(text: str) -> None:
    with pytest.raises(TemplateError):
        Template(text, NAMES)


def test_a_field_that_is_no_number_ignores_the_format() -> None:
    assert Template("{symbol:.2f}", NAMES).render(VALUES) == "EUR_USD"


def test_the_fault_names_the_template() -> None:
    with pytest.raises(TemplateError, match=r"alert: .*\{entry\}.*there are: .*rule"):
        TemplateBook({"alert": "{entry}"}, is_markdown=True)
    with pytest.raises(TemplateError, match="subject"):
        TemplateBook({"subject": "{stop}"}, is_markdown=False)


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_the_default_ones_name_only_what_there_is(kind: str) -> None:
    values = {name: f"<{name}>_*!" for name in FIELDS[kind]}
    marked = Template(MARKDOWN[kind], FIELDS[kind]).render(values, escape)
    assert shown_text(marked, "MarkdownV2") == Template(PLAIN[kind], FIELDS[kind]).render(values)


@given(st.text(max_size=30), st.integers(1, 400))
def test_a_message_is_never_too_long_and_always_taken(text: str, times: int) -> None:
    values = dict.fromkeys(NAMES, text * times)
    found = Template(MARKDOWN["signal"] + "\n" + "{text}" * 30, NAMES).render(values, escape)
    assert length_of(found) <= LONGEST
    shown_text(f"x{found}", "MarkdownV2")


def test_signals_and_alerts_have_every_field() -> None:
    assert set(note_of_signal(signal_of(1), 0).fields) == set(FIELDS["signal"])
    assert set(FIELDS["alert"]) <= set(note_of_alert(alert_of(1), 0).fields)
