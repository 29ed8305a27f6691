"""The code in the documentation does what the text around it says: it is run as it stands, on a real system."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.examples import code_lines, example
from tests.support.paths import ROOT, short_folder
from tests.support.process import clean_environment
from tests.support.system import System

PROTOCOL = ROOT / "docs" / "protocol.md"
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder whose `var` is the run directory of a running system, as the examples expect."""
    with short_folder() as folder:
        run_dir = folder / "var"
        run_dir.mkdir()
        with System(run_dir, simulator={"rate_per_s": 500}) as system:
            system.wait_for_data("BTC_USDT")
            yield folder


def run_in(home: Path, source: str) -> str:
    """Output of a program; its own failure is ours."""
    done = subprocess.run(
        [sys.executable, "-"], input=source, cwd=home, env=clean_environment(), capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(source: str) -> set[str]:
    return set(re.findall(r"^(?:import|from) (\w+)", source, flags=re.MULTILINE))


def test_tap_hears_trades(home: Path) -> None:
    source = example(PROTOCOL, "tap")
    assert code_lines(source) <= 20
    assert imported(source) == {"struct", "msgpack", "zmq"}

    lines = run_in(home, source).splitlines()

    assert len(lines) >= 10
    for line in lines:
        assert re.match(
            r"trade\.binance\.[A-Z_.]+ collector\.binance\.1 \d+ \d+ \['[A-Z_.]+', 'binance', \d+", line
        )


def test_snapshot_answers(home: Path) -> None:
    source = example(PROTOCOL, "snapshot")
    assert code_lines(source) <= 10
    assert imported(source) == {"msgpack", "zmq"}

    assert re.match(r"True fresh \d\S* \['BTC_USDT', 'binance', \d+", run_in(home, source))


def test_engine_of_the_readme(home: Path) -> None:
    source = example(README, "engine")
    assert code_lines(source) <= 12

    tick, candles, *actors = run_in(home, source).splitlines()

    bid, ask, age_s, state = tick.split()
    assert 0 < float(bid) < float(ask)
    assert 0 <= float(age_s) < 5
    assert state == "fresh"
    assert re.match(r"\[\d.*\] fresh", candles)
    assert {line.split()[1] for line in actors} == {"RUNNING"}
    assert len(actors) == 4
