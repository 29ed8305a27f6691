"""The hub's side of a board: make the file, enter topics, write records and what they point to."""

from __future__ import annotations

import contextlib
import mmap
import os
from pathlib import Path
from typing import Final

from protocol.board import layout
from protocol.board.layout import RECORD, Common
from protocol.errors import BoardFull

_ALIGNED: Final = 64
_pack_quote: Final = layout.QUOTE_BODY.pack_into
_END: Final = RECORD // layout.WORD
"""Word of an entry at which its record begins, with `end`."""


class Extent:
    """Bytes of a board."""

    __slots__ = ("place", "view")

    def __init__(self, place: int, view: memoryview) -> None:
        self.place = place
        """Where it lies in the file."""
        self.view = view


class BoardWriter:
    """A new board; readers of the one before find it in that one's place.

    The file has no name: it is gone with the last process that has it open, however that one ends.

    Args:
        pointer: Where readers look: a link to the file, in a folder that is only ours.
        epoch: Epoch of the hub.
        max_bytes: Longest file.

    Raises:
        OSError: it cannot be made.
        BoardFull: there is no room for it.
    """

    def __init__(self, pointer: Path, epoch: int, max_bytes: int) -> None:
        self.pointer = pointer
        self._max_bytes = max_bytes
        self._fd = os.memfd_create(f"tapehub-{pointer.name}", os.MFD_CLOEXEC)
        os.fchmod(self._fd, 0o600)
        self.path = Path(f"/proc/{os.getpid()}/fd/{self._fd}")
        """Where it is found while we live."""
        self.size_bytes = 0
        """Of the file."""
        self._segments: list[memoryview] = []
        self._free: dict[int, list[Extent]] = {}
        self._names: dict[str, int] = {}
        self._verdicts = 0
        self._last_word = layout.HEADER_FIRST
        self._last_words: memoryview | None = None
        try:
            self._grow(layout.FIRST_SEGMENT_BYTES)
            self._next = layout.ENTRIES
            self.words[layout.HEADER_VERSION] = layout.VERSION
            self.words[layout.HEADER_EPOCH] = epoch
            self.words[layout.HEADER_MAGIC] = layout.MAGIC
            beside = pointer.with_name(f"{pointer.name}.{os.getpid()}")
            beside.unlink(missing_ok=True)
            beside.symlink_to(self.path)
            beside.replace(pointer)
        except (OSError, BoardFull):
            os.close(self._fd)
            raise

    def _grow(self, size_bytes: int) -> None:
        """One segment more.

        Raises:
            BoardFull: there is no room for it; what is there stays.
        """
        count = len(self._segments)
        if self.size_bytes + size_bytes > self._max_bytes or count >= layout.MAX_SEGMENTS:
            raise BoardFull(f"{self.path} would be longer than {self._max_bytes} bytes")
        try:  # without this a full file system would be a SIGBUS later
            os.posix_fallocate(self._fd, self.size_bytes, size_bytes)
        except OSError as fault:
            raise BoardFull(f"{self.path}: {fault}") from fault
        memory = memoryview(mmap.mmap(self._fd, size_bytes, offset=self.size_bytes))
        self._segments.append(memory)
        if not count:
            self.words = memory[: layout.ENTRIES].cast("q")
        self._begin = self._next = self.size_bytes
        self.size_bytes += size_bytes
        self.words[layout.HEADER_SIZES + count] = size_bytes
        self.words[layout.HEADER_SEGMENTS] = count + 1

    def allocate(self, size_bytes: int) -> Extent:
        """Room for so many bytes.

        Raises:
            BoardFull: there is none.
        """
        room = layout.rounded(max(size_bytes, 1), _ALIGNED)
        free = self._free.get(room)
        if free:
            return free.pop()
        if self._next + room > self.size_bytes:
            least = max(room, layout.FIRST_SEGMENT_BYTES, self.size_bytes // layout.SEGMENT_SHARE)
            self._grow(layout.rounded(least, mmap.PAGESIZE))
        place = self._next
        self._next += room
        offset = place - self._begin
        return Extent(place, self._segments[-1][offset : offset + room])

    def release(self, extent: Extent) -> None:
        """Give room back: who still reads it finds the record changed that pointed there."""
        self._free.setdefault(len(extent.view), []).append(extent)

    def verdict(self) -> int:
        """Word of a new verdict, which says that the hub has to be asked.

        Raises:
            BoardFull: there are too many.
        """
        if self._verdicts >= layout.MAX_VERDICTS:
            raise BoardFull(f"more than {layout.MAX_VERDICTS} verdicts")
        self._verdicts += 1
        return layout.VERDICTS + 2 * (self._verdicts - 1)

    def source(self, publisher: str) -> int:
        """Number of a publisher.

        Raises:
            BoardFull: there is no room for its name, or there are too many.
        """
        number = self._names.get(publisher)
        if number is None:
            if len(self._names) >= layout.MAX_SOURCES:
                raise BoardFull(f"more than {layout.MAX_SOURCES} publishers")
            self._enter(layout.PUBLISHER, publisher)
            number = self._names[publisher] = len(self._names)
        return number

    def entry(self, kind: str, topic: str) -> Entry:
        """A new entry for a topic, which says that the hub has to be asked.

        Raises:
            BoardFull: there is no room for it.
        """
        return Entry(self._enter(layout.ENTRY_KINDS[kind], topic))

    def _enter(self, kind: int, text: str) -> memoryview:
        encoded = text.encode()
        if len(encoded) > layout.MAX_TEXT_BYTES:
            raise BoardFull(f"{text[:40]!r} is longer than {layout.MAX_TEXT_BYTES} bytes")
        extent = self.allocate(layout.ENTRY_BYTES)
        view = extent.view
        words = view[: layout.ENTRY_TEXT].cast("q")
        words[layout.ENTRY_KIND], words[layout.ENTRY_LENGTH] = kind, len(encoded)
        view[layout.ENTRY_TEXT : layout.ENTRY_TEXT + len(encoded)] = encoded
        chain = self.words if self._last_words is None else self._last_words
        chain[self._last_word] = extent.place  # from here on readers see it
        self._last_words, self._last_word = words, layout.ENTRY_NEXT
        return view

    def close(self) -> None:
        """Nothing on it is current any more, and nobody finds it."""
        for word in range(layout.VERDICTS, layout.VERDICTS + 2 * self._verdicts):
            self.words[word] = 0
        with contextlib.suppress(OSError):
            if self.pointer.readlink() == self.path:
                self.pointer.unlink()
        os.close(self._fd)


class Entry:
    """One topic of a board, for its writer."""

    __slots__ = ("_begin", "_body", "_count", "_view", "_words", "extent", "head")

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._words = view.cast("q")
        self._body = RECORD + layout.WORD
        is_quote = self._words[layout.ENTRY_KIND] == layout.QUOTE_ENTRY
        size = (layout.QUOTE if is_quote else layout.VALUE).size
        self._begin = (RECORD + size) // layout.WORD - 1
        self._count = 0
        self.extent: Extent | None = None
        """What the record points to."""
        self.head: Extent | None = None
        """What precedes it."""

    def begin(self) -> None:
        """Something that belongs to the record is about to change: until `write` the hub has to be asked."""
        if self._words[self._begin] == self._count:
            self._words[self._begin] = self._count + 1

    def write_quote(self, *body: float) -> None:
        """Write a quote: what `layout.QUOTE` has between `end` and `begin`."""
        self._count = count = self._count + 1
        words = self._words
        words[self._begin] = count
        _pack_quote(self._view, self._body, *body)
        words[_END] = count

    def write(self, common: Common, place: int, size_bytes: int, head_bytes: int = 0) -> None:
        """Write a value: where its bytes lie, how many they are, and how many precede them."""
        self._count += 1
        self._words[self._begin] = self._count
        head = self.head.place if self.head is not None else 0
        layout.VALUE_BODY.pack_into(
            self._view, self._body, *common.words, place, size_bytes, head, head_bytes
        )
        self._words[_END] = self._count

    def withdraw(self) -> None:
        """Let readers ask the hub."""
        self.begin()
