"""The dashboard in the system's Chromium: 60 symbols, each with 20 quotes a second, beside an empty page meanwhile.

A stand-in collector feeds hub and gateway; the page shows watchlist, chart, depth and tape, all live. Measured is what a
person sees: how long the page stood between two frames, and tasks that kept it from drawing for more than 50 ms
(https://w3c.github.io/longtasks). The empty page tells what the machine itself can do while the same market runs.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from tests.bench.moving_market import symbols_of
from tests.bench.reads import COLLECTOR
from tests.bench.report import Row, say
from tests.support.browser import MISSING, browser_of, chromium_path, page_of
from tests.support.config import write_config
from tests.support.paths import short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

SYMBOLS: Final = 60
QUOTES_PER_S: Final = 20
"""Of each symbol; half as many trades and books, and five changes of its candle."""
DEADLINE_S: Final = 30.0
SETTLE_MS: Final = 3000
JANK_MS: Final = 50.0
"""Three frames of a screen of 60 Hz: what an eye sees as a hitch, and what a long task is."""
FIRST_PAINT_GOAL_MS: Final = 1000.0
SMOOTH_GOAL: Final = 0.99
GATEWAY: Final = "gateway.1"
WATCH: Final = """
milliseconds => new Promise(done => {
  const frames = [], tasks = [];
  const seen = new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration)));
  seen.observe({ type: "longtask" });
  const begin = performance.now();
  let last = begin;
  const each = now => {
    frames.push(performance.now() - last);
    last = performance.now();
    if (last - begin < milliseconds) requestAnimationFrame(each);
    else { seen.disconnect(); done({ frames, tasks }); }
  };
  requestAnimationFrame(each);
})
"""


class Watched(NamedTuple):
    """What a page did while it was watched."""

    frames_per_s: float
    worst_ms: float
    smooth: float
    """Share of the time in which the page did not stand for longer than `JANK_MS`."""
    tasks: list[float]
    """Long tasks, milliseconds."""


def watched(page: Any, seconds: float) -> Watched:
    """Watch a page for a while."""
    found = page.evaluate(WATCH, seconds * 1000)
    frames = found["frames"]
    stood_ms = sum(one - JANK_MS for one in frames if one > JANK_MS)
    return Watched(
        len(frames) / (sum(frames) / 1000), max(frames), 1 - stood_ms / sum(frames), found["tasks"]
    )


@contextlib.contextmanager
def desk() -> Iterator[tuple[str, Hub]]:
    """Hub, gateway and the market; gives the gateway's URL."""
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        sections: dict[str, dict[str, Any]] = {COLLECTOR: {}, "hub.1": {}, GATEWAY: {"port": 0}}
        config = write_config(folder, sections, {symbol: {} for symbol in symbols_of(SYMBOLS)})
        market = ["-m", "tests.bench.moving_market", endpoints.pub(COLLECTOR), COLLECTOR]
        with (
            ActorProcess("hub", "hub.1", config),
            ActorProcess("gateway", GATEWAY, config),
            Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
            Program([sys.executable, *market, str(SYMBOLS), str(QUOTES_PER_S)], title="market") as program,
        ):
            program.wait_for_text("ready")
            url = until(lambda: _url(hub), DEADLINE_S, "the gateway to listen")
            until(lambda: len(hub.topics()) >= 4 * SYMBOLS, DEADLINE_S, "the market to be heard")
            yield str(url), hub


def _url(hub: Hub) -> str:
    return str((hub.status()["actors"].get(GATEWAY, {}).get("detail") or {}).get("url", ""))


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: first paint, and how smoothly it draws."""
    if chromium_path() is None:
        say(f"  {MISSING}: nothing measured")
        return []
    seconds = 2.0 if quick else 10.0
    with desk() as (url, _), browser_of() as browser:
        paints = [_first_paint(browser, url) for _ in range(max(3, rounds))]
        ours, empty = [], []
        for _ in range(rounds):
            with page_of(browser, url) as (page, _seen):
                page.goto(f"{url}/#/trade/{symbols_of(1)[0]}/1m")
                page.wait_for_function(
                    "() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 100"
                )
                page.wait_for_timeout(SETTLE_MS)
                ours.append(watched(page, seconds))
            with page_of(browser, url) as (page, _seen):
                page.goto(f"{url}/favicon.ico")
                empty.append(watched(page, seconds))
    return _rows(paints, ours, empty, seconds)


def _first_paint(browser: Any, url: str) -> float:
    with page_of(browser, url) as (page, _seen):
        page.goto(f"{url}/")
        page.get_by_test_id("connection").get_by_text("LIVE", exact=False).wait_for()
        return float(
            page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
        )


def _rows(paints: list[float], ours: list[Watched], empty: list[Watched], seconds: float) -> list[Row]:
    def median(found: list[Watched], what: str) -> float:
        return statistics.median(getattr(one, what) for one in found)

    tasks = [task for one in ours for task in one.tasks]
    what = f"{SYMBOLS} symbols x {QUOTES_PER_S}/s"
    note = f"{len(tasks)} in {seconds * len(ours):.0f} s, the longest {max(tasks, default=0.0):.0f} ms"
    frames, bare = median(ours, "frames_per_s"), median(empty, "frames_per_s")
    return [
        Row("dashboard", "first paint", statistics.median(paints), 0.0, "ms", 0.0, FIRST_PAINT_GOAL_MS, of_value=True,
            note=f"worst of {len(paints)}: {max(paints):.0f} ms"),
        Row("dashboard", f"{what}: share of time without a pause over {JANK_MS:.0f} ms", median(ours, "smooth"),
            median(empty, "smooth"), "", median(ours, "smooth") / median(empty, "smooth"), SMOOTH_GOAL, at_most=False),
        Row("dashboard", f"{what}: frames", frames, bare, "/s", frames / bare),
        Row("dashboard", f"{what}: longest pause", median(ours, "worst_ms"), median(empty, "worst_ms"), "ms",
            median(ours, "worst_ms") / median(empty, "worst_ms")),
        Row("dashboard", f"{what}: long tasks", len(tasks) / (seconds * len(ours)), 0.0, "/s", 0.0, note=note),
    ]  # fmt: skip
