"""Pictures of the dashboard for the README: desktop and phone, dark and light, of a system of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from protocol.client import Hub
from tests.support.browser import DESKTOP, MISSING, PHONE, browser_of, chromium_path, page_of
from tests.support.supervised import default_system
from tests.support.wait import until

OUT: Final = Path(__file__).parents[1] / "docs" / "images"
READY_S: Final = 60.0
WARM_S: Final = 90
"""Candles of one second before the first picture: a chart with something on it."""
SETTLE_MS: Final = 3000
"""For sparklines, ladders and ages to fill."""
SETTINGS: Final = ("actors.gateway.1.port=0", "actors.simulator.1.rate_per_s=300")


class Picture(NamedTuple):
    """One file."""

    name: str
    view: str
    scheme: str
    is_phone: bool = False


PICTURES: Final = (
    Picture("trade-dark", "trade/BTC_USDT/1s", "dark"),
    Picture("trade-light", "trade/BTC_USDT/1s", "light"),
    Picture("operations-dark", "operations", "dark"),
    Picture("data-light", "data", "light"),
    Picture("phone-dark", "trade/BTC_USDT/1s", "dark", is_phone=True),
    Picture("phone-light", "operations", "light", is_phone=True),
)


def take(browser: Any, url: str, picture: Picture, out: Path) -> tuple[float, Path]:
    """Take one; returns the milliseconds to the first paint with content, and the file."""
    phone = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
    options = phone if picture.is_phone else {"viewport": DESKTOP}
    with page_of(browser, url, color_scheme=picture.scheme, **options) as (page, seen):
        page.goto(f"{url}/#/{picture.view}")
        page.get_by_test_id("connection").get_by_text("LIVE", exact=False).wait_for()
        if picture.view.startswith("trade"):
            page.wait_for_function(
                "() => Number(document.querySelector('[data-testid=chart]')?.dataset.bars) > 20"
            )
        page.wait_for_timeout(SETTLE_MS)
        path = out / f"{picture.name}.png"
        page.screenshot(path=path)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
        seen.check()
    return float(paint), path


def main(argv: Sequence[str] | None = None) -> int:
    """Take all; exit 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args(argv).out
    if chromium_path() is None:
        print(MISSING, file=sys.stderr)
        return 1
    out.mkdir(parents=True, exist_ok=True)
    with default_system(SETTINGS) as run_dir, Hub(run_dir, timeout_s=READY_S, allow_stale=True) as hub:
        print("% waiting for candles", file=sys.stderr)
        until(lambda: len(hub.candles("BTC_USDT", "1s", 0)) > WARM_S, WARM_S + READY_S, "candles")
        url = hub.status()["actors"]["gateway.1"]["detail"]["url"]
        with browser_of() as browser:
            for picture in PICTURES:
                paint_ms, path = take(browser, url, picture, out)
                print(f"{path}  first paint {paint_ms:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
