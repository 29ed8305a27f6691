"""What `up` and `restart` share: telling a person how the actors come up, and what keeps one down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.runtime.logfiles import LOG_FOLDER
from actors.runtime.process_history import history_of
from actors.runtime.supervisord import Supervisor, SupervisorDownError
from tapehub.cli import exit_codes
from tapehub.cli.failures import Failure
from tapehub.cli.output import note, warn
from tapehub.supervision.launch import log_lines
from tapehub.supervision.programs import EXIT_CONFIG
from tapehub.supervision.readiness import RUNNING, until_running

if TYPE_CHECKING:
    from actors.runtime.settings import Loaded

_LAST_LINES: Final = 3
_MANY_STARTS: Final = 3


def await_actors(
    loaded: Loaded, names: Sequence[str], deadline_s: float, supervisor_gone: Callable[[], str]
) -> None:
    """Wait until the actors run, telling each change on stderr.

    Raises:
        Failure: one stays down, or not all run in time; shows the end of their logs.
    """
    run_dir = Path(loaded.common.run_dir)
    supervisor = Supervisor(run_dir)

    starts_before = {name: one.starts for name, one in history_of(log_lines(run_dir)).items()}

    def trouble() -> str:
        return supervisor_gone() or _refusal(supervisor, names) or _crash_loop(run_dir, names, starts_before)

    states = until_running(
        loaded.common.endpoints, names, deadline_s, lambda name, state: note(f"% {name} {state}"), trouble
    )
    missing = [name for name, state in states.items() if state != RUNNING]
    if not missing:
        return
    for name in missing:
        for line in last_lines(run_dir / LOG_FOLDER / f"{name}.log"):
            warn(f"{name}: {line}")
    what = trouble() or f"not running after {deadline_s:g} s: {', '.join(missing)}"
    fix = f"tapehub logs {missing[0]}; tapehub status; supervisord goes on trying until tapehub down"
    raise Failure(what, fix, exit_codes.DEGRADED)


def _refusal(supervisor: Supervisor, names: Sequence[str]) -> str:
    """Why one of them will not come up by itself, empty if all may."""
    try:
        processes = supervisor.processes()
    except SupervisorDownError:
        return ""
    for process in processes:
        if process.name not in names:
            continue
        if process.state == "EXITED" and process.exit_code == EXIT_CONFIG:
            return f"{process.name} refuses its configuration (exit {EXIT_CONFIG})"
        if process.state == "FATAL":
            return f"{process.name} cannot be started: {process.spawn_error}"
    return ""


def _crash_loop(run_dir: Path, names: Sequence[str], starts_before: Mapping[str, int]) -> str:
    """Which of them ended again and again since we began to wait, empty if none did."""
    for name, one in history_of(log_lines(run_dir)).items():
        starts = one.starts - starts_before.get(name, 0)
        if name in names and starts > _MANY_STARTS:
            return f"{name} was started {starts} times and does not stay up: {one.reason}"
    return ""


def last_lines(path: Path, count: int = _LAST_LINES) -> list[str]:
    """The end of a log file, empty if there is none."""
    try:
        return path.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []
