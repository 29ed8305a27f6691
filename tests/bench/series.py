"""A measured curve as plain JSON, for whoever draws or prints it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.knees import Knee

Plot = dict[str, Any]


def plot_of(
    name: str,
    title: str,
    x_label: str,
    y_label: str,
    xs: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    knee: Knee | None = None,
    told: str = "",
) -> Plot:
    """Curves over the same xs; one that is shorter ends earlier."""
    return {
        "name": name,
        "title": title,
        "told": told,
        "x_label": x_label,
        "y_label": y_label,
        "series": [
            {"name": curve, "x": list(xs[: len(ys)]), "y": [round(y, 4) for y in ys]}
            for curve, ys in curves.items()
        ],
        "knee": None if knee is None else {"x": knee.x, "why": knee.why},
    }
