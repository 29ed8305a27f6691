"""Where the time goes between a venue and this process, by venue and kind of message. Pure.

venue    ts_recv - ts_event    their clock against ours: may be negative, is never clamped
collect  ts_pub  - ts_recv     parsing and publishing, our clock
bus      here    - ts_pub      the bus and this process, our clock
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from protocol.messages import Message
from protocol.record import Frame

HOPS: Final = ("venue", "collect", "bus")
_KEPT: Final = 20_000
"""Newest samples kept per hop: a minute or so of a busy symbol, 1 MB."""


def percentile(ordered: Sequence[int], share: float) -> int:
    """Value below which `share` of the samples lie (nearest rank); samples sorted, not empty."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class LatencyTable:
    """Samples of every hop of every (venue, kind)."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str, str], deque[int]] = {}
        self.events = 0

    def add(self, frame: Frame, event: Message, here_ns: int) -> None:
        """Take the hops that one message tells of; marks and heartbeats tell only of the bus."""
        kind = event.KIND
        venue = getattr(event, "venue", "") or frame.publisher
        self.events += 1
        self._sample(venue, kind, "bus", here_ns - frame.ts_pub_ns)
        received_ns = getattr(event, "ts_recv_ns", 0)
        if received_ns:
            event_ns: int = event.ts_event_ns  # type: ignore[attr-defined]  # whoever has the one has the other
            if event_ns != received_ns:  # equal: the venue said no time, there is nothing to measure
                self._sample(venue, kind, "venue", received_ns - event_ns)
            self._sample(venue, kind, "collect", frame.ts_pub_ns - received_ns)

    def _sample(self, venue: str, kind: str, hop: str, ns: int) -> None:
        samples = self._samples.get((venue, kind, hop))
        if samples is None:
            samples = self._samples[venue, kind, hop] = deque(maxlen=_KEPT)
        samples.append(ns)

    def clear(self) -> None:
        """Forget the samples."""
        self._samples.clear()
        self.events = 0

    def rows(self) -> list[dict[str, Any]]:
        """One row per venue, kind and hop, milliseconds."""
        order = {hop: place for place, hop in enumerate(HOPS)}
        rows = []
        for venue, kind, hop in sorted(self._samples, key=lambda key: (key[0], key[1], order[key[2]])):
            ordered = sorted(self._samples[venue, kind, hop])
            rows.append(
                {
                    "venue": venue,
                    "kind": kind,
                    "hop": hop,
                    "count": len(ordered),
                    "min_ms": _ms(ordered[0]),
                    "p50_ms": _ms(percentile(ordered, 0.50)),
                    "p99_ms": _ms(percentile(ordered, 0.99)),
                    "max_ms": _ms(ordered[-1]),
                }
            )
        return rows


def _ms(ns: int) -> float:
    return round(ns / 1e6, 3)
