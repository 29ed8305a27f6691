"""`tapehub scan` as a process: signals of a recording, why there are none, and what is refused."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tapehub.cli import exit_codes
from tests.support.config import write_config
from tests.support.talking_strategy import write_talker
from tests.support.tapehub_command import run

SYMBOLS = {
    "EUR_USD": {"session": "fx", "bars_from": "quote", "pip_size": 0.0001, "base": "EUR", "quote": "USD"}
}
CANDLES = {"timeframes": ["1s", "10s", "1m"], "indicators": ["ema(3)"], "indicator_timeframes": ["1m"]}


@pytest.fixture
def file(run_dir: Path, recording: Callable[[str], Path]) -> Path:
    path = recording("fx/histdata_eurusd_ticks_20200101.csv.gz")
    with gzip.open(path, "rt") as whole, gzip.open(run_dir / path.name, "wt") as part:
        part.writelines(itertools.islice(whole, 700))
    return run_dir / path.name


@pytest.fixture
def config(run_dir: Path) -> Path:
    write_talker(run_dir)
    talk = {
        "strategies": {
            "talk": {"expires_s": 60, "cooldown_s": 5},
            "mean_reversion": {"params": {"timeframe": "1m"}},
        }
    }
    candles = {**CANDLES, "indicators": ["ema(3)", "ema(50)", "bbands(20,2)", "rsi(14)", "atr(14)"]}
    return write_config(run_dir, {"aggregator.1": candles, "orderflow.1": {}, "scanner.1": talk}, SYMBOLS)


@pytest.mark.recording
def test_the_same_recording_gives_the_same_output(run_dir: Path, config: Path, file: Path) -> None:
    words = ("--config", config, "scan", file, "--venue", "fx", "--json")
    first, second = (run(*words, cwd=run_dir, deadline_s=60) for _ in range(2))
    assert first.code == 0, first.err
    assert first.out == second.out
    assert len(first.rows) > 15
    assert len({row["venue"] for row in first.rows}) == 1
    open_ids = [row["signal_id"] for row in first.rows if row["revision"] == 1]
    assert len(open_ids) == len(set(open_ids))


@pytest.mark.recording
def test_a_line_for_people_and_why_there_is_nothing(run_dir: Path, config: Path, file: Path) -> None:
    result = run(
        "--config", config, "scan", file, "--venue", "fx", "--as", "mine", "--why", cwd=run_dir, deadline_s=60
    )
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert "EUR_USD" in lines[0]
    assert "talk" in lines[0]
    assert any(line.startswith("mean_reversion: ") for line in lines)
    assert "700 messages" in result.err


@pytest.mark.recording
def test_one_strategy_and_one_symbol(run_dir: Path, config: Path, file: Path) -> None:
    words = ("--config", config, "scan", file, "--venue", "fx", "--json")
    only = run(*words, "--strategy", "mean_reversion", "--why", cwd=run_dir, deadline_s=60)
    assert only.code == 0, only.err
    assert list(only.rows[-1]["reasons"]) == ["mean_reversion"]
    none = run(*words, "--symbol", "GBP_USD", cwd=run_dir, deadline_s=60)
    assert none.code != 0
    assert "holds no message" in none.err


def test_what_is_refused(run_dir: Path, config: Path) -> None:
    words = ("--config", config, "scan")
    empty = run_dir / "empty.csv"
    empty.write_text("")
    unknown = run(*words, empty, "--venue", "nowhere", cwd=run_dir)
    assert unknown.code == exit_codes.USAGE
    assert "nowhere" in unknown.err
    strategy = run(*words, empty, "--venue", "fx", "--strategy", "tlak", cwd=run_dir)
    assert strategy.code == 78
    assert "no strategy 'tlak'; there is mean_reversion, talk" in strategy.err
    (run_dir / "strategies" / "talk.py").write_text("STRATEGIES = 3\n")
    broken = run(*words, empty, "--venue", "fx", cwd=run_dir)
    assert broken.code == 78
    assert "talk.py: cannot be loaded" in broken.err
