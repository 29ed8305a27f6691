"""Make a virtual environment hold one lock file, once: `prepare_venv.py VENV LOCK`.

Runs on a bare Python 3.11, before anything is installed. The stamp `VENV/tapehub-stamp.json` remembers
the hash of each lock that is in; where it matches, nothing is done and no network is touched.
A file lock beside the environment lets any number of scripts start at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shlex
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAMP = "tapehub-stamp.json"
CONTAINS = {"requirements-dev.txt": ["requirements.txt"]}
"""The development lock holds the run-time lock too."""


class SetupError(Exception):
    """The environment cannot be made; the text says what to do next."""


def main(arguments: list[str]) -> int:
    """Prepare the environment; returns the exit code."""
    folder, lock = Path(arguments[0]).absolute(), Path(arguments[1])
    try:
        with only_one(folder):
            prepare(folder, lock)
    except SetupError as error:
        print(f"tapehub: {error}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock file beside the environment; the system frees it when the process ends, however."""
    path = folder.with_name(folder.name + ".lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        raise SetupError(
            f"cannot write {path}: {error.strerror}. Name a folder of yours: TAPEHUB_VENV=~/.tapehub-venv"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("tapehub: another script prepares the environment, waiting for it", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare(folder: Path, lock: Path) -> None:
    """Create what is missing, install what has changed, remember it."""
    stamp = read_stamp(folder)
    wanted = {"root": str(ROOT), lock.name: digest(lock)}
    if wanted.items() <= stamp.items():
        return
    if not works(folder):
        create(folder)
        stamp = {}
    if stamp.get(lock.name) != wanted[lock.name]:
        install(folder, lock)
        stamp = {name: digest(lock.with_name(name)) for name in CONTAINS.get(lock.name, [])}
    write_command(folder)
    (folder / STAMP).write_text(json.dumps(stamp | wanted, indent=1) + "\n")


def read_stamp(folder: Path) -> dict[str, str]:
    """What the environment holds; empty if that is not known."""
    try:
        found = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def digest(lock: Path) -> str:
    """Hash of a lock file."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def python_of(folder: Path) -> Path:
    """Interpreter of an environment."""
    return folder / "bin" / "python"


def works(folder: Path) -> bool:
    """Whether the environment's interpreter starts, is our version, and has pip."""
    check = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        done = subprocess.run([python_of(folder), "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def create(folder: Path) -> None:
    """Make a fresh environment; refuse to clear a folder that is not one."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
        raise SetupError(f"{folder} is not empty and no virtual environment: choose another TAPEHUB_VENV")
    print(f"tapehub: making {folder} (Python {sys.version.split()[0]})", file=sys.stderr)
    try:
        venv.create(folder, clear=True, symlinks=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            f"cannot make a virtual environment in {folder}: {error}. "
            "Install your system's venv package (Debian, Ubuntu: apt install python3-venv), or set TAPEHUB_VENV"
        ) from error


def install(folder: Path, lock: Path) -> None:
    """Install a lock with its hashes checked."""
    (folder / STAMP).unlink(missing_ok=True)
    print(f"tapehub: installing {lock.name}", file=sys.stderr)
    command = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--require-hashes", "-r", str(lock)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupError(
            f"pip could not install {lock.name}, its own words are above. Without network: point pip to a "
            "mirror (PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS), then run the same command again"
        )


def write_command(folder: Path) -> None:
    """Put this checkout on the environment's path and the `tapehub` command into its bin folder."""
    library = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "lib" / library / "site-packages" / "tapehub-checkout.pth").write_text(f"{ROOT}\n")
    command = folder / "bin" / "tapehub"
    fresh = command.with_name("tapehub.new")
    fresh.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python_of(folder)))} -P -m tapehub "$@"\n')
    fresh.chmod(0o755)
    fresh.replace(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
