"""A segment is one file of a journal: its name, its first 64 bytes, and what may go wrong with it. Pure.

    <run_dir>/journal/<publisher>/<epoch:010d>-<first_seq:020d>.seg     frames, back to back, as they were sent
                                  <epoch:010d>-<first_seq:020d>.idx     where some of them are (index.py)
                                  quarantine/                           tails that recovery cut off
                                  BALLAST                               room to give back when the disk is full

    segment header, 64 bytes, little endian
    off size field
      0   2  magic         "TJ"
      2   1  version       1
      3   1  header_bytes  64: the first frame starts here
      4   4  crc32         zlib.crc32 of the header with these four bytes zero
      8   8  epoch
     16   8  first_seq     seq of the first frame, in the name too
     24   8  created_ns    publisher's clock, signed
     32  32  publisher     ASCII, padded with zero bytes

Magic, version and crc32 keep their places in later versions. The header is for people and for versions: what
frames are worth they prove themselves, so a damaged header costs no frame.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

VERSION: Final = 1
MAGIC: Final = b"TJ"
QUARANTINE: Final = "quarantine"
_HEADER: Final = struct.Struct("<2sBBIQQq32s")
SEGMENT_HEADER_BYTES: Final = _HEADER.size
_NAME: Final = re.compile(r"(\d{10,20})-(\d{20})\.seg")


class JournalVersion(Exception):
    """A segment was written by a newer program; nothing of it was touched."""


class JournalFull(Exception):
    """Not everything could be written: the disk is full, or broken.

    What was written is whole and in order. Keep the rest, and append it first when there is room again.
    """

    def __init__(self, stored: int, reason: OSError) -> None:
        super().__init__(f"journal took {stored} frames of the batch: {reason}")
        self.stored = stored
        """How many frames of the batch, from its start, are in the journal."""
        self.reason = reason


class SegmentName(NamedTuple):
    """What a file name says; sorts in the order of writing."""

    epoch: int
    first_seq: int

    @property
    def file(self) -> str:
        """Name of the file with the frames."""
        return f"{self.epoch:010d}-{self.first_seq:020d}.seg"

    @property
    def index_file(self) -> str:
        """Name of the file with the index."""
        return f"{self.epoch:010d}-{self.first_seq:020d}.idx"


class SegmentHeader(NamedTuple):
    """The first bytes of a segment."""

    version: int
    epoch: int
    first_seq: int
    created_ns: int
    publisher: str


def segments_of(names: Iterable[str]) -> list[SegmentName]:
    """Segments among the names of a folder, oldest first; other files are passed over."""
    found = (_NAME.fullmatch(name) for name in names)
    return sorted(SegmentName(int(match[1]), int(match[2])) for match in found if match)


def pad(publisher: str) -> bytes:
    """Publisher name as headers hold it.

    Raises:
        ValueError: it is not 1 to 32 ASCII characters.
    """
    if not 0 < len(publisher) <= 32 or not publisher.isascii():
        raise ValueError(f"publisher {publisher!r} is not 1 to 32 ASCII characters")
    return publisher.encode().ljust(32, b"\x00")


def pack_header(name: SegmentName, publisher: str, created_ns: int) -> bytes:
    """Header of a new segment."""
    fields = (SEGMENT_HEADER_BYTES, 0, name.epoch, name.first_seq, created_ns, pad(publisher))
    blank = _HEADER.pack(MAGIC, VERSION, *fields)
    return blank[:4] + zlib.crc32(blank).to_bytes(4, "little") + blank[8:]


def read_header(data: bytes, place: str) -> SegmentHeader | None:
    """What the first bytes of a segment say; None if they are damaged or not all there.

    Raises:
        JournalVersion: they are whole, and of a version that this program does not know; `place` names the file.
    """
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    magic, version, _, crc, epoch, first_seq, created_ns, publisher = _HEADER.unpack_from(data)
    blank = data[:4] + bytes(4) + data[8:SEGMENT_HEADER_BYTES]
    if magic != MAGIC or crc != zlib.crc32(blank):
        return None
    if version > VERSION:
        raise JournalVersion(
            f"{place}: journal version {version}, this program reads up to {VERSION};"
            " start the newer program, or move the folder away"
        )
    return SegmentHeader(version, epoch, first_seq, created_ns, publisher.rstrip(b"\x00").decode("ascii"))
