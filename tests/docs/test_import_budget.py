"""What a process loads: an actor starts in milliseconds because it imports little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.process import clean_environment

HEAVY = {
    "asyncio", "alembic", "databento", "duckdb", "fastapi", "hypothesis", "httpx", "httpx2", "httpcore2", "matplotlib", "pandas", "polars",
    "prometheus_client", "pyarrow", "pydantic", "requests", "rich", "sqlalchemy", "supervisor", "typer", "uvicorn",
}  # fmt: skip
PEOPLE = {"yaml", "actors.runtime.layers", "actors.runtime.conformity", "actors.runtime.tree_conformity"}
"""Needed to read a person's configuration, not the compiled one that supervised actors start with."""
MAY_LOAD = {
    "aggregator": set[str](),
    "orderflow": {"numpy"},
    "detector": set[str](),
    "hub": set[str](),
    "collector": {"websocket"},
    "simulator": {"websockets"},
    "journal": set[str](),
    "bridge": set[str](),
    "guardian": {"supervisor"},
    "persistence": {"sqlalchemy", "asyncio"},  # SQLAlchemy 2.1 imports it
}
EVERYWHERE_BUT = {"numpy", "websocket", "websockets", "zstandard"}
"""Of these an actor loads only what `MAY_LOAD` names."""


def loaded_by(statement: str) -> set[str]:
    """Modules that a fresh interpreter holds after a statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys; print(*sys.modules)"],
        cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize("kind", sorted(MAY_LOAD))
def test_actor_loads_nothing_heavy(kind: str) -> None:
    loaded = loaded_by(f"import actors.{kind}.__main__, actors.{kind}.actor")
    unwanted = ((HEAVY | PEOPLE | EVERYWHERE_BUT) - MAY_LOAD[kind]) & loaded
    assert not unwanted, f"python -m actors.{kind} imports {sorted(unwanted)}"


def test_engine_loads_nothing_heavy() -> None:
    unwanted = (HEAVY | {"actors.runtime.actor", "websocket", "websockets"}) & loaded_by(
        "from tapehub import Hub"
    )
    assert not unwanted, f"an engine that imports Hub also gets {sorted(unwanted)}"


def test_budget_notices() -> None:
    assert "asyncio" in loaded_by("import asyncio")
