"""Binding, and what a socket is bound to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import zmq

from protocol.endpoints import EXIT_CANNOT_BIND, check_bind
from protocol.errors import StartError


def listed(endpoints: str | Sequence[str]) -> list[str]:
    """One address or several, as a list."""
    return [endpoints] if isinstance(endpoints, str) else list(endpoints)


def bind(socket: zmq.Socket[bytes], endpoints: str | Sequence[str]) -> None:
    """Bind to one address or several, each after checking that strangers cannot reach it.

    Raises:
        StartError: exit 69, an address is taken.
        ConfigError: exit 78, an address may not be used without a key.
    """
    for endpoint in listed(endpoints):
        _bind_one(socket, endpoint)


def _bind_one(socket: zmq.Socket[bytes], endpoint: str) -> None:
    check_bind(endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as fault:
        raise StartError(f"cannot bind {endpoint}: {fault}", EXIT_CANNOT_BIND) from fault


def endpoint_of(socket: zmq.Socket[bytes]) -> str:
    """Address a socket was bound to last, with the port that the system chose."""
    value = socket.getsockopt(zmq.LAST_ENDPOINT)
    return value.rstrip(b"\x00").decode() if isinstance(value, bytes) else str(value)


def remove_stale_socket(endpoints: str | Sequence[str]) -> None:
    """Delete the files of ipc endpoints whose process is gone (the caller holds the name's lock).

    Raises:
        StartError: exit 69, something else is there.
    """
    for endpoint in listed(endpoints):
        if endpoint.startswith("ipc://"):
            _remove(endpoint)


def _remove(endpoint: str) -> None:
    try:
        Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
    except OSError as fault:
        raise StartError(
            f"cannot bind {endpoint}: {fault.strerror}; remove what is there", EXIT_CANNOT_BIND
        ) from fault
