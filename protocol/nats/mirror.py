"""How our frames lie in a NATS stream: subjects, names, and what the bridge says of itself beside them. Pure.

    <prefix>.trade.binance.BTC_USDT      a frame, byte for byte, named publisher:epoch:seq in Nats-Msg-Id
    <prefix>.hole.<publisher>            records that nobody can have any more
    <prefix>.position.<bridge>           how far each publisher is mirrored; everything before it in the stream is

A stream has one order. So the newest position and the names behind it say exactly how far the mirror is: what a bridge
that begins asks for, and never remembers itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from protocol.chain import Hole
from protocol.errors import DECODE_ERRORS
from protocol.nats.faults import NatsGarbled
from protocol.replay import Position

HOLE: Final = "hole"
POSITION: Final = "position"
_TOKENS: Final = re.compile(r"[^.*>\s\x00-\x1f\x7f]+(?:\.[^.*>\s\x00-\x1f\x7f]+)*\Z")
_NAME: Final = re.compile(r"([a-z0-9][a-z0-9._-]{0,31}):([0-9]{1,20}):([0-9]{1,20})\Z")


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """What a bridge says now and then, JSON."""

    bridge: str
    ts_ns: int
    """When it said so, its own clock."""
    topics: list[str]
    """What it mirrors."""
    positions: dict[str, tuple[int, int]]
    """Publisher to (epoch, seq): of everything up to there, what is wanted lies before this message."""


class HoleNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a bridge says of records that it could not have, JSON."""

    bridge: str
    publisher: str
    epoch: int
    first_seq: int
    last_seq: int
    """0: nobody knows."""
    reason: str


class Named(NamedTuple):
    """The name of one record."""

    publisher: str
    position: Position


_positions: Final = msgspec.json.Decoder(Positions).decode
_hole: Final = msgspec.json.Decoder(HoleNote).decode


def is_subject(text: str) -> bool:
    """Whether the text is a subject without wildcards."""
    return len(text) <= 255 and bool(_TOKENS.match(text))


def subject_of(prefix: str, topic: str) -> str:
    """Where frames of a topic lie.

    Raises:
        ValueError: NATS has no such subject (two dots in a row, for example).
    """
    subject = f"{prefix}.{topic}"
    if not is_subject(subject):
        raise ValueError(f"topic {topic!r} is no NATS subject")
    return subject


def topic_of(prefix: str, subject: str) -> str:
    """Topic of a subject below the prefix; empty for what the bridge says of itself."""
    topic = subject.removeprefix(prefix + ".")
    return "" if topic == subject or topic.partition(".")[0] in (HOLE, POSITION) else topic


def filter_of(prefix: str, pattern: str) -> str:
    """Narrowest subject filter that has everything of a topic pattern (`trade.binance.`, `trade.binance.BTC_USDT$`).

    A filter has whole tokens only: of `trade.bin` it is all of `trade`, and whoever listens leaves the rest out.
    """
    text = pattern.strip()
    if text.endswith("$"):
        return subject_of(prefix, text[:-1])
    whole = text.rstrip("*>").split(".")[:-1]
    return ".".join([prefix, *whole, ">"])


def msg_id(publisher: str, epoch: int, seq: int) -> str:
    """Name of a record."""
    return f"{publisher}:{epoch}:{seq}"


def parse_msg_id(text: str) -> Named | None:
    """A record's name taken apart; None if it is none of ours."""
    match = _NAME.match(text)
    return Named(match[1], Position(int(match[2]), int(match[3]))) if match else None


def encode_positions(bridge: str, ts_ns: int, topics: list[str], positions: Mapping[str, Position]) -> bytes:
    """The payload of a position message."""
    rows = {name: (place.epoch, place.seq) for name, place in sorted(positions.items())}
    return msgspec.json.encode(Positions(bridge=bridge, ts_ns=ts_ns, topics=topics, positions=rows))


def decode_positions(data: bytes) -> Positions:
    """A position message.

    Raises:
        NatsGarbled: it is none.
    """
    try:
        return _positions(data)
    except DECODE_ERRORS as fault:
        raise NatsGarbled(f"a bridge's position: {fault}") from None


def encode_hole(bridge: str, hole: Hole) -> bytes:
    """The payload of a hole message."""
    return msgspec.json.encode(
        HoleNote(
            bridge=bridge,
            publisher=hole.publisher,
            epoch=hole.epoch,
            first_seq=hole.first_seq,
            last_seq=hole.last_seq,
            reason=hole.reason,
        )
    )


def decode_hole(data: bytes) -> HoleNote:
    """A hole message.

    Raises:
        NatsGarbled: it is none.
    """
    try:
        return _hole(data)
    except DECODE_ERRORS as fault:
        raise NatsGarbled(f"a bridge's hole: {fault}") from None
