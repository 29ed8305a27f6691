"""The indicator of the how-to is one: put into the library it is found, named and right."""

import importlib
import sys

import numpy as np
import pytest

from actors.aggregator.indicators import registry
from actors.aggregator.indicators.history import over
from actors.aggregator.indicators.registry import functions, named
from tests.support.examples import code_lines, example
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "howto" / "add-an-indicator.md"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The library with one file more, and without it afterwards."""
    (tmp_path / "travel.py").write_text(example(PAGE, "indicator"))
    package = importlib.import_module(registry.LIBRARY)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    known = dict(functions())
    functions.cache_clear()
    yield
    functions.cache_clear()
    named.cache_clear()
    registry._functions.clear()
    registry._functions.update(known)
    sys.modules.pop(f"{registry.LIBRARY}.travel", None)


@pytest.mark.usefixtures("library")
def test_a_file_in_the_library_is_an_indicator():
    assert code_lines(example(PAGE, "indicator")) <= 20
    one = named("travel(3)")
    assert one.keys == ("travel_3",)
    close = np.array([1.0, 2.0, 4.0, 3.0, 3.0])
    bars = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    assert over([one], bars)["travel_3"][3:].tolist() == [2 / 6, 1 / 6]


def test_the_page_lists_every_indicator():
    page = PAGE.read_text()
    listed = page[page.index("## What there is") :]
    missing = [
        name
        for name in functions()
        if name not in listed.replace("`", " ").split() and f"{name}`" not in listed
    ]
    assert missing == []
