"""Fixtures of all tests, and the one reason to skip."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.support import bytecode, data
from tests.support.paths import short_folder

RECORDING: Final = "recording"
EXAMPLES: Final = int(os.environ.get("TAPEHUB_EXAMPLES", "30"))
"""Of each property that names no number of its own; more of them: TAPEHUB_EXAMPLES=1000 ./scripts/test -k laws."""
SLOWEST: Final = (
    "test_supervision.py",
    "test_dashboard.py",
    "test_gateway_operations.py",
    "test_played_venues.py",
    "test_rest_backfill.py",
    "test_backtest.py",
    "test_dashboard_states.py",
    "test_notifier.py",
    "test_cli_hub_reads.py",
    "test_collector_klines.py",
    "test_replay_check.py",
    "test_chat_sender.py",
    "test_collector_connections.py",
    "test_profile.py",
)
"""Files that take longest, in that order: they begin, so that at the end of a run no worker has a long one while the others
have none."""
hypothesis.settings.register_profile(
    "tapehub", deadline=None, max_examples=EXAMPLES
)  # a busy machine is not a fault
hypothesis.settings.load_profile("tapehub")


def pytest_configure(config: pytest.Config) -> None:
    """Compile once, for all workers and all processes under test; begin them with a SIGINT that they hear."""
    bytecode.keep(config)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # the shell's `&`, and children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
    """Begin with what takes longest; skip what needs the recordings where they are not to be had, and say why."""
    places = {name: place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
    if data.data_dir() is not None:
        return
    skip = pytest.mark.skip(reason=data.MISSING)
    for item in items:
        if item.get_closest_marker("recording"):
            item.add_marker(skip)
