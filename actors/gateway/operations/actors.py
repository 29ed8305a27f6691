"""One row per actor: what it says of itself, and what supervisord says of its process. Pure.

`rows` is what the WebSocket channel `actors` sends each second, too: it must stay cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from actors.gateway.context import Context
from actors.gateway.operations.providers import worst
from actors.gateway.operations.supervision import Told
from actors.runtime.lagging import note_of
from actors.runtime.process_history import History
from actors.runtime.supervisord import Process
from protocol.fleet import Publisher

DOWN: Final = "DOWN"
UNKNOWN: Final = "UNKNOWN"
EXIT_CONFIG: Final = 78
START_S: Final = 3.0
"""A process that says nothing is taken to be starting for so long."""
QUARANTINED: Final = "QUARANTINED"
_GUARDIAN: Final = "guardian"
_RUNS: Final = frozenset(("RUNNING", "STARTING", "STOPPING"))
_NUMBERS: Final = (
    "uptime_s", "rss_bytes", "frames_in_per_s", "frames_out_per_s", "lag_p50_s", "lag_p99_s", "gaps_open",
)  # fmt: skip
_NOTHING: Final[Mapping[str, Any]] = {}


def rows(context: Context) -> list[dict[str, Any]]:
    """Every configured actor in the order of the topology, then those that are heard or run besides."""
    told = context.supervision.now() if context.supervision else None
    heard = {publisher.name: publisher for publisher in context.fleet.publishers()}
    others = [*heard, *(told.processes if told else ())]
    names = dict.fromkeys([*context.common.actors, *others])
    mono_ns = context.clock.mono_ns()
    own = context.status()
    found = []
    for name in names:
        process = told.processes.get(name) if told else None
        row = _base(name, process, told)
        if name == context.name:
            _tell_own(row, own)
        else:
            _tell(row, context, heard.get(name), process, mono_ns)
        status = own if name == context.name else _status_of(heard.get(name))
        row["note"] = _note(row, context, status, process, told)
        found.append(row)
    _tell_quarantines(found, heard.values())
    return found


def _tell_quarantines(found: list[dict[str, Any]], publishers: Iterable[Publisher]) -> None:
    """Say of what a guardian keeps down that it does, and when it tries again."""
    told: dict[str, Mapping[str, Any]] = {}
    for publisher in publishers:
        if publisher.name.partition(".")[0] == _GUARDIAN:
            told.update(publisher.detail.get("programs") or _NOTHING)
    for row in found:
        of_it = told.get(row["name"], _NOTHING)
        if of_it.get("state") == QUARANTINED and not row["is_alive"]:
            row["state"] = QUARANTINED
            pause_s = of_it.get("retry_in_s", 0)
            row["note"] = (
                f"does not stay up, tried again in {pause_s:.0f} s: tapehub logs {row['name']}, or restart it"
            )


def status_of(context: Context, name: str) -> Mapping[str, Any]:
    """The newest full status of an actor; empty if there is none."""
    if name == context.name:
        return context.status()
    return _status_of(next((one for one in context.fleet.publishers() if one.name == name), None))


def _status_of(publisher: Publisher | None) -> Mapping[str, Any]:
    return publisher.detail if publisher is not None else _NOTHING


def _base(name: str, process: Process | None, told: Told | None) -> dict[str, Any]:
    history = told.histories.get(name, History()) if told else None
    return {
        "name": name,
        "kind": name.partition(".")[0],
        "host": None,
        "pid": (process.pid or None) if process else None,
        "state": UNKNOWN,
        "is_alive": False,
        "beat_age_s": None,
        "epoch": None,
        **dict.fromkeys(_NUMBERS),
        "restarts": history.restarts if history else None,
        "dropped": {},
        "journal": None,
        "note": "",
        "supervisor": {
            "state": process.state,
            "exit_code": process.exit_code if process.state == "EXITED" else None,
            "spawn_error": process.spawn_error,
        }
        if process
        else None,
    }


def _tell_own(row: dict[str, Any], status: Mapping[str, Any]) -> None:
    """The gateway answers, so it lives."""
    _fill(row, status)
    row["state"], row["is_alive"], row["beat_age_s"] = status.get("state", "RUNNING"), True, 0.0


def _tell(
    row: dict[str, Any], context: Context, publisher: Publisher | None, process: Process | None, mono_ns: int
) -> None:
    beat = publisher.beat if publisher else None
    is_running = process is not None and process.state in _RUNS
    if publisher is None or beat is None:
        if process is not None:
            starts = is_running and process.uptime_s < START_S
            row["state"] = "STARTING" if starts else UNKNOWN if is_running else DOWN
        return
    _fill(row, publisher.detail)
    row["is_alive"] = is_alive = context.fleet.is_alive(publisher, mono_ns)
    row["beat_age_s"] = round((mono_ns - publisher.beat_ns) / 1e9, 3)
    row["epoch"] = publisher.epoch
    row["state"] = beat.state if is_alive else DOWN
    if not is_alive:
        row["pid"] = (process.pid or None) if process else None
        row.update(dict.fromkeys(("uptime_s", "rss_bytes", "frames_in_per_s", "frames_out_per_s")))
        if is_running and process is not None and process.uptime_s < START_S:
            row["state"] = "STARTING"


def _fill(row: dict[str, Any], status: Mapping[str, Any]) -> None:
    for name in _NUMBERS:
        row[name] = status.get(name)
    row["host"], row["journal"] = status.get("host"), status.get("journal")
    row["pid"] = status.get("pid", row["pid"])
    row["epoch"] = status.get("epoch", row["epoch"])
    row["dropped"] = status.get("dropped", {})


def _note(
    row: dict[str, Any], context: Context, status: Mapping[str, Any], process: Process | None, told: Told | None
) -> str:  # fmt: skip
    """Why it is not fine and what to do, for people; empty if it is."""
    name, state = row["name"], row["state"]
    if process is not None and process.state == "EXITED" and process.exit_code == EXIT_CONFIG:
        return f"bad configuration: tapehub logs {name}, tapehub config check"
    if process is not None and process.state in ("BACKOFF", "FATAL"):
        return f"{process.spawn_error or 'cannot be started'}: tapehub logs {name}"
    if process is not None and process.state == "STOPPED":
        return "stopped by hand: restart it"
    if state == DOWN:
        return _silence(row, process, told)
    if state == UNKNOWN:
        return "runs, but was never heard: tapehub logs " + name if process else "was never heard"
    if trouble := worst(status):
        return trouble
    if name not in context.common.actors:
        return "not in the configuration of this gateway: tapehub restart --all"
    if lag := note_of(status):
        return lag
    if status.get("connected") is False:
        return f"not connected to its venue: tapehub doctor --live --only {name}"
    return _about_files(status)


def _silence(row: dict[str, Any], process: Process | None, told: Told | None) -> str:
    name = row["name"]
    if process is not None and process.pid:
        return f"its process lives and is silent: restart it, tapehub logs {name}"
    history = told.histories.get(name) if told else None
    reason = f" ({history.reason})" if history and history.reason else ""
    if process is not None:
        return f"its process has ended{reason} and is being started again: tapehub logs {name}"
    return "no heartbeat; supervisord does not know it: start it by hand" if told is None else "no heartbeat"


def _about_files(status: Mapping[str, Any]) -> str:
    journal = status.get("journal") or _NOTHING
    if journal.get("fault"):
        return f"its journal cannot be written: {journal['fault']}"
    targets = status.get("targets") or _NOTHING
    troubles = [f"{name}: {one['trouble']}" for name, one in targets.items() if one.get("trouble")]
    return f"nothing is stored: {troubles[0]}" if troubles else ""
