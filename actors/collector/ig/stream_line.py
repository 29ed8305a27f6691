"""A streaming session on a real socket: its actions done, what it hears handed in."""

from __future__ import annotations

import collections
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from actors.collector.backoff import Backoff
from actors.collector.exchange.connection import Connection, Ending
from actors.collector.exchange.stream_socket import StreamSocket
from actors.collector.ig import tlcp
from actors.collector.ig.actions import (
    Action,
    Alarm,
    Close,
    Deliver,
    Denied,
    Down,
    LogIn,
    Open,
    Send,
    Ticket,
    Up,
)
from actors.collector.ig.phases import State, Timing
from actors.collector.ig.session import Session
from actors.collector.ig.supervision import Watchman
from actors.collector.settings import CollectorSettings

if TYPE_CHECKING:
    from actors.collector.market_feed import Host


class TlcpSocket(StreamSocket):
    """Speaks the subprotocol that IG accepts; a server that does not is refused."""

    def open(self, url: str, timeout_s: float) -> None:
        """See `StreamSocket.open`."""
        self.connect(  # type: ignore[no-untyped-call]  # the library's
            url,
            timeout=timeout_s,
            suppress_origin=True,
            redirect_limit=0,
            subprotocols=[tlcp.SUBPROTOCOL],
        )
        self.settimeout(0)


class LineOwner(Protocol):
    """What a line tells the feed it belongs to."""

    def on_login_wanted(self, line: StreamLine, reason: str) -> None:
        """Hand in a ticket with `on_ticket` when there is one."""

    def on_up(self, line: StreamLine, *, is_same: bool) -> None:
        """Data can flow; `is_same`: and nothing was lost."""

    def on_down(self, line: StreamLine, reason: str) -> None:
        """Data has stopped."""

    def on_values(self, line: StreamLine, delivery: Deliver, ts_recv_ns: int) -> None:
        """New values of an item."""

    def on_denied(self, line: StreamLine, denied: Denied) -> None:
        """A subscription was refused."""

    def on_batch(self, frames: list[bytes]) -> None:
        """All frames of one turn have been taken."""


class StreamLine:
    """One session with up to 40 items.

    Args:
        name: For people.
        owner: Hears what happens.
        host: Loop and threads.
        settings: Timeouts and limits.
        random: For jitter.
    """

    def __init__(
        self, name: str, owner: LineOwner, host: Host, settings: CollectorSettings, random: Random
    ) -> None:
        self.name = name
        timing = Timing(
            3.0 * settings.connect_timeout_s,
            settings.answer_timeout_s,
            settings.ig.recovery_s,
            settings.ig.login_max_age_s,
        )
        self.session = Session(
            timing, Backoff(settings.backoff_base_s, settings.backoff_cap_s, random.random)
        )
        self.watchman = Watchman(settings.ig.dead_after_s, settings.ig.closed_patience_s)
        self.connects = 0
        self._owner = owner
        self._host = host
        self._settings = settings
        self._connection: Connection | None = None
        self._actions: collections.deque[Action] = collections.deque()
        self._is_running = False
        self._ts_recv_ns = 0

    @property
    def symbols(self) -> list[str]:
        """Canonical symbols on it."""
        return list(self.session.items.wanted)

    @property
    def is_up(self) -> bool:
        """Whether data can flow."""
        return self.session.is_up

    def subscribe(self, symbol: str, wanted: tlcp.Subscription) -> None:
        """Want an item, or want it differently."""
        self._run(self.session.subscribe(symbol, wanted, self._host.clock.mono_ns()))

    def unsubscribe(self, symbol: str) -> None:
        """Want an item no longer."""
        self._run(self.session.unsubscribe(symbol))

    def renew(self, symbol: str) -> None:
        """Subscribe to an item anew."""
        self._run(self.session.renew(symbol, self._host.clock.mono_ns()))

    def on_ticket(self, ticket: Ticket) -> None:
        """There is a new login."""
        self._run(self.session.on_ticket(ticket, self._host.clock.mono_ns()))

    def restart(self, reason: str) -> None:
        """A new login and a new session."""
        self._run(self.session.restart(reason, self._host.clock.mono_ns(), is_login_stale=True))

    def tick(self, mono_ns: int) -> None:
        """Several times a second."""
        self._run(self.session.start(mono_ns) if self.session.state is State.IDLE else [])
        self._run(self.session.on_time(mono_ns))

    def stop(self) -> None:
        """End it."""
        self._run(self.session.stop())

    def describe(self, mono_ns: int) -> dict[str, Any]:
        """For people."""
        session, connection = self.session, self._connection
        return {
            "name": self.name,
            "state": session.state.value,
            "url": connection.url if connection is not None else "",
            "streams": len(session.items.wanted),
            "denied": sorted(session.items.denied),
            "connects": self.connects,
            "sessions": session.sessions,
            "rebinds": session.rebinds,
            "recoveries": session.recoveries,
            "lag_s": round(session.lag_s, 3),
            "idle_s": round(session.idle_ns(mono_ns) / 1e9, 3),
            "last_ending": session.last_reason,
        }

    # the connection's listener

    def on_open(self, connection: Connection) -> None:
        """See `Listener`."""
        if connection is self._connection:
            self._run(self.session.on_opened(self._host.clock.mono_ns()))

    def on_frames(self, connection: Connection, frames: list[bytes], ts_recv_ns: int) -> None:
        """See `Listener`."""
        mono_ns = self._host.clock.mono_ns()
        self._ts_recv_ns = ts_recv_ns
        for frame in frames:
            for line in tlcp.lines(frame):
                if connection is not self._connection:
                    break
                self._run(self.session.on_line(tlcp.parse(line), mono_ns))
        self._owner.on_batch(frames)

    def on_closed(self, connection: Connection, end: Ending) -> None:
        """See `Listener`."""
        if connection is self._connection:
            self._connection = None
            mono_ns = self._host.clock.mono_ns()
            self._run(self.session.on_closed(end.reason, mono_ns, end.status, end.retry_after_s))

    # actions

    def _run(self, actions: list[Action]) -> None:
        """Do them in order; a send that fails tells so in the middle, what follows from that comes behind."""
        self._actions += actions
        if self._is_running:
            return
        self._is_running = True
        try:
            while self._actions:
                self._do(self._actions.popleft())
        finally:
            self._is_running = False

    def _do(self, action: Action) -> None:
        match action:
            case Deliver():
                self._owner.on_values(self, action, self._ts_recv_ns)
            case Send(text=text):
                if self._connection is not None:
                    self._connection.send(text)
            case Open(url=url):
                self._open(url)
            case Close():
                connection, self._connection = self._connection, None
                if connection is not None:
                    connection.close()
            case LogIn(reason=reason):
                self._owner.on_login_wanted(self, reason)
            case Up(is_same=is_same):
                self._owner.on_up(self, is_same=is_same)
            case Down(reason=reason):
                self._owner.on_down(self, reason)
            case Denied():
                self._owner.on_denied(self, action)
            case Alarm(reason=reason, detail=detail):
                self._host.drop(reason, detail)

    def _open(self, url: str) -> None:
        self.connects += 1
        settings = self._settings
        self._connection = Connection(
            self._host, url, settings.connect_timeout_s, settings.max_frame_bytes, self, TlcpSocket
        )
        self._connection.open()
