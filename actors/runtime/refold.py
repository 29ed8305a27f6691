"""What was published after the memory that a restart goes on from: the same must not be published twice. Pure.

A fold of one input is a function of it: going over the same input again gives the same output, topic by topic in the
same order. What the journal holds of it already is left out as long as it is equal to the byte (`Refold`). Where several
inputs mix, their order is not the same again: there a message is known by its name (`NamedRefold`).
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from protocol.codec import decode_events, encode_events
from protocol.errors import PayloadError
from protocol.message import Message
from protocol.record import Frame, RecordKind

Name = Callable[[Any], Hashable]
"""What makes a message the same one again."""


class Refold:
    """Frames published since the memory, by topic, still to come out of the fold again."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self._expected: dict[str, collections.deque[bytes]] = {}
        for frame in frames:
            if frame.kind == RecordKind.DATA:
                self.expect(frame.topic, frame.payload)
        self.repeated = 0
        """Outputs that were left out: they are in the journal."""
        self.differing = 0
        """Outputs that should have been equal to what is in the journal and were not: published again."""

    def expect(self, topic: str, payload: bytes) -> None:
        """One more frame that was published, behind those already told."""
        self._expected.setdefault(topic, collections.deque()).append(payload)

    def left(self) -> list[tuple[str, bytes]]:
        """(topic, payload) of what still has to come out again, in the order of each topic."""
        return [(topic, payload) for topic, payloads in self._expected.items() for payload in payloads]

    @property
    def is_under_way(self) -> bool:
        """Whether anything is still expected: a memory made now would be older than what was published."""
        return bool(self._expected)

    def new_ones(self, topic: str, messages: Sequence[Message]) -> Sequence[Message]:
        """Those of an output that are not in the journal: all or none."""
        expected = self._expected.get(topic)
        if expected is None:
            return messages
        payload = encode_events(messages)
        if expected[0] != payload:
            # what follows on this topic cannot be told apart any more: publish it, of two versions the newer counts
            self.differing += 1
            del self._expected[topic]
            return messages
        expected.popleft()
        if not expected:
            del self._expected[topic]
        self.repeated += 1
        return ()


class NamedRefold(Refold):
    """Names of the messages published since the memory; what has one of them is left out."""

    def __init__(self, frames: Iterable[Frame], name: Name) -> None:
        super().__init__()
        self._name = name
        self._known: set[tuple[str, Hashable]] = set()
        for frame in frames:
            if frame.kind == RecordKind.DATA:
                try:
                    events = decode_events(frame)
                except PayloadError:  # of another version of this program
                    continue
                self._known.update((frame.topic, name(event)) for event in events)

    def new_ones(self, topic: str, messages: Sequence[Message]) -> Sequence[Message]:
        """Those of an output that are not in the journal."""
        if not self._known:
            return messages
        fresh = [message for message in messages if (topic, self._name(message)) not in self._known]
        self.repeated += len(messages) - len(fresh)
        return fresh
