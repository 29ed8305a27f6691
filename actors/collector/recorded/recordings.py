"""Recordings of venue traffic, whoever made them: one iterator of frames as they were received.

Formats (found from the first line, never from the file's name):
    `<local ns> <json>`                       one frame a line; a line without stream envelope may be a REST answer
    {"t": "recv" | "http" | ..., "ts", "data"}  cryptofeed v3: payload as a string, `url` or connection address beside it
    {"raw": "..."} and {"frame": {...}}         single frames quoted in test suites
    <json>                                      one bare frame a line
Plain, `.gz` and `.zst` files; read line by line, so a file may be larger than memory.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import msgspec

_MAX_LINE_BYTES: Final = 64 * 1024 * 1024


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """One frame or REST answer."""

    ts_recv_ns: int
    """Local clock of the recorder; 0 if it was not noted."""
    data: bytes
    """Payload as received."""
    address: str = ""
    """WebSocket address or REST URL it came from, where the format says."""
    connection: str = ""
    """Name of the connection in the recording, where the format says; frames of one are in their order."""
    venue: str = ""
    """`<venue>[_<market>]`, where each line says its own."""
    is_rest: bool = False
    """A REST answer; where the format cannot say, False, and the payload must be looked at."""


class UnreadableRecording(Exception):
    """The file is not a recording that this program reads; says which line and why."""


class _Line(msgspec.Struct):
    """Any of the JSON line formats; absent fields tell which."""

    t: str = ""
    ts: float = 0.0
    conn: str = ""
    venue: str = ""
    url: str = ""
    addr: str = ""
    data: Any = None
    raw: str | None = None
    frame: msgspec.Raw = msgspec.Raw()


_decode_line: Final = msgspec.json.Decoder(_Line).decode


def read_recording(path: Path) -> Iterator[Recorded]:
    """Frames of a recording in the order in which they were received.

    Raises:
        UnreadableRecording: not a file, cut off, or a line that is none of the formats.
    """
    addresses: dict[str, str] = {}
    number = 0
    try:
        with _open(path) as lines:
            while line := lines.readline(_MAX_LINE_BYTES):
                number += 1
                line = line.strip()
                if line:
                    found = _read_line(line, addresses)
                    if found is not None:
                        yield found
    except (OSError, EOFError, ValueError, zlib.error, msgspec.DecodeError) as fault:
        raise UnreadableRecording(f"{path}:{number + 1}: {fault}") from fault


def _read_line(line: bytes, addresses: dict[str, str]) -> Recorded | None:
    if line[:1].isdigit():
        ts_text, _, data = line.partition(b" ")
        return Recorded(int(ts_text), data)
    if not line.startswith((b'{"t":', b'{"raw":', b'{"venue":', b'{"test":', b'{"frame":')):
        return Recorded(0, line)
    row = _decode_line(line)
    if row.t == "connect":
        addresses[row.conn] = row.addr
    if row.t in ("recv", "http"):
        data = row.data.encode() if isinstance(row.data, str) else msgspec.json.encode(row.data)
        address = row.url or addresses.get(row.conn, row.conn)
        # seconds as a float hold microseconds: round there, not in the noise below
        return Recorded(round(row.ts * 1e6) * 1_000, data, address, row.conn, row.venue, row.t == "http")
    if row.raw is not None:
        return Recorded(0, row.raw.encode(), venue=row.venue)
    if bytes(row.frame):
        return Recorded(0, bytes(row.frame), venue=row.venue)
    return None


def _open(path: Path) -> IO[bytes]:
    if not path.is_file():
        raise UnreadableRecording(f"{path}: no such file")
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.open(path, "rb"), 1 << 18)
    if magic == b"\x28\xb5\x2f\xfd":
        return io.BufferedReader(_ZstdFile(path), 1 << 18)
    return path.open("rb", buffering=1 << 18)


class _ZstdFile(io.RawIOBase):
    """A zstd file as plain bytes; what is broken in it is an OSError, as for any other file."""

    def __init__(self, path: Path) -> None:
        import zstandard  # noqa: PLC0415 - for this format alone

        self._fault = zstandard.ZstdError
        self._reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next."""
        try:
            return self._reader.readinto(buffer)
        except self._fault as fault:
            raise OSError(str(fault)) from fault

    def close(self) -> None:
        """Close the file underneath too."""
        self._reader.close()  # type: ignore[no-untyped-call]
        super().close()
