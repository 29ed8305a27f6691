"""Looks at everything that runs in one run directory: supervisord, its log, and the actors themselves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from actors.runtime.process_history import history_of
from actors.runtime.supervisord import Process, Supervisor, SupervisorDownError
from protocol.endpoints import Endpoints
from tapehub.supervision.launch import log_lines
from tapehub.supervision.roll_call import RollCall
from tapehub.supervision.state import Row, rows_of


def look(
    endpoints: Endpoints, names: Sequence[str], roll: RollCall, timeout_s: float, digest: str = ""
) -> list[Row]:
    """One row per actor.

    Args:
        endpoints: Of the run directory.
        names: Actors of the configuration.
        roll: Sockets to them; kept between two looks, heartbeats are not missed.
        timeout_s: Longest wait for those that seem to live.
        digest: Of the configuration as it is now; empty is not compared.
    """
    supervisor = Supervisor(endpoints.run_dir)
    processes = _processes(supervisor)
    if processes is None:
        expected = {name for name in names if _has_socket(endpoints.ctl(name))}
    else:
        expected = {process.name for process in processes if process.pid}
        expected |= {name for name in names if not endpoints.topology.is_here(name)}
    answers = roll.ask(timeout_s, expected)
    processes = _processes(supervisor)  # again: a process may have ended while we waited for its answer
    histories = {} if processes is None else history_of(log_lines(endpoints.run_dir))
    return rows_of(names, processes, histories, answers, time.time_ns(), digest, endpoints.topology)


def _processes(supervisor: Supervisor) -> list[Process] | None:
    try:
        return supervisor.processes()
    except SupervisorDownError:
        return None


def _has_socket(endpoint: str) -> bool:
    """Whether an actor that was started by hand may answer there."""
    scheme, _, path = endpoint.partition("://")
    return scheme != "ipc" or Path(path).exists()
