"""A command whose imports were made before does what one does that makes them itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tapehub_command import Command, run
from tests.support.warm_commands import warm_commands


@pytest.mark.parametrize(
    "words",
    [("version",), ("--help",), ("tap", "trade", "--for", "soon"), ("decode", "binance", "nowhere"), ()],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_a_warm_command_leaves_what_a_cold_one_leaves(run_dir: Path, words: tuple[str, ...]) -> None:
    with Command(*words, cwd=run_dir) as command:
        cold = command.finished()

    assert run(*words, cwd=run_dir) == cold


def test_it_is_in_its_own_folder_and_leaves_nothing_to_the_next(run_dir: Path) -> None:
    (run_dir / "x").write_bytes(b"{}")

    assert "No such file" not in run("--debug", "decode", "binance", "x", cwd=run_dir).err
    assert "No such file" in run("decode", "binance", "x", cwd=Path("/")).err


def test_one_that_does_not_end_is_killed_and_the_next_one_runs(run_dir: Path) -> None:
    endless = ("tap", "trade", "--endpoint", f"ipc://{run_dir}/nobody")

    with pytest.raises(AssertionError, match="still runs after"):
        run(*endless, cwd=run_dir, deadline_s=0.3)
    assert run("version", cwd=run_dir).code == 0


def test_where_a_test_changes_the_environment_it_is_a_cold_one(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_commands(), "run", None)  # must not be called
    monkeypatch.setenv("COLUMNS", "200")

    assert run("version", cwd=run_dir).code == 0
