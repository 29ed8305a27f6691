"""DBN files of version 1 to 3 as a source: plain, zstd, or a fragment without its header.

Read in blocks, so a file may be larger than memory; a record that a block cuts in two is joined by whoever takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import zstandard

from actors.collector.databento.metadata import MAX_BYTES, BadMetadata, Metadata, is_metadata, parse_metadata
from actors.collector.recorded.recordings import UnreadableRecording

BLOCK_BYTES: Final = 1024 * 1024
_PACKED_BYTES: Final = 64 * 1024
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Bytes 2 to 4 of a zstd frame to be skipped, with which some writers begin."""


class DbnFile:
    """One file, opened; the header is read, the records are not.

    Args:
        path: Where it is; whether it is compressed tell its first bytes, never its name.

    Raises:
        UnreadableRecording: no such file, or not DBN.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._first = b""
        try:
            self._stream = self._open()
        except OSError as fault:
            raise UnreadableRecording(f"{path}: {fault}") from fault
        try:
            self.metadata = self._read_metadata()
        except (OSError, zstandard.ZstdError, BadMetadata) as fault:
            self.close()
            raise UnreadableRecording(f"{path}: {fault}") from fault

    def blocks(self) -> Iterator[bytes]:
        """The records, back to back, in blocks that may cut one in two.

        Raises:
            UnreadableRecording: the file is damaged.
        """
        block, self._first = self._first, b""
        try:
            while block:
                yield block
                block = self._stream.read(BLOCK_BYTES)
        except (OSError, zstandard.ZstdError) as fault:
            raise UnreadableRecording(f"{self.path}: {fault}") from fault
        finally:
            self.close()

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._stream.close()

    def _open(self) -> IO[bytes] | _Unpacked:
        stream = self.path.open("rb")
        head = stream.read(4)
        stream.seek(0)
        return _Unpacked(stream) if head == _ZSTD or head[1:] == _SKIPPABLE else stream

    def _read_metadata(self) -> Metadata | None:
        self._first = self._stream.read(BLOCK_BYTES)
        if not is_metadata(self._first):
            return None
        needed = 8 + int.from_bytes(self._first[4:8], "little")
        while len(self._first) < needed <= MAX_BYTES:
            more = self._stream.read(BLOCK_BYTES)
            if not more:
                break
            self._first += more
        found, start = parse_metadata(self._first)
        self._first = self._first[start:] or self._stream.read(BLOCK_BYTES)
        return found


class _Unpacked:
    """A compressed file, read unpacked; unlike the library's own reader it tells an end that comes too early."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_between = True
        self._packed = b""

    def read(self, count: int) -> bytes:
        """About so many bytes, none at the end.

        Raises:
            ZstdError: damaged, or cut off inside a frame.
        """
        parts: list[bytes] = []
        size = 0
        while size < count:
            packed = self._packed or self._stream.read(_PACKED_BYTES)
            self._packed = b""
            if not packed:
                if not self._is_between:
                    raise zstandard.ZstdError("the compressed file is cut off")
                break
            parts.append(self._frame.decompress(packed))
            size += len(parts[-1])
            self._is_between = self._frame.eof
            if self._frame.eof:
                self._packed = self._frame.unused_data
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return b"".join(parts)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def read_all(path: Path) -> tuple[Metadata | None, bytes]:
    """Header and all records of a file, at once.

    Raises:
        UnreadableRecording: not DBN, or damaged.
    """
    file = DbnFile(path)
    return file.metadata, b"".join(file.blocks())
