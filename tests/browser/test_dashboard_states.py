"""The dashboard in a browser: what it shows, what it says when something is wrong, that it repairs itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import PHONE, page_of, serious_violations
from tests.support.dashboard_world import FalseGateway, false_gateway
from tests.support.wait import until

START = "/#/trade/BTC_USDT/1m?venue=binance&panes=volume,cvd,ofi&ind=ema_20,rsi_14"
WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.violatedDirective));
"""
expect.set_options(timeout=40_000)


@pytest.fixture(scope="module")
def gateway() -> Iterator[FalseGateway]:
    with false_gateway() as running:
        yield running


class Looked:
    """A page, and what went wrong on it."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(origin) else self.strangers.append(asked.url),
        )


@pytest.fixture(scope="module")
def looked(gateway: FalseGateway, browser: Browser) -> Iterator[Looked]:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark").new_page()
    page.add_init_script(WATCH)
    found = Looked(page, gateway.url)
    page.goto(gateway.url + START)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("wl-row").first).to_be_visible()
    expect(page.get_by_test_id("chart-legend")).to_contain_text("open")
    yield found
    page.context.close()


def test_the_first_look_has_everything_and_breaks_no_rule(looked: Looked) -> None:
    page = looked.page
    for name in ("chart", "ladder", "tape-row", "news-row", "alerts-row", "signals-row"):
        expect(page.get_by_test_id(name).first).to_be_visible()
    expect(page.get_by_test_id("stat-feeds")).to_have_text("3/3")
    expect(page.get_by_test_id("clock")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    assert page.evaluate("window.refused") == []
    assert looked.errors == []
    assert looked.strangers == []


def test_a_hostile_headline_is_text(looked: Looked) -> None:
    page = looked.page
    expect(page.get_by_test_id("news-title").filter(has_text="<img src=x onerror")).to_have_count(1)
    assert page.locator(".feed-news img, .feed-news script").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert "broken" not in page.title()


def test_numbers_move_and_a_pause_holds_them(looked: Looked) -> None:
    page = looked.page
    price = page.locator("[data-symbol='BTC_USDT'][data-venue='binance']").get_by_test_id("wl-price")
    expect(price).not_to_have_text(price.inner_text())
    page.keyboard.press(" ")
    expect(page.get_by_test_id("connection")).to_have_text("PAUSED")
    held = price.inner_text()
    page.evaluate("new Promise((done) => setTimeout(done, 600))")
    assert price.inner_text() == held
    page.keyboard.press(" ")
    expect(price).not_to_have_text(held)


def test_the_keyboard_does_everything_and_the_address_remembers(looked: Looked) -> None:
    page = looked.page
    page.keyboard.type("eurusd")
    expect(page.get_by_test_id("search-option").first).to_contain_text("EUR_USD")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("chart-symbol")).to_have_text("EUR_USD")
    page.keyboard.press("3")
    expect(page).to_have_url(re.compile(r"#/trade/EUR_USD/5m\?"))
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+l")
    expect(page).to_have_url(re.compile("log=1"))
    page.go_back()
    page.go_back()
    expect(page.get_by_test_id("chart-symbol")).to_have_text("BTC_USDT")


def test_what_is_stale_or_down_says_so(gateway: FalseGateway, looked: Looked) -> None:
    page = looked.page
    gateway.turn(stale=["ETH_USDT"], down=["ig"])
    eth = page.locator("[data-symbol='ETH_USDT'][data-state='stale']")
    expect(eth.get_by_test_id("wl-age")).to_contain_text("stale")
    expect(page.locator("[data-symbol='USD_JPY'] .wl-age")).to_have_text("venue down")
    expect(page.get_by_test_id("stat-feeds")).to_have_text("2/3")
    gateway.turn(stale=[], down=[])
    expect(page.locator("[data-symbol='ETH_USDT'][data-state='fresh']")).to_be_visible()


def test_a_broken_connection_is_told_and_mended(gateway: FalseGateway, looked: Looked) -> None:
    page = looked.page
    before = page.evaluate("document.tapehub.counts().reconnects")
    gateway.turn(is_refusing=True, drop=True)
    expect(page.get_by_test_id("banner")).to_be_visible()
    expect(page.get_by_test_id("connection")).to_have_text(re.compile(r"(Reconnecting|Offline).* \d+ s"))
    gateway.turn(is_refusing=False)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("banner")).to_be_hidden()
    assert page.evaluate("document.tapehub.counts().reconnects") == before + 1


def test_a_view_that_could_not_be_loaded_comes_with_the_gateway(
    gateway: FalseGateway, browser: Browser
) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        seen.expected = (
            "ERR_FAILED",
            "dynamically imported module",
            "WebSocket connection",
            "Failed to load resource",
        )
        page.route("**/app/trade/view.js", lambda route: route.abort())
        page.goto(gateway.url + START)
        expect(page.get_by_text("Trade cannot be shown")).to_be_visible()
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        page.unroute("**/app/trade/view.js")
        gateway.turn(drop=True)
        expect(page.get_by_test_id("chart-legend")).to_contain_text("open")
        seen.check()


def test_a_candle_that_comes_after_its_follower_is_drawn_between(
    gateway: FalseGateway, browser: Browser
) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        gateway.turn(is_late=True)
        try:
            page.goto(gateway.url + START.replace("/1m", "/1s"))
            bars = page.locator("[data-bars]")
            expect(bars).not_to_have_attribute("data-bars", "0")
            enough = int(bars.get_attribute("data-bars") or 0) + 4
            until(
                lambda: int(bars.get_attribute("data-bars") or 0) >= enough, 40.0, "more candles to be drawn"
            )
        finally:
            gateway.turn(is_late=False)
        seen.check()


def test_a_silent_connection_is_dead(gateway: FalseGateway, looked: Looked) -> None:
    page = looked.page
    gateway.turn(is_silent=True)
    expect(page.get_by_test_id("connection")).to_have_attribute(
        "data-state", re.compile("reconnecting|offline")
    )
    gateway.turn(is_silent=False)
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")


def test_a_token_is_asked_for(gateway: FalseGateway, looked: Looked) -> None:
    page = looked.page
    gateway.turn(token="secret", drop=True)
    expect(page.get_by_test_id("login")).to_be_visible()
    page.get_by_test_id("login-token").fill("wrong")
    page.get_by_test_id("login-send").click()
    expect(page.get_by_test_id("login-fault")).to_contain_text("not accepted")
    page.get_by_test_id("login-token").fill("secret")
    page.get_by_test_id("login-send").click()
    expect(page.get_by_test_id("login")).to_be_hidden()
    expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    gateway.turn(token="")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_serious_for_those_who_hear_or_see_less(looked: Looked, theme: str) -> None:
    page = looked.page
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    expect(page.locator(f"html[data-theme='{theme}']")).to_be_attached()
    assert serious_violations(page) == []


def test_without_data_it_says_what_to_do(gateway: FalseGateway, browser: Browser) -> None:
    gateway.turn(is_empty=True)
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(gateway.url + "/#/trade/BTC_USDT/1m?show=chart")
    expect(page.get_by_test_id("panel-chart").get_by_test_id("empty-state")).to_contain_text("tapehub")
    page.get_by_test_id("place-markets").click()
    expect(page.get_by_test_id("panel-markets").get_by_test_id("empty-state")).to_contain_text(
        "tapehub doctor"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
    gateway.turn(is_empty=False)


BTC = "/#/trade/BTC_USDT/1m?venue=binance"
DAY = (datetime.now(UTC) - timedelta(days=3)).date()
NEXT_DAY = DAY + timedelta(days=1)


def test_an_alert_is_acknowledged_here_and_taken_back(gateway: FalseGateway, browser: Browser) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        page.goto(gateway.url + BTC)
        rows, more = page.get_by_test_id("alerts-row"), page.get_by_test_id("alerts-acked")
        expect(rows).to_have_count(3)
        expect(more).to_be_hidden()
        page.get_by_role("button", name="Acknowledge volume_surge BTC_USDT").focus()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(2)
        expect(more).to_have_text("1 acknowledged, show")
        expect(page.get_by_test_id("alerts-count")).to_have_text("2")
        expect(page.get_by_role("button", name="Acknowledge spread_blowout BTC_USDT")).to_be_focused()
        page.reload()
        expect(rows).to_have_count(2)
        more.click()
        expect(page).to_have_url(re.compile("acked=1"))
        expect(rows).to_have_count(3)
        expect(page.locator(".feed-alerts .is-acked")).to_contain_text("volume_surge")
        assert not serious_violations(page)
        page.get_by_role("button", name="Take back the acknowledgement of volume_surge BTC_USDT").click()
        expect(more).to_be_hidden()
        expect(page.locator(".feed-alerts .is-acked")).to_have_count(0)
        more_url = page.url
        page.goto(more_url.replace("acked=1", "acked=0"))
        for left in (2, 1, 0):
            page.get_by_test_id("alert-ack").first.click()
            expect(page.get_by_test_id("alert-ack")).to_have_count(left)
        expect(more).to_be_focused()
        expect(page.get_by_test_id("alerts-list").get_by_test_id("empty-state")).to_contain_text(
            "tapehub tap"
        )
        seen.check()


@pytest.mark.parametrize("stored", [json.dumps([f"x|Y|z|{n}" for n in range(500)]), '{"a": 1}', "[1, nul"])
def test_acknowledgements_are_bounded_and_nonsense_is_none(
    gateway: FalseGateway, browser: Browser, stored: str
) -> None:
    with page_of(browser, gateway.url, viewport=PHONE) as (page, seen):
        page.add_init_script(f"localStorage.setItem('tapehub.acked', {json.dumps(stored)})")
        page.goto(f"{gateway.url}{BTC}&show=feed")
        expect(page.get_by_test_id("alerts-row")).to_have_count(3)
        page.get_by_test_id("alert-ack").last.click()
        expect(page.get_by_test_id("alerts-row")).to_have_count(2)
        expect(page.get_by_test_id("alerts-acked")).to_be_visible()
        kept = page.evaluate("JSON.parse(localStorage.getItem('tapehub.acked'))")
        assert len(kept) == (500 if stored.startswith('["x') else 1)
        assert kept[-1].startswith("binance|BTC_USDT|large_print|")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        seen.check()


def test_a_day_of_the_past_is_shown_alone_and_leads_back_to_live(
    gateway: FalseGateway, browser: Browser
) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        asked: list[str] = []
        sent: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "websocket", lambda socket: socket.on("framesent", lambda text: sent.append(json.dumps(text)))
        )
        page.goto(f"{gateway.url}{BTC}&day={DAY}")
        chart, back = page.get_by_test_id("chart"), page.get_by_test_id("chart-day")
        expect(chart).to_have_attribute("data-bars", "1440")
        expect(back).to_have_text(f"day {DAY} · back to live")
        expect(chart).to_have_attribute("aria-label", re.compile(f"candles of {DAY}"))
        expect(page.get_by_test_id("chart-legend")).to_contain_text("closed")
        expect(page.get_by_test_id("chart-state")).to_be_hidden()
        price = page.locator("[data-symbol='BTC_USDT'][data-venue='binance']").get_by_test_id("wl-price")
        expect(price).not_to_have_text(price.inner_text())
        end_ns = round(datetime(NEXT_DAY.year, NEXT_DAY.month, NEXT_DAY.day, tzinfo=UTC).timestamp()) * 10**9
        assert [url for url in asked if "/bars/BTC_USDT?" in url and f"to_ns={end_ns}" in url]
        assert not [text for text in sent if '\\"bars\\"' in text]
        expect(chart).to_have_attribute("data-bars", "1440")
        assert not serious_violations(page)

        expect(page.locator(".pane-name", has_text="EMA 20")).to_be_visible()  # made anew with it
        box = chart.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 100, box["y"] + 150)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 150, steps=4)
        page.mouse.up()
        expect(chart).to_have_attribute("data-bars", re.compile("^[23]440$"))  # pages before, by cursor
        assert [url for url in asked if "/bars/BTC_USDT?" in url and "cursor=" in url]

        page.mouse.move(0, 0)  # away, or the legend tells of the candle below it
        page.keyboard.press("End")
        expect(page.get_by_test_id("chart-legend")).to_contain_text("open")
        expect(back).to_be_hidden()
        expect(page.get_by_test_id("chart-state")).to_have_text("fresh")
        assert "day=" not in page.url
        assert [text for text in sent if '\\"bars\\"' in text]
        page.go_back()
        back.click()
        expect(back).to_be_hidden()
        seen.check()


def test_a_day_without_candles_names_what_fills_it(gateway: FalseGateway, browser: Browser) -> None:
    gateway.turn(holes=[str(DAY)])
    with page_of(browser, gateway.url, viewport=PHONE, has_touch=True) as (page, seen):
        page.goto(f"{gateway.url}/#/trade/BTC_USDT/5m?venue=binance&day={DAY}")
        empty = page.get_by_test_id("panel-chart").get_by_test_id("empty-state")
        expect(empty).to_contain_text(f"No 5m candles of BTC_USDT on {DAY}")
        expect(empty).to_contain_text(f"tapehub backfill rest BTC_USDT --from {DAY} --to {NEXT_DAY}")
        expect(empty).to_contain_text("tapehub gaps list --symbol BTC_USDT")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_test_id("chart-day").click()
        expect(empty).to_be_hidden()
        expect(page.get_by_test_id("chart-legend")).to_contain_text("open")
        page.goto(f"{gateway.url}{BTC}&day=2026-13-99")
        expect(page.get_by_test_id("chart-legend")).to_contain_text("open")
        expect(page.get_by_test_id("chart-day")).to_be_hidden()
        seen.check()
    gateway.turn(holes=[])
