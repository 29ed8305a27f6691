"""docs/benchmarks-growth.md from the JSON of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.bench.knees import FACTOR, SHARE
from tests.bench.report import number

_INTRO: Final = f"""\
<!-- Written by `python -m tests.bench.growth` from a run of `./scripts/bench growth`. Run it again instead of changing it. -->

What one event costs and what memory is taken, against symbols, subscribers, depth of windows and rate of events, up to what one
actor takes and past it. Processor time is that of all threads of a process. A **knee** is found by rule, not by eye: of a cost that
grows, the last point up to which it stays within {FACTOR:g} times its lowest; of one that falls, the first point from which on it
does; of what is taken against what is sent, the last rate of which at least {SHARE:.0%} was taken. The reason given is what was measured
beside the curve and follows it best (correlation of ranks). What happens past saturation, and why: [scale.md](scale.md#past-saturation)."""
_REPEAT: Final = """\
```
./scripts/bench growth                            # about ten minutes, on a quiet machine
./scripts/bench growth --quick                    # does it run at all
python -m tests.bench.growth                      # this page and its pictures from var/bench/growth.json
```"""


def page(document: Mapping[str, Any]) -> str:
    """The page."""
    parts = ["# Growth", "", _INTRO, "", "## What was found", "", *_table(document["rows"]), ""]
    parts += ["## Curves", ""]
    for plot in document["plots"]:
        parts += [f"![{plot['title']}](images/{plot['name']}.svg)", "", _knee(plot), ""]
    machine = "; ".join(f"{name} {value}" for name, value in document["machine"].items())
    parts += ["## The machine, and how to do it again", "", machine + ".", "", _REPEAT, ""]
    return "\n".join(parts)


def _knee(plot: Mapping[str, Any]) -> str:
    knee = plot["knee"]
    if not knee:
        return f"{plot['title']}: no knee in this range."
    return f"{plot['title']}: knee at **{knee['x']:,.4g} {plot['x_label']}**; {knee['why']}."


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| what | measured | against | ratio | |", "|---|---|---|---|---|"]
    for row in rows:
        against = f"{number(row['baseline'])} {row['unit']}" if row["baseline"] else ""
        ratio = f"{row['ratio']:.2f}x" if row["ratio"] else ""
        cells = (row["what"], f"{number(row['measured'])} {row['unit']}", against, ratio, row["note"])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines
