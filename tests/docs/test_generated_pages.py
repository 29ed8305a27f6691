"""The reference pages say what the code says."""

from __future__ import annotations

import pytest

from scripts.make_docs import PAGES, actor_types, messages_page
from tests.support.paths import ROOT


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_what_make_docs_would_write(name: str) -> None:
    path = ROOT / "docs" / name
    assert path.exists(), f"docs/{name} is missing: run `make docs`"
    assert path.read_text() == PAGES[name](), f"docs/{name} is not up to date: run `make docs`"


@pytest.mark.parametrize("name", ["configuration.md", "messages.md"])
def test_every_field_has_a_meaning(name: str) -> None:
    empty = [line for line in PAGES[name]().splitlines() if line.startswith("|") and line.endswith("|  |")]
    assert not empty, f"no docstring under these fields: {empty}"


def test_pages_hold_every_message_and_every_actor() -> None:
    from protocol.messages import MESSAGE_TYPES

    page = messages_page()
    for kind in MESSAGE_TYPES:
        assert f"## {kind.__name__}\n" in page
    assert {"aggregator", "collector", "hub", "simulator"} <= actor_types().keys()
