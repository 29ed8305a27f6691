"""An engine's side of a board: find it, know its topics, take what nobody was changing."""

from __future__ import annotations

import mmap
import os
import stat
import struct
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from protocol.board import layout
from protocol.board.layout import COMMON_WORDS, RECORD, Common
from protocol.errors import DECODE_ERRORS
from protocol.topics import Topic, parse_topic

T = TypeVar("T")
_mono_ns: Final = time.monotonic_ns
_TORN: Final = (IndexError, ValueError, struct.error, *DECODE_ERRORS)
"""What bytes of two pieces may make of whoever reads them."""
ATTEMPTS: Final = 4
"""A value that was being changed at each of so many looks is asked of the hub."""
OTHER_CLOCK_NS: Final = 5_000_000_000
"""A board whose hub looked at it so far from our time was not written on this machine, or not by a hub that lives."""


class NoBoard(Exception):
    """There is none, it is not for us, or it is of another version."""


class Place:
    """Where one topic lies."""

    __slots__ = ("memory", "offset", "topic")

    def __init__(self, memory: mmap.mmap, offset: int, topic: Topic) -> None:
        self.memory = memory
        self.offset = offset
        """Of its record, in that memory."""
        self.topic = topic


class BoardReader:
    """A board that is there.

    Args:
        pointer: The link that leads to it.

    Raises:
        NoBoard: it is not; says why.
    """

    def __init__(self, pointer: Path) -> None:
        self.pointer = pointer
        self._lock = threading.Lock()
        self._memories: list[mmap.mmap] = []
        self._starts: list[int] = []
        self._seen = layout.HEADER_FIRST, -1
        """(word, memory) of what leads to the next entry; memory -1: the header."""
        self.names: list[str] = []
        """Publishers, by number."""
        self.places: dict[tuple[str, str, str], list[Place]] = {}
        """(kind, symbol, timeframe) to the places, one per venue."""
        try:
            self._file = pointer.readlink()
            self._fd = os.open(self._file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as fault:
            raise NoBoard(str(fault)) from fault
        weakref.finalize(self, os.close, self._fd)
        self._check()
        self.refresh()

    def _check(self) -> None:
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            raise NoBoard(f"{self._file} is no file")
        if found.st_uid not in (os.geteuid(), 0) or stat.S_IMODE(found.st_mode) & 0o077:
            raise NoBoard(
                f"{self._file} belongs to user {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o}"
            )
        if found.st_size < layout.FIRST_SEGMENT_BYTES:
            raise NoBoard(f"{self._file} is too short for a board")
        self._map(layout.FIRST_SEGMENT_BYTES)
        self.words = memoryview(self._memories[0])[: layout.ENTRIES].cast("q")
        """Header and verdicts."""
        if self.words[layout.HEADER_MAGIC] != layout.MAGIC:
            raise NoBoard(f"{self._file} is no board")
        if self.words[layout.HEADER_VERSION] != layout.VERSION:
            raise NoBoard(f"{self._file} is of version {self.words[layout.HEADER_VERSION]}")
        if abs(_mono_ns() - self.words[layout.HEADER_CLOCK]) > OTHER_CLOCK_NS:
            raise NoBoard(f"{self._file} is not looked after by a hub of this machine")
        self.epoch = self.words[layout.HEADER_EPOCH]
        """Of the hub that writes it."""

    @property
    def is_current(self) -> bool:
        """Whether the link still leads here: a hub that was started anew has a board of its own."""
        try:
            return self.pointer.readlink() == self._file
        except OSError:
            return False

    def _map(self, size_bytes: int) -> None:
        start = self._starts[-1] + len(self._memories[-1]) if self._memories else 0
        memory = mmap.mmap(self._fd, size_bytes, prot=mmap.PROT_READ, offset=start)
        self._starts.append(start)
        self._memories.append(memory)

    def refresh(self) -> None:
        """Take in topics and publishers that are new."""
        with self._lock:
            self._map_new()
            while place := self._next():
                memory, offset = self.at(place)
                words = memoryview(memory)[offset : offset + layout.ENTRY_TEXT].cast("q")
                kind, length = words[layout.ENTRY_KIND], words[layout.ENTRY_LENGTH]
                begin = offset + layout.ENTRY_TEXT
                text = memory[begin : begin + length].decode()
                if kind == layout.PUBLISHER:
                    self.names.append(text)
                else:
                    topic = parse_topic(text)
                    found = self.places.setdefault((topic.kind, topic.symbol, topic.timeframe), [])
                    found.append(Place(memory, offset + RECORD, topic))
                self._seen = offset // layout.WORD, self._memories.index(memory)

    def _map_new(self) -> None:
        for index in range(len(self._memories), self.words[layout.HEADER_SEGMENTS]):
            self._map(self.words[layout.HEADER_SIZES + index])

    def _next(self) -> int:
        word, index = self._seen
        if index < 0:
            return self.words[word]
        memory = memoryview(self._memories[index])
        following: int = memory[word * layout.WORD : (word + 1) * layout.WORD].cast("q")[0]
        if following and following >= self._starts[-1] + len(self._memories[-1]):
            self._map_new()
        return following

    def at(self, place: int) -> tuple[mmap.mmap, int]:
        """Memory and offset in it of a place in the file.

        Raises:
            IndexError: the file is not that long, as far as we know it.
        """
        for memory, start in zip(reversed(self._memories), reversed(self._starts), strict=True):
            if place >= start:
                if place - start >= len(memory):
                    break
                return memory, place - start
        raise IndexError(f"nothing lies at {place}")

    def take(self, place: Place, use: Callable[[Common, tuple[int, ...]], T]) -> T | None:
        """What `use` makes of a value: it gets what all records begin with, and the rest of the record.

        `use` may see what is being changed, and raise for that; its result counts only if nothing was. None: it was being
        changed at every look.
        """
        unpack, memory, offset = layout.VALUE.unpack_from, place.memory, place.offset
        for _ in range(ATTEMPTS):
            end, *body, begin = unpack(memory, offset)
            if end != begin or not end:
                continue
            try:
                found = use(Common.read(*body[:COMMON_WORDS]), tuple(body[COMMON_WORDS:]))
            except _TORN:
                found = None
            if unpack(memory, offset)[-1] == end:
                return found
        return None

    def quote(self, place: Place) -> tuple[Common, tuple[Any, ...]] | None:
        """Record of a quote; None: it was being changed at every look."""
        for _ in range(ATTEMPTS):
            end, *body, begin = layout.QUOTE.unpack_from(place.memory, place.offset)
            if end == begin and end:
                return Common.read(*body[:COMMON_WORDS]), tuple(body[COMMON_WORDS:])
        return None

    def common(self, place: Place) -> Common | None:
        """What the record of a topic begins with."""
        if place.topic.kind == "quote":
            found = self.quote(place)
            return found[0] if found else None
        return self.take(place, lambda common, _: common)

    def bytes_at(self, place: int, size_bytes: int) -> memoryview:
        """Bytes of an extent, as they are at this moment: to be copied inside `take`.

        Raises:
            IndexError: there are not so many.
        """
        try:
            memory, offset = self.at(place)
        except IndexError:
            with self._lock:
                self._map_new()
            memory, offset = self.at(place)
        if size_bytes < 0 or offset + size_bytes > len(memory):
            raise IndexError(f"no {size_bytes} bytes lie at {place}")
        return memoryview(memory)[offset : offset + size_bytes]
