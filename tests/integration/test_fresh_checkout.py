"""`scripts/run` on a machine that has only Python: a checkout whose lock is empty, so that no network is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT, short_folder

STAND_IN = """\
import os, sys
print("tapehub", *sys.argv[1:], "in", os.getcwd(), "with", os.environ.get("TAPEHUB_CONFIG", "nothing"))
"""


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A small checkout in a folder whose name wants quoting; its environment is made once."""
    with short_folder() as folder:
        root = folder / "my check'out"
        shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "requirements.txt").write_text("# nothing\n")
        (root / "requirements-dev.txt").write_text("# nothing\n")
        (root / "tapehub").mkdir()
        (root / "tapehub" / "__main__.py").write_text(STAND_IN)
        first = run(root, "--first", timeout_s=50)
        assert first.returncode == 0, first.stderr
        assert "making" in first.stderr
        yield root


def run(root: Path, *arguments: str, timeout_s: float = 30, **extra: str) -> subprocess.CompletedProcess[str]:
    """Start scripts/run from another folder, without the person's own settings."""
    return subprocess.run(
        [root / "scripts" / "run", *arguments],
        cwd="/", env={**without_settings(), **extra}, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


def without_settings() -> dict[str, str]:
    """The environment without the person's own settings: theirs is not the virtual environment to try things in."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TAPEHUB_")}


def test_second_start_installs_nothing_and_needs_no_pip(checkout: Path) -> None:
    packages = next((checkout / ".venv" / "lib").glob("python*/site-packages"))
    shutil.move(packages / "pip" / "_internal", packages / "pip" / "_gone")
    try:
        done = run(checkout, "--second", "two words")
    finally:
        shutil.move(packages / "pip" / "_gone", packages / "pip" / "_internal")

    assert done.returncode == 0, done.stderr
    config = checkout / "config" / "tapehub.yaml"
    assert done.stdout == f"tapehub up --second two words in / with {config}\n"
    assert done.stderr == ""


def test_command_works_from_any_folder_and_takes_nothing_from_there(checkout: Path, run_dir: Path) -> None:
    (run_dir / "tapehub").mkdir()
    (run_dir / "tapehub" / "__main__.py").write_text("raise SystemExit('the wrong one')")
    command = [checkout / ".venv" / "bin" / "tapehub", "status"]
    done = subprocess.run(command, cwd=run_dir, capture_output=True, text=True, check=True)
    assert done.stdout == f"tapehub status in {run_dir} with nothing\n"


def test_changed_lock_is_installed(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("# nothing, said otherwise\n")
    assert "installing requirements.txt" in run(checkout).stderr
    assert run(checkout).stderr == ""


def test_lock_that_cannot_be_had_is_told_with_the_next_step(checkout: Path) -> None:
    lock = checkout / "requirements.txt"
    before = lock.read_text()
    lock.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    try:
        done = run(checkout, PIP_NO_INDEX="1")
    finally:
        lock.write_text(before)

    assert done.returncode == 1
    assert "pip could not install requirements.txt" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert run(checkout).returncode == 0, "the next start repairs it"


def test_two_at_once_wait_for_each_other(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("# nothing, for two\n")
    command = [checkout / "scripts" / "run"]
    both = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=without_settings()
        )
        for _ in "ab"
    ]
    outputs = [process.communicate(timeout=30) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("installing" in stderr for _, stderr in outputs) == 1
    stamp = json.loads((checkout / ".venv" / "tapehub-stamp.json").read_text())
    assert stamp["root"] == str(checkout)


def test_folder_of_somebody_else_is_not_cleared(checkout: Path, run_dir: Path) -> None:
    (run_dir / "precious.txt").write_text("keep me")
    done = run(checkout, TAPEHUB_VENV=str(run_dir))
    assert done.returncode == 1
    assert "choose another TAPEHUB_VENV" in done.stderr
    assert (run_dir / "precious.txt").read_text() == "keep me"


def test_old_python_is_told_with_the_next_step(checkout: Path, run_dir: Path) -> None:
    old = run_dir / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.8.1 && exit\nexit 1\n')
    old.chmod(0o755)
    done = run(checkout, TAPEHUB_PYTHON=str(old))
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.8.1" in done.stderr
    assert "Next step" in done.stderr
