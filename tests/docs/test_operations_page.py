"""docs/operations.md names every exit code, control operation and script."""

from __future__ import annotations

import re
from unittest.mock import MagicMock

import pytest

from actors.runtime.identity import EXIT_NAME_TAKEN
from actors.runtime.main import EXIT_BUG, EXIT_CONFIG
from actors.simulator.controls import Controls
from actors.simulator.faults import FAULTS
from protocol.endpoints import EXIT_CANNOT_BIND
from tapehub.cli import exit_codes
from tapehub.cli.main import PANELS
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def section(title: str) -> str:
    """Text below one second-level heading."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert match, f"docs/operations.md has no section {title!r}"
    return match[1]


def operations_in(kind: str) -> set[str]:
    """Control operations that an actor's `on_request` tells apart."""
    source = (ROOT / "actors" / kind / "actor.py").read_text()
    body = source.partition("def on_request")[2].partition("\n    def ")[0]
    return set(re.findall(r'case "(\w+)"', body)) | set(re.findall(r'request\.op [!=]= "(\w+)"', body))


@pytest.mark.parametrize("code", [0, EXIT_BUG, EXIT_CANNOT_BIND, EXIT_NAME_TAKEN, EXIT_CONFIG])
def test_exit_code_of_actors(code: int) -> None:
    assert f"| {code} |" in section("Exit codes")


@pytest.mark.parametrize("code", sorted(exit_codes.MEANING))
def test_exit_code_of_commands(code: int) -> None:
    assert f"| {code} |" in COMMANDS.partition("## Exit codes")[2]


@pytest.mark.parametrize("name", [name for names in PANELS.values() for name in names])
def test_command(name: str) -> None:
    assert f"### tapehub {name}\n" in COMMANDS


@pytest.mark.parametrize("kind", ["collector", "aggregator", "detector"])
def test_control_operations(kind: str) -> None:
    operations = operations_in(kind)
    assert operations
    text = section(f"Control the {kind}")
    assert not {name for name in operations if f"| `{name}` |" not in text}


def test_control_operations_of_the_simulator() -> None:
    controls = Controls(MagicMock(), MagicMock(), MagicMock(), MagicMock())
    text = section("Control the simulator")
    assert not {name for name in {*controls.names, *FAULTS} if f"| `{name}` |" not in text}


def test_every_script_is_told_somewhere() -> None:
    pages = "".join(
        path.read_text() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Makefile"]
    )
    for path in (ROOT / "scripts").iterdir():
        if path.is_file() and not path.suffix:
            assert f"scripts/{path.name}" in pages, path.name
