"""One set of streams kept alive: a connection, its replacement while it is being rotated, the pauses between.

down -> connecting -> open -> flowing -> (rotation: a second leg, until it flows too) -> down ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Final, Protocol

from actors.collector.backoff import Backoff
from actors.collector.budget import Budget
from actors.collector.exchange.connection import Connection, Ending, Loop
from actors.collector.exchange.silence import Patience, Remedy, Watch
from actors.collector.exchange.subscriptions import Subscriptions
from actors.collector.exchange.transports import socket_class
from actors.collector.outcomes import Ack, Broken, Control, Refusal, Shutdown, Subscribed
from actors.collector.settings import CollectorSettings
from actors.collector.venue import Venue

_STUCK_FACTOR: Final = 3.0
"""A connect thread that has not come back after so many timeouts is given up (a hung name server)."""
_ROTATION_SPREAD: Final = 0.05
"""Rotations are spread over this share of the interval, so that not all connections go at once."""
_OVERLAP_NS: Final = 2_000_000_000
"""How long a replaced connection is still read: what it has under way may be missing on the new one."""


Take = Callable[[bytes, int], Control | None]


class Owner(Protocol):
    """What a line tells the feed it belongs to."""

    connects: Budget
    """Connections that may be opened: the venue bounds them for all lines together."""

    def taker(self) -> Take:
        """Takes the frames of one new connection, one by one; returns what concerns the connection."""

    def on_batch(self, frames: list[bytes]) -> None:
        """All frames of one turn have been taken."""

    def on_subscribed(self, streams: Iterable[str]) -> None:
        """The venue has confirmed these."""

    def on_down(self, line: Line, reason: str) -> None:
        """Data has stopped flowing."""

    def on_flowing(self, line: Line) -> None:
        """Data flows (again)."""


class _Leg:
    """One connection with what it is subscribed to."""

    def __init__(self, connection: Connection, mono_ns: int, take: Take) -> None:
        self.connection = connection
        self.take = take
        self.ping_due_ns = mono_ns
        self.begun_ns = mono_ns
        self.subscriptions: Subscriptions | None = None
        self.watch: Watch | None = None


class Line:
    """Keeps `streams` coming from `url`.

    Args:
        name: For people: market, address and number.
        url: Address of the connection.
        market: Decides the message budget.
        owner: Takes frames and hears of interruptions.
        loop: The actor.
        venue: Words requests.
        settings: Timeouts and limits.
        random: For jitter.
    """

    def __init__(
        self,
        name: str,
        url: str,
        market: str,
        owner: Owner,
        loop: Loop,
        venue: Venue,
        settings: CollectorSettings,
        random: Random,
    ) -> None:
        self.name = name
        self.url = url
        self.streams: dict[str, None] = {}
        self.is_flowing = False
        self.last_ending = ""
        self.connects = 0
        self.rotations = 0
        self._market = market
        self._owner = owner
        self._loop = loop
        self._venue = venue
        self._settings = settings
        self._random = random
        self._backoff = Backoff(settings.backoff_base_s, settings.backoff_cap_s, random.random)
        self._current: _Leg | None = None
        self._successor: _Leg | None = None
        self._ping = venue.ping(market)
        self._retiring: list[tuple[_Leg, int]] = []
        """Replaced connections and when to close them."""
        self._due_ns = 0
        """When to connect again, monotonic."""
        self._rotation_due_ns = 0
        self._is_rotation_wanted = False
        self._patience = Patience(
            settings.silence_factor,
            settings.no_frame_floor_s,
            venue.longest_silence_s(market),
            venue.longest_silence_s(market),
        )

    # streams

    def add(self, streams: Iterable[str]) -> None:
        """Want more streams."""
        wanted = dict.fromkeys(streams)
        self.streams.update(wanted)
        for leg in self._legs():
            if leg.subscriptions is not None:
                leg.subscriptions.begin(wanted)

    def remove(self, streams: Iterable[str]) -> None:
        """Want these no longer."""
        unwanted = [stream for stream in streams if self.streams.pop(stream, 0) is None]
        for leg in self._legs():
            if leg.subscriptions is not None:
                leg.subscriptions.end(unwanted)

    def renew(self, stream: str) -> None:
        """Subscribe a silent stream anew."""
        leg = self._current
        if leg is not None and leg.subscriptions is not None:
            leg.subscriptions.renew([stream])

    def is_active(self, stream: str) -> bool:
        """Whether the venue has confirmed this stream on the current connection."""
        leg = self._current
        return leg is not None and leg.subscriptions is not None and stream in leg.subscriptions.active

    @property
    def state(self) -> str:
        """down, connecting, open, flowing."""
        if self._current is None:
            return "down"
        if self._current.connection.state != "open":
            return "connecting"
        return "flowing" if self.is_flowing else "open"

    @property
    def is_rotating(self) -> bool:
        """Whether a replacement is on its way."""
        return self._successor is not None

    def _legs(self) -> tuple[_Leg, ...]:
        return tuple(leg for leg in (self._current, self._successor) if leg is not None)

    # life

    def tick(self, mono_ns: int) -> None:
        """Do what is due; call it several times a second."""
        if self._retiring:
            self._retire(mono_ns)
        if self._current is None and self.streams and mono_ns >= self._due_ns and self._may_connect(mono_ns):
            self._current = self._begin(mono_ns)
        for leg in self._legs():
            if leg.connection.state == "open":
                self._talk(leg, mono_ns)
                self._judge(leg, mono_ns)
            elif mono_ns - leg.begun_ns > _STUCK_FACTOR * self._settings.connect_timeout_s * 1e9:
                self._fail(leg, "the handshake does not end")
        is_due = self._is_rotation_wanted or mono_ns >= self._rotation_due_ns
        if is_due and self.is_flowing and self._successor is None and self._may_connect(mono_ns):
            self._is_rotation_wanted = False
            self._successor = self._begin(mono_ns)

    def _may_connect(self, mono_ns: int) -> bool:
        return self._owner.connects.take(1.0, mono_ns)

    def rotate(self) -> None:
        """Replace the connection as soon as the new one delivers; one that does not flow yet, once it does."""
        self._is_rotation_wanted = True

    def close(self) -> None:
        """End all of it."""
        for leg in self._legs():
            leg.connection.close()
        self._current = self._successor = None
        self._retire(None)

    def _retire(self, mono_ns: int | None) -> None:
        """Close replaced connections whose time has come; None: all of them."""
        kept = []
        for leg, until_ns in self._retiring:
            if mono_ns is not None and mono_ns < until_ns:
                kept.append((leg, until_ns))
            else:
                leg.connection.close()
        self._retiring = kept

    def _begin(self, mono_ns: int) -> _Leg:
        settings = self._settings
        make_socket = socket_class(settings.transport)
        connection = Connection(
            self._loop, self.url, settings.connect_timeout_s, settings.max_frame_bytes, self, make_socket
        )
        self.connects += 1
        leg = _Leg(connection, mono_ns, self._owner.taker())
        connection.open()
        return leg

    def _talk(self, leg: _Leg, mono_ns: int) -> None:
        subscriptions = leg.subscriptions
        while subscriptions is not None and leg.connection.state == "open":
            text = subscriptions.next_message(mono_ns)
            if text is None:
                break
            leg.connection.send(text)
        if self._ping is not None and mono_ns >= leg.ping_due_ns and leg.connection.state == "open":
            leg.ping_due_ns = mono_ns + round(self._ping.every_s * 1e9)
            leg.connection.send(self._ping.text)

    def _judge(self, leg: _Leg, mono_ns: int) -> None:
        if leg.subscriptions is None or leg.watch is None or leg.connection.state != "open":
            return
        if leg.subscriptions.is_overdue(mono_ns):
            self._fail(leg, "a request was not answered")
            return
        leg.watch.observe(leg.connection.frames_received + leg.connection.pings_received, mono_ns)
        limit_s = leg.watch.limit_s
        if leg.watch.remedy(mono_ns) is not Remedy.NONE:
            self._fail(leg, f"no frame for {limit_s:.0f} s")

    def _fail(self, leg: _Leg, reason: str) -> None:
        leg.connection.close()
        self.on_closed(leg.connection, Ending(reason))

    # what the connections say

    def on_open(self, connection: Connection) -> None:
        """Subscribe at once."""
        leg = self._leg_of(connection)
        if leg is None:
            return
        mono_ns = self._loop.clock.mono_ns()
        leg.subscriptions = Subscriptions(self._venue, self._market, self._settings.answer_timeout_s, mono_ns)
        leg.subscriptions.begin(self._venue.standing_streams(self._market, self.url))
        leg.subscriptions.begin(self.streams)
        leg.ping_due_ns = mono_ns + round(self._ping.every_s * 1e9) if self._ping is not None else 0
        leg.watch = Watch(self._patience, 0, mono_ns)
        self._talk(leg, mono_ns)

    def on_frames(self, connection: Connection, frames: list[bytes], ts_recv_ns: int) -> None:
        """Hand them on; the first market data makes the line flow."""
        take = self._take_of(connection)
        controls: list[Control] = []
        for frame in frames:
            control = take(frame, ts_recv_ns)
            if control is not None:
                controls.append(control)
        self._owner.on_batch(frames)
        leg = self._leg_of(connection)
        if leg is None:
            return
        for control in controls:
            self._obey(leg, control)
        if len(frames) > len(controls):
            connection.is_flowing = True
        if connection.is_flowing and (leg is not self._current or not self.is_flowing):
            self._flow(leg)

    def _flow(self, leg: _Leg) -> None:
        if leg.subscriptions is None or not leg.subscriptions.is_settled:
            return
        mono_ns = self._loop.clock.mono_ns()
        if leg is self._successor:
            if self._current is not None:
                self._retiring.append((self._current, mono_ns + _OVERLAP_NS))
            self._current, self._successor = leg, None
            self._is_rotation_wanted = False
            self.rotations += 1
        spread = 1.0 - _ROTATION_SPREAD * self._random.random()
        self._rotation_due_ns = mono_ns + round(self._settings.rotate_after_s * spread * 1e9)
        if not self.is_flowing:
            self.is_flowing = True
            self._backoff.flowing(mono_ns)
            self._owner.on_flowing(self)

    def _obey(self, leg: _Leg, control: Control) -> None:
        subscriptions = leg.subscriptions
        if isinstance(control, Shutdown):
            self._loop.drop("server_shutdown", self.name)
            if leg is self._current:
                self.rotate()
        elif isinstance(control, Broken):
            self._loop.drop("connection_broken", f"{self.name}: {control.reason}")
            if leg in self._legs():
                self._fail(leg, control.reason)
        elif subscriptions is not None and isinstance(control, Ack):
            self._owner.on_subscribed(subscriptions.acked(control))
        elif subscriptions is not None and isinstance(control, Subscribed):
            self._owner.on_subscribed(subscriptions.listed(control.streams))
        elif subscriptions is not None and isinstance(control, Refusal):
            streams = subscriptions.declined(control)
            what = f"{self.name}: {control.code} {control.text}; {len(streams)} streams"
            self._loop.drop("request_refused", what)

    def on_closed(self, connection: Connection, end: Ending) -> None:
        """Connect again later; where a replacement is under way, that one takes over."""
        leg = self._leg_of(connection)
        if leg is None:
            return
        mono_ns = self._loop.clock.mono_ns()
        self.last_ending = end.reason
        pause_ns = round(self._backoff.failed(mono_ns, end.status, end.retry_after_s) * 1e9)
        self._loop.drop("connection_lost", f"{self.name}: {end.reason}")
        if leg is self._successor:
            self._successor = None
            self._rotation_due_ns = mono_ns + pause_ns
            return
        self._current, self._successor = self._successor, None
        self._is_rotation_wanted = False  # the next one is new
        self._due_ns = mono_ns + pause_ns
        if self.is_flowing:
            self.is_flowing = False
            self._owner.on_down(self, end.reason)

    def _leg_of(self, connection: Connection) -> _Leg | None:
        for leg in self._legs():
            if leg.connection is connection:
                return leg
        return None

    def _take_of(self, connection: Connection) -> Take:
        """Of a connection in use, or of one that is read to its end."""
        legs = (*self._legs(), *(leg for leg, _ in self._retiring))
        found = next((leg for leg in legs if leg.connection is connection), None)
        return found.take if found is not None else _forget

    def describe(self, mono_ns: int) -> dict[str, Any]:
        """For people: state, age, counts."""
        row: dict[str, Any] = {
            "name": self.name,
            "url": self.url,
            "state": self.state,
            "streams": len(self.streams),
            "rotating": self.is_rotating,
            "connects": self.connects,
            "rotations": self.rotations,
            "last_ending": self.last_ending,
        }
        leg = self._current
        if leg is not None and leg.connection.state == "open":
            row["age_s"] = round((mono_ns - leg.connection.opened_mono_ns) / 1e9, 1)
            row["transport"] = leg.connection.transport
            row["frames_received"] = leg.connection.frames_received
            row["bytes_received"] = leg.connection.bytes_received
            row["pings_answered"] = leg.connection.pings_received
        if leg is not None and leg.subscriptions is not None:
            row["active"] = len(leg.subscriptions.active)
            row["refused"] = len(leg.subscriptions.refused)
        return row


def _forget(_frame: bytes, _ts_recv_ns: int) -> Control | None:
    """A connection that nobody wants any more."""
    return None
