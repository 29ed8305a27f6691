"""Logs in over REST whenever a streaming session needs it, and asks IG what an unknown epic is. One request at a time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Final

from actors.collector.backoff import Backoff
from actors.collector.ig.actions import Ticket
from actors.collector.ig.login import Fault, LoginError, LoginPauses, RestSession
from actors.collector.ig.rest_shapes import Market

if TYPE_CHECKING:
    from actors.collector.market_feed import Host

BETWEEN_NS: Final = 2_500_000_000
"""Between two questions about epics: an account may ask 30 times a minute."""
_DROPS: Final = {
    Fault.CREDENTIALS: "ig_login_refused",
    Fault.ALLOWANCE: "ig_allowance_exceeded",
    Fault.STALE: "ig_login_failed",
    Fault.OTHER: "ig_login_failed",
}


class SigningIn:
    """The REST side of a feed.

    Args:
        host: Loop and threads.
        rest: Used by one thread at a time.
        random: For jitter.
        on_ticket: Hears of each login.
    """

    def __init__(
        self, host: Host, rest: RestSession, random: Random, on_ticket: Callable[[Ticket], None]
    ) -> None:
        settings = host.settings
        self.pauses = LoginPauses(
            Backoff(settings.backoff_base_s, max(settings.backoff_cap_s, 300.0), random.random)
        )
        self.is_wanted = False
        self.last_error = ""
        self._host = host
        self._rest = rest
        self._on_ticket = on_ticket
        self._is_busy = False
        self._has_logged_in = False
        self._login_due_ns = 0
        self._question_due_ns = 0

    @property
    def state(self) -> str:
        """For people."""
        if self.pauses.is_stopped:
            return "stopped: the credentials were refused"
        if self.is_wanted:
            return "logging in"
        return "logged in" if self._has_logged_in else "not logged in"

    @property
    def is_ready(self) -> bool:
        """Whether a question can be asked."""
        return self._has_logged_in and not self._is_busy and not self.is_wanted

    def retry(self) -> None:
        """A person wants another attempt, now."""
        self.pauses.reset()
        self._login_due_ns = 0

    def tick(self, mono_ns: int) -> None:
        """Log in when that is wanted and due."""
        if not self.is_wanted or self._is_busy or self.pauses.is_stopped or mono_ns < self._login_due_ns:
            return
        self._is_busy = True
        self._host.submit(self._rest.log_in, self._on_login)

    def _on_login(self, result: Ticket | Exception) -> None:
        self._is_busy = False
        mono_ns = self._host.clock.mono_ns()
        if isinstance(result, LoginError):
            pause_s = self.pauses.failed(result, mono_ns)
            self._login_due_ns = mono_ns + round(pause_s * 1e9)
            self.last_error = str(result)
            what = "not tried again" if self.pauses.is_stopped else f"again in {pause_s:.1f} s"
            self._host.drop(_DROPS[result.fault], f"{result}; {what}")
            return
        if isinstance(result, Exception):
            raise result
        self.pauses.succeeded(mono_ns)
        self.is_wanted = False
        self._has_logged_in = True
        self.last_error = ""
        self._host.counters["ig_logins"] += 1
        self._on_ticket(result)

    def ask_market(self, epic: str, done: Callable[[Market | None], None], mono_ns: int) -> bool:
        """Ask IG about an epic; False if it is not the time for that.

        Args:
            epic: IG's name.
            done: Hears the answer, None if there is none.
            mono_ns: Now, monotonic.
        """
        if not self.is_ready or mono_ns < self._question_due_ns:
            return False
        self._is_busy = True
        self._question_due_ns = mono_ns + BETWEEN_NS

        def on_market(result: Market | Exception) -> None:
            self._is_busy = False
            if isinstance(result, LoginError):
                self._host.drop("ig_market_unknown", f"{epic}: {result}")
                done(None)
                return
            if isinstance(result, Exception):
                raise result
            done(result)

        self._host.submit(lambda: self._rest.market(epic), on_market)
        return True
