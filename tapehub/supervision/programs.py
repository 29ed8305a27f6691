"""The configuration of supervisord for one topology. Pure.

The same rules write `<run_dir>/supervisord.conf` for `tapehub up` and the `supervisord.conf` at the root, whose
paths hang on `%(here)s` and whose Python comes from `.venv` or the PATH.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.runtime.logfiles import LOG_FOLDER, SUPERVISOR_LOG
from actors.runtime.settings import Common

EXIT_CONFIG: Final = 78
IDENTIFIER: Final = "tapehub"

_LISTENER_KIND: Final = "guardian"
"""Runs as an event listener: supervisord tells it what becomes of the others."""
_EVENTS: Final = "PROCESS_STATE,TICK_5"
_PRIORITIES: Final = {
    "guardian": 1,
    "journal": 10,
    "simulator": 50,
    "collector": 100,
    "persistence": 150,
    "aggregator": 200,
    "orderflow": 220,
    "detector": 240,
    "scanner": 260,
    "hub": 300,
    "notifier": 320,
    "bridge": 330,
    "gateway": 350,
}
"""Order of start, and backwards of stop: data flows from the left to the right of it."""
_UNRANKED: Final = 250
_STOP_MARGIN_S: Final = 5

ENVIRONMENT: Final = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONUNBUFFERED": "1",
}
"""Of every actor: small, one thread, and talkative when it crashes. Compiled code is kept, whatever the shell says: without
it each start compiles hundreds of files anew, which doubles the time until an actor is back."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the programs run. Every text may hold supervisord's `%(here)s`; other percent signs are doubled."""

    folder: str
    """Working directory."""
    run_dir: str
    python: str
    """Interpreter of the actors."""
    config: str
    """What the actors are given as `--config`."""
    socket: str
    """Unix socket of supervisord."""
    environment: Mapping[str, str] = {}
    """More variables for the actors."""
    min_fds: int = 1024
    """Open files supervisord asks for; more than the hard limit and it does not start."""


STANDALONE: Final = Place(
    folder="%(here)s",
    run_dir="%(here)s/var",
    python="python3",
    config="config/tapehub.yaml",
    socket="%(here)s/var/supervisor.sock",
    environment={"PATH": "%(here)s/.venv/bin:%(ENV_PATH)s"},
)
"""The checkout itself, wherever it is."""

_STANDALONE_HEADER: Final = """\
; The default system by itself: supervisord -c supervisord.conf (add -n to stay in the foreground), then
; supervisorctl -c supervisord.conf status, or tapehub status. `tapehub up` writes the same for any topology.
; Written by `tapehub config supervisord`; a test compares it with config/tapehub.yaml.

"""


def standalone(common: Common) -> str:
    """Text of a `supervisord.conf` that works by itself at the top of a checkout."""
    return _STANDALONE_HEADER + render(common, STANDALONE)


def render(common: Common, place: Place, only: frozenset[str] | None = None) -> str:
    """Text of the configuration.

    Args:
        common: The topology.
        place: Where it runs.
        only: Actors to run; None runs all.
    """
    names = [name for name in common.here if only is None or name in only]
    names.sort(key=priority_of)
    programs = [
        (_listener if name.partition(".")[0] == _LISTENER_KIND else _program)(name, common, place)
        for name in names
    ]
    return "\n".join([_daemon(place), *programs])


def priority_of(name: str) -> int:
    """Place of an actor in the order of start."""
    return _PRIORITIES.get(name.partition(".")[0], _UNRANKED)


def literal(text: str) -> str:
    """Text that supervisord is to take as it is: it expands `%(name)s`."""
    return text.replace("%", "%%")


def _daemon(place: Place) -> str:
    variables = ",".join(
        f'{key}="{value}"' for key, value in sorted({**ENVIRONMENT, **place.environment}.items())
    )
    return f"""\
[unix_http_server]
file={place.socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{place.socket}

[supervisord]
identifier={IDENTIFIER}
directory={place.folder}
umask=077
minfds={place.min_fds}
pidfile={place.run_dir}/supervisord.pid
logfile={place.run_dir}/{LOG_FOLDER}/{SUPERVISOR_LOG}
logfile_maxbytes=10MB
logfile_backups=3
environment={variables}

; However an actor ends it comes back, exit 0 included; only a bad configuration (exit {EXIT_CONFIG}) stays down.
; startsecs=0, because supervisord retries a program that ends sooner than that whatever its exit code.
"""


def _command(name: str, place: Place) -> str:
    command = [
        place.python,
        "-m",
        f"actors.{name.partition('.')[0]}",
        "--name",
        name,
        "--config",
        place.config,
    ]
    return " ".join(_word(one) for one in command)


def _listener(name: str, common: Common, place: Place) -> str:
    """Of a guardian: its stdout is the line to supervisord, so only stderr is a log."""
    head = f"[eventlistener:{name}]\nevents={_EVENTS}\nbuffer_size=1000\nstdout_logfile=NONE\n"
    return head + _life(name, common, place) + _log("stderr", name, common, place)


def _program(name: str, common: Common, place: Place) -> str:
    head = f"[program:{name}]\nredirect_stderr=true\n"
    return head + _life(name, common, place) + _log("stdout", name, common, place)


def _life(name: str, common: Common, place: Place) -> str:
    """How a process is started, brought back and ended."""
    return f"""\
command={_command(name, place)}
directory={place.folder}
priority={priority_of(name)}
autorestart=unexpected
exitcodes={EXIT_CONFIG}
startsecs=0
startretries=1000
stopsignal=TERM
stopwaitsecs={math.ceil(common.drain_s) + _STOP_MARGIN_S}
stopasgroup=true
killasgroup=true
"""


def _log(stream: str, name: str, common: Common, place: Place) -> str:
    return f"""\
{stream}_logfile={place.run_dir}/{LOG_FOLDER}/{name}.log
{stream}_logfile_maxbytes={common.logs.max_bytes}
{stream}_logfile_backups={common.logs.backups}
"""


def _word(text: str) -> str:
    return text if "%(" in text and " " not in text else shlex.quote(text)
