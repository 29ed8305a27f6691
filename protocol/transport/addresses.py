"""Binding, and what a socket is bound to."""

from __future__ import annotations

from pathlib import Path

import zmq

from protocol.endpoints import EXIT_CANNOT_BIND, check_bind
from protocol.errors import StartError


def bind(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """Bind after checking that strangers cannot reach it.

    Raises:
        StartError: exit 69, the address is taken or may not be used.
    """
    check_bind(endpoint)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as fault:
        raise StartError(f"cannot bind {endpoint}: {fault}", EXIT_CANNOT_BIND) from fault


def endpoint_of(socket: zmq.Socket[bytes]) -> str:
    """Address a socket is bound to, with the port that the system chose."""
    value = socket.getsockopt(zmq.LAST_ENDPOINT)
    return value.rstrip(b"\x00").decode() if isinstance(value, bytes) else str(value)


def remove_stale_socket(endpoint: str) -> None:
    """Delete the file of an ipc endpoint whose process is gone (the caller holds the name's lock).

    Raises:
        StartError: exit 69, something else is there.
    """
    if not endpoint.startswith("ipc://"):
        return
    try:
        Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
    except OSError as fault:
        raise StartError(
            f"cannot bind {endpoint}: {fault.strerror}; remove what is there", EXIT_CANNOT_BIND
        ) from fault
