"""The picture: well-formed, without anything of others, and true to the numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from tapehub.backtesting.plot import Panel, _ticks, plot, thinned
from tapehub.backtesting.runs import Costs, Result
from tapehub.backtesting.svg import Drawing
from tests.unit.tapehub.backtesting.rig import MINUTE_NS, START_NS, Cross, CrossParams, run, walk

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def result() -> Result:
    return run(Cross(CrossParams()), walk(5, 900), Costs(0.3, 1.0), cooldown_s=60.0)


def test_an_entry_is_drawn_for_each_trade(result: Result) -> None:
    root = ET.fromstring(plot(*result))
    marks = [one for one in root.iter(f"{SVG}polygon") if one.get("class") in ("buy", "sell")]
    assert len(marks) == len(result.ledger.trades) > 5
    buys = sum(one.get("class") == "buy" for one in marks)
    assert buys == sum(trade.side > 0 for trade in result.ledger.trades)


def test_it_says_what_it_shows(result: Result) -> None:
    root = ET.fromstring(plot(*result))
    words = [one.text or "" for one in root.iter(f"{SVG}text")]
    assert (
        words[0]
        == f"cross on paper EUR_USD: {len(result.ledger.trades)} trades, {result.report.figures.total_pips:+.1f} pips"
    )
    assert "2025-11-21 09:00 UTC" in words
    assert {"Sum of closed trades, pips", "Drawdown, pips"} <= set(words)
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None


def test_the_line_ends_at_the_total(result: Result) -> None:
    root = ET.fromstring(plot(*result))
    (line,) = [one for one in root.iter(f"{SVG}polyline") if one.get("class") == "line blue"]
    heights = [float(point.split(",")[1]) for point in line.get("points", "").split()]
    totals = [0.0]
    for trade in result.ledger.trades:
        totals.append(totals[-1] + trade.pips)
    steps = [heights[0], *heights[2:-1:2]]
    order = sorted(range(len(totals)), key=lambda place: -totals[place])
    assert [round(steps[place], 1) for place in order] == sorted(round(one, 1) for one in steps)
    assert heights[-1] == heights[-2]


def test_it_loads_nothing_and_has_both_papers(result: Result) -> None:
    text = plot(*result)
    assert not re.findall(r"(?:href|src|url)\s*[=(]", text)
    assert "prefers-color-scheme: dark" in text
    assert {"#0072b2", "#56b4e9", "#e69f00"} <= set(re.findall(r"#[0-9a-f]{6}", text))


def test_a_picture_of_no_trade() -> None:
    nothing = run(Cross(CrossParams()), walk(5, 6))
    assert not nothing.ledger.trades
    ET.fromstring(plot(*nothing))


def test_words_of_others_stay_words() -> None:
    drawing = Drawing(10, 10, "<script>&\x00", "]]>")
    drawing.text((1, 1), "a<b>\"c'\x07", kind='x" onload="y')
    root = ET.fromstring(drawing.document())
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}text")) == ("<script>&", "a<b>\"c'")
    assert not list(root.iter(f"{SVG}script"))
    assert all("onload" not in one.attrib for one in root.iter())


def test_thinning_keeps_what_is_lowest_and_highest() -> None:
    line = [(START_NS + n * MINUTE_NS, float((n * 37) % 101)) for n in range(20_000)]
    kept = thinned(line, (line[0][0], line[-1][0]))
    assert len(kept) <= 4 * 901
    assert kept == sorted(set(kept))
    assert {0.0, 100.0} <= {value for _, value in kept}
    assert (kept[0], kept[-1]) == (line[0], line[-1])


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (1.1003, 1.1009), (-375.6, 2.0), (46_000.0, 46_900.0), (-1e-9, 1e-9)]
)
def test_ticks_are_few_and_round(low: float, high: float) -> None:
    ticks = _ticks(low, high)
    assert 2 <= len(ticks) <= 8
    assert all(low <= tick <= high for tick in ticks)
    assert all(len(f"{tick:.10g}") < 14 for tick in ticks)


def test_a_panel_puts_its_edges_at_its_edges() -> None:
    panel = Panel(100, 200, -1.0, 3.0, START_NS, START_NS + MINUTE_NS)
    assert panel.at(START_NS, -1.0) == (76, 200)
    assert panel.at(START_NS + MINUTE_NS, 3.0) == (976, 100)
