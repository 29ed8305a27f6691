"""The dashboard in a real browser, against a whole system under supervisord."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.client import Hub
from tests.support.browser import DESKTOP, PHONE, Seen, page_of, serious_violations
from tests.support.paths import free_port
from tests.support.peers import peers_of
from tests.support.supervised import default_system
from tests.support.wait import until

COLLECTOR, GATEWAY = "collector.binance.1", "gateway.1"
START_S = 40.0
CAME_BACK = re.compile(r"^(back|restart)$")
"""What the page says of it: `back` if it was seen away, `restart` if it was back before the page looked again."""
Page = Any


class Running:
    """The system, where its gateway listens, and its processes."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.hub = Hub(run_dir, timeout_s=START_S)
        until(self._is_listening, START_S, "the gateway to listen")

    def _is_listening(self) -> bool:
        self.url = str(self.detail(GATEWAY).get("url", ""))
        return bool(self.url)

    def detail(self, actor: str) -> dict[str, Any]:
        return self.hub.status()["actors"].get(actor, {}).get("detail") or {}

    def send(self, actor: str, number: signal.Signals) -> None:
        os.kill(int(self.detail(actor)["pid"]), number)

    def simulator(self, op: str, **args: Any) -> None:
        with peers_of(self.run_dir) as peers:
            reply = peers.ask("simulator.1", op, args=args)
        assert reply.ok, reply.message


@pytest.fixture(scope="module")
def system() -> Iterator[Running]:
    settings = [f"actors.gateway.1.port={free_port()}", "actors.simulator.1.rate_per_s=200"]
    with default_system(settings) as run_dir:
        running = Running(run_dir)
        until(
            lambda: len(running.hub.candles("BTC_USDT", "1s", 20, allow_stale=True)) > 5, START_S, "candles"
        )
        yield running
        running.hub.close()


@pytest.fixture
def opened(browser: Any, system: Running) -> Iterator[tuple[Page, Seen]]:
    with page_of(browser, system.url) as (page, seen):
        page.goto(f"{system.url}/#/trade/BTC_USDT/1s")
        yield page, seen


def test_the_chart_has_candles_and_nothing_leaves_the_origin(opened: tuple[Page, Seen]) -> None:
    page, seen = opened
    page.wait_for_function("() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 5")
    page.get_by_test_id("chart-state").get_by_text("LIVE", exact=False).or_(
        page.get_by_test_id("chart-last")
    ).first.wait_for()
    assert page.get_by_test_id("chart").locator("canvas").count() > 3
    seen.check()


def test_the_watchlist_moves(opened: tuple[Page, Seen]) -> None:
    page, seen = opened
    price = page.locator("[data-testid=wl-row][data-symbol=BTC_USDT] [data-testid=wl-price]").first
    price.wait_for()
    first = price.inner_text()
    page.wait_for_function("([cell, was]) => cell.textContent !== was", arg=[price.element_handle(), first])
    seen.check()


def test_a_symbol_is_found_and_chosen_by_keyboard_and_stands_in_the_address(
    opened: tuple[Page, Seen],
) -> None:
    page, seen = opened
    page.get_by_test_id("wl-row").first.wait_for()
    page.keyboard.type("eth")
    page.locator("[data-testid=search-option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**ETH_USDT**")
    page.get_by_test_id("chart-symbol").get_by_text("ETH_USDT").wait_for()
    page.reload()
    page.get_by_test_id("chart-symbol").get_by_text("ETH_USDT").wait_for()
    seen.check()


