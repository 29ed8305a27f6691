"""Encryption and authentication of tcp: options of CURVE, set before bind and connect. Keys are Z85 texts."""

from __future__ import annotations

from typing import Final

import zmq

DOMAIN: Final = b"tapehub"
"""ZAP domain of what shows a key."""
LOCAL_DOMAIN: Final = b"local"
"""ZAP domain of what only this machine reaches: ipc in a folder of our own, and loopback."""


def new_pair() -> tuple[str, str]:
    """A new (public key, secret key)."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def public_of(secret: str) -> str:
    """The public half of a secret key."""
    return zmq.curve_public(secret.encode()).decode()


def as_server(socket: zmq.Socket[bytes], secret: str) -> None:
    """What is bound next shows this key and wants one. Without a ZAP handler everybody is refused: never the other way."""
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret.encode())
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def as_neighbour(socket: zmq.Socket[bytes]) -> None:
    """What is bound next needs no key, as only this machine reaches it; its peers are told apart by the domain."""
    socket.setsockopt(zmq.CURVE_SERVER, 0)
    socket.setsockopt(zmq.ZAP_DOMAIN, LOCAL_DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def as_client(socket: zmq.Socket[bytes], secret: str, server: str) -> None:
    """What is connected next shows this key and expects that of the server."""
    socket.setsockopt(zmq.CURVE_SECRETKEY, secret.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, public_of(secret).encode())
    socket.setsockopt(zmq.CURVE_SERVERKEY, server.encode())


def as_stranger(socket: zmq.Socket[bytes]) -> None:
    """What is connected next shows no key."""
    socket.setsockopt(zmq.CURVE_SERVER, 0)
