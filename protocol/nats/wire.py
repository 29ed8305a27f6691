"""The NATS client protocol: bytes of the server in, what they say out; and the words we say. Pure.

Source: docs.nats.io, client protocol. Text lines end with CRLF; MSG and HMSG are followed by so many bytes as they say.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from protocol.errors import DECODE_ERRORS
from protocol.nats.faults import NatsGarbled

CRLF: Final = b"\r\n"
MAX_LINE_BYTES: Final = 256 * 1024
"""INFO of a large cluster names all its servers; nothing else is long."""
MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""NATS's own upper limit of `max_payload`."""
PING: Final = b"PING\r\n"
PONG: Final = b"PONG\r\n"


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself, first of all and whenever it changes."""

    server_name: str = ""
    version: str = ""
    headers: bool = False
    auth_required: bool = False
    tls_required: bool = False
    tls_available: bool = False
    tls_verify: bool = False
    jetstream: bool = False
    max_payload: int = 1024 * 1024
    """Bytes of headers and payload together."""
    nonce: str = ""
    """To be signed by who logs in with a key."""
    ldm: bool = False
    """It is about to stop: go to another one."""


class Delivered(NamedTuple):
    """One message."""

    subject: str
    sid: int
    """Which of our subscriptions it is for."""
    reply: str
    headers: bytes
    """As they came, empty if there are none."""
    data: bytes


class Refusal(NamedTuple):
    """`-ERR`: the server's words, without quotes."""

    text: str


class Word(NamedTuple):
    """`PING`, `PONG` or `+OK`."""

    text: str


Said = Info | Delivered | Refusal | Word
_info: Final = msgspec.json.Decoder(Info).decode


class Parser:
    """Takes bytes as they come, in pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Said]:
        """What has become whole with these bytes.

        Raises:
            NatsGarbled: it is not NATS.
        """
        buffer = self._rest + data if self._rest else data
        found: list[Said] = []
        at, size = 0, len(buffer)
        while at < size:
            end = buffer.find(CRLF, at)
            if end < 0:
                if size - at > MAX_LINE_BYTES:
                    raise NatsGarbled(f"a line of more than {MAX_LINE_BYTES} bytes")
                break
            line = buffer[at:end]
            if line[:4].upper() in (b"MSG ", b"HMSG"):
                head, lengths = _message_line(line)
                begin = end + 2
                after = begin + lengths[1]
                if after + 2 > size:
                    break
                if buffer[after : after + 2] != CRLF:
                    raise NatsGarbled(f"no line end behind the payload of {line[:80]!r}")
                body = begin + lengths[0]
                found.append(Delivered(*head, buffer[begin:body], buffer[body:after]))
                at = after + 2
            else:
                if line:
                    found.append(_word(line))
                at = end + 2
        self._rest = buffer[at:]
        return found


def _message_line(line: bytes) -> tuple[tuple[str, int, str], tuple[int, int]]:
    """((subject, sid, reply), (bytes of headers, bytes in all)) of a MSG or HMSG line."""
    parts = line.split()
    has_headers = parts[0].upper() == b"HMSG"
    plain = 5 if has_headers else 4
    if len(parts) not in (plain, plain + 1):
        raise NatsGarbled(f"{line[:80]!r} has {len(parts)} parts")
    try:
        total = int(parts[-1])
        headers = int(parts[-2]) if has_headers else 0
        sid = int(parts[2])
        subject = parts[1].decode()
        reply = parts[3].decode() if len(parts) > plain else ""
    except ValueError as fault:
        raise NatsGarbled(f"{line[:80]!r}: {fault}") from None
    if not 0 <= headers <= total <= MAX_MESSAGE_BYTES:
        raise NatsGarbled(f"{line[:80]!r}: these lengths cannot be")
    return (subject, sid, reply), (headers, total)


def _word(line: bytes) -> Said:
    name, _, rest = line.partition(b" ")
    match name.upper():
        case b"INFO":
            try:
                return _info(rest)
            except DECODE_ERRORS as fault:
                raise NatsGarbled(f"INFO: {fault}") from None
        case b"-ERR":
            return Refusal(rest.strip().strip(b"'").decode("utf-8", "replace"))
        case b"PING" | b"PONG" | b"+OK":
            return Word(name.decode().upper())
    raise NatsGarbled(f"no word of the protocol: {line[:40]!r}")


def connect(fields: dict[str, Any]) -> bytes:
    """CONNECT with these fields."""
    return b"CONNECT " + msgspec.json.encode(fields) + CRLF


def publish(subject: str, data: bytes, reply: str = "", headers: bytes = b"") -> bytes:
    """One message of ours."""
    to = f"{subject} {reply}" if reply else subject
    if headers:
        return b"".join(
            (f"HPUB {to} {len(headers)} {len(headers) + len(data)}\r\n".encode(), headers, data, CRLF)
        )
    return b"".join((f"PUB {to} {len(data)}\r\n".encode(), data, CRLF))


def subscribe(subject: str, sid: int) -> bytes:
    """Hear a subject."""
    return f"SUB {subject} {sid}\r\n".encode()


def unsubscribe(sid: int) -> bytes:
    """Hear it no longer."""
    return f"UNSUB {sid}\r\n".encode()
