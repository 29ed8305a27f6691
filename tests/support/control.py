"""A question to an actor's control socket, and the answer as plain values."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.endpoints import Endpoints
from protocol.errors import HubError
from protocol.requests import Request
from protocol.transport import Wire


def ask_control(
    wire: Wire, endpoints: Endpoints, name: str, op: str, timeout_s: float = 40.0, **args: Any
) -> Any:
    """Ask an actor.

    Raises:
        HubError: it refuses, or does not answer.
    """
    requester = wire.requester(endpoints.ctl(name))
    try:
        reply = requester.ask(Request(op=op, args=args), timeout_s)
    finally:
        wire.forget(requester.socket)
    if not reply.ok:
        raise HubError(f"{name} {op}: {reply.code}: {reply.message}")
    return msgspec.msgpack.decode(reply.data)
