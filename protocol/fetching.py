"""The asking half of a consumer: what to fetch next, and what came, kept until it is applied. Pure.

One question at a time. Answers that do not belong to it are left aside; a server that does not answer, or answers
with rubbish, is asked the same again.
"""

from __future__ import annotations

import collections
from typing import Final, NamedTuple

from protocol.chain import UNREADABLE, Hole
from protocol.errors import FrameError, TruncatedFrame
from protocol.record import HEADER_BYTES, MAX_TOPIC_BYTES, Frame, parse_frames
from protocol.replay import (
    CORRUPT,
    DATA,
    END,
    EXPIRED,
    MAX_FETCH_BYTES,
    UNKNOWN,
    Fetched,
    Position,
)

MAX_PULLED: Final = 20_000
"""Fetched frames that may wait before more are asked for."""
RETRY_NS: Final = 20_000_000
UNREADABLE_TRIES: Final = 3
"""How often an answer without a frame is asked for again before the record is a hole."""


class Left(NamedTuple):
    """Nothing more of an epoch can be fetched; the journal goes on with a later one."""

    epoch: int
    next_epoch: int
    is_complete: bool
    """Whether the journal has all of it up to its end (else it is deleted, or was never there)."""


class Reached(NamedTuple):
    """Everything wanted up to here has been fetched (a filtered answer leaves the rest out)."""

    position: Position


class Fetching:
    """Asks for the records of one publisher behind a position, until the head of its journal.

    Args:
        publisher: Whose.
        is_filtered: Whether only some topics are asked for: numbers in an answer then have holes.
        gives_up_ns: How long the server may not answer; 0: for ever.
    """

    def __init__(self, publisher: str, gives_up_ns: int, *, is_filtered: bool) -> None:
        self.pulled: collections.deque[Frame | Hole | Left | Reached] = collections.deque()
        """What came, in order."""
        self._publisher = publisher
        self._padded = publisher.encode().ljust(32, b"\x00")
        self._gives_up_ns = gives_up_ns
        self._is_filtered = is_filtered
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.pulled.clear()
        self.is_active = False
        """Whether there is something to ask for."""
        self.is_head = False
        """The journal held no more when it was asked last."""
        self.is_far = False
        """The last answer was a long one: there is much more."""
        self.is_unknown = False
        """The journal knows neither the epoch that was asked for nor a later one."""
        self.has_given_up = False
        """The server has not answered for too long."""
        self._is_asking = False
        self._cursor = Position(0, 0)
        self._not_before_ns = self._failing_since_ns = 0
        self._unreadable = 0

    @property
    def reached(self) -> Position:
        """Up to here it has fetched."""
        return self._cursor

    def start(self, position: Position, not_before_ns: int = 0) -> None:
        """Ask for what is behind a position, from some time on."""
        self.is_active, self.is_head = True, False
        self._cursor = position
        self._not_before_ns = max(self._not_before_ns, not_before_ns)

    def stop(self) -> None:
        """Nothing is wanted any more."""
        self.is_active = self.is_head = self.is_far = self.has_given_up = False

    def request(self, mono_ns: int) -> Position | None:
        """What to fetch now: the records behind this position; None if nothing, or an answer is awaited."""
        if not self.is_active or self._is_asking or self.is_head or self.has_given_up:
            return None
        if len(self.pulled) >= MAX_PULLED or mono_ns < self._not_before_ns:
            return None
        self._is_asking = True
        return self._cursor

    def failed(self, mono_ns: int, pause_ns: int) -> None:
        """There was no answer."""
        self._is_asking = False
        self._not_before_ns = mono_ns + pause_ns
        self._failing_since_ns = self._failing_since_ns or mono_ns
        if self._gives_up_ns and mono_ns - self._failing_since_ns >= self._gives_up_ns and self.is_active:
            self.has_given_up = True

    def take(self, answer: Fetched, mono_ns: int) -> bool:
        """Take an answer; False if it is none to what was asked.

        Raises:
            FrameError: it holds nothing that can be read; it will be asked for again.
        """
        if not self._is_asking:
            return False  # to a question that was given up
        self._is_asking = False
        epoch, seq = self._cursor
        if not self.is_active or answer.epoch != epoch or answer.first != seq + 1:
            self._not_before_ns = mono_ns + RETRY_NS  # to something else
            return False
        self._failing_since_ns = 0
        if answer.outcome == DATA:
            self._keep(answer, mono_ns)
        elif answer.outcome in (CORRUPT, EXPIRED) and answer.last >= answer.first:
            self.pulled.append(Hole(self._publisher, epoch, answer.first, answer.last, answer.outcome))
            self._cursor = Position(epoch, answer.last)
        elif answer.next_epoch > epoch:
            self.pulled.append(Left(epoch, answer.next_epoch, is_complete=answer.outcome == END))
            self._cursor = Position(answer.next_epoch, 0)
        else:
            self.is_head, self.is_far = True, False
            self.is_unknown = answer.outcome == UNKNOWN and epoch > 0
        return True

    def _keep(self, answer: Fetched, mono_ns: int) -> None:
        """Keep the frames of an answer, and ask behind the last one."""
        frames, fault = _take_apart(answer, self._padded)
        if fault is None and self._is_filtered:
            last = answer.last
        elif frames:
            last = frames[-1].seq
        elif self._unreadable < UNREADABLE_TRIES:
            self._unreadable += 1
            self._not_before_ns = mono_ns + RETRY_NS
            raise fault or TruncatedFrame(f"no frame {answer.epoch}/{answer.first} in the answer")
        else:
            last = answer.last if self._is_filtered else answer.first
            self.pulled.append(Hole(self._publisher, answer.epoch, answer.first, last, UNREADABLE))
        if frames:
            self._unreadable = 0
            self.pulled.extend(frames)
        self._cursor = Position(answer.epoch, last)
        self.is_far = len(answer.frames) > MAX_FETCH_BYTES // 2
        if self._is_filtered:
            self.pulled.append(Reached(self._cursor))


def _take_apart(answer: Fetched, publisher_padded: bytes) -> tuple[list[Frame], FrameError | None]:
    """Frames of an answer in order, each checked again, and what is wrong with the one behind them, if anything."""
    fault: FrameError | None = None
    try:
        frames = parse_frames(answer.frames)
    except FrameError as first:
        fault, frames = first, _good_ones(answer.frames)
    seq = answer.first - 1
    for count, frame in enumerate(frames):
        if frame.publisher_padded != publisher_padded or frame.epoch != answer.epoch or frame.seq <= seq:
            text = f"{frame.topic} {frame.epoch}/{frame.seq} is no answer to {answer.epoch}/{answer.first}"
            return frames[:count], FrameError(text)
        seq = frame.seq
    return frames, fault


def _good_ones(blob: bytes) -> list[Frame]:
    """The frames before the first one that cannot be read."""
    found: list[Frame] = []
    offset, size = 0, len(blob)
    while offset < size:
        head = blob.find(0, offset, offset + MAX_TOPIC_BYTES + 1) + 1
        end = head + HEADER_BYTES + int.from_bytes(blob[head : head + 4], "little")
        try:
            found += parse_frames(blob[offset:end])
        except FrameError:
            break
        offset = end
    return found
