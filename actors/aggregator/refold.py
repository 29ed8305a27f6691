"""What was published after the memory that a restart goes on from: the same must not be published twice. Pure.

The fold is a function of its input, so going over the same input again gives the same output, topic by topic in the
same order. What the journal holds of it already is left out as long as it is equal to the byte.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

from protocol.codec import encode_events
from protocol.messages import Bar
from protocol.record import Frame, RecordKind


class Refold:
    """Frames published since the memory, by topic, still to come out of the fold again."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self._expected: dict[str, collections.deque[bytes]] = {}
        for frame in frames:
            if frame.kind == RecordKind.DATA:
                self._expected.setdefault(frame.topic, collections.deque()).append(frame.payload)
        self.repeated = 0
        """Outputs that were left out: they are in the journal."""
        self.differing = 0
        """Outputs that should have been equal to what is in the journal and were not: published again."""

    def __bool__(self) -> bool:
        """Whether anything is still expected."""
        return bool(self._expected)

    def is_repeated(self, topic: str, bars: Sequence[Bar]) -> bool:
        """Whether this output is in the journal already."""
        expected = self._expected.get(topic)
        if expected is None:
            return False
        payload = encode_events(bars)
        if expected[0] != payload:
            # what follows on this topic cannot be told apart any more: publish it, revisions make it harmless
            self.differing += 1
            del self._expected[topic]
            return False
        expected.popleft()
        if not expected:
            del self._expected[topic]
        self.repeated += 1
        return True
