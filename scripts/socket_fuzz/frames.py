"""Frames of a publisher made wrong: in their bytes, in their header, in what they carry. Pure.

A frame whose checksum does not fit is thrown away at once, so most are sealed again after they were made wrong: as a
publisher with a bug, or one that is not ours, would send them.
"""

from __future__ import annotations

import struct
import zlib
from random import Random
from typing import Any, Final

import msgspec

from protocol.record import VERSION, RecordKind
from scripts.mutations import Mutator
from scripts.socket_fuzz.trees import TreeMutator

_AFTER_CRC: Final = struct.Struct("<BBHI32sQQQq")
_PREFIX: Final = struct.Struct("<II")
_ODD_SEQS: Final = (0, 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_ODD_TIMES: Final = (0, -1, 1, -(2**63), 2**63 - 1, 2**62, 4_102_444_800 * 10**9, 10**12)
_ODD_TOPICS: Final = (
    b"", b"x", b"trade", b"trade.", b"trade..", b"trade.binance", b"trade.binance.NOBODY", b"bar.binance.BTC_USDT",
    b"bar.binance.BTC_USDT.0m", b"bar.binance.BTC_USDT.99999d", b"bar.binance.BTC_USDT.xx", b"beat.hub.1", b"mark.x",
    b"quote.binance." + b"A" * 110, b"trade." + b"B" * 128, b"quote.b\xc3\xa4nance.X", b"book.binance.BTC_USDT.1m.x.y",
    b"feature.binance.BTC_USDT.1m", b"flow.push.mt5.EUR_USD", b"gap.binance.BTC_USDT", b"signal.a.b.c.d.e.f",
)  # fmt: skip


class Head(msgspec.Struct):
    """Header of a frame, before it is packed."""

    topic: bytes
    kind: int
    schema: int
    publisher: str
    epoch: int
    seq: int
    topic_seq: int
    ts_pub_ns: int
    flags: int = 0
    version: int = VERSION


def sealed(head: Head, payload: bytes, *, length: int = -1, crc_off: int = 0) -> bytes:
    """The frame, with a checksum that fits (unless `crc_off`) and the payload's length (unless `length`)."""
    body = _AFTER_CRC.pack(
        head.version & 255, head.kind & 255, head.flags & 0xFFFF, head.schema & 0xFFFFFFFF,
        head.publisher.encode()[:32].ljust(32, b"\x00"), head.epoch & (2**64 - 1), head.seq & (2**64 - 1),
        head.topic_seq & (2**64 - 1), max(-(2**63), min(2**63 - 1, head.ts_pub_ns)),
    )  # fmt: skip
    start = head.topic + b"\x00"
    crc = zlib.crc32(payload, zlib.crc32(body, zlib.crc32(start))) ^ crc_off
    return start + _PREFIX.pack(len(payload) if length < 0 else length, crc) + body + payload


class FrameMutator:
    """Makes frames wrong.

    Args:
        random: Decides everything.
        publishers: Names that a header may carry.
    """

    def __init__(self, random: Random, publishers: list[str]) -> None:
        self._random = random
        self._publishers = publishers
        self._trees = TreeMutator(random)
        self._bytes = Mutator(random, is_text=False)

    def mutate(self, head: Head, payload: bytes) -> bytes:
        """One wrong frame."""
        random = self._random
        chance = random.random()
        if chance < 0.6:
            return sealed(head, self._trees.mutate(payload))
        if chance < 0.8:
            self._head(head)
            return sealed(head, payload if random.random() < 0.6 else self._trees.mutate(payload))
        if chance < 0.88:
            return sealed(head, self._bytes.mutate(payload))
        if chance < 0.9:
            return sealed(head, payload, length=random.choice((0, 1, len(payload) + 1, 2**31, 2**32 - 1)))
        if chance < 0.91:
            return sealed(head, payload, crc_off=1)
        return self._bytes.mutate(sealed(head, payload))

    def _head(self, head: Head) -> None:
        """One field of the header says something else."""
        random = self._random
        field: Any = random.choice(
            ("kind", "kind", "flags", "flags", "schema", "schema", "epoch", "seq", "seq", "topic_seq", "ts_pub_ns", "topic",
             "topic", "publisher", "version")
        )  # fmt: skip
        match field:
            case "kind":
                head.kind = random.choice((*RecordKind, 0, 8, 255))
            case "flags":
                head.flags = random.choice((1, 2, 4, 8, 16, 24, 31, 0xFFFF))
            case "schema":
                head.schema = random.choice((0, random.randrange(24) << 8 | 1, random.getrandbits(32)))
            case "epoch":
                head.epoch = random.choice((0, head.epoch - 1, head.epoch + 1, head.epoch + 1, *_ODD_SEQS))
            case "seq":
                head.seq = random.choice((0, head.seq - 1, head.seq + 1, head.seq + 7, *_ODD_SEQS))
            case "topic_seq":
                head.topic_seq = random.choice(_ODD_SEQS)
            case "ts_pub_ns":
                head.ts_pub_ns = random.choice(_ODD_TIMES)
            case "topic":
                head.topic = random.choice(_ODD_TOPICS)
            case "publisher":
                head.publisher = random.choice((*self._publishers, "", "A" * 32, "ä", "a b"))
            case _:
                head.version = random.choice((0, 2, 255))
