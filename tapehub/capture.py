"""The recording format: a stream of msgpack objects, so that a plain `msgpack.Unpacker` reads it. Pure.

    {"format": "tapehub-capture", "version": 1, "ts_ns": .., "topics": [..]}     header, once
    [ts_ns, frame]                                                              local receipt, bytes as received
    ...
    {"end": true, "frames": n, "ts_ns": ..}                                     trailer, once

A file without the trailer was cut short (crash, full disk): every whole frame in it is good. Nothing is
decoded on the way in, so what is replayed is byte for byte what was heard. Reads and writes open streams;
opening files is the caller's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import msgpack

FORMAT: Final = "tapehub-capture"
VERSION: Final = 1
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
_MAGIC: Final = msgpack.packb("format") + msgpack.packb(FORMAT)
MAGIC_BYTES: Final = 1 + len(_MAGIC)


class CaptureError(ValueError):
    """The stream is not a recording of ours, or is damaged in the middle."""


class Recorded(NamedTuple):
    """One frame of a recording."""

    ts_ns: int
    """Local wall clock when it was heard."""
    data: bytes


def is_capture(head: bytes) -> bool:
    """Whether the first `MAGIC_BYTES` of a file begin one of our recordings."""
    return head[1:].startswith(_MAGIC)


class CaptureWriter:
    """Writes a recording: header now, frames as they come, trailer on `finish`."""

    def __init__(self, stream: BinaryIO, topics: Sequence[str], ts_ns: int) -> None:
        self.frames = 0
        self.written_bytes = 0
        self._stream = stream
        self._packer = msgpack.Packer()
        self._write({"format": FORMAT, "version": VERSION, "ts_ns": ts_ns, "topics": list(topics)})

    def add(self, ts_ns: int, frame: bytes) -> None:
        """Append one frame, heard at `ts_ns`."""
        self._write((ts_ns, frame))
        self.frames += 1

    def finish(self, ts_ns: int) -> None:
        """Write the trailer; the stream stays open."""
        self._write({"end": True, "frames": self.frames, "ts_ns": ts_ns})

    def _write(self, value: Any) -> None:
        packed = self._packer.pack(value)
        self._stream.write(packed)
        self.written_bytes += len(packed)


class CaptureReader:
    """Reads a recording from start to end, however large.

    Raises:
        CaptureError: the stream does not begin with our header, or is of a newer version.
    """

    def __init__(self, stream: BinaryIO, name: str = "stream") -> None:
        self.name = name
        self.is_complete = False
        """Whether the trailer was there; known once `frames()` has ended."""
        self._unpacker = msgpack.Unpacker(
            stream, max_buffer_size=4 * MAX_FRAME_BYTES, max_bin_len=MAX_FRAME_BYTES, strict_map_key=False
        )
        self.header = self._read_header()
        self.count = 0
        """Frames read so far."""

    @property
    def position_bytes(self) -> int:
        """How far into the stream the reading has come."""
        return int(self._unpacker.tell())

    def frames(self) -> Iterator[Recorded]:
        """Frames in the order of the recording.

        Raises:
            CaptureError: an object in the middle is not `[ts_ns, frame]`; says at which byte.
        """
        while True:
            at = self.position_bytes
            try:
                item = next(self._unpacker)
            except StopIteration:
                return
            except (ValueError, msgpack.UnpackException) as fault:
                raise self._damaged(at, f"is not msgpack ({fault})") from fault
            if isinstance(item, dict):
                self._check_trailer(item, at)
                self.is_complete = True
                return
            if not _is_frame(item):
                raise self._damaged(at, "is not [ts_ns, frame]")
            self.count += 1
            yield Recorded(item[0], item[1])

    def _check_trailer(self, item: dict[Any, Any], at: int) -> None:
        if not item.get("end"):
            raise self._damaged(at, "is a map that is no trailer")
        if item.get("frames") != self.count:
            raise self._damaged(at, f"promises {item.get('frames')} frames, {self.count} were there")

    def _read_header(self) -> dict[str, Any]:
        try:
            header = next(self._unpacker, None)
        except (ValueError, msgpack.UnpackException) as fault:
            raise CaptureError(f"{self.name}: not a tapehub recording ({fault})") from fault
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise CaptureError(
                f"{self.name}: not a tapehub recording (`tapehub record TOPIC -o FILE` makes them)"
            )
        if header.get("version") != VERSION:
            raise CaptureError(
                f"{self.name}: recording of version {header.get('version')}, this program reads {VERSION}"
            )
        return header

    def _damaged(self, at: int, why: str) -> CaptureError:
        return CaptureError(f"{self.name}: damaged at byte {at}, after {self.count} good frames: it {why}")


def _is_frame(item: object) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and isinstance(item[0], int)
        and not isinstance(item[0], bool)
        and isinstance(item[1], bytes)
    )
