"""A real browser, and what it must never see: an error in the console, a request that leaves the origin."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

CHROMIUM_VARIABLE: Final = "TAPEHUB_CHROMIUM"
REQUIRED_VARIABLE: Final = "TAPEHUB_BROWSER_TESTS"
"""`required`: without a browser the tests fail instead of being skipped."""
NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING: Final = (
    "no Chromium here: `sudo apt-get install chromium` (Debian, Ubuntu), or name its file in "
    f"{CHROMIUM_VARIABLE}"
)
ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-color-profile=srgb",
)  # fmt: skip
DEADLINE_MS: Final = 40_000
DESKTOP: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844}


def chromium_path() -> str | None:
    """The system's Chromium; None: there is none."""
    named = os.environ.get(CHROMIUM_VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def is_required() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get(REQUIRED_VARIABLE) == "required"


@contextlib.contextmanager
def browser_of(**options: Any) -> Iterator[Any]:
    """A headless Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=list(ARGUMENTS), headless=True, **options
        )
        try:
            yield browser
        finally:
            browser.close()


class Seen:
    """What a page has done that it must not do."""

    def __init__(self, page: Any, url: str) -> None:
        self.errors: list[str] = []
        """Of the console, scripts and the content security policy."""
        self.strangers: list[str] = []
        """Requests that left the origin."""
        self._origin = urlsplit(url).netloc
        self.expected: tuple[str, ...] = ()
        """Parts of console lines that a test provokes: a failed request while the gateway is down."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        page.on("request", lambda request: self._on_address(request.url))
        page.on("websocket", lambda socket: self._on_address(socket.url))

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in self.expected):
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._origin:
            self.strangers.append(url)

    def check(self) -> None:
        """Fail if there was anything."""
        assert not self.strangers, f"requests that left the origin: {self.strangers}"
        assert not self.errors, "\n".join(self.errors)


@contextlib.contextmanager
def page_of(browser: Any, url: str, **options: Any) -> Iterator[tuple[Any, Seen]]:
    """A page of its own, watched; `options` are those of a Playwright context (`color_scheme`, `viewport`)."""
    context = browser.new_context(**{"viewport": DESKTOP, "timezone_id": "UTC", **options})
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    seen = Seen(page, url)
    try:
        yield page, seen
    finally:
        context.close()


def serious_violations(page: Any) -> list[str]:
    """What axe finds that keeps people out: rule, how bad, and where."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {'; '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
