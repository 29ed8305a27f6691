"""One row per actor: what supervisord knows of its process, joined with what it says of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.runtime.lagging import note_of
from actors.runtime.process_history import History
from actors.runtime.supervisord import Process
from protocol.topology import Topology
from tapehub.bridge_rows import trouble as mirror_trouble
from tapehub.provider_rows import trouble
from tapehub.supervision.hosts import NOT_SUPERVISED, place
from tapehub.supervision.programs import EXIT_CONFIG
from tapehub.supervision.roll_call import Answer

RUNNING: Final = "running"
DEGRADED: Final = "degraded"
DOWN: Final = "down"
_START_S: Final = 3.0
"""A process that says nothing is taken to be starting for so long."""
_ALIVE: Final = ("RUNNING", "STARTING")
_GUARDIAN: Final = "guardian"
QUARANTINED: Final = "QUARANTINED"


class Row(msgspec.Struct, kw_only=True):
    """State of one actor."""

    name: str
    state: str
    """The actor's own word; SILENT if its process runs and says nothing; QUARANTINED if the guardian keeps it down; else
    supervisord's word."""
    supervisor_state: str = ""
    """Empty: supervisord does not know it, or does not run."""
    pid: int = 0
    uptime_s: float | None = None
    restarts: int | None = None
    """Starts after the first since supervisord started; None without supervisord."""
    beat_age_s: float | None = None
    in_per_s: float | None = None
    out_per_s: float | None = None
    lag_p50_s: float | None = None
    lag_p99_s: float | None = None
    gaps_open: int | None = None
    rss_bytes: int | None = None
    dropped: int | None = None
    note: str = ""
    host: str = ""
    """Where it runs; empty where there is one host."""


def rows_of(
    names: Sequence[str],
    processes: Sequence[Process] | None,
    histories: Mapping[str, History],
    answers: Mapping[str, Answer],
    now_ns: int,
    digest: str = "",
    topology: Topology | None = None,
) -> list[Row]:
    """Rows in the order of the topology, then what supervisord runs besides.

    Args:
        names: Actors of the configuration.
        processes: Of supervisord; None if it does not run.
        histories: From supervisord's log.
        answers: The actors' own.
        now_ns: Wall clock.
        digest: Of the configuration as it is now; empty is not compared.
        topology: Who runs on which host.
    """
    by_name = {process.name: process for process in processes or ()}
    every = [*names, *(name for name in by_name if name not in names)]
    found = []
    for name in every:
        history = histories.get(name, History()) if processes is not None else None
        answer = answers.get(name, Answer())
        row = _row(name, by_name.get(name), history, answer, now_ns)
        status = answer.status or {}
        row.note = (
            trouble(status) or mirror_trouble(status) or row.note or _remark(name, answer, row, names, digest)
        )
        found.append(row)
    _tell_quarantines(found, answers)
    if topology is not None:
        place(found, topology, answers)
    return found


def _tell_quarantines(rows: Sequence[Row], answers: Mapping[str, Answer]) -> None:
    """Say of what a guardian keeps down that it does, and when it tries again."""
    told: dict[str, Mapping[str, Any]] = {}
    for name, answer in answers.items():
        if name.partition(".")[0] == _GUARDIAN and answer.status:
            told.update(answer.status.get("programs") or {})
    for row in rows:
        of_it = told.get(row.name) or {}
        if of_it.get("state") == QUARANTINED and not row.pid:
            row.state = QUARANTINED
            row.note = (
                f"does not stay up, tried again in {of_it.get('retry_in_s', 0):.0f} s: tapehub logs {row.name}, "
                f"tapehub restart {row.name}"
            )


def overall(rows: Sequence[Row]) -> str:
    """running, degraded or down."""
    if rows and all(row.state == "RUNNING" for row in rows):
        return RUNNING
    return DEGRADED if any(row.pid for row in rows) else DOWN


def _row(name: str, process: Process | None, history: History | None, answer: Answer, now_ns: int) -> Row:
    status: Mapping[str, Any] = answer.status or {}
    row = Row(name=name, state=_state(process, answer))
    if process is not None:
        row.supervisor_state, row.pid = process.state, process.pid
        row.uptime_s = process.uptime_s if process.pid else None
        row.note = _complaint(process, history)
    if history is not None:
        row.restarts = history.restarts
    if answer.beat_ns:
        row.beat_age_s = (now_ns - answer.beat_ns) / 1e9
    if status:
        row.pid = int(status.get("pid", row.pid))
        row.uptime_s = status.get("uptime_s", row.uptime_s)
        row.in_per_s, row.out_per_s = status.get("frames_in_per_s"), status.get("frames_out_per_s")
        row.lag_p50_s, row.lag_p99_s = status.get("lag_p50_s"), status.get("lag_p99_s")
        row.gaps_open, row.rss_bytes = status.get("gaps_open"), status.get("rss_bytes")
        row.dropped = sum(status.get("dropped", {}).values())
    return row


def _state(process: Process | None, answer: Answer) -> str:
    if answer.status is not None:
        return str(answer.status["state"])
    if process is None:
        return "SILENT" if answer.beat_ns else "STOPPED"
    if process.state not in _ALIVE:
        return process.state
    return "STARTING" if process.uptime_s < _START_S else "SILENT"


def _complaint(process: Process, history: History | None) -> str:
    """Why supervisord does not run it."""
    if process.state == "EXITED" and process.exit_code == EXIT_CONFIG:
        return f"bad configuration: tapehub logs {process.name}, tapehub config check"
    if process.state in {"BACKOFF", "FATAL"}:
        return process.spawn_error
    if history is not None and history.restarts and history.reason:
        return f"last end: {history.reason}"
    return ""


def _remark(name: str, answer: Answer, row: Row, names: Sequence[str], digest: str) -> str:
    if row.state == "SILENT":
        return "runs but does not answer: tapehub logs " + name
    if answer.status and digest and answer.status.get("config_digest") not in ("", None, digest):
        return "runs another configuration than the file has now: tapehub restart " + name
    if answer.status and not row.supervisor_state:
        return NOT_SUPERVISED
    if name not in names:
        return "not in the configuration any more: tapehub restart --all"
    if answer.status and (lag := note_of(answer.status)):
        return lag
    if answer.status and answer.status.get("connected") is False:
        return "not connected: tapehub doctor --live --only " + name
    return ""
