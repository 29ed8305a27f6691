"""What docs/howto/write-a-strategy.md shows works as it stands there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml

from actors.runtime.settings import load
from actors.scanner.market import Market
from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.settings import ScannerSettings
from tests.support.config import write_config
from tests.support.examples import example
from tests.support.paths import ROOT

GUIDE = ROOT / "docs" / "howto" / "write-a-strategy.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "inside_bar.py").write_text(example(GUIDE, "strategy"))
    (tmp_path / "strategies" / "test_inside_bar.py").write_text(example(GUIDE, "test"))
    return tmp_path


def test_file_and_configuration(folder: Path) -> None:
    configuration = re.search(r"<!-- run: configuration -->\n```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert configuration
    sections = yaml.safe_load(configuration[1])["actors"]
    loaded = load(write_config(folder, sections))
    settings = loaded.section("scanner.1", ScannerSettings)
    made = strategies_of(settings.strategies, plugins_of(folder / settings.strategies_folder))
    assert {name: one.needs.timeframe for name, one in made.items()} == {
        "inside_bar": "5m",
        "inside_bar_slow": "1h",
    }


def test_its_test(folder: Path) -> None:
    tests = runpy.run_path(str(folder / "strategies" / "test_inside_bar.py"))
    ran = [run() for name, run in tests.items() if name.startswith("test_")]
    assert len(ran) == 2


def test_reasons_of_the_table_are_those_that_are_told() -> None:
    source = Path(str(Market.__init__.__code__.co_filename)).read_text()
    for reason in ("market closed", "no quote", "stale quote", "crossed quote", "gap open"):
        assert f'"{reason}"' in source
        assert f"`{reason}`" in GUIDE.read_text()
