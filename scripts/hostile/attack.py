"""What every attack is: a name, something it does for a while, and what it says it has sent. Raw sockets for all of them."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from scripts.hostile.system import HostileSystem

CONNECT_S: Final = 1.0


class Attack(NamedTuple):
    """One kind of hostility."""

    name: str
    run: Callable[[HostileSystem, Random, float], str]
    """Does it until that moment of the monotonic clock; returns what was sent, for the table."""
    skipped: str = ""
    """Why it cannot be made here; empty: it can."""


def connected(address: str) -> socket.socket:
    """A raw connection to a ZeroMQ address (`ipc://`, `tcp://`) or to `host:port`.

    Raises:
        OSError: nobody listens, or the other side's queue is full.
    """
    if address.startswith("ipc://"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(CONNECT_S)
        try:
            line.connect(address.removeprefix("ipc://"))
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=CONNECT_S)


def all_of(system: HostileSystem) -> list[str]:
    """Every address, the gateway's too."""
    return [*system.sockets(), f"127.0.0.1:{system.http_port}"]


def is_time(until_s: float) -> bool:
    """Whether the attack goes on."""
    return time.monotonic() < until_s


def throw(address: str, data: bytes) -> bool:
    """Connect, send, read a little, hang up; whether it was taken."""
    try:
        with connected(address) as line:
            line.sendall(data)
            line.settimeout(0.02)
            with contextlib.suppress(TimeoutError):
                line.recv(256)
    except OSError:
        return False
    return True
