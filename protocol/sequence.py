"""Did every frame arrive? Judged per publisher and topic, from `epoch` and `topic_seq`. Pure.

A subscriber that filters by topic sees holes in `seq` but none in `topic_seq`. The first frame of a topic
that one hears sets the start: what came before it was never promised to this subscriber.
"""

from __future__ import annotations

import enum
from typing import Final

from protocol.record import Frame


class Verdict(enum.Enum):
    """What a frame says about the chain."""

    OK = "ok"
    GAP = "gap"
    """The frame is good, something before it is missing."""
    DUPLICATE = "duplicate"
    FENCED = "fenced"
    """From an epoch that a newer one has replaced: a second process of that name."""
    NEW_EPOCH = "new_epoch"
    """First frame of a restarted publisher on this topic."""


_OK: Final = Verdict.OK  # looked up once: the hot path of every actor passes here


class SequenceTracker:
    """Follows the chains of any number of publishers and topics."""

    def __init__(self) -> None:
        self._chains: dict[tuple[bytes, str], list[int]] = {}
        self._epochs: dict[bytes, int] = {}
        self.missing = 0
        """Frames that never came."""
        self.gaps = 0
        """Holes, of any length."""
        self.duplicates = 0
        self.fenced = 0
        self.last_missing = 0
        """Frames missing in the newest hole."""

    def observe(self, frame: Frame) -> Verdict:
        """Judge one frame and remember it; heartbeats carry no number (0) and are always OK."""
        topic_seq = frame.topic_seq
        if not topic_seq:
            return _OK
        publisher = frame.publisher_padded
        chain = self._chains.get((publisher, frame.topic))
        if chain is None or chain[0] != frame.epoch:
            return self._other_epoch(publisher, chain, frame)
        step = topic_seq - chain[1]
        if step == 1:
            chain[1] = topic_seq
            return _OK
        if step <= 0:
            self.duplicates += 1
            return Verdict.DUPLICATE
        return self._hole(chain, topic_seq, step - 1)

    def _other_epoch(self, publisher: bytes, chain: list[int] | None, frame: Frame) -> Verdict:
        newest = self._epochs.get(publisher, 0)
        if frame.epoch < newest:
            self.fenced += 1
            return Verdict.FENCED
        self._epochs[publisher] = frame.epoch
        if chain is None:
            self._chains[publisher, frame.topic] = [frame.epoch, frame.topic_seq]
            return Verdict.OK
        chain[0] = frame.epoch
        if frame.topic_seq > 1:
            return self._hole(chain, frame.topic_seq, frame.topic_seq - 1)
        chain[1] = frame.topic_seq
        return Verdict.NEW_EPOCH

    def _hole(self, chain: list[int], topic_seq: int, missing: int) -> Verdict:
        chain[1] = topic_seq
        self.gaps += 1
        self.missing += missing
        self.last_missing = missing
        return Verdict.GAP
