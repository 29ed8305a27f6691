"""The frame on the wire, in the journal and on a tap: `topic 0x00 header payload`, one ZeroMQ part. Pure.

    header, 80 bytes, little endian
    off size field
      0   4  length      payload bytes
      4   4  crc32       zlib.crc32 of topic, 0x00, header from offset 8, payload
      8   1  version     1
      9   1  kind        RecordKind
     10   2  flags       bit 0 zstd payload, bit 1 not journalled, bit 2 repeated by request, bit 3 repaired,
                         bit 4 reference
     12   4  schema      message type times 256 plus its version
     16  32  publisher   ASCII, padded with zero bytes
     48   8  epoch       new at each start of the publisher, always larger
     56   8  seq         1, 2, 3... per publisher and epoch; (publisher, epoch, seq) names a record for ever
     64   8  topic_seq   1, 2, 3... per topic, publisher and epoch: a filtered subscriber sees its own gap
     72   8  ts_pub_ns   publisher's clock, signed
     80   …  payload     msgpack array of one or more events of the topic

A heartbeat (kind 7) is not a record of the stream: its seq repeats the last one given out, topic_seq is 0.
"""

from __future__ import annotations

import enum
import struct
import zlib
from typing import Final

import msgspec

from protocol.errors import ChecksumMismatch, FrameError, TruncatedFrame

VERSION: Final = 1
MAX_TOPIC_BYTES: Final = 128
MAX_PAYLOAD_BYTES: Final = 8 * 1024 * 1024
"""A full depth snapshot of a large venue is about 5 MB as text, 1 MB as ours."""

_HEADER: Final = struct.Struct("<IIBBHI32sQQQq")
_AFTER_CRC: Final = struct.Struct("<BBHI32sQQQq")
_PREFIX: Final = struct.Struct("<II")
HEADER_BYTES: Final = _HEADER.size
NUMBER_BITS: Final = 62
"""Epochs and numbers have no more, though the header has room: databases keep 63, and one may be added to them."""
_FLAGS: Final = struct.Struct("<H")
_CRC: Final = struct.Struct("<I")
_unpack_header: Final = _HEADER.unpack_from

FLAG_ZSTD: Final = 1
FLAG_NOT_JOURNALLED: Final = 2
FLAG_REPEATED: Final = 4
FLAG_REPAIRED: Final = 8
FLAG_REFERENCE: Final = 16
"""A candle of the venue itself, to compare ours with: nobody stores or serves it."""


class RecordKind(enum.IntEnum):
    """What a record is, whatever its topic."""

    DATA = 1
    EPOCH = 2
    TIME = 3
    SNAP = 4
    CLEAN_STOP = 5
    UPSTREAM_GAP = 6
    HEARTBEAT = 7


class Frame(msgspec.Struct, gc=False):
    """One received frame, header taken apart, payload still encoded."""

    topic: str
    payload: bytes
    """The encoded events."""
    data: bytes
    """The whole frame as received."""
    length: int
    crc32: int
    version: int
    kind: int
    flags: int
    schema: int
    publisher_padded: bytes
    epoch: int
    seq: int
    topic_seq: int
    ts_pub_ns: int

    @property
    def publisher(self) -> str:
        """Name of the publisher."""
        return self.publisher_padded.rstrip(b"\x00").decode("ascii", "replace")


class _Chain:
    """What the writer keeps of one topic."""

    __slots__ = ("head", "head_crc", "topic_seq")

    def __init__(self, topic: str) -> None:
        self.head = topic.encode("ascii") + b"\x00"
        if len(self.head) > MAX_TOPIC_BYTES + 1:
            raise ValueError(f"topic {topic!r} is longer than {MAX_TOPIC_BYTES} bytes")
        self.head_crc = zlib.crc32(self.head)
        self.topic_seq = 0


class FrameWriter:
    """Builds the frames of one publisher and epoch: numbers them and sums them up.

    Not a socket and not a clock: `ts_pub_ns` is an argument, the caller sends the bytes.
    """

    def __init__(self, publisher: str, epoch: int) -> None:
        if not 0 < len(publisher) <= 32 or not publisher.isascii():
            raise ValueError(f"publisher {publisher!r} is not 1 to 32 ASCII characters")
        self.publisher = publisher
        self.epoch = epoch
        self.seq = 0
        self._padded = publisher.encode().ljust(32, b"\x00")
        self._chains: dict[str, _Chain] = {}

    def build(
        self,
        topic: str,
        schema: int,
        payload: bytes,
        ts_pub_ns: int,
        kind: int = RecordKind.DATA,
        flags: int = 0,
    ) -> bytes:
        """Number and frame one payload."""
        chain = self._chains.get(topic)
        if chain is None:
            chain = self._chains[topic] = _Chain(topic)
        self.seq += 1
        chain.topic_seq += 1
        body = _AFTER_CRC.pack(
            VERSION, kind, flags, schema, self._padded, self.epoch, self.seq, chain.topic_seq, ts_pub_ns
        )
        crc = zlib.crc32(payload, zlib.crc32(body, chain.head_crc))
        return chain.head + _PREFIX.pack(len(payload), crc) + body + payload

    def build_beat(self, topic: str, schema: int, payload: bytes, ts_pub_ns: int) -> bytes:
        """Frame a heartbeat: it takes no number, it repeats the last one."""
        chain = _Chain(topic)
        kind = RecordKind.HEARTBEAT
        body = _AFTER_CRC.pack(VERSION, kind, 0, schema, self._padded, self.epoch, self.seq, 0, ts_pub_ns)
        crc = zlib.crc32(payload, zlib.crc32(body, chain.head_crc))
        return chain.head + _PREFIX.pack(len(payload), crc) + body + payload

    def topic_seq(self, topic: str) -> int:
        """Last number given out on a topic, 0 if none."""
        chain = self._chains.get(topic)
        return chain.topic_seq if chain else 0


