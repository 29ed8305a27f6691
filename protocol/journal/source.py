"""The bytes of a segment by their place in the plain file, whether that is there or only its sealed form."""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from protocol.journal.disk import Disk
from protocol.journal.index import Mark, read_index
from protocol.journal.sealed import (
    BLOCK_HEADER_BYTES,
    END_BYTES,
    Row,
    find_block,
    read_block_header,
    read_table,
    sealed_file,
    table_bytes,
)
from protocol.journal.segment import SEGMENT_HEADER_BYTES, SegmentName, read_header

_MOST_TABLES: Final = 16
_MOST_BLOCKS: Final = 4


class Source(Protocol):
    """An open segment."""

    def marks(self) -> list[Mark]:
        """Where some frames are, the end last; none if that is not known."""

    def size(self) -> int:
        """Bytes of the plain segment."""

    def read(self, count: int, offset: int) -> bytes:
        """Up to a count of bytes; fewer only at the end. What is damaged beyond reading comes as zero bytes."""

    def close(self) -> None:
        """Give the file back."""


class Blocks:
    """What was unpacked last, and the tables of the files that it came from: reading on is cheap."""

    def __init__(self) -> None:
        self.tables: OrderedDict[SegmentName, list[Row]] = OrderedDict()
        self.plain: OrderedDict[tuple[SegmentName, int], bytes] = OrderedDict()
        self._decompress: Callable[[bytes], bytes] | None = None

    def keep(self, name: SegmentName, table: list[Row]) -> list[Row]:
        """Remember a table."""
        self.tables[name] = table
        if len(self.tables) > _MOST_TABLES:
            self.tables.popitem(last=False)
        return table

    def keep_plain(self, name: SegmentName, offset: int, data: bytes) -> bytes:
        """Remember a block."""
        self.plain[name, offset] = data
        if len(self.plain) > _MOST_BLOCKS:
            self.plain.popitem(last=False)
        return data

    def unpack(self, packed: bytes, plain_bytes: int) -> bytes | None:
        """Content of a zstd frame that says it holds so many bytes; None if it does not, or is damaged."""
        import zstandard  # noqa: PLC0415 - who only writes does not pay for it

        if self._decompress is None:
            self._decompress = zstandard.ZstdDecompressor().decompress
        try:
            if zstandard.frame_content_size(packed) != plain_bytes:
                return None
            return self._decompress(packed)
        except (zstandard.ZstdError, MemoryError):
            return None


def open_source(folder: Path, name: SegmentName, disk: Disk, blocks: Blocks) -> Source:
    """Open a segment in whichever form it is there.

    Raises:
        FileNotFoundError: in none.
        protocol.journal.segment.JournalVersion: a newer program wrote it.
        OSError: the disk cannot be read.
    """
    try:
        return open_plain(folder, name, disk)
    except FileNotFoundError:
        return open_sealed(folder / sealed_file(name), name, disk, blocks)


def open_plain(folder: Path, name: SegmentName, disk: Disk) -> Source:
    """As `open_source`, the plain form alone."""
    return _PlainSource(folder, name, disk)


def open_sealed(path: Path, name: SegmentName, disk: Disk, blocks: Blocks) -> Source:
    """As `open_source`, the sealed form alone, whatever its file is called."""
    return _SealedSource(path, name, disk, blocks)


class _PlainSource:
    """A plain segment."""

    def __init__(self, folder: Path, name: SegmentName, disk: Disk) -> None:
        self._disk = disk
        self._index = folder / name.index_file
        path = folder / name.file
        self._fd = disk.open_to_read(path)
        try:
            read_header(disk.read(self._fd, SEGMENT_HEADER_BYTES, 0), str(path))
        except BaseException:
            disk.close(self._fd)
            raise

    def marks(self) -> list[Mark]:
        try:
            fd = self._disk.open_to_read(self._index)
        except FileNotFoundError:
            return []
        try:
            return read_index(self._disk.read(fd, self._disk.size(fd), 0)) or []
        finally:
            self._disk.close(fd)

    def size(self) -> int:
        return self._disk.size(self._fd)

    def read(self, count: int, offset: int) -> bytes:
        return self._disk.read(self._fd, count, offset)

    def close(self) -> None:
        self._disk.close(self._fd)


class _SealedSource:
    """A sealed segment, unpacked block by block as it is read."""

    def __init__(self, path: Path, name: SegmentName, disk: Disk, blocks: Blocks) -> None:
        self._name = name
        self._disk = disk
        self._blocks = blocks
        self._path = path
        self._fd = disk.open_to_read(self._path)
        try:
            known = blocks.tables.get(name)
            self._rows = blocks.keep(name, self._table() if known is None else known)
        except BaseException:
            disk.close(self._fd)
            raise

    def marks(self) -> list[Mark]:
        return [(row.first_seq, max(row.offset, SEGMENT_HEADER_BYTES)) for row in self._rows]

    def size(self) -> int:
        return self._rows[-1].offset if self._rows else 0

    def read(self, count: int, offset: int) -> bytes:
        rows, end = self._rows, min(offset + count, self.size())
        at = bisect.bisect_right(rows, offset, key=lambda row: row.offset) - 1
        found: list[bytes] = []
        while 0 <= at < len(rows) - 1 and rows[at].offset < end:
            start = rows[at].offset
            found.append(self._plain(at)[max(0, offset - start) : end - start])
            at += 1
        return b"".join(found)

    def close(self) -> None:
        self._disk.close(self._fd)

    def _plain(self, at: int) -> bytes:
        """Content of a block, up to where the next one starts: zero bytes where it is not to be had."""
        row, following = self._rows[at], self._rows[at + 1]
        known = self._blocks.plain.get((self._name, row.offset))
        if known is not None:
            return known
        size = following.offset - row.offset
        header = read_block_header(
            self._disk.read(self._fd, BLOCK_HEADER_BYTES, row.place), 0, str(self._path)
        )
        # a damaged header costs nothing where the table says all that is in it
        plain_bytes = header.plain_bytes if header else size
        room = following.place - row.place - BLOCK_HEADER_BYTES
        packed_bytes = min(header.packed_bytes, room) if header else room
        packed = self._disk.read(self._fd, packed_bytes, row.place + BLOCK_HEADER_BYTES)
        plain = self._blocks.unpack(packed, plain_bytes) or b""
        return self._blocks.keep_plain(self._name, row.offset, plain[:size].ljust(size, b"\x00"))

    def _table(self) -> list[Row]:
        size = self._disk.size(self._fd)
        length = table_bytes(self._disk.read(self._fd, END_BYTES, max(0, size - END_BYTES)))
        if 0 < length <= size:
            rows = read_table(self._disk.read(self._fd, length, size - length), str(self._path))
            if rows is not None:
                return rows
        return self._rows_of_headers(size)

    def _rows_of_headers(self, size: int) -> list[Row]:
        """The table anew: from header to header, and where one is damaged to the next bytes that look like one."""
        data = self._disk.read(self._fd, size, 0)
        rows: list[Row] = []
        end, place = Row(self._name.first_seq, 0, 0), find_block(data, 0)
        while place >= 0:
            header = read_block_header(data, place, str(self._path))
            if header is None:
                place = find_block(data, place + 1)
                continue
            if header.offset > end.offset:  # a block whose header is lost: its bytes may still unpack
                rows.append(end)
            rows.append(Row(header.first_seq, header.offset, place))
            behind = place + BLOCK_HEADER_BYTES + header.packed_bytes
            end = Row(header.next_seq, header.offset + header.plain_bytes, behind)
            place = find_block(data, behind)
        return [*rows, end] if rows else []
