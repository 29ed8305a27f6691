"""A whole system under supervisord in a folder of its own, started and stopped by the `tapehub` command."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.config import at_simulator
from tests.support.paths import ROOT, free_port, short_folder
from tests.support.process import clean_environment


def tapehub(*arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run the command of this checkout; output and exit code come back, nothing is raised for them."""
    return subprocess.run(
        [sys.executable, "-m", "tapehub", *arguments],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@contextlib.contextmanager
def default_system(overrides: Sequence[str] = ()) -> Iterator[Path]:
    """Start the default configuration on a free port in a temporary run directory; yields that directory.

    Args:
        overrides: Further `section.key=value` settings.
    """
    with short_folder() as folder:
        run_dir = folder / "var"
        port = free_port()
        settings = [f"run_dir={run_dir}", *simulator_at(port), *overrides]
        words = [word for setting in settings for word in ("--set", setting)]
        done = tapehub(*words, "up", "-d")
        try:
            if done.returncode != 0:
                raise RuntimeError(f"tapehub up: exit {done.returncode}\n{done.stdout}{done.stderr}")
            yield run_dir
        finally:
            tapehub("--run-dir", str(run_dir), "down")


def simulator_at(port: int) -> list[str]:
    """Settings that let the default system's simulator listen at a port, and its collector go there."""
    urls = [
        f"actors.collector.binance.1.{name}.{market}={url}"
        for name, markets in at_simulator(port).items()
        for market, url in markets.items()
    ]
    return [f"actors.simulator.1.port={port}", *urls]
