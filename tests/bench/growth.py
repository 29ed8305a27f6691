"""Growth: cost of an event and memory against symbols, subscribers, depth of windows and rate, up to saturation and past it.

The suite prints its rows with all others, and leaves its curves in `var/bench/growth.json`, from where `./scripts/bench --doc` takes
them into docs/benchmarks.md.

Where a curve bends is found by the rules of tests/bench/knees.py, and the reason named is what was measured beside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from tests.bench import growth_rates, growth_recovery, growth_subscribers, growth_symbols, growth_windows
from tests.bench.report import Row, machine
from tests.bench.series import Plot
from tests.support.paths import ROOT

RESULT: Final = ROOT / "var" / "bench" / "growth.json"
USUAL: Final = 5
"""Rounds for which the times below count."""
SECONDS: Final = 4.0
RATE_SECONDS: Final = 2.0
OVERLOAD_S: Final = 4.0


def run(rounds: int, *, quick: bool) -> list[Row]:
    """All parts; more rounds are longer looks."""
    longer = max(1.0, rounds / USUAL)
    if quick:
        parts = [
            growth_symbols.run(1.5, (3, 50)),
            growth_subscribers.run(1.0, (1, 10)),
            growth_windows.run(40, (500, 2000), (1, 100, 1000)),
            growth_rates.run(1.0, (1000, 10_000, 40_000)),
            growth_recovery.run(2.0),
        ]
    else:
        parts = [
            growth_symbols.run(SECONDS * longer),
            growth_subscribers.run(RATE_SECONDS * longer),
            growth_windows.run(),
            growth_rates.run(RATE_SECONDS * longer),
            growth_recovery.run(OVERLOAD_S),
        ]
    rows: list[Row] = []
    plots: list[Plot] = []
    for found, drawn in parts:
        rows += found
        plots += drawn
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(
        json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows], "plots": plots}, indent=1)
    )
    return rows
