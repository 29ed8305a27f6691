"""What an actor hears: a subscriber, its chain check, its handler."""

from __future__ import annotations

from collections.abc import Callable

from protocol.errors import FrameError
from protocol.record import Frame
from protocol.sequence import SequenceTracker, Verdict
from protocol.transport import Empty, Subscriber

FrameHandler = Callable[[Frame], None]
GapHandler = Callable[[Frame, int], None]
"""Called before the frame that revealed a hole, with the number of frames missing before it."""


class Input:
    """One subscriber whose good frames go to one handler, in order, each once."""

    def __init__(
        self,
        subscriber: Subscriber,
        handler: FrameHandler,
        on_gap: GapHandler,
        drop: Callable[[str, object], None],
    ) -> None:
        self.subscriber = subscriber
        self.tracker = SequenceTracker()
        self._handler = handler
        self._on_gap = on_gap
        self._drop = drop
        self.newest_pub_ns = 0
        """Publish time of the newest frame taken."""

    def take(self, limit: int) -> int:
        """Take and handle at most `limit` frames; returns how many there were."""
        receive, observe, handler = self.subscriber.receive, self.tracker.observe, self._handler
        ok = Verdict.OK
        for taken in range(limit):
            try:
                frame = receive()
            except Empty:
                return taken
            except FrameError as fault:
                self._drop(fault.code, fault)
                continue
            verdict = observe(frame)
            if verdict is not ok and not self._is_wanted(frame, verdict):
                continue
            self.newest_pub_ns = frame.ts_pub_ns
            try:
                handler(frame)
            except FrameError as fault:
                self._drop(fault.code, fault)
        return limit

    def _is_wanted(self, frame: Frame, verdict: Verdict) -> bool:
        """Tell of a hole before the frame; False for one that was heard before or comes from an old process."""
        if verdict is Verdict.GAP:
            self._on_gap(frame, self.tracker.last_missing)
        elif verdict is Verdict.DUPLICATE or verdict is Verdict.FENCED:
            self._drop(verdict.value, f"{frame.topic} {frame.epoch}/{frame.topic_seq}")
            return False
        return True

    def chain(self) -> dict[str, int]:
        """Counters of the chain check, for the heartbeat."""
        tracker = self.tracker
        return {
            "missing": tracker.missing,
            "gaps": tracker.gaps,
            "duplicates": tracker.duplicates,
            "fenced": tracker.fenced,
        }
