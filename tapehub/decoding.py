"""Our own recordings decoded: rows, and a summary of what they hold. Pure.

Recordings of venues are decoded by the collector's own path; these hold frames of the bus already.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from protocol.errors import FrameError
from protocol.record import parse_frame
from protocol.sequence import SequenceTracker
from tapehub.capture import CaptureReader
from tapehub.rows import Row, rows_of


class CaptureSummary:
    """Counts of one recording of the bus."""

    def __init__(self) -> None:
        self.frames = 0
        self.kinds: Counter[str] = Counter()
        self.symbols: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.publishers: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.first_ns = self.last_ns = 0
        self.is_complete = False
        self.tracker = SequenceTracker()

    def to_dict(self) -> dict[str, Any]:
        """One JSON-able document."""
        return {
            "format": "tapehub-capture",
            "frames": self.frames,
            "by_kind": dict(sorted(self.kinds.items())),
            "by_publisher": dict(sorted(self.publishers.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "first_local_ns": self.first_ns,
            "last_local_ns": self.last_ns,
            "gaps": self.tracker.gaps,
            "frames_missing": self.tracker.missing,
            "duplicates": self.tracker.duplicates,
            "is_complete": self.is_complete,
            "symbols": {
                symbol: dict(sorted(kinds.items())) for symbol, kinds in sorted(self.symbols.items())
            },
        }


def capture_rows(reader: CaptureReader, summary: CaptureSummary) -> Iterator[Row]:
    """Every message of a recording as a row; what cannot be read is counted in the summary.

    Raises:
        CaptureError: the file is damaged in the middle.
    """
    for recorded in reader.frames():
        summary.frames += 1
        summary.first_ns = summary.first_ns or recorded.ts_ns
        summary.last_ns = recorded.ts_ns
        try:
            frame = parse_frame(recorded.data)
            rows = rows_of(frame, recorded.ts_ns)
        except FrameError as fault:
            summary.rejects[type(fault).__name__] += 1
            continue
        summary.tracker.observe(frame)
        summary.publishers[frame.publisher] += 1
        for row in rows:
            summary.kinds[row["type"]] += 1
            if "symbol" in row:
                summary.symbols[row["symbol"]][row["type"]] += 1
            yield row
    summary.is_complete = reader.is_complete
