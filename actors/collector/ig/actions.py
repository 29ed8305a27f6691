"""What a streaming session wants done, and what its owner hears from it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from actors.collector.ig.updates import Values


class Ticket(NamedTuple):
    """What a REST login gives to open streaming sessions with."""

    user: str
    """Active account."""
    password: str
    """`CST-<cst>|XST-<xst>`."""
    endpoint: str
    """Base address of the stream server."""
    obtained_mono_ns: int

    def __repr__(self) -> str:
        return f"Ticket({self.user!r}, ***, {self.endpoint!r})"


class Open(NamedTuple):
    """Open a socket to this address; none is open."""

    url: str


class Send(NamedTuple):
    """Send this text frame on the open socket."""

    text: str

    def __repr__(self) -> str:
        return f"Send({self.text.partition(chr(13))[0]!r})"  # the rest may hold a password


class Close(NamedTuple):
    """Close the socket, or give up opening it."""


class LogIn(NamedTuple):
    """Log in over REST and hand in the new ticket."""

    reason: str


class Up(NamedTuple):
    """Data can flow."""

    is_same: bool
    """It is the session of before, and nothing was lost; False: a new one, whatever came meanwhile is lost."""


class Down(NamedTuple):
    """Data has stopped."""

    reason: str


class Deliver(NamedTuple):
    """New values of one item."""

    key: str
    values: Values
    """All fields, in the order of the schema."""
    is_first: bool
    """The first ones of a subscription: the snapshot, where there is one."""


class Denied(NamedTuple):
    """A subscription was refused, or ended by the server; it is not asked for again in this session."""

    key: str
    code: int
    text: str


class Alarm(NamedTuple):
    """Something for people: count it under `reason`, which is from a fixed list."""

    reason: str
    detail: str


Action = Open | Send | Close | LogIn | Up | Down | Deliver | Denied | Alarm
