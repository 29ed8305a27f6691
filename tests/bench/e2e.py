"""One event on its way: what a frame costs the collector, and how late it is visible in the hub."""

from __future__ import annotations

from tests.bench import hop, parse
from tests.bench.report import Row


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Cost per frame, then p50 and p99 of the delay."""
    return [parse.run(rounds, quick=quick), *hop.run(rounds, quick=quick)]
