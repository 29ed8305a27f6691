"""Where a streaming session is, what its socket is for, and how long each of it may take. Pure."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """Where a session is."""

    IDLE = "idle"
    LOGGING_IN = "logging_in"
    CONNECTING = "connecting"
    GREETING = "greeting"
    BEGINNING = "beginning"
    STREAMING = "streaming"
    LOOPING = "looping"
    PAUSED = "paused"
    STOPPED = "stopped"


class Purpose(enum.Enum):
    """What a socket is opened for."""

    CREATE = "create"
    BIND = "bind"
    RECOVER = "recover"


class Timing:
    """Patience of a session, seconds.

    Args:
        connect_s: For a socket; a thread that hangs longer is given up.
        answer_s: For WSOK, CONOK, and the answer to a subscription.
        recovery_s: How long after a break the server is expected to remember a session.
        login_age_s: An older login opens no new session.
    """

    def __init__(self, connect_s: float, answer_s: float, recovery_s: float, login_age_s: float) -> None:
        self.connect_ns = round(connect_s * 1e9)
        self.answer_ns = round(answer_s * 1e9)
        self.recovery_ns = round(recovery_s * 1e9)
        self.login_age_ns = round(login_age_s * 1e9)
