"""What a process loads: an actor starts in milliseconds because it imports little."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.support.paths import ROOT
from tests.support.process import clean_environment

HEAVY = {
    "asyncio", "alembic", "concurrent.futures", "configparser", "databento", "difflib", "duckdb", "email", "fastapi", "html", "http",
    "hypothesis", "httpx", "httpx2", "httpcore2", "importlib.metadata", "matplotlib", "multiprocessing", "numpy", "opentelemetry", "pandas", "picows",
    "polars", "prometheus_client", "pyarrow", "pydantic", "requests", "rich", "smtplib", "sqlalchemy", "sqlalchemy.dialects.postgresql",
    "ssl", "subprocess", "supervisor", "typer", "urllib.request", "uvicorn", "websocket", "websockets", "xml", "zipfile", "zstandard",
}  # fmt: skip
PEOPLE = {"yaml", "actors.runtime.layers", "actors.runtime.conformity", "actors.runtime.tree_conformity"}
"""Needed to read a person's configuration, not the compiled one that supervised actors start with."""
XML_RPC = {"email", "http", "ssl", "xml"}
"""What the standard library asks supervisord with."""
METADATA = {"email", "importlib.metadata", "zipfile"}
SQLALCHEMY = {"sqlalchemy", "asyncio", "concurrent.futures", "ssl", "subprocess", *METADATA}
"""It imports them all since 2.1."""
MAY_LOAD = {
    "aggregator": set[str](),
    "orderflow": {"numpy"},
    "detector": set[str](),
    "scanner": {"yaml", "actors.runtime.conformity", *METADATA},  # its file of rules; plugins of packages
    "hub": set[str](),
    "collector": set[str](),  # the feed of its venue comes later
    "simulator": {"websockets", "http", *METADATA},
    "journal": set[str](),
    "bridge": {"ssl"},
    "guardian": XML_RPC,
    "persistence": SQLALCHEMY,
    "notifier": SQLALCHEMY | XML_RPC,
    "gateway": {
        "asyncio", "concurrent.futures", "configparser", "fastapi", "html", "multiprocessing", "opentelemetry", "prometheus_client",
        "pydantic", "subprocess", "urllib.request", "uvicorn", "websockets", *METADATA, *XML_RPC,
    },
}  # fmt: skip
FEEDS = {
    "exchange": {"websocket", "email", "http", "ssl", "urllib.request"},
    "push": set[str](),
}
"""Folder of a feed to what it may load besides: the default system has these two."""
OWN_MIB = {"persistence": 33, "notifier": 33, "gateway": 42, "orderflow": 20, "simulator": 16, "scanner": 16}
"""Memory of its own that an actor may hold after its imports, beyond a bare interpreter's."""
PLAIN_MIB = 14
"""Of all the others. Measured is two thirds to four fifths of each; an interpreter that compiles anew holds 1 to 3 MiB more."""


class Look(NamedTuple):
    """What a fresh interpreter holds after a statement."""

    modules: frozenset[str]
    anonymous_mib: float | None
    """Memory of its own: no code of libraries, which processes share. None: the system does not tell it apart."""


@functools.cache
def look_after(statement: str) -> Look:
    """Run a statement in an interpreter of its own."""
    tell = f"""
{statement}
import pathlib, sys
print(*sys.modules)
maps = pathlib.Path("/proc/self/smaps_rollup")
print(*(line.split()[1] for line in maps.read_text().splitlines() if line.startswith("Anonymous")) if maps.exists() else "")
"""
    done = subprocess.run(
        [sys.executable, "-c", tell],
        cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules, kib = done.stdout.splitlines()
    return Look(frozenset(modules.split()) - {"pathlib"}, int(kib) / 1024 if kib else None)


def process_of(kind: str) -> str:
    """What `python -m actors.KIND` imports."""
    return f"import actors.{kind}.__main__, actors.runtime.living, actors.{kind}.actor"


def loaded_by(statement: str) -> frozenset[str]:
    """Modules that a fresh interpreter holds after a statement."""
    return look_after(statement).modules


@pytest.mark.parametrize("kind", sorted(MAY_LOAD))
def test_actor_loads_nothing_heavy(kind: str) -> None:
    loaded = loaded_by(process_of(kind))
    unwanted = ((HEAVY | PEOPLE) - MAY_LOAD[kind]) & loaded
    assert not unwanted, f"python -m actors.{kind} imports {sorted(unwanted)}"


def test_every_actor_has_a_budget() -> None:
    kinds = {path.parent.name for path in (ROOT / "actors").glob("*/__main__.py")}
    assert kinds == set(MAY_LOAD)


@pytest.mark.parametrize("feed", sorted(FEEDS))
def test_feed_loads_nothing_heavy(feed: str) -> None:
    loaded = loaded_by(f"import actors.collector.actor, actors.collector.{feed}.feed")
    unwanted = ((HEAVY | PEOPLE) - FEEDS[feed]) & loaded
    assert not unwanted, f"a collector with the feed {feed} imports {sorted(unwanted)}"


@pytest.mark.parametrize("kind", sorted(MAY_LOAD))
def test_actor_stays_within_its_memory(kind: str) -> None:
    bare = look_after("pass").anonymous_mib
    loaded = look_after(process_of(kind)).anonymous_mib
    if bare is None or loaded is None:
        pytest.skip("the system does not tell memory apart")
    own_mib = loaded - bare
    assert own_mib < OWN_MIB.get(kind, PLAIN_MIB), f"actors.{kind} holds {own_mib:.1f} MiB after its imports"


def test_engine_loads_nothing_heavy() -> None:
    unwanted = (HEAVY | {"actors.runtime.actor", "websocket", "websockets"}) & loaded_by(
        "from tapehub import Hub"
    )
    assert not unwanted, f"an engine that imports Hub also gets {sorted(unwanted)}"


def test_budget_notices() -> None:
    assert "asyncio" in loaded_by("import asyncio")
