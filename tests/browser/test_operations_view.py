"""The tabs Operations, Data and API in a real browser, with a faked gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, Seen, page_of, serious_violations
from tests.support.dashboard_faked import URL, FakedGateway, actor

HOSTILE = '<img src=x onerror="document.title=`broken`">'
ROWS = [actor("collector.binance.1"), actor("aggregator.1", epoch=7), actor("hub.1"), actor("gateway.1")]
GAP = {
    "gap_id": "collector.binance.1-7-1", "venue": "binance", "symbol": "BTC_USDT", "kind": "trade", "from_id": 10, "to_id": 89,
    "from_ts_ns": 1_795_000_000_000_000_000, "to_ts_ns": 1_795_000_060_000_000_000, "cause": HOSTILE, "state": "unfillable",
    "filled_by": "", "count": 0, "reason": HOSTILE,
}  # fmt: skip
BIG = 1_795_301_726_343_000_001


class Opened:
    """One page for all tests of this file: loading it is what takes time."""

    def __init__(self, page: Any, seen: Seen) -> None:
        self.page, self.seen = page, seen
        self.gateway = FakedGateway(page)
        self.gateway.answers |= {
            "actors": lambda *_: {"data": ROWS},
            "venues": lambda *_: {"data": [{"venue": "binance", "publisher": "collector.binance.1", "is_connected": True, "behind_s": 0.1, "silent_s": 0.1}]},
            "gaps": lambda *_: {"data": [GAP]},
            "logs": lambda *_: {"data": [{"ts": "2026-11-21T22:55:35.091482Z", "actor": "hub.1", "level": "error", "msg": HOSTILE}]},
            "coverage": lambda *_: {"days": ["2026-11-20", "2026-11-21"], "rows": [{"symbol": "BTC_USDT", "venue": "binance", "share": [None, 0.99999]}, {"symbol": "ETH_USDT", "venue": "okx", "share": [0.4, 1.0]}]},
        }  # fmt: skip

    def go(self, hash_: str) -> Any:
        self.page.goto(f"{URL}/#/{hash_}")
        return self.page

    def text(self, testid: str) -> str:
        return str(self.page.get_by_test_id(testid).first.inner_text())


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Opened]:
    with page_of(browser, URL, viewport=PHONE | {"width": 1280}) as (page, seen):
        found = Opened(page, seen)
        found.go("operations")
        page.locator("[data-actor='hub.1']").wait_for()
        yield found
        seen.expected = ()
        seen.check()
        assert page.title() != "broken"


def test_an_actor_that_goes_down_and_comes_back_is_shown_and_said(opened: Opened) -> None:
    page = opened.go("operations")
    row = page.locator("[data-actor='aggregator.1']")
    down = actor("aggregator.1", is_alive=False, state="DOWN", beat_age_s=1.6, note="its process has ended")
    opened.gateway.push("actors", [ROWS[0], down, *ROWS[2:]])
    row.get_by_text("DOWN").wait_for(timeout=2000)
    assert opened.text("ops-announced") == "aggregator.1 is down"
    assert "aggregator.1 DOWN" in opened.text("ops-text")
    assert page.locator(".edge.dead").count() > 0
    opened.gateway.push("actors", [ROWS[0], actor("aggregator.1", epoch=8, restarts=1), *ROWS[2:]])
    row.get_by_text("RUNNING").wait_for()
    assert re.match(r"aggregator\.1 runs again after \d+\.\ds", opened.text("ops-announced"))
    assert "1 restart" in (row.locator(".state-line").get_attribute("aria-label") or "")


def test_the_age_of_a_heartbeat_grows_while_nothing_comes(opened: Opened) -> None:
    page = opened.go("operations")
    opened.gateway.push("actors", ROWS)
    beat = page.locator("[data-actor='hub.1'] [data-testid=actor-beat]")
    expect(beat).to_have_text(re.compile(r"^0\.[6-9]s|^[1-9]"))


def test_a_restart_is_asked_for_twice_and_needs_the_scope(opened: Opened) -> None:
    page, gateway = opened.go("operations"), opened.gateway
    path = "actors/hub.1:restart"
    gateway.answers[path] = lambda *_: (200, {"actor": "hub.1", "state": "restarting"})
    button = page.locator("[data-actor='hub.1'] [data-testid=actor-restart-button]")
    button.click()
    page.get_by_test_id("restart-cancel").click()
    assert not gateway.of("POST", path)
    button.click()
    page.get_by_test_id("restart-confirm").click()
    page.locator("[data-actor='hub.1']").get_by_text("restart").first.wait_for()
    gateway.push("actors", [*ROWS[:2], actor("hub.1", epoch=9), ROWS[3]])
    page.get_by_text("hub.1 runs again").first.wait_for()
    assert len(gateway.of("POST", path)) == 1


def test_filters_of_gaps_are_in_the_address_and_a_repair_says_what_came_of_it(opened: Opened) -> None:
    page, gateway = opened.go("operations/gaps?gap_state=unfillable&gap_symbol=BTC_USDT"), opened.gateway
    expect(page.get_by_test_id("gaps-filter-state")).to_have_value("unfillable")
    gateway.answers[f"gaps/{GAP['gap_id']}:repair"] = lambda *_: {
        "data": {**GAP, "state": "filled", "count": 80}
    }
    page.get_by_test_id("gap-repair").first.click()
    page.get_by_test_id("gap-outcome").get_by_text("filled: 80 fetched").wait_for()
    page.get_by_test_id("gaps-filter-kind").select_option("trade")
    page.wait_for_url("**gap_kind=trade**")
    with page.expect_request(
        lambda request: "/gaps?" in request.url and "kind=trade" in request.url
    ) as asked:
        pass
    assert "symbol=BTC_USDT" in asked.value.url
    assert HOSTILE in page.get_by_test_id("section-gaps").inner_text()
    assert HOSTILE in opened.text("log-line")


def test_coverage_is_walked_by_keyboard_and_leads_to_the_day(opened: Opened) -> None:
    page = opened.go("data/coverage")
    page.get_by_test_id("coverage-cell").first.wait_for()
    page.locator("[data-testid=coverage-cell][tabindex='0']").focus()
    assert "BTC_USDT binance, 2026-11-21: 99.99%" in opened.text("coverage-readout")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert "ETH_USDT okx, 2026-11-20: 40.00%" in opened.text("coverage-readout")
    link = page.locator(":focus").get_attribute("href")
    assert link.startswith("#/trade/ETH_USDT/1m?")
    assert "venue=okx" in link
    assert "day=2026-11-20" in link


def test_sql_keeps_every_digit_draws_what_is_seen_and_shows_faults(opened: Opened) -> None:
    page, gateway = opened.go("data/sql"), opened.gateway
    rows = ",".join(f'[{BIG}, "{n}"]' for n in range(5000))
    result = f'{{"columns":[{{"name":"ts","type":"int64"}},{{"name":"n","type":"string"}}],"rows":[{rows}],"is_truncated":true,"elapsed_s":0.5}}'
    gateway.answers["query"] = lambda *_: result
    page.get_by_test_id("sql-text").fill("SELECT 1")
    page.keyboard.press("Control+Enter")
    page.get_by_test_id("sql-row").first.wait_for()
    assert opened.text("sql-row").split() == [str(BIG), "0"]
    assert 5 < page.get_by_test_id("sql-row").count() < 100
    assert opened.text("sql-told").startswith("5,000 rows, cut")
    assert "sql=SELECT%201" in page.url
    page.locator(".result-place").evaluate("(place) => { place.scrollTop = place.scrollHeight; }")
    page.get_by_test_id("sql-row").get_by_text("4999", exact=True).wait_for()
    opened.seen.expected = ("400",)
    gateway.answers["query"] = lambda *_: (
        400,
        {"code": "invalid_request", "detail": f"Parser Error {HOSTILE}"},
    )
    page.get_by_test_id("sql-run").click()
    page.get_by_test_id("sql-fault").get_by_text(f"Parser Error {HOSTILE}").wait_for()


def test_an_export_is_an_address_a_curl_and_a_command(opened: Opened) -> None:
    opened.go("data/export?x_table=bars&x_symbol=BTC_USDT&x_tf=5m&x_format=parquet")
    opened.page.get_by_test_id("export-command").get_by_text("parquet").wait_for()
    assert (
        opened.text("export-command")
        == "tapehub export bars BTC_USDT --tf 5m --from 1h --format parquet -o bars-BTC_USDT-5m.parquet"
    )
    assert (
        opened.text("export-url")
        == f"{URL}/api/v1/export/bars?format=parquet&symbol=BTC_USDT&timeframe=5m&from=1h"
    )


def test_the_playground_subscribes_shows_and_pauses(opened: Opened) -> None:
    page, gateway = opened.go("api/playground?ws=book&ws_symbols=BTC_USDT&ws_depth=5"), opened.gateway
    page.get_by_test_id("ws-subscribe").click()
    page.get_by_test_id("ws-state").get_by_text("open").wait_for()
    page.get_by_test_id("ws-message").get_by_text("subscribe").first.wait_for()
    assert gateway.sent[-1]["channels"] == [{"name": "book", "symbols": ["BTC_USDT"], "depth": 5}]
    gateway.push("book", [{"bids": [[HOSTILE, 1]]}])
    page.get_by_test_id("ws-message").get_by_text("onerror").first.wait_for()
    page.get_by_test_id("ws-pause").click()
    gateway.push("book", [{"bids": [["unseen", 1]]}])
    page.get_by_test_id("ws-counts").get_by_text("1 not shown").wait_for()
    assert not page.get_by_test_id("ws-message").get_by_text("unseen").count()


def test_who_may_only_read_is_told_so(opened: Opened) -> None:
    page = opened.page
    opened.gateway.answers["whoami"] = lambda *_: {"name": "reader", "scopes": ["read"], "needs_token": True}
    opened.go("data/sql")
    page.reload()
    page.get_by_test_id("sql-only").get_by_text("scope admin").wait_for()
    assert page.get_by_test_id("sql-run").is_disabled()
    opened.go("operations")
    button = page.locator("[data-actor='hub.1'] [data-testid=actor-restart-button]")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert "scope admin" in (button.get_attribute("aria-label") or "")
    button.click(force=True)
    assert not page.get_by_test_id("restart-dialog").is_visible()


@pytest.mark.parametrize("tab", ["operations/gaps", "data/export", "api/playground"])
def test_on_a_phone_a_part_fits_and_axe_finds_nothing_serious(opened: Opened, tab: str) -> None:
    page = opened.go(tab)
    page.set_viewport_size(PHONE)
    page.locator(".section.is-chosen").wait_for()
    assert not serious_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
