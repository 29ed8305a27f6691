"""Joins what the hub remembers to what comes live: no event twice, none left out, losses told. Pure.

Every topic is a chain of `topic_seq` per publisher and epoch. The hub's memory of a topic ends at some number;
live frames up to that number are in it already, the next one must be one more. Where several collectors send a topic the
first copy of each event counts, see protocol/first_copy.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from protocol.codec import decode_events
from protocol.errors import DECODE_ERRORS, PayloadError
from protocol.first_copy import FirstCopies
from protocol.messages import MESSAGE_TYPES, Message
from protocol.record import Frame, RecordKind, is_fetched_bar
from protocol.sequence import SequenceTracker, Verdict

BEATS_OF_PROOF = 2
_BY_KIND = {kind.KIND: kind for kind in MESSAGE_TYPES if kind.KIND not in ("mark", "beat")}
_decoders = {name: msgspec.msgpack.Decoder(list[kind]) for name, kind in _BY_KIND.items()}  # type: ignore[valid-type]


class Missing(msgspec.Struct, frozen=True):
    """Frames of one topic that were lost between its publisher and us."""

    topic: str
    publisher: str
    epoch: int
    first_topic_seq: int
    last_topic_seq: int


class Tail(msgspec.Struct, array_like=True, frozen=True):
    """What the hub remembers of one topic: the newest events, and the number of the frame of the last."""

    topic: str
    publisher: str
    epoch: int
    topic_seq: int
    events: msgspec.Raw

    def messages(self) -> list[Any]:
        """The events, oldest first.

        Raises:
            PayloadError: they are not what the topic promises.
        """
        decoder = _decoders.get(self.topic.partition(".")[0])
        if decoder is None:
            return []
        try:
            found: list[Any] = decoder.decode(self.events)
        except DECODE_ERRORS as fault:
            raise PayloadError(f"{self.topic}: {fault}") from fault
        return found


class Joint:
    """One stream: begun with tails, continued with live frames.

    Args:
        on_gap: Told of losses, before the event behind them; None: nobody wants to know.
    """

    def __init__(self, on_gap: Callable[[Missing], None] | None = None) -> None:
        self._on_gap = on_gap
        self._tracker = SequenceTracker()
        self._joined: dict[tuple[str, str], tuple[int, int]] = {}
        """(topic, publisher) to (epoch, topic_seq) up to which the hub's memory reaches."""
        self._firsts = FirstCopies()

    def begin(self, tails: Iterable[Tail]) -> list[Message]:
        """Take what the hub remembers; returns its events."""
        found: list[Message] = []
        for tail in tails:
            self._joined[tail.topic, tail.publisher] = (tail.epoch, tail.topic_seq)
            found += self._firsts.fresh(
                tail.topic, tail.publisher.encode().ljust(32, b"\x00"), tail.messages()
            )
        return found

    def take(self, frame: Frame) -> list[Message]:
        """Events of a live frame; none if they were there before, or it carries no market message.

        Raises:
            PayloadError: the payload is not what the frame promises.
        """
        if frame.kind not in (RecordKind.DATA, RecordKind.UPSTREAM_GAP):
            return []
        verdict = self._tracker.observe(frame)
        if verdict is Verdict.DUPLICATE or verdict is Verdict.FENCED:
            return []
        joined = self._joined.pop((frame.topic, frame.publisher), None) if self._joined else None
        if joined is not None:
            here = (frame.epoch, frame.topic_seq)
            if here <= joined:
                self._joined[frame.topic, frame.publisher] = joined
                return []
            begin = joined[1] + 1 if joined[0] == frame.epoch else 1
            if frame.topic_seq > begin:
                self._lost(frame, begin)
        elif verdict is Verdict.GAP:
            self._lost(frame, frame.topic_seq - self._tracker.last_missing)
        if is_fetched_bar(frame):
            return []
        return self._firsts.fresh(frame.topic, frame.publisher_padded, decode_events(frame))

    def _lost(self, frame: Frame, first: int) -> None:
        if self._on_gap is not None:
            self._on_gap(Missing(frame.topic, frame.publisher, frame.epoch, first, frame.topic_seq - 1))


def is_behind(tails: Iterable[Tail], waiting: Iterable[Frame]) -> bool:
    """Whether the hub has yet to hear of frames that came before the first live one we hold of a topic.

    Then its memory and our live frames would leave a hole between them: ask it again.
    """
    known = {(tail.topic, tail.publisher): (tail.epoch, tail.topic_seq) for tail in tails}
    seen: set[tuple[str, str]] = set()
    for frame in waiting:
        key = (frame.topic, frame.publisher)
        is_market = frame.kind in (RecordKind.DATA, RecordKind.UPSTREAM_GAP)
        if key in seen or not is_market or is_fetched_bar(frame):
            continue
        seen.add(key)
        epoch, topic_seq = known.get(key, (frame.epoch, 0))
        if (epoch, topic_seq) < (frame.epoch, frame.topic_seq - 1):
            return True
    return False


class Overture:
    """Collects live frames until every publisher's subscription is surely in force.

    The first heartbeat proves the connection; a publisher takes subscriptions when it sends, so by the second
    one it has taken ours.
    """

    def __init__(self, publishers: Iterable[str]) -> None:
        self._unproven = dict.fromkeys(publishers, BEATS_OF_PROOF)
        self.waiting: list[Frame] = []
        """Records that came meanwhile."""
        self.heard: list[Frame] = []
        """They and the heartbeats."""

    def take(self, frame: Frame) -> None:
        """Note one frame of any kind."""
        self.heard.append(frame)
        if frame.kind != RecordKind.HEARTBEAT:
            self.waiting.append(frame)
            return
        missing = self._unproven.get(frame.publisher, 0) - 1
        if missing > 0:
            self._unproven[frame.publisher] = missing
        else:
            self._unproven.pop(frame.publisher, None)

    @property
    def is_over(self) -> bool:
        """Whether nobody has to be waited for."""
        return not self._unproven
