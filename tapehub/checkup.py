"""What may be wrong with this machine, one finding per question; `tapehub doctor` asks them all."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import resource
import shutil
import socket
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from actors.runtime.clock import system_clock
from actors.runtime.keys import folder_of, owners_of
from actors.runtime.settings import Loaded
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from actors.runtime.version import VERSION
from protocol.endpoints import socket_dir
from protocol.instruments import BARS, REST, Catalog
from protocol.security.key_folder import KeyFolder
from protocol.topology import JOURNAL_KIND
from protocol.transport import libzmq_version
from tapehub.hosting import faults_of, reaches
from tapehub.key_deeds import problems_of_keys
from tapehub.keyring import operators_keyring
from tapehub.provider_rows import verdicts
from tapehub.supervision.clocks import clock_rows
from tapehub.supervision.roll_call import RollCall

if TYPE_CHECKING:
    from actors.collector.settings import CollectorSettings

OK: Final = "OK"
WARN: Final = "WARN"
FAIL: Final = "FAIL"
SKIP: Final = "SKIP"

_PACKAGES: Final = (
    "zmq", "msgspec", "msgpack", "numpy", "websocket", "websockets", "supervisor", "yaml", "typer", "rich",
)  # fmt: skip
_LITTLE_DISK_BYTES: Final = 1_000_000_000
_NO_DISK_BYTES: Final = 100_000_000
_FEW_FILES: Final = 1024
_UNSYNCHRONISED: Final = 5
_ASK_S: Final = 1.0


class Finding(msgspec.Struct, frozen=True):
    """Answer to one question."""

    word: str
    """OK, WARN, FAIL or SKIP."""
    text: str
    fix: str = ""
    where: str = ""
    """Collector and market that were looked at; empty: this machine."""
    step: str = ""
    """What of it was looked at."""


def of_machine() -> Iterator[Finding]:
    """Python, packages, open files, clock."""
    versions = f"python {platform.python_version()}, tapehub {VERSION}, libzmq {libzmq_version()}"
    yield Finding(OK, versions)
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding(FAIL, f"packages missing: {', '.join(missing)}", "./scripts/run installs them")
    else:
        yield Finding(OK, f"{len(_PACKAGES)} packages found")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    few = files != resource.RLIM_INFINITY and files < _FEW_FILES
    yield Finding(
        WARN if few else OK, f"{files} open files allowed", "raise the hard limit (ulimit -Hn)" if few else ""
    )
    yield of_clock()


def of_clock() -> Finding:
    """Whether something keeps the clock right (Linux tells)."""
    if not sys.platform.startswith("linux"):
        return Finding(SKIP, "clock: this system does not say whether it is synchronised")
    timex = ctypes.create_string_buffer(512)  # struct timex, all zero: ask, change nothing
    state = ctypes.CDLL(None).adjtimex(timex)
    if state in (-1, _UNSYNCHRONISED):
        return Finding(
            WARN, "the clock is not synchronised: ages and lags may be off", "run chrony or timesyncd"
        )
    return Finding(OK, "clock synchronised")


def of_run_dir(run_dir: Path) -> Iterator[Finding]:
    """Permissions, room, length of socket paths."""
    existing = next(folder for folder in (run_dir, *run_dir.parents) if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(FAIL, f"cannot write in {existing}", "tapehub --set run_dir=/another/folder")
    elif existing == run_dir and run_dir.stat().st_uid != os.getuid():
        yield Finding(WARN, f"{run_dir} belongs to user {run_dir.stat().st_uid}", "run as that user")
    else:
        yield Finding(
            OK, f"run directory {run_dir}" + ("" if existing == run_dir else " (tapehub up makes it)")
        )
    free = shutil.disk_usage(existing).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _LITTLE_DISK_BYTES:
        yield Finding(FAIL if free < _NO_DISK_BYTES else WARN, text, f"make room on the disk of {existing}")
    else:
        yield Finding(OK, text)
    sockets = socket_dir(run_dir)
    is_short = sockets.parent == run_dir.resolve()
    yield Finding(
        OK, f"sockets in {sockets}" + ("" if is_short else " (the run directory's path is too long)")
    )


def of_ports(
    loaded: Loaded, sections: Mapping[str, type[msgspec.Struct]], running: set[str]
) -> Iterator[Finding]:
    """Whether TCP ports that actors listen on (settings `host` and `port`) can be had."""
    for name in loaded.common.here:
        section: Any = loaded.section(name, sections[name.partition(".")[0]])
        port, host = getattr(section, "port", 0), getattr(section, "host", "127.0.0.1")
        if not port:
            continue
        where = f"port {host}:{port} of {name}"
        if name in running:
            yield Finding(OK, f"{where} is in use by it")
        elif _is_free(host, port):
            yield Finding(OK, f"{where} is free")
        else:
            yield Finding(
                FAIL,
                f"{where} is taken by another program",
                f"tapehub --set actors.{name}.port=0, or stop it",
            )


def of_actors(loaded: Loaded) -> tuple[list[Finding], set[str]]:
    """What runs; also the names of the actors that answer."""
    run_dir, names = Path(loaded.common.run_dir), loaded.common.here
    with RollCall(loaded.common.endpoints, names, operators_keyring(loaded)) as roll:
        answers = roll.ask(_ASK_S)
    running = {name for name, answer in answers.items() if answer.status}
    try:
        pid = Supervisor(run_dir).pid()
    except SupervisorDownError:
        if not running:
            return [Finding(SKIP, "nothing runs: tapehub up -d starts it")], running
        text = f"{len(running)} actors run without supervisord: nothing restarts them"
        return [Finding(WARN, text, "stop them, then tapehub up -d")], running
    silent = [name for name in names if name not in running]
    if silent:
        return [
            Finding(FAIL, f"supervisord {pid} runs, but no answer from {', '.join(silent)}", "tapehub status")
        ], running
    return [Finding(OK, f"supervisord {pid} and {len(running)} actors run and answer")], running


def of_keys(loaded: Loaded) -> Iterator[Finding]:
    """Whether the keys of all who listen off this machine are there, and ours are only ours to read."""
    folder, topology = KeyFolder(folder_of(loaded)), loaded.common.topology
    needed = set(owners_of(topology, loaded.common.actors).values())
    problems = problems_of_keys(folder, topology, loaded.common.actors)
    for problem in problems:
        yield Finding(FAIL, problem, "tapehub keys list")
    if needed and not problems:
        yield Finding(OK, f"keys of {len(needed)} actors that listen off this machine: {folder.path}")


def of_hosts(loaded: Loaded) -> Iterator[Finding]:
    """Whether the other hosts can be reached, and how far their clocks are from ours."""
    topology = loaded.common.topology
    if not topology.hosts:
        return
    if not topology.here:
        yield Finding(SKIP, "hosts: say which one this is with --host NAME")
        return
    tried = reaches(topology)
    for fault in faults_of(tried):
        yield Finding(WARN, fault, "tapehub status")
    reached = {one.host for one in tried if not one.fault}
    with RollCall(loaded.common.endpoints, servers_of(loaded), operators_keyring(loaded)) as roll:
        rows = clock_rows({name: answer.status for name, answer in roll.ask(_ASK_S).items()})
    mine = [row for row in rows if row.seen_from == topology.here]
    for row in mine:
        text = f"clock of {row.host}: {row.offset_s * 1000:+.1f} ms, +- {row.uncertainty_s * 1000:.1f} ms"
        fix = "run chrony or timesyncd on both hosts" if row.is_wrong else ""
        yield Finding(FAIL if row.is_wrong else OK, text, fix)
    for host in sorted(reached - {row.host for row in mine}):
        yield Finding(SKIP, f"clock of {host}: not measured yet")


def servers_of(loaded: Loaded) -> list[str]:
    """The journal servers of all hosts: they measure the clocks."""
    return [name for name in loaded.common.actors if name.partition(".")[0] == JOURNAL_KIND]


def collectors_of(loaded: Loaded, only: Collection[str]) -> dict[str, CollectorSettings]:
    """Collectors to look at: all of them, or those of these names, kinds (`collector`) or venues (`okx`).

    Raises:
        ConfigError: a collector without a venue.
        LookupError: a name that no collector has; says which there are.
    """
    from actors.collector.checks import venue_of  # noqa: PLC0415 - only where venues are looked at
    from actors.collector.settings import CollectorSettings  # noqa: PLC0415

    names = [name for name in loaded.common.actors if name.partition(".")[0] == "collector"]
    found = {name: loaded.section(name, CollectorSettings) for name in names}
    words = {name: {name, "collector", venue_of(name, settings)} for name, settings in found.items()}
    for wanted in only:
        if not any(wanted in one for one in words.values()):
            raise LookupError(f"no collector or venue {wanted!r}; there are: {', '.join(names) or 'none'}")
    return {name: settings for name, settings in found.items() if not only or words[name] & set(only)}


def of_venues(
    loaded: Loaded, collectors: Mapping[str, CollectorSettings], timeout_s: float
) -> Iterator[Finding]:
    """What keeps these collectors from their venues, in the order of the configuration.

    Providers of bars count calls: a collector of them that runs is asked what it knows instead.
    """
    from actors.collector.probing.survey import survey  # noqa: PLC0415 - it brings a WebSocket library

    catalog = Catalog(loaded.instruments)
    known = _known_providers(loaded, collectors)
    others = {name: settings for name, settings in collectors.items() if name not in known}
    for one in survey(others, catalog, system_clock(), timeout_s):
        where = f"{one.collector} {one.market}"
        known.setdefault(one.collector, []).append(Finding(one.word, one.text, one.fix, where, one.step))
    for name in collectors:
        yield from known.get(name, [])


def _known_providers(loaded: Loaded, collectors: Mapping[str, CollectorSettings]) -> dict[str, list[Finding]]:
    """Running collectors of bars with what they say of their providers."""
    from actors.collector.checks import venue_of  # noqa: PLC0415 - only where venues are looked at

    names = [name for name, settings in collectors.items() if venue_of(name, settings) == REST]
    if not names:
        return {}
    with RollCall(loaded.common.endpoints, names, operators_keyring(loaded)) as roll:
        statuses = {name: answer.status for name, answer in roll.ask(_ASK_S).items()}
    return {
        name: [Finding(*judged, f"{name} {BARS}", "provider") for judged in verdicts(status)]
        for name, status in statuses.items()
        if status
    }


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
