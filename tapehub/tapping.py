"""Listening to any number of publishers: every frame checked for sequence, nothing decoded.

The tap knows when to stop (a deadline, a count) and what went wrong on the way (holes, duplicates, rubbish);
what to do with a frame is its caller's business.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from actors.runtime.clock import Clock
from protocol.errors import FrameError
from protocol.record import Frame
from protocol.sequence import SequenceTracker, Verdict
from protocol.transport import Empty, Poller, Wire
from tapehub.patterns import TopicPatterns

TICK_S: Final = 0.1
"""Longest time between two looks at the deadline."""
_BATCH: Final = 512
_ENDPOINT: Final = re.compile(r"ipc://.+|tcp://\S+:([0-9]{1,5})\Z")
_MAX_IPC_PATH_BYTES: Final = 107

OnGap = Callable[[Frame, int], None]
"""Called before the frame that revealed a hole, with the number of frames missing."""


class Heard(NamedTuple):
    """One frame and the local wall clock at its receipt."""

    frame: Frame
    here_ns: int


class Ears(abc.ABC):
    """What any tap knows of what it hears: a sequence check, counts, a deadline."""

    def __init__(self, patterns: TopicPatterns, clock: Clock, on_gap: OnGap | None = None) -> None:
        self.tracker = SequenceTracker()
        self.frames = 0
        """Frames of wanted topics, duplicates included."""
        self.bad_frames = 0
        """What arrived and was no frame."""
        self.last_fault = ""
        self._patterns = patterns
        self._clock = clock
        self._on_gap = on_gap
        self._started_ns = clock.mono_ns()

    @abc.abstractmethod
    def listen(self, for_s: float | None = None) -> Iterator[Heard | None]:
        """Frames as they come, and None whenever nothing waits (time to flush, to redraw), at least each tick.

        Ends when `for_s` seconds have passed since the call, whether or not anything came; None never ends.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing
        """Let go of what is not the caller's."""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the tap was opened."""
        return (self._clock.mono_ns() - self._started_ns) / 1e9

    def _note(self, frame: Frame) -> Heard | None:
        """Check a frame; None if it is of a topic that nobody wanted."""
        if not self._patterns.matches(frame.topic):
            return None
        self.frames += 1
        if self.tracker.observe(frame) is Verdict.GAP and self._on_gap is not None:
            self._on_gap(frame, self.tracker.last_missing)
        return Heard(frame, self._clock.now_ns())

    def summary(self, messages: int, seconds: float) -> str:
        """What a listener says at the end: `123 messages, 0 gaps, 12.3/s`."""
        tracker = self.tracker
        parts = [f"{messages} messages", f"{tracker.gaps} gaps"]
        if tracker.missing:
            parts[1] += f" ({tracker.missing} frames missing)"
        if tracker.duplicates:
            parts.append(f"{tracker.duplicates} duplicates")
        if tracker.fenced:
            parts.append(f"{tracker.fenced} from a replaced process")
        if self.bad_frames:
            parts.append(f"{self.bad_frames} bad frames (last: {self.last_fault})")
        parts.append(f"{messages / seconds:.1f}/s" if seconds > 0 else "0/s")
        return ", ".join(parts)


class Tap(Ears):
    """A subscriber with a sequence check and a deadline."""

    def __init__(
        self,
        wire: Wire,
        endpoints: Sequence[str],
        patterns: TopicPatterns,
        clock: Clock,
        on_gap: OnGap | None = None,
    ) -> None:
        super().__init__(patterns, clock, on_gap)
        self._subscriber = wire.subscriber(endpoints, patterns.prefixes)
        self._poller = Poller()
        self._poller.watch(self._subscriber.socket)

    def listen(self, for_s: float | None = None) -> Iterator[Heard | None]:
        """See `Ears`."""
        mono_ns = self._clock.mono_ns
        end_ns = mono_ns() + round(for_s * 1e9) if for_s is not None else None
        while True:
            wait_s = TICK_S if end_ns is None else min(TICK_S, (end_ns - mono_ns()) / 1e9)
            if wait_s <= 0:
                return
            self._poller.poll(wait_s)
            for _ in range(_BATCH):
                try:
                    heard = self._take()
                except Empty:
                    break
                if heard is not None:
                    yield heard
                if end_ns is not None and mono_ns() >= end_ns:
                    return
            yield None

    def _take(self) -> Heard | None:
        """Take one message; None if it was rubbish or of a topic that nobody wanted."""
        try:
            frame = self._subscriber.receive()
        except FrameError as fault:
            self.bad_frames += 1
            self.last_fault = str(fault)
            return None
        return self._note(frame)


def check_endpoint(text: str) -> str:
    """The endpoint as typed.

    Raises:
        ValueError: neither ipc:// with a path short enough for a unix socket, nor tcp://host:port.
    """
    endpoint = text.strip()
    match = _ENDPOINT.match(endpoint)
    if match is None or (match[1] and not 0 < int(match[1]) < 65536):
        raise ValueError(f"endpoint {text!r} is not ipc:///path/to/socket or tcp://host:port")
    if endpoint.startswith("ipc://") and len(endpoint.encode()) - len("ipc://") > _MAX_IPC_PATH_BYTES:
        raise ValueError(f"endpoint {text!r}: a unix socket's path has at most {_MAX_IPC_PATH_BYTES} bytes")
    return endpoint
