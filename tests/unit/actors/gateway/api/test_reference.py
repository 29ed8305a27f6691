"""docs/http.md: its examples are answered, and it names every read and every code."""

from __future__ import annotations

import re

import pytest

from actors.gateway.api.openapi import TEXTS
from actors.gateway.problems import STATUS
from tests.support.paths import ROOT
from tests.unit.actors.gateway.api.desk import Desk

PAGE = (ROOT / "docs" / "http.md").read_text()
GETS = re.findall(
    r"^curl (?:-N )?(?:-H '(\w+): ([^']+)' )?'http://127\.0\.0\.1:9800(/api/v1/[^']+)'$", PAGE, re.MULTILINE
)
TABLE = PAGE.split("## Reads")[1].split("*range*")[0]


@pytest.mark.parametrize(("header", "value", "path"), GETS, ids=[path for _, _, path in GETS])
def test_examples_are_answered(full: Desk, header: str, value: str, path: str) -> None:
    answer = full.get(path, headers={header: value} if header else None)
    assert answer.status_code == 200, answer.text
    assert answer.content


def test_there_are_examples() -> None:
    assert len(GETS) >= 6


def test_every_read_and_its_parameters_are_named(full: Desk) -> None:
    common = {"format", "time", "numbers", "layout", "limit", "cursor", "from_ns", "to_ns", "symbol"}
    document = full.data("/openapi.json")
    mine = {"Market", "Order flow", "Events", "History", "Instruments"}
    for path, methods in document["paths"].items():
        if not set(methods.get("get", {}).get("tags", [])) & mine:
            continue
        name = path.removeprefix("/api/v1")
        rows = [row for row in TABLE.splitlines() if f"`{name}`" in row]
        assert len(rows) == 1, name
        asked = {one["name"] for one in methods["get"].get("parameters", [])} - common
        assert {one for one in asked if f"`{one}`" not in rows[0]} == set(), name


def test_every_code_is_named_and_explained() -> None:
    refusals = PAGE.split("## Refusals")[1]
    assert {code for code in STATUS if f"`{code}`" not in refusals} == set()
    assert set(TEXTS) == set(STATUS)
