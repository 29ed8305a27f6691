"""The part of docs/benchmarks.md that says how cost and memory grow, from the JSON of a run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.bench.growth_plots import svg_of
from tests.bench.knees import FACTOR, SHARE
from tests.bench.report import number

NOT_RUN: Final = "Not measured yet: `./scripts/bench growth`."
_INTRO: Final = f"""\
What one event costs and what memory is taken, against symbols, subscribers, depth of windows and rate of events, up to what one
actor takes and past it. Processor time is that of all threads of a process. A **knee** is found by rule, not by eye: of a cost that
grows, the last point up to which it stays within {FACTOR:g} times its lowest; of one that falls, the first point from which on it
does; of what is taken against what is sent, the last rate of which at least {SHARE:.0%} was taken. The reason given is what was measured
beside the curve and follows it best (correlation of ranks). What happens past saturation, and why: [scale.md](scale.md#past-saturation)."""


def section(document: Mapping[str, Any] | None, images: str) -> list[str]:
    """Its lines.

    Args:
        document: What `./scripts/bench growth` left; None: it was not run.
        images: Folder of the pictures, from the page.
    """
    if document is None:
        return [NOT_RUN]
    lines = [_INTRO, "", *_table(document["rows"]), ""]
    for plot in document["plots"]:
        lines += [f"![{plot['title']}]({images}/{plot['name']}.svg)", "", _knee(plot), ""]
    machine = "; ".join(f"{name} {value}" for name, value in document["machine"].items())
    return [*lines, f"Growth was measured on: {machine}."]


def pictures(document: Mapping[str, Any] | None) -> dict[str, str]:
    """File name to SVG."""
    plots = document["plots"] if document else []
    return {f"{plot['name']}.svg": svg_of(plot) for plot in plots}


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
