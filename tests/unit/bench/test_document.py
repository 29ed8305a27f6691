"""The page and the pictures of a run say what its rows say."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

from tests.bench.document import images, page
from tests.bench.plots import Bar, bars, beside, margins
from tests.bench.report import Row, as_json, rows_of
from tests.support.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    Row("reads", "tick, back to back", 50.0, 45.0, "us p50", 1.11, 1.15, goal_id="tick-socket", peer="raw pyzmq"),
    Row("reads", "tick, back to back", 50.0, 40.0, "us p50", 1.25, goal_id="tick-socket", peer="Redis GET"),
    Row("bus", "single-event frames", 3e5, 1e6, "events/s", 0.3, 0.5, at_most=False, note="raw | only moves bytes",
        goal_id="bus", peer="raw pyzmq"),
    Row("startup", "hub.1", 20.0, 30.0, "MiB", 0.67, goal_id="memory", peer="RSS"),
]  # fmt: skip


def document():
    return json.loads(as_json(ROWS, {"rounds": 5, "seconds": 600, "peers": {"NATS": "left out: no server"}}))


def widths(svg: str) -> list[float]:
    """Width of each bar, in their order."""
    found = []
    for one in ET.fromstring(svg).iter(f"{SVG}polygon"):
        xs = [float(pair.split(",")[0]) for pair in one.attrib["points"].split()]
        found.append(max(xs) - min(xs))
    return found


def test_rows_come_back_as_they_were() -> None:
    assert rows_of(document()) == ROWS
    later = {**document(), "rows": [{**row, "added_later": 1} for row in document()["rows"]]}
    assert rows_of(later) == ROWS


def test_the_page_has_every_promise_and_every_row() -> None:
    text = page(document())
    assert "50 us p50: tick, back to back | raw pyzmq: 45 us p50 | 1.11x | kept |" in text
    assert "**missed**" in text
    assert "- **single-event frames** (≥ 0.5x; 0.3x): raw | only moves bytes." in text
    assert "not in this run: `./scripts/guardian-check --json`" in text
    assert "| NATS | left out: no server |" in text
    assert "Redis GET: 40 us p50" in text


def test_a_quick_run_does_not_pass_as_a_real_one() -> None:
    assert "quick run, one round" in page({**document(), "quick": True})
    assert "quick run, one round" not in page({**document(), "quick": False})


def test_what_was_special_about_a_run_is_told() -> None:
    assert "**About this run: beside a build**" in page({**document(), "note": "beside a build"})
    assert "About this run" not in page({**document(), "note": ""})


def test_every_picture_of_the_page_is_made() -> None:
    curve = {
        "name": "growth-x",
        "title": "t",
        "x_label": "x",
        "y_label": "y",
        "series": [],
        "told": "",
        "knee": None,
    }
    whole = {**document(), "growth": {"rows": [], "plots": [curve], "machine": {}}}
    named = set(re.findall(r"\(images/([\w-]+\.svg)\)", page(whole)))
    made = images(whole)
    assert named == set(made)
    assert {"bench-goals.svg", "bench-tick.svg", "bench-bus.svg", "bench-memory.svg", "growth-x.svg"} <= named
    for svg in made.values():
        ET.fromstring(svg)


def test_a_bar_is_as_long_as_its_value() -> None:
    assert widths(bars("t", "d", [Bar("a", 10.0), Bar("b", 5.0)], "us"))[0] == 2 * widths(
        bars("t", "d", [Bar("a", 10.0), Bar("b", 5.0)], "us")
    )[1]  # fmt: skip
    few, more, most = widths(bars("t", "d", [Bar("a", 1.0), Bar("b", 10.0), Bar("c", 100.0)], "us"))
    assert few > 0
    assert abs((most - more) - (more - few)) < 0.2, "decades are equally far apart"


def test_nothing_that_is_nothing_breaks_a_picture() -> None:
    assert widths(bars("t", "d", [Bar("a", 0.0), Bar("b", 5.0)], "us"))[0] == 0.0
    ET.fromstring(bars("t", "d", [], "us"))


def test_ours_stands_before_each_peer() -> None:
    assert beside(ROWS, "reads", "tick, back to back") == [
        Bar("tapehub", 50.0, is_ours=True), Bar("raw pyzmq", 45.0), Bar("Redis GET", 40.0),
    ]  # fmt: skip
    assert beside(ROWS, "reads", "another") == []


def test_a_margin_is_above_one_where_the_goal_is_kept() -> None:
    kept, missed = margins(ROWS)
    assert kept.value > 1
    assert kept.is_ours
    assert missed.value == 0.6
    assert not missed.is_ours


def test_the_committed_page_is_that_of_the_committed_run() -> None:
    found = json.loads((ROOT / "docs" / "benchmarks.json").read_text())
    assert (ROOT / "docs" / "benchmarks.md").read_text() == page(found), (
        "run ./scripts/bench --doc docs/benchmarks.json"
    )
    for name, svg in images(found).items():
        assert (ROOT / "docs" / "images" / name).read_text() == svg, name
