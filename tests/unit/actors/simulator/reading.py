"""Reads server frames with the websockets client protocol: an independent judge of the bytes we make."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri


def frames_in(data: bytes) -> list[tuple[Opcode, bytes]]:
    """Every frame in bytes of a server, as (opcode, payload); fails on bytes that break the protocol."""
    protocol = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    protocol.receive_data(data)
    frames = [event for event in protocol.events_received() if isinstance(event, Frame)]
    assert protocol.parser_exc is None, protocol.parser_exc
    return [(frame.opcode, bytes(frame.data)) for frame in frames]


def texts_in(data: bytes) -> list[str]:
    """Payloads of the text frames."""
    return [body.decode() for opcode, body in frames_in(data) if opcode is Opcode.TEXT]
