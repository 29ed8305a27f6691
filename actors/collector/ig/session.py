"""One streaming session from events to actions: created, bound anew, recovered, given up. Pure.

    IDLE -> LOGGING_IN -> CONNECTING -> GREETING -> BEGINNING -> STREAMING
                              ^                                    |  LOOP: close, wait, bind on a new socket
                              |                                    |  broken or silent: recover on a new socket
                              +--- PAUSED <------------------------+  END, no recovery: a new session

Recovery: both sides count data notifications; PROG says with which one the server goes on, and what we have of
these is skipped. A session that cannot be recovered is created anew, with a new login where the old one is hours
old: IG ends sessions after about two hours, and its tokens may be stale by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actors.collector.backoff import Backoff
from actors.collector.ig import tlcp
from actors.collector.ig.actions import Action, Alarm, Close, Deliver, Down, LogIn, Open, Send, Ticket, Up
from actors.collector.ig.items import NO_SUCH_SESSION, Items
from actors.collector.ig.phases import Purpose, State, Timing
from actors.collector.ig.reactions import LONG_PAUSE_S, Reaction, reaction_to
from actors.collector.outcomes import Ignored, Reject

KEEPALIVE_SLACK_S: Final = 3.0
"""A line may come so much later than promised."""
BEHIND_S: Final = 5.0
"""Server time that has not reached us: beyond this the stream is too slow for this connection."""
MAX_IGNORED: Final = 64
"""Kinds of lines that are remembered as ignored."""
MAX_REFUSALS: Final = 3
"""Logins refused by the stream server in a row; then a person must look."""
FAILURES_PER_LOGIN: Final = 3
"""Sessions that failed in a row with one login; then it counts as stale."""


_LISTENING: Final = frozenset({State.GREETING, State.BEGINNING, State.STREAMING})
_WITH_SOCKET: Final = _LISTENING | {State.CONNECTING}


class Session:
    """Every method takes the monotonic time and returns what is to be done, in order."""

    def __init__(self, timing: Timing, backoff: Backoff) -> None:
        self.state = State.IDLE
        self.items = Items()
        self.session_id = ""
        self.is_up = False
        self.sessions = 0
        """Created so far."""
        self.recoveries = 0
        self.rebinds = 0
        self.lag_s = 0.0
        """Server time that has passed and has not reached us."""
        self.last_reason = ""
        self.ignored: set[str] = set()
        self._timing = timing
        self._backoff = backoff
        self._ticket: Ticket | None = None
        self._purpose = Purpose.CREATE
        self._link = "*"
        self._keepalive_ns = 0
        self._received = 0
        """Data notifications of this session."""
        self._skip = 0
        self._is_proved = True
        """False while a recovery has not said where it goes on."""
        self._deadline_ns: int | None = None
        """When the state has lasted too long, or its pause is over."""
        self._recover_until_ns = 0
        self._line_ns = 0
        self._begun_ns = 0
        self._sync: tuple[int, int] | None = None
        self._is_behind = False
        self._failures = 0
        self._refusals = 0
        self._handlers: dict[type, Callable[[Any, int], list[Action]]] = {
            tlcp.WsOk: self._on_ws_ok,
            tlcp.Begun: self._on_begun,
            tlcp.Refused: self._on_refused,
            tlcp.Ended: self._on_ended,
            tlcp.Loop: self._on_loop,
            tlcp.Sync: self._on_sync,
            tlcp.Progress: self._on_progress,
            tlcp.RequestRefused: self._on_request_refused,
            tlcp.Update: self.items.update,
            tlcp.Subscribed: lambda line, _: self.items.subscribed(line),
            tlcp.Unsubscribed: lambda line, _: self.items.unsubscribed(line),
            tlcp.Cleared: lambda line, _: self.items.cleared(line),
            tlcp.Overflow: lambda line, _: self.items.overflowed(line),
        }

    def idle_ns(self, mono_ns: int) -> int:
        """How long ago the newest line of the server came; 0 before the first one."""
        return mono_ns - self._line_ns if self._line_ns else 0

    # the owner

    def start(self, mono_ns: int) -> list[Action]:
        """Begin, if it has not begun."""
        return self._begin(mono_ns) if self.state is State.IDLE else []

    def on_ticket(self, ticket: Ticket, mono_ns: int) -> list[Action]:
        """A REST login has succeeded."""
        self._ticket = ticket
        self._failures = 0
        return self._begin(mono_ns) if self.state is State.LOGGING_IN else []

    def restart(self, reason: str, mono_ns: int, *, is_login_stale: bool) -> list[Action]:
        """Give the session up and create another one; also ends STOPPED."""
        if is_login_stale:
            self._ticket = None
        self._refusals = 0
        return [*self._leave(reason), *self._begin(mono_ns)]

    def stop(self) -> list[Action]:
        """End the session, without another one."""
        goodbye: list[Action] = []
        if self.state is State.STREAMING:
            goodbye = [Send(tlcp.destroy(self.items.request_id()))]
        actions = [*goodbye, *self._leave("stopped")]
        self.state = State.IDLE
        return actions

    def subscribe(self, key: str, wanted: tlcp.Subscription, mono_ns: int) -> list[Action]:
        """Want an item; one that is wanted differently now is begun anew."""
        before = self.items.wanted.get(key)
        self.items.wanted[key] = wanted
        if self.state is not State.STREAMING or before == wanted:
            return []
        return self.items.renew(key, mono_ns)

    def unsubscribe(self, key: str) -> list[Action]:
        """Want an item no longer."""
        self.items.wanted.pop(key, None)
        return self.items.drop(key) if self.state is State.STREAMING else []

    def renew(self, key: str, mono_ns: int) -> list[Action]:
        """Subscribe to an item anew, also to one that was denied; its first update is a snapshot."""
        is_possible = self.state is State.STREAMING and key in self.items.wanted
        return self.items.renew(key, mono_ns) if is_possible else []

    # the socket

    def on_opened(self, mono_ns: int) -> list[Action]:
        """The socket is open."""
        if self.state is not State.CONNECTING:
            return [Close()]
        self._enter(State.GREETING, mono_ns + self._timing.answer_ns)
        return [Send(tlcp.HELLO)]

    def on_closed(
        self, reason: str, mono_ns: int, status: int = 0, retry_after_s: float | None = None
    ) -> list[Action]:
        """The socket has broken, or could not be opened."""
        match self.state:
            case State.STREAMING:
                return self._break(reason, mono_ns)
            case State.CONNECTING | State.GREETING | State.BEGINNING:
                return self._pause(reason, mono_ns, status, retry_after_s)
            case _:
                return []

    def on_line(self, line: tlcp.Line, mono_ns: int) -> list[Action]:
        """One line of the server."""
        if self.state not in _LISTENING:  # said on a socket that we have given up
            return []
        self._line_ns = mono_ns
        if isinstance(line, Ignored):
            if len(self.ignored) < MAX_IGNORED:
                self.ignored.add(line.type)
            return []
        if isinstance(line, Reject):
            return [Alarm(line.reason, line.detail)]
        if isinstance(line, tlcp.COUNTED):
            if self.state is not State.STREAMING:
                return []
            if not self._is_proved:
                return self._lose("recovery without a count", mono_ns)
            if self._skip:  # we have it already
                self._skip -= 1
                return []
            self._received += 1
        handler = self._handlers.get(line.__class__)
        actions = handler(line, mono_ns) if handler is not None else []
        if actions and isinstance(actions[0], Deliver):
            self._backoff.flowing(mono_ns)
            self._failures = self._refusals = 0
        return actions

    def on_time(self, mono_ns: int) -> list[Action]:
        """Several times a second."""
        if self.state is State.STREAMING:
            return self._watch(mono_ns)
        if self._deadline_ns is None or mono_ns < self._deadline_ns:
            return []
        match self.state:
            case State.PAUSED:
                if self.session_id and mono_ns < self._recover_until_ns:
                    return self._open(Purpose.RECOVER, mono_ns)
                return [*self._leave(self.last_reason), *self._begin(mono_ns)]
            case State.LOOPING:
                return self._open(Purpose.BIND, mono_ns)
            case _:
                return [Close(), *self._pause(f"no answer while {self.state.value}", mono_ns)]

    # inside

    def _enter(self, state: State, deadline_ns: int | None) -> None:
        self.state, self._deadline_ns = state, deadline_ns

    def _begin(self, mono_ns: int) -> list[Action]:
        ticket = self._ticket
        if ticket is None or mono_ns - ticket.obtained_mono_ns > self._timing.login_age_ns:
            self._ticket = None
            self._enter(State.LOGGING_IN, None)
            return [LogIn(self.last_reason or "start")]
        return self._open(Purpose.CREATE, mono_ns)

    def _open(self, purpose: Purpose, mono_ns: int) -> list[Action]:
        ticket = self._ticket
        if ticket is None:  # the login was declared stale in the meantime
            return [*self._leave(self.last_reason), *self._begin(mono_ns)]
        self._purpose = purpose
        self._enter(State.CONNECTING, mono_ns + self._timing.connect_ns)
        link = "*" if purpose is Purpose.CREATE else self._link
        return [Open(tlcp.stream_url(ticket.endpoint, link))]

    def _on_ws_ok(self, _line: tlcp.WsOk, mono_ns: int) -> list[Action]:
        ticket = self._ticket
        if self.state is not State.GREETING or ticket is None:
            return []
        self._enter(State.BEGINNING, mono_ns + self._timing.answer_ns)
        match self._purpose:
            case Purpose.CREATE:
                text = tlcp.create_session(ticket.user, ticket.password, "api")
            case Purpose.BIND:
                text = tlcp.bind_session(self.session_id, "ws.loop")
            case Purpose.RECOVER:
                text = tlcp.bind_session(self.session_id, "recovery", self._received)
        return [Send(text)]

    def _on_begun(self, line: tlcp.Begun, mono_ns: int) -> list[Action]:
        if self.state is not State.BEGINNING:
            return []
        self._enter(State.STREAMING, None)
        self._keepalive_ns = line.keepalive_ms * 1_000_000
        if line.control_link != "*":
            self._link = line.control_link
        if self._purpose is Purpose.CREATE:
            return self._on_created(line, mono_ns)
        if self._purpose is Purpose.BIND:
            self.rebinds += 1
            return [*self._rise(is_same=True), *self.items.ask_again(mono_ns)]
        self._is_proved = False
        self._begun_ns = mono_ns
        return []

    def _on_created(self, line: tlcp.Begun, mono_ns: int) -> list[Action]:
        self.session_id, self._link = line.session_id, line.control_link
        self._received = self._skip = 0
        self._is_proved = True
        self._sync, self._is_behind, self.lag_s = None, False, 0.0
        self.sessions += 1
        return [*self._rise(is_same=False), *self.items.begin(mono_ns)]

    def _rise(self, *, is_same: bool) -> list[Action]:
        if self.is_up:
            return []
        self.is_up = True
        return [Up(is_same)]

    def _on_progress(self, line: tlcp.Progress, mono_ns: int) -> list[Action]:
        if self.state is not State.STREAMING or self._is_proved:
            return []
        if line.begin > self._received:
            return self._lose(f"recovery begins at {line.begin}, we have {self._received}", mono_ns)
        self._is_proved = True
        self._skip = self._received - line.begin
        self.recoveries += 1
        return [*self._rise(is_same=True), *self.items.ask_again(mono_ns)]

    def _on_loop(self, line: tlcp.Loop, mono_ns: int) -> list[Action]:
        if self.state is not State.STREAMING:
            return []
        self._enter(State.LOOPING, mono_ns + line.delay_ms * 1_000_000)
        self._recover_until_ns = mono_ns + line.delay_ms * 1_000_000 + self._timing.recovery_ns
        return [Close()]

    def _on_sync(self, line: tlcp.Sync, mono_ns: int) -> list[Action]:
        if self._sync is None:
            self._sync = (line.elapsed_s, mono_ns)
            return []
        elapsed_s, since_ns = self._sync
        self.lag_s = (mono_ns - since_ns) / 1e9 - (line.elapsed_s - elapsed_s)
        was_behind, self._is_behind = self._is_behind, self.lag_s > BEHIND_S
        return [Alarm("ig_behind", f"{self.lag_s:.1f} s")] if self._is_behind and not was_behind else []

    def _on_request_refused(self, line: tlcp.RequestRefused, mono_ns: int) -> list[Action]:
        if self.state is not State.STREAMING:
            return []
        if line.code == NO_SUCH_SESSION or not line.request_id:
            return self._lose(f"request refused: {line.code} {line.text}", mono_ns)
        return self.items.refused(line)

    def _on_refused(self, line: tlcp.Refused, mono_ns: int) -> list[Action]:
        if self.state is not State.BEGINNING:
            return []
        return self._react(f"CONERR {line.code} {line.text}", line.code, mono_ns)

    def _on_ended(self, line: tlcp.Ended, mono_ns: int) -> list[Action]:
        return self._react(f"END {line.code} {line.text}", line.code, mono_ns)

    def _react(self, reason: str, code: int, mono_ns: int) -> list[Action]:
        """The server wants no session, or not this one any more."""
        was_created = self.state is State.STREAMING or self._purpose is not Purpose.CREATE
        actions = self._leave(reason)
        match reaction_to(code):
            case Reaction.LOG_IN:
                self._ticket = None
                self._refusals += 1
                if self._refusals >= MAX_REFUSALS:
                    self._enter(State.STOPPED, None)
                    return [*actions, Alarm("ig_login_refused", f"{reason}; not tried again")]
                return [*actions, *self._begin(mono_ns)]
            case Reaction.NEW_SESSION if was_created:
                return [*actions, *self._begin(mono_ns)]
            case Reaction.LONG_PAUSE:
                actions.append(Alarm("ig_session_refused", reason))
                return actions + self._pause(reason, mono_ns, retry_after_s=LONG_PAUSE_S)
            case Reaction.STALE:
                self._ticket = None
        return actions + self._pause(reason, mono_ns)

    def _break(self, reason: str, mono_ns: int) -> list[Action]:
        """The socket of a session is gone; the session may be alive."""
        self._recover_until_ns = mono_ns + self._timing.recovery_ns
        return [*self._fall(reason), *self._pause(reason, mono_ns)]

    def _lose(self, reason: str, mono_ns: int) -> list[Action]:
        """The session is of no use any more."""
        return [*self._leave(reason), *self._pause(reason, mono_ns)]

    def _fall(self, reason: str) -> list[Action]:
        self.last_reason = reason
        if not self.is_up:
            return []
        self.is_up = False
        return [Down(reason)]

    def _leave(self, reason: str) -> list[Action]:
        """Give up the socket and the session."""
        has_socket = self.state in _WITH_SOCKET
        self.session_id = ""
        self._enter(State.PAUSED, None)
        return [*([Close()] if has_socket else []), *self._fall(reason)]

    def _pause(
        self, reason: str, mono_ns: int, status: int = 0, retry_after_s: float | None = None
    ) -> list[Action]:
        actions = self._fall(reason)
        self._failures += 1
        if self._failures >= FAILURES_PER_LOGIN and not self.session_id:
            self._ticket = None
        pause_s = self._backoff.failed(mono_ns, status, retry_after_s)
        self._enter(State.PAUSED, mono_ns + round(pause_s * 1e9))
        return actions

    def _watch(self, mono_ns: int) -> list[Action]:
        """Is the stream alive, are all requests answered?"""
        limit_ns = self._keepalive_ns + round(KEEPALIVE_SLACK_S * 1e9)
        if mono_ns - self._line_ns > limit_ns:
            idle_s = (mono_ns - self._line_ns) / 1e9
            return [Close(), *self._break(f"no line for {idle_s:.1f} s", mono_ns)]
        if not self._is_proved and mono_ns - self._begun_ns > self._timing.answer_ns:
            return self._lose("recovery without a count", mono_ns)
        overdue = self.items.overdue(mono_ns, self._timing.answer_ns)
        if overdue:
            return self._lose(f"no answer to the subscription of {overdue}", mono_ns)
        return []
