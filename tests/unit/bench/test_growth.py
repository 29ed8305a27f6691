"""Curves as pictures and as a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.growth_page import NOT_RUN, section
from tests.bench.growth_plots import BOTTOM, LEFT, RIGHT, TOP, axis_of, svg_of
from tests.bench.knees import Knee
from tests.bench.series import plot_of

XS = [3.0, 10.0, 50.0, 5000.0]
CURVES = {"hub & co": [5.0, 6.0, 7.0, 9.0], "short": [1.0, 100.0]}


def plot(knee: Knee | None = None) -> dict:
    return plot_of("growth-x", "Cost < symbols", "symbols", "us", XS, CURVES, knee, "told")


def test_a_picture_is_well_formed_and_has_every_point_of_every_curve_within_its_frame() -> None:
    root = ET.fromstring(svg_of(plot(Knee(50.0, "why"))))
    lines = [one.get("points", "") for one in root.iter() if "line" in str(one.get("class"))]
    places = [tuple(map(float, one.split(","))) for line in lines for one in line.split()]

    assert len([line for line in lines if len(line.split()) in (4, 2)]) >= 2
    assert all(LEFT - 0.1 <= x <= RIGHT + 60 and TOP - 20 <= y <= BOTTOM + 0.1 for x, y in places)
    words = " ".join(root.itertext())
    assert all(
        text in words for text in ("Cost < symbols", "hub & co", "short", "knee at 50", "symbols", "us")
    )


def test_a_curve_without_points_is_left_out() -> None:
    empty = plot_of("growth-x", "t", "x", "y", [], {"nowhere": []})

    assert "nowhere" not in svg_of(empty)


@given(st.lists(st.floats(0.001, 1e7), min_size=1, max_size=9), st.booleans())
def test_an_axis_has_room_for_all_it_shows_and_ticks_between_its_ends(
    values: list[float], from_zero: bool
) -> None:
    axis = axis_of(values, from_zero=from_zero)

    assert axis.low < axis.high
    assert all(-1e-9 <= axis.share(value) <= 1 + 1e-9 for value in values)
    assert all(-0.01 <= axis.share(tick) <= 1.01 for tick in axis.ticks())


@pytest.mark.parametrize("knee", [None, Knee(50.0, "frames get fuller")])
def test_the_page_names_each_knee_and_its_reason_or_says_that_there_is_none(knee: Knee | None) -> None:
    row = {
        "what": "hub | all",
        "measured": 1234.5,
        "baseline": 2.0,
        "unit": "us",
        "ratio": 617.0,
        "note": "n",
    }
    text = "\n".join(section({"rows": [row], "plots": [plot(knee)], "machine": {"cores": 2}}, "images"))

    assert re.search(r"\| hub \\\| all \| 1,23[45] us \| 2 us \| 617.00x \| n \|", text)
    assert ("knee at **50 symbols**; frames get fuller" in text) == (knee is not None)
    assert ("no knee in this range" in text) == (knee is None)
    assert "images/growth-x.svg" in text


def test_growth_that_was_not_measured_is_said_to_be_missing() -> None:
    assert section(None, "images") == [NOT_RUN]
