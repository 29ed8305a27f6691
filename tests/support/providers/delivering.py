"""How an answer comes over a socket: whole, in drops, half of it, torn, or not at all."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Final

from tests.support.providers.door import QuietHandler
from tests.support.providers.world import Delivery

_DROPS: Final = 20
_WORTH_BYTES: Final = 1024
"""Shorter answers are not compressed."""


def deliver(
    handler: QuietHandler, delivery: Delivery, asked: Mapping[str, str], ended: threading.Event
) -> None:
    """Send an answer in its way.

    Args:
        handler: Of the connection.
        delivery: What to send, and how.
        asked: Headers of the request, names in lower case.
        ended: Set when the server ends.
    """
    status, headers, body, act, pause_s = delivery
    if act in ("", "slow") and len(body) > _WORTH_BYTES and "gzip" in asked.get("accept-encoding", ""):
        headers, body = {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 1)
    match act:
        case "":
            handler.send_whole(status, headers, body)
        case "torn_gzip":
            handler.send_whole(status, {**headers, "Content-Encoding": "gzip"}, _torn(body))
        case "slow":
            _drip(handler, delivery._replace(headers=headers, body=body), ended)
        case "cut":
            handler.send_head(status, headers, len(body))
            with contextlib.suppress(OSError):
                handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
        case "hang":
            ended.wait(pause_s)
            handler.close_connection = True
        case _:
            _reset(handler)


def _torn(body: bytes) -> bytes:
    """Gzip whose middle is something else."""
    packed = bytearray(gzip.compress(body, 1))
    middle = len(packed) // 2
    packed[middle : middle + 8] = bytes(byte ^ 0xFF for byte in packed[middle : middle + 8])
    return bytes(packed)


def _drip(handler: QuietHandler, delivery: Delivery, ended: threading.Event) -> None:
    body = delivery.body
    size = -(-len(body) // _DROPS) or 1
    with contextlib.suppress(OSError):
        handler.send_head(delivery.status, delivery.headers, len(body))
        for begin in range(0, len(body), size):
            handler.wfile.write(body[begin : begin + size])
            handler.wfile.flush()
            if ended.wait(delivery.pause_s / _DROPS):
                break
    if ended.is_set():
        handler.close_connection = True


def _reset(handler: QuietHandler) -> None:
    """End the connection with RST."""
    with contextlib.suppress(OSError):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
    handler.close_connection = True
