"""Tests in a real browser: skipped where there is none, and a failure where one is required."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import browser as browsers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, naming the command that installs it."""
    if browsers.chromium_path() is not None or browsers.is_required():
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=browsers.MISSING))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the tests of a module.

    No longer: while Playwright's interface is open its event loop counts as running, and no other test of this process
    may then run one.
    """
    assert browsers.chromium_path() is not None, browsers.MISSING
    with browsers.browser_of() as found:
        yield found
