"""When to connect again, and from when on to ask for a replay. Pure: time and randomness are arguments."""

from __future__ import annotations

from typing import Final, NamedTuple

from actors.collector.backoff import Backoff
from actors.collector.databento import control
from actors.collector.databento.control import GatewayError

NS_PER_S: Final = 1_000_000_000
FATAL: Final = frozenset({control.AUTH_FAILED, control.KEY_DEACTIVATED, "connection_limit_exceeded"})
"""Errors that come again at once if we do: the next attempt waits long."""
CLIENT_MARGIN_S: Final = 12.0
"""The client itself gives a gateway ten seconds beyond its heartbeat; ours looks a little later."""


class End(NamedTuple):
    """How a session ended."""

    reason: str
    pause_s: float
    is_refused: bool
    """Nothing will change by itself: somebody has to look."""


class Supervisor:
    """Decides about the sessions of one market.

    Args:
        backoff: Pauses between attempts.
        auth_pause_s: Pause after a refusal.
        replay_max_s: Longest interruption that is replayed; 0: none is.
        margin_s: How much earlier a replay begins.
    """

    def __init__(self, backoff: Backoff, auth_pause_s: float, replay_max_s: float, margin_s: float) -> None:
        self._backoff = backoff
        self._auth_pause_s = auth_pause_s
        self._replay_max_s = replay_max_s
        self._margin_s = margin_s
        self._errors: list[GatewayError] = []
        self.next_attempt_ns = 0
        """Monotonic time before which nothing is tried."""
        self.has_aged_out = False
        """The gateway refused the last replay: the next session asks for none."""

    def begin(self) -> None:
        """A session is being opened."""
        self._errors.clear()

    def flowing(self, mono_ns: int) -> None:
        """Records come."""
        self._backoff.flowing(mono_ns)

    def error(self, error: GatewayError) -> None:
        """The gateway sent an error record; the session may go on."""
        self._errors.append(error)
        if error.name == control.AGED_OUT:
            self.has_aged_out = True

    def ended(self, text: str, is_refusal: bool, mono_ns: int) -> End:
        """The session is over.

        Args:
            text: What the client raised, empty for a clean end. If it merely repeats error records of the session, the
                session was closed as quietly as without them.
            is_refusal: The key was refused before it began.
            mono_ns: Now.
        """
        pause_s = self._backoff.failed(mono_ns)
        fatal = next((error for error in self._errors if error.name in FATAL), None)
        is_old = bool(self._errors) and all(error.text in text for error in self._errors)
        if is_refusal or fatal is not None:
            reason = f"{fatal.name}: {fatal.text}" if fatal is not None else f"{control.AUTH_FAILED}: {text}"
            found = End(reason, max(pause_s, self._auth_pause_s), is_refused=True)
        elif not text:
            found = End("closed by the gateway", pause_s, is_refused=False)
        elif is_old:
            found = End(f"closed by the gateway after {self._errors[-1].name}", pause_s, is_refused=False)
        else:
            found = End(text, pause_s, is_refused=False)
        self.next_attempt_ns = mono_ns + round(found.pause_s * NS_PER_S)
        return found

    def replay_from_ns(self, newest_recv_ns: int, now_ns: int) -> tuple[int, str]:
        """Where a replay has to begin, 0 if there is none, and why not.

        Args:
            newest_recv_ns: Newest `ts_recv` seen, 0 if none was.
            now_ns: Our wall clock.
        """
        if not newest_recv_ns:
            return 0, "nothing came before"
        if self._replay_max_s <= 0:
            return 0, "replay is switched off"
        if self.has_aged_out:
            self.has_aged_out = False
            return 0, "the gateway keeps nothing so old"
        if now_ns - newest_recv_ns > self._replay_max_s * NS_PER_S:
            return 0, f"away for more than {self._replay_max_s:g} s"
        return newest_recv_ns - round(self._margin_s * NS_PER_S), ""
