"""Fixtures of all tests, and the one reason to skip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.support import data
from tests.support.paths import short_folder

RECORDING: Final = "recording"
EXAMPLES: Final = int(os.environ.get("TAPEHUB_EXAMPLES", "50"))
"""Of each property that names no number of its own; more of them: TAPEHUB_EXAMPLES=1000 ./scripts/test -k laws."""
hypothesis.settings.register_profile(
    "tapehub", deadline=None, max_examples=EXAMPLES
)  # a busy machine is not a fault
hypothesis.settings.load_profile("tapehub")


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """Run directory of one test, with a path short enough for unix sockets."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def recording() -> Callable[[str], Path]:
    """Path of a recording by its name below the data folder; the test must carry the `recording` mark."""
    return data.recording


@pytest.fixture(autouse=True)
def recordings_used(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write down which recordings a test has used, for the closing lines."""
    yield
    request.node.user_properties.extend((RECORDING, name) for name in data.take_used())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the recordings that the tests were compared with."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    names = {
        value
        for report in reports
        for key, value in getattr(report, "user_properties", ())
        if key == RECORDING
    }
    if names:
        terminalreporter.section("recordings used")
        for name in sorted(names):
            terminalreporter.line(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the recordings where they are not to be had, and say why."""
    if data.data_dir() is not None:
        return
    skip = pytest.mark.skip(reason=data.MISSING)
    for item in items:
        if item.get_closest_marker("recording"):
            item.add_marker(skip)
