"""What other commands have found of the promises, from the JSON that they print: kills from guardian-check, slopes from soak. Pure.

`./scripts/guardian-check --json` and `./scripts/soak --json` take longer than all benchmarks together, so they are run by
themselves; what they said is put into the same table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.bench.report import Row

LIMITS_S: Final = {"guardian": 1.0, "alone": 5.0}
WHO: Final = {"guardian": "with the guardian", "alone": "supervisord alone"}
OWN: Final = ("simulator.1", "guardian.1")
"""The venue and the guardian itself are killed too, but nothing is promised for them."""
HOURS: Final = 24.0


def kill_rows(document: Mapping[str, Any]) -> list[Row]:
    """Rows of `guardian-check --json`: what was lost and doubled, and the worst way back."""
    lines = [line for part in document.values() if isinstance(part, dict) for line in part.get("lines", [])]
    compared = [line for line in lines if line.get("data") == "compared"]
    rows = []
    for what in ("lost", "doubled"):
        count, trades = sum(line[what] for line in compared), sum(line["trades"] for line in compared)
        rows.append(
            Row(
                "guardian-check", f"trades {what}", float(count), 0.0, "trades", 0.0, 0.0, of_value=True,
                note=f"of {trades:,}", goal_id="kill",
            )
        )  # fmt: skip
    for who, limit_s in LIMITS_S.items():
        kills = [line for line in lines if line.get("who") == who and line["actor"] not in OWN]
        if kills:
            worst = max(kills, key=_worst)
            count = sum(line["kills"] for line in kills)
            rows.append(
                Row(
                    "guardian-check", f"fresh again after kill -9, {WHO[who]}, the worst", _worst(worst), 0.0, "s", 0.0, limit_s,
                    of_value=True, note=f"{worst['actor']}, of {count} kills", goal_id="kill",
                )
            )  # fmt: skip
    return rows


def slope_rows(document: Mapping[str, Any]) -> list[Row]:
    """Rows of `soak --json`: slopes that grow, and what all together would take in a day more."""
    memory = [
        line for line in document["slopes"] if line["what"].endswith("MiB") and line["verdict"] != "told"
    ]
    growing = [line["actor"] for line in memory if line["verdict"] == "GROWS"]
    vague = sum(line["verdict"] == "vague" for line in memory)
    minutes, rate = document["seconds"] / 60, document["rate_per_s"]
    run = f"{minutes:.0f} minutes at {rate:,.0f} events/s"
    said = [run, *growing, *([f"{vague} too short to say"] if vague else [])]
    day = sum(line["per_hour"] for line in memory) * HOURS
    return [
        Row("soak", "actors whose memory grows", float(len(growing)), 0.0, "actors", 0.0, 0.0, of_value=True,
            note=", ".join(said), goal_id="slope"),
        Row("soak", "all slopes together, in 24 hours", day, 0.0, "MiB", 0.0, note=run, goal_id="slope"),
    ]  # fmt: skip


SOURCES: Final[Mapping[str, Callable[[Mapping[str, Any]], list[Row]]]] = {
    "guardian-check.json": kill_rows,
    "soak.json": slope_rows,
}
"""File of the output folder to what reads it."""


def rows_in(folder: Path) -> Iterable[Row]:
    """Rows of those documents that are in a folder."""
    for name, rows_of in SOURCES.items():
        path = folder / name
        if path.is_file():
            yield from rows_of(json.loads(path.read_text()))


def _worst(line: Mapping[str, Any]) -> float:
    """`fresh` is `median/worst`, seconds."""
    return float(str(line["fresh"]).partition("/")[2])
