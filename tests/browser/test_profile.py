"""The volume profile in a real browser: what it says and draws, where there is none, and how often it draws."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, page_of, serious_violations
from tests.support.dashboard_faked import URL, FakedGateway
from tests.support.dashboard_market import SECOND_NS, footprint, listings, quote
from tests.support.dashboard_world import FalseGateway, false_gateway

expect.set_options(timeout=40_000)
PROFILE = "/#/trade/BTC_USDT/1m?venue=binance&depth=profile"
BTC = listings()[0]
COUNT_DRAWINGS = """
window.drawings = 0;
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...where) {
  if (this.canvas.dataset.testid === "profile") window.drawings += 1;
  return clear.apply(this, where);
};
"""
COLOURS = """
() => {
  const canvas = document.querySelector("[data-testid=profile]");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let [blue, orange] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 2] > data[at] + 60) blue += 1;
    if (data[at] > data[at + 2] + 60) orange += 1;
  }
  return [blue, orange];
}
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[FalseGateway]:
    with false_gateway() as running:
        yield running


def texts_of(ts_ns: int) -> tuple[str, ...]:
    """POC, value area high and low, as the page writes them."""
    found = footprint(BTC, ts_ns)
    return tuple(f"{found[name]:,.1f}" for name in ("poc", "value_area_high", "value_area_low"))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_levels_are_text_and_volumes_are_drawn_by_aggressor(
    gateway: FalseGateway, browser: Any, scheme: str
) -> None:
    began_ns = time.time_ns()
    with page_of(browser, gateway.url, color_scheme=scheme) as (page, seen):
        page.goto(gateway.url + PROFILE)
        expect(page.get_by_test_id("profile")).to_have_attribute("data-prices", "200")
        shown = tuple(page.get_by_test_id(f"profile-{name}").inner_text() for name in ("poc", "vah", "val"))
        assert shown in (texts_of(began_ns), texts_of(time.time_ns()))
        told = page.get_by_test_id("profile-told")
        expect(told).to_have_text(re.compile(r"▲ bought .* ▼ sold .* Δ .* since \d\d-\d\d 00:00 UTC"))
        expect(page.get_by_test_id("profile")).to_have_attribute("aria-label", re.compile(f"POC {shown[0]}"))
        expect(page.get_by_test_id("book-age")).to_have_class("badge ok")
        blue, orange = page.evaluate(COLOURS)
        assert blue > 1000
        assert orange > 1000
        assert not serious_violations(page)
        seen.check()


def test_a_key_goes_through_the_three_and_the_address_remembers(gateway: FalseGateway, browser: Any) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        page.goto(gateway.url + "/#/trade/BTC_USDT/1m?venue=binance")
        expect(page.get_by_test_id("ladder-bid").first).to_contain_text(".")
        for kind, query in (("map", "depth=map"), ("profile", "depth=profile")):
            page.keyboard.press("Alt+d")
            expect(page.get_by_test_id(f"book-{kind}")).to_have_attribute("aria-pressed", "true")
            assert query in page.url
        expect(page.get_by_test_id("profile")).to_be_visible()
        page.keyboard.press("Alt+d")
        expect(page.get_by_test_id("ladder")).to_be_visible()
        assert "depth=" not in page.url
        assert page.get_by_test_id("profile").count() == 0
        page.get_by_test_id("book-profile").click()
        expect(page.get_by_test_id("profile-poc")).to_contain_text(",")
        seen.check()


def test_a_market_without_order_flow_is_told_and_not_asked_for(gateway: FalseGateway, browser: Any) -> None:
    with page_of(browser, gateway.url) as (page, seen):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(gateway.url + "/#/trade/EUR_USD/1m?venue=ig&depth=profile")
        empty = page.get_by_test_id("panel-book").get_by_test_id("empty-state")
        expect(empty).to_contain_text("tapehub why EUR_USD")
        expect(page.get_by_test_id("book-age")).to_have_text("no data")
        assert any("prefix=footprint.ig.EUR_USD.session" in url for url in asked)
        assert not [url for url in asked if "/profile/" in url]
        page.goto(gateway.url + PROFILE)
        expect(page.get_by_test_id("profile")).to_be_visible()
        expect(empty).to_be_hidden()
        seen.check()


def test_on_a_phone_it_fits(gateway: FalseGateway, browser: Any) -> None:
    with page_of(browser, gateway.url, viewport=PHONE, has_touch=True, is_mobile=True) as (page, seen):
        page.goto(f"{gateway.url}{PROFILE}&show=book")
        expect(page.get_by_test_id("profile")).to_have_attribute("data-prices", "200")
        place, told = (page.get_by_test_id(name).bounding_box() for name in ("profile", "profile-told"))
        assert place["width"] == PHONE["width"]
        assert place["height"] > 400
        assert told["y"] + told["height"] <= PHONE["height"] - 48
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert not serious_violations(page)
        seen.check()


