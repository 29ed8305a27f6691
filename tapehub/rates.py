"""How much each topic carries: messages, bytes, newest number and time. Pure."""

from __future__ import annotations

import msgspec

from protocol.record import Frame


class TopicRate(msgspec.Struct, gc=False):
    """Counts of one topic since its meter was made or last reset."""

    topic: str
    frames: int = 0
    size_bytes: int = 0
    last_seq: int = 0
    """Newest `topic_seq`."""
    last_ts_ns: int = 0
    """Newest publication time."""
    publisher: str = ""


class RateMeter:
    """Counts frames by topic over a time that the caller measures."""

    def __init__(self) -> None:
        self._topics: dict[str, TopicRate] = {}

    def add(self, frame: Frame) -> None:
        """Count one frame."""
        rate = self._topics.get(frame.topic)
        if rate is None:
            rate = self._topics[frame.topic] = TopicRate(frame.topic, publisher=frame.publisher)
        rate.frames += 1
        rate.size_bytes += len(frame.data)
        rate.last_seq = frame.topic_seq
        rate.last_ts_ns = frame.ts_pub_ns

    def __len__(self) -> int:
        return len(self._topics)

    def rows(self, elapsed_s: float) -> list[dict[str, object]]:
        """One row per topic, by name: rates over `elapsed_s`, then the newest number and time."""
        seconds = max(elapsed_s, 1e-9)
        return [
            {
                "topic": rate.topic,
                "per_s": round(rate.frames / seconds, 1),
                "bytes_per_s": round(rate.size_bytes / seconds),
                "last_seq": rate.last_seq,
                "last_ts_ns": rate.last_ts_ns,
                "publisher": rate.publisher,
            }
            for _, rate in sorted(self._topics.items())
        ]

    def restart(self) -> None:
        """Count from zero again, remembering which topics there are: a silent one shows as 0."""
        for rate in self._topics.values():
            rate.frames = rate.size_bytes = 0
