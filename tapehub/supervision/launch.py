"""Puts a checked configuration where the actors find it, and starts supervisord on it."""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from actors.runtime.layers import base_of
from actors.runtime.logfiles import LOG_FOLDER, SUPERVISOR_LOG
from actors.runtime.settings import COMPILED_NAME, Loaded, compiled_of
from actors.runtime.supervisord import socket_path
from protocol.client.finding import HUBS_NAME
from protocol.endpoints import Endpoints
from tapehub.kinds import FOLDER
from tapehub.supervision.programs import Place, literal, render

CONF_NAME: Final = "supervisord.conf"
HUB_KIND: Final = "hub"
_WANTED_FDS: Final = 65_536
_MEANWHILE_S: Final = 0.05
_PR_SET_PDEATHSIG: Final = 1


def prepare(loaded: Loaded, only: frozenset[str] | None = None) -> Path:
    """Write the compiled configuration and supervisord's; returns the path of the latter.

    Raises:
        StartError: the folder of the sockets belongs to somebody else.
    """
    run_dir = Path(loaded.common.run_dir)
    Endpoints(run_dir).prepare()
    (run_dir / LOG_FOLDER).mkdir(mode=0o700, exist_ok=True)
    compiled = run_dir / COMPILED_NAME
    _write(compiled, compiled_of(loaded))
    _tell_hubs(loaded, run_dir)
    conf = run_dir / CONF_NAME
    header = "; Written by `tapehub up`: change the configuration instead.\n\n"
    _write(conf, (header + render(loaded.common, place_of(loaded), only)).encode())
    return conf


def _tell_hubs(loaded: Loaded, run_dir: Path) -> None:
    """Write where hubs are for programs that find them by the run directory: without it they would see those of this host."""
    path = run_dir / HUBS_NAME
    if not loaded.common.hosts:
        path.unlink(missing_ok=True)
        return
    endpoints = loaded.common.endpoints
    hubs = endpoints.topology.nearest(
        name for name in loaded.common.actors if name.partition(".")[0] == HUB_KIND
    )
    rows = [
        {"name": name, "host": endpoints.topology.host_of(name), "endpoint": endpoints.query(name)}
        for name in hubs
    ]
    _write(path, msgspec.json.format(msgspec.json.encode({"hubs": rows}), indent=2) + b"\n")


def place_of(loaded: Loaded) -> Place:
    """Where the actors of this configuration run on this host."""
    run_dir = Path(loaded.common.run_dir)
    base = base_of(loaded.tree.path) if loaded.tree else run_dir.parent
    is_installed = FOLDER in map(Path, (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    return Place(
        folder=literal(str(base)),
        run_dir=literal(str(run_dir)),
        python=literal(sys.executable),
        config=literal(str(run_dir / COMPILED_NAME)),
        socket=literal(str(socket_path(run_dir))),
        environment={} if is_installed else {"PYTHONPATH": literal(str(FOLDER))},
        min_fds=min(_WANTED_FDS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
    )


def start(conf: Path, *, ends_with_us: bool) -> subprocess.Popen[bytes]:
    """Start supervisord in its own session; what it says before it can log goes to `<run_dir>/log`.

    Args:
        conf: Its configuration.
        ends_with_us: It shuts down when this process dies, in whatever way (Linux).
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-s", "-c", str(conf)]
    with (conf.parent / LOG_FOLDER / "supervisord.err").open("wb") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            cwd="/",
            start_new_session=True,
            preexec_fn=_end_with_parent if ends_with_us else None,  # noqa: PLW1509 - we have one thread here
        )


def said_at_start(run_dir: Path) -> str:
    """What supervisord printed before it could log: why it did not start."""
    try:
        return (run_dir / LOG_FOLDER / "supervisord.err").read_text(errors="replace").strip()
    except OSError:
        return ""


def log_lines(run_dir: Path) -> list[str]:
    """Lines of supervisord's log, the rotated file before it included."""
    folder, lines = run_dir / LOG_FOLDER, []
    for path in (folder / f"{SUPERVISOR_LOG}.1", folder / SUPERVISOR_LOG):
        if path.is_file():
            lines += path.read_text(errors="replace").splitlines()
    return lines


def wait_for_end(pid: int, deadline_s: float, meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Wait until a process that is not our child has ended; False if it has not in time.

    Args:
        pid: Its process id.
        deadline_s: Patience.
        meanwhile: Called 20 times a second: `Supervisor.nudge` of a supervisord that ends, which else takes up to a
            second for each actor.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    end_s = time.monotonic() + deadline_s
    try:
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([handle], [], [], min(left_s, _MEANWHILE_S))[0]:
                return True
            meanwhile()
        return False
    finally:
        os.close(handle)


def _end_with_parent() -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _write(path: Path, data: bytes) -> None:
    """Replace a file at once, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor with its own mode
        file.write(data)
    fresh.replace(path)