class Faked:
    """A page whose every message the test sends."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.gateway = FakedGateway(page)
        self.now_ns = time.time_ns()
        self.gateway.answers |= {
            "topics": lambda *_: {"data": [{"topic": "footprint.binance.BTC_USDT.session"}]},
            "profile/BTC_USDT": lambda *_: {"data": self.profile()},
        }
        page.add_init_script(COUNT_DRAWINGS)

    def profile(self, **changes: Any) -> dict[str, Any]:
        return {**footprint(BTC, self.now_ns), **changes}

    def push(self, **changes: Any) -> None:
        self.gateway.push("footprints", [self.profile(**changes)])


@pytest.fixture
def faked(browser: Any) -> Iterator[Faked]:
    with page_of(browser, URL) as (page, seen):
        found = Faked(page)
        page.goto(URL + PROFILE)
        expect(page.get_by_test_id("profile-poc")).to_contain_text(",")
        yield found
        seen.check()


def test_it_follows_and_hundreds_of_changes_are_few_drawings(faked: Faked) -> None:
    page = faked.page
    before, began_s = page.evaluate("window.drawings"), time.monotonic()
    for number in range(200):
        faked.push(ts_event_ns=faked.now_ns + number, delta=float(number + 1))
    expect(page.get_by_test_id("profile-told")).to_contain_text("Δ +200.0")
    drawn = page.evaluate("window.drawings") - before
    assert 1 <= drawn <= 2 + 10 * (time.monotonic() - began_s)
    faked.push(ts_event_ns=faked.now_ns - SECOND_NS, delta=-5.0)  # an older one, late
    faked.push(ts_event_ns=faked.now_ns + SECOND_NS, delta=-6.0, venue="okx")
    faked.gateway.push("quotes", [quote(BTC, faked.now_ns)])
    expect(page.get_by_test_id("wl-row")).to_have_count(1)  # so those before it have come too
    page.wait_for_function("before => window.drawings > before", arg=page.evaluate("window.drawings"))
    expect(page.get_by_test_id("profile-told")).to_contain_text("Δ +200.0")
    faked.push(ts_event_ns=faked.now_ns + SECOND_NS, delta=202.0)
    expect(page.get_by_test_id("profile-told")).to_contain_text("Δ +202.0")


def test_what_is_old_or_has_holes_says_so(faked: Faked) -> None:
    page = faked.page
    faked.push(ts_event_ns=faked.now_ns + 1, coverage=0.5)
    expect(page.get_by_test_id("book-age")).to_have_text(re.compile("^partial"))
    expect(page.get_by_test_id("profile-told")).to_contain_text("coverage 50.0%")
    next_ns = faked.profile()["ts_open_ns"] + SECOND_NS  # a later session, whose newest trade is long ago
    faked.push(ts_open_ns=next_ns, ts_event_ns=faked.now_ns - 300 * SECOND_NS)
    expect(page.get_by_test_id("book-age")).to_have_text(re.compile(r"^stale · 5m"))


def test_a_new_session_takes_the_place_of_the_old(faked: Faked) -> None:
    page = faked.page
    first = faked.profile()
    changes = {"prices": first["prices"][:3], "poc": first["prices"][1]} | {
        name: first[name][:3] for name in ("buy_volumes", "sell_volumes", "unknown_volumes")
    }
    faked.push(ts_open_ns=first["ts_open_ns"] + 86_400 * SECOND_NS, **changes)
    expect(page.get_by_test_id("profile")).to_have_attribute("data-prices", "3")
    expect(page.get_by_test_id("profile-poc")).to_have_text(f"{first['prices'][1]:,.1f}")


def test_buckets_are_merged_without_losing_volume(faked: Faked) -> None:
    rows, places = faked.page.evaluate(
        """async ([profile, most]) => {
          const { rowsOf, spread } = await import("/app/book/profile_rows.js");
          return [rowsOf(profile, most), spread([10, 12, 98], 15, 100)];
        }""",
        [faked.profile(), 60],
    )
    profile = faked.profile()
    assert 30 < len(rows) <= 60
    assert sum(row["total"] for row in rows) == pytest.approx(profile["volume"])
    assert sum(row["bought"] for row in rows) == pytest.approx(sum(profile["buy_volumes"]))
    assert rows[0]["low"] <= profile["prices"][0]
    assert rows[-1]["high"] > profile["prices"][-1]
    assert places == [10, 25, 98]