def with_flag(frame: bytes, flag: int) -> bytes:
    """A copy of a whole frame with one more flag set, and the checksum that belongs to it."""
    head = frame.index(0) + 1
    copy = bytearray(frame)
    _FLAGS.pack_into(copy, head + 10, _FLAGS.unpack_from(copy, head + 10)[0] | flag)
    crc = zlib.crc32(memoryview(copy)[head + 8 :], zlib.crc32(frame[:head]))
    _CRC.pack_into(copy, head + 4, crc)
    return bytes(copy)


_topic_cache: dict[bytes, tuple[str, int]] = {}
_CACHE_LIMIT: Final = 100_000


def _topic_of(head: bytes) -> tuple[str, int]:
    """Text and checksum of a topic (with its zero byte), remembered."""
    try:
        text = head[:-1].decode("ascii")
    except UnicodeDecodeError as fault:
        raise FrameError("topic is not ASCII") from fault
    if len(_topic_cache) >= _CACHE_LIMIT:
        _topic_cache.clear()
    found = _topic_cache[head] = (text, zlib.crc32(head))
    return found


def is_fetched_bar(frame: Frame) -> bool:
    """Whether it holds candles of the venue itself, for the aggregator to take in or the detector to compare with: whoever
    serves candles leaves it out.
    """
    return bool(frame.flags & (FLAG_REPAIRED | FLAG_REFERENCE)) and frame.topic.startswith("bar.")


def parse_frame(data: bytes) -> Frame:
    """Take a frame apart and check every byte of it.

    Raises:
        TruncatedFrame: too short, or its payload is not as long as the header says.
        ChecksumMismatch: a byte differs from what was sent.
        FrameError: not a frame of this version.
    """
    end = data.find(0, 0, MAX_TOPIC_BYTES + 1) + 1
    offset = end + HEADER_BYTES
    if end == 0 or len(data) < offset:
        raise TruncatedFrame(f"frame of {len(data)} bytes has no topic and header")
    head = data[:end]
    topic = _topic_cache.get(head) or _topic_of(head)
    frame = Frame(topic[0], data[offset:], data, *_unpack_header(data, end))
    if frame.version != VERSION:
        raise FrameError(f"frame version {frame.version}, this program reads {VERSION}")
    if (frame.epoch | frame.seq | frame.topic_seq) >> NUMBER_BITS:
        raise FrameError(
            f"epoch {frame.epoch}, number {frame.seq} or {frame.topic_seq}: nobody has counted so far"
        )
    if len(data) - offset != frame.length:
        raise TruncatedFrame(f"payload of {len(data) - offset} bytes, header says {frame.length}")
    # copying a small frame is cheaper than a view of it
    summed = data[end + 8 :] if len(data) < 8192 else memoryview(data)[end + 8 :]
    if zlib.crc32(summed, topic[1]) != frame.crc32:
        raise ChecksumMismatch(f"checksum of {topic[0]} {frame.epoch}/{frame.seq} does not match")
    return frame


def parse_frames(blob: bytes) -> list[Frame]:
    """Take frames apart that lie back to back, each as by `parse_frame`.

    Raises:
        FrameError: it is not whole frames of this version.
    """
    found: list[Frame] = []
    find, crc32, topics = blob.find, zlib.crc32, _topic_cache
    offset, size = 0, len(blob)
    while offset < size:
        head = find(0, offset, offset + MAX_TOPIC_BYTES + 1) + 1
        start = head + HEADER_BYTES
        if head == 0 or start > size:
            raise TruncatedFrame(f"no frame at byte {offset} of {size}")
        fields = _unpack_header(blob, head)
        end = start + fields[0]
        topic = topics.get(blob[offset:head])
        if (
            topic
            and end <= size
            and fields[2] == VERSION
            and not (fields[7] | fields[8] | fields[9]) >> NUMBER_BITS
            and crc32(blob[head + 8 : end], topic[1]) == fields[1]
        ):
            found.append(Frame(topic[0], blob[start:end], blob[offset:end], *fields))
        else:  # a topic not seen before, or a fault that wants its name
            found.append(parse_frame(blob[offset:end]))
        offset = end
    return found
