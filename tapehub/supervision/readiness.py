"""Waits until actors work, by their own word."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from protocol.endpoints import Endpoints
from tapehub.supervision.roll_call import RollCall

_ROUND_S: Final = 0.5
RUNNING: Final = "RUNNING"
SILENT: Final = "SILENT"


def until_running(
    endpoints: Endpoints,
    names: Sequence[str],
    deadline_s: float,
    on_change: Callable[[str, str], None],
    trouble: Callable[[], str],
) -> dict[str, str]:
    """Ask again and again until all say RUNNING, the time is over, or there is trouble.

    Args:
        endpoints: Of the run directory.
        names: Actors to wait for.
        deadline_s: Seconds in all.
        on_change: Told name and state whenever one changes.
        trouble: Asked in each round; a text means it is useless to wait on.

    Returns:
        State of each actor at the end.
    """
    states = dict.fromkeys(names, SILENT)
    end_s = time.monotonic() + deadline_s
    while time.monotonic() < end_s and not trouble():
        with RollCall(endpoints, names) as roll:  # new sockets: no waiting for a reconnect
            answers = roll.ask(min(_ROUND_S, max(0.05, end_s - time.monotonic())))
        for name, answer in answers.items():
            if answer.state != states[name]:
                states[name] = answer.state
                on_change(name, answer.state)
        if all(state == RUNNING for state in states.values()):
            break
    return states
