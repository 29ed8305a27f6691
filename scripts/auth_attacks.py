"""Rude strangers at a port that wants a key: scanners, wrong versions, replayed handshakes, connections left half open."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

GREETING: Final = b"\xff" + bytes(7) + b"\x01\x7f"
HALF_OPEN: Final = 100
_PATIENCE_S: Final = 0.2


def _send(address: tuple[str, int], data: bytes) -> None:
    with contextlib.suppress(OSError), socket.create_connection(address, _PATIENCE_S) as peer:
        peer.sendall(data)
        peer.settimeout(_PATIENCE_S)
        peer.recv(4096)


def scan(address: tuple[str, int], chance: random.Random) -> None:
    """Connect and leave; speak other protocols; send noise."""
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", chance.randbytes(500)):
        _send(address, data)


def wrong_versions(address: tuple[str, int], chance: random.Random) -> None:
    """ZMTP 1, 2, 3 without a key, and versions that there are not."""
    for major in (0, 1, 2, 3, 9, 255):
        _send(address, GREETING + bytes([major, 0]) + b"NULL" + bytes(48) + chance.randbytes(64))
    _send(address, GREETING + b"\x03\x00CURVE" + bytes(47) + b"\x04\xff" + chance.randbytes(255))
    _send(address, GREETING + b"\x03\x00CURVE" + bytes(47) + b"\x06" + (1 << 40).to_bytes(8, "big"))


def recorded_handshake(address: tuple[str, int], ask: Callable[[str], None]) -> bytes:
    """What a good client sends, taken on the way.

    Args:
        address: Of the server.
        ask: Has a client ask at the address that it is given.
    """
    found = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=ask, args=(f"127.0.0.1:{listener.getsockname()[1]}",))
        thread.start()
        inner, _ = listener.accept()
        with inner, socket.create_connection(address) as outer:

            def back() -> None:
                with contextlib.suppress(OSError):
                    while data := outer.recv(65_536):
                        inner.sendall(data)

            threading.Thread(target=back, daemon=True).start()
            with contextlib.suppress(OSError):
                while data := inner.recv(65_536):
                    found += data
                    outer.sendall(data)
        thread.join()
    return bytes(found)


def replay(address: tuple[str, int], handshake: bytes, chance: random.Random) -> None:
    """Send a recorded handshake again: whole, cut off, with a bit turned."""
    turned = bytearray(handshake)
    turned[chance.randrange(64, len(turned))] ^= 1 << chance.randrange(8)
    for data in (handshake, handshake[: chance.randrange(64, len(handshake))], bytes(turned)):
        _send(address, data)


@contextlib.contextmanager
def half_open(address: tuple[str, int], count: int = HALF_OPEN) -> Iterator[None]:
    """Connections that begin a handshake and say nothing more."""
    peers = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                peer = socket.create_connection(address, _PATIENCE_S)
                peer.sendall(GREETING)
                peers.append(peer)
        yield
    finally:
        for peer in peers:
            peer.close()
