"""What is counted of WebSockets: plain numbers, for the heartbeat and the metrics. Pure."""

from __future__ import annotations

import bisect
import collections
from typing import Any, Final

LAG_BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper bounds of the histogram's buckets, seconds; a last one has the rest."""


class Histogram:
    """Durations by fixed bounds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LAG_BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect.bisect_left(LAG_BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def quantile_s(self, share: float) -> float:
        """Upper bound of the bucket below which this share of them lies; 0 without any."""
        rank = share * sum(self.counts)
        below = 0
        for bound_s, count in zip((*LAG_BOUNDS_S, float("inf")), self.counts, strict=True):
            below += count
            if below >= rank and below:
                return bound_s if bound_s != float("inf") else LAG_BOUNDS_S[-1]
        return 0.0


class Counts:
    """All of them since the gateway began."""

    def __init__(self) -> None:
        self.clients_total = 0
        self.messages_in = 0
        self.messages_out = 0
        self.bytes_out = 0
        self.dropped: collections.Counter[str] = collections.Counter()
        """Rows by channel that slow clients were told to have missed."""
        self.closed: collections.Counter[str] = collections.Counter()
        """Connections that we ended, by reason."""
        self.refused: collections.Counter[str] = collections.Counter()
        """Messages of clients that were answered with an error, by code."""
        self.resumes: collections.Counter[str] = collections.Counter()
        """Topics resumed: complete, incomplete."""
        self.unjoined: collections.Counter[str] = collections.Counter()
        """Snapshots that may not fit to what came live, and said so: behind, ahead."""
        self.lag = Histogram()
        """From the publication on the bus to the write to the sockets, seconds; the oldest message of each round."""

    def status(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "accepted": self.clients_total,
            "received": self.messages_in,
            "sent": self.messages_out,
            "sent_bytes": self.bytes_out,
            "dropped": self.dropped.total(),
            "dropped_by": dict(self.dropped),
            "evicted": self.closed.total(),
            "evicted_by": dict(self.closed),
            "refused_by": dict(self.refused),
            "resumes": {"complete": 0, "incomplete": 0, **self.resumes},
            "snapshots_unjoined": {"behind": 0, "ahead": 0, **self.unjoined},
            "lag_p50_s": self.lag.quantile_s(0.5),
            "lag_p99_s": self.lag.quantile_s(0.99),
            "lag": {
                "bounds_s": list(LAG_BOUNDS_S),
                "counts": self.lag.counts,
                "sum_s": round(self.lag.sum_s, 6),
            },
        }