@pytest.mark.parametrize("scheme", [pytest.param("dark", marks=pytest.mark.long), "light"])
def test_axe_finds_nothing_serious(browser: Any, system: Running, scheme: str) -> None:
    for view in ("trade/BTC_USDT/1s", "operations", "data"):
        with page_of(browser, system.url, color_scheme=scheme, viewport=DESKTOP) as (page, seen):
            page.goto(f"{system.url}/#/{view}")
            page.get_by_test_id("connection").get_by_text("LIVE", exact=False).wait_for()
            assert not serious_violations(page), view
            seen.check()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, system: Running) -> None:
    with page_of(browser, system.url, viewport=PHONE, has_touch=True, is_mobile=True) as (page, seen):
        page.goto(f"{system.url}/#/trade/BTC_USDT/1s")
        page.wait_for_function(
            "() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 5"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        seen.check()


def test_a_gap_is_seen_on_the_chart_and_in_the_ledger(opened: tuple[Page, Seen], system: Running) -> None:
    page, seen = opened
    page.wait_for_function("() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 5")
    system.simulator("disconnect")
    until(lambda: bool(system.hub.gaps(symbol="BTC_USDT")), START_S, "a gap in the ledger")
    page.wait_for_function("() => Number(document.querySelector('[data-testid=chart]').dataset.gaps) > 0")
    page.goto(f"{system.url}/#/operations")
    page.get_by_test_id("gap-row").first.wait_for()
    seen.check()


def test_age_grows_and_greys_while_a_collector_stands_still(
    opened: tuple[Page, Seen], system: Running
) -> None:
    page, seen = opened
    row = page.locator("[data-testid=wl-row][data-symbol=BTC_USDT]").first
    row.wait_for()
    page.wait_for_function("row => row.dataset.state === 'fresh'", arg=row.element_handle())
    system.send(COLLECTOR, signal.SIGSTOP)
    try:
        page.wait_for_function(
            "row => ['stale', 'venue_down'].includes(row.dataset.state)", arg=row.element_handle()
        )
        stale = row.get_by_test_id("wl-age").inner_text()
        assert stale
    finally:
        system.send(COLLECTOR, signal.SIGCONT)
    page.wait_for_function("row => row.dataset.state === 'fresh'", arg=row.element_handle())
    seen.check()


def test_operations_shows_a_killed_actor_going_and_coming_back(browser: Any, system: Running) -> None:
    with page_of(browser, system.url) as (page, seen):
        page.goto(f"{system.url}/#/operations")
        row = page.locator("[data-testid=actor-row][data-actor='aggregator.1']")
        row.get_by_test_id("actor-state").get_by_text("RUNNING").wait_for()
        before = row.get_attribute("title")  # names the process and its epoch
        system.send("aggregator.1", signal.SIGKILL)
        told = page.get_by_test_id("change").filter(has_text="aggregator.1")
        told.filter(has=page.locator(".badge", has_text=CAME_BACK)).first.wait_for()
        row.get_by_test_id("actor-state").get_by_text("RUNNING").wait_for()
        page.wait_for_function("([row, was]) => row.title !== was", arg=[row.element_handle(), before])
        seen.check()


def test_a_gateway_that_dies_is_told_and_found_again(browser: Any, system: Running) -> None:
    with page_of(browser, system.url) as (page, seen):
        seen.expected = (
            "ERR_CONNECTION_REFUSED",
            "WebSocket connection",
            "Failed to load resource",
            "dynamically imported module",  # it may die while the view is being loaded
        )
        page.goto(f"{system.url}/#/trade/BTC_USDT/1s")
        state = page.get_by_test_id("connection")
        state.get_by_text("LIVE", exact=False).wait_for()
        system.send(GATEWAY, signal.SIGKILL)
        page.wait_for_function(
            "() => ['reconnecting', 'offline'].includes(document.querySelector('[data-testid=connection]').dataset.state)"
        )
        page.wait_for_function(
            "() => document.querySelector('[data-testid=connection]').dataset.state === 'live'"
        )
        page.wait_for_function(
            "() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 0"
        )
        seen.check()


def test_the_documentation_of_the_interface_is_served_offline(browser: Any, system: Running) -> None:
    with page_of(browser, system.url) as (page, seen):
        page.goto(f"{system.url}/docs")
        page.get_by_text("/api/v1/quotes").first.wait_for(
            timeout=40_000
        )  # it renders the whole document first
        seen.check()
