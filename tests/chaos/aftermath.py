"""After the system has stopped: what is in the journals is stored at the next start, so make that start.

A crash point may end persistence while it stops, and then the last second is in the journals only. That is no loss,
but a checker that reads the database alone would take it for one.
"""

from __future__ import annotations

from typing import Any, Final

from protocol.errors import HubError
from tests.chaos.stage import Stage
from tests.chaos.topology import JOURNAL, PERSISTENCE
from tests.support.process import ActorProcess
from tests.support.wait import until

PATIENCE_S: Final = 60.0
LOOKS: Final = 3
"""Times in a row that nothing may be missing."""


def store_the_rest(stage: Stage) -> str:
    """Run journal server and persistence alone, without faults, until everything is stored.

    Returns what went wrong, empty if nothing did.
    """
    config = stage.run_dir / "config.msgpack"
    quiet = 0

    def is_stored() -> bool:
        nonlocal quiet
        try:
            status: dict[str, Any] = stage.ask(PERSISTENCE, "status", 2.0)
        except HubError:
            return False
        targets = status["targets"].values()
        is_done = all(
            one["state"] == "storing" and one["is_live"] and not one["waiting_rows"] for one in targets
        )
        quiet = quiet + 1 if is_done else 0
        return quiet >= LOOKS

    try:
        with (
            ActorProcess("journal", JOURNAL, config),
            ActorProcess("persistence", PERSISTENCE, config) as process,
        ):
            until(is_stored, PATIENCE_S, "the rest to be stored")
            process.stop()
    except AssertionError as fault:
        return f"the rest is not stored: {fault}"
    return ""
