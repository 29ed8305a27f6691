"""Headers of NATS messages: `NATS/1.0[ status[ text]]`, then `Name: value` lines. Pure.

Source: docs.nats.io, client protocol, HPUB and HMSG; ADR-4.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.nats.faults import NatsGarbled

_VERSION: Final = b"NATS/1.0"

NO_RESPONDERS: Final = 503
"""Nobody listens on that subject: no such stream, or JetStream is not on."""
CONTROL: Final = 100
"""Idle heartbeat, or a flow control request."""


class Headers(NamedTuple):
    """Headers of one message, taken apart."""

    status: int
    """0: an ordinary message."""
    text: str
    """What the server says with the status."""
    values: dict[str, str]


def encode(values: dict[str, str]) -> bytes:
    """Headers as they go before a payload.

    Raises:
        ValueError: a name or a value would break the line.
    """
    lines = [_VERSION.decode()]
    for name, value in values.items():
        if not name or ":" in name or any(sign in name + value for sign in "\r\n"):
            raise ValueError(f"header {name!r} cannot be sent")
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def decode(data: bytes) -> Headers:
    """Headers taken apart; of a name that comes twice the first counts.

    Raises:
        NatsGarbled: they are none.
    """
    first, *rest = data.split(b"\r\n")
    if not first.startswith(_VERSION):
        raise NatsGarbled(f"headers begin with {first[:20]!r}")
    said = first[len(_VERSION) :].decode("utf-8", "replace").split(maxsplit=1)
    if said and not said[0].isdigit():
        raise NatsGarbled(f"status {said[0]!r} is no number")
    values: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if colon:
            values.setdefault(name, value.strip())
    return Headers(int(said[0]) if said else 0, said[1] if len(said) > 1 else "", values)
