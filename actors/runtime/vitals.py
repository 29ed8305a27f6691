"""What a heartbeat says of its process: rates, lag, memory. Pure but for reading /proc."""

from __future__ import annotations

import os
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATM: Final = Path("/proc/self/statm")
_MAX_SAMPLES: Final = 4096


def rss_bytes() -> int:
    """Memory this process holds now (its peak where the system has no /proc)."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


class Vitals:
    """Frame counts, rates per second and lag quantiles between two full heartbeats."""

    def __init__(self, mono_ns: int) -> None:
        self.frames_in = 0
        self.frames_out = 0
        self._counted = (0, 0)
        self._since_ns = mono_ns
        self._lags_ns: list[int] = []

    def note_lag(self, lag_ns: int) -> None:
        """Remember how old a frame was when it was taken: now minus its publish time."""
        if len(self._lags_ns) < _MAX_SAMPLES:
            self._lags_ns.append(lag_ns)

    def report(self, mono_ns: int) -> dict[str, float | None]:
        """Frames since the start, rates and lags since the last report; then start anew."""
        elapsed_s = max(1e-9, (mono_ns - self._since_ns) / 1e9)
        lags = sorted(self._lags_ns)
        rates: dict[str, float | None] = {
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "frames_in_per_s": round((self.frames_in - self._counted[0]) / elapsed_s, 1),
            "frames_out_per_s": round((self.frames_out - self._counted[1]) / elapsed_s, 1),
            "lag_p50_s": lags[len(lags) // 2] / 1e9 if lags else None,
            "lag_p99_s": lags[len(lags) * 99 // 100] / 1e9 if lags else None,
        }
        self._counted = (self.frames_in, self.frames_out)
        self._since_ns = mono_ns
        self._lags_ns.clear()
        return rates


def drops_of(counters: Counter[str]) -> dict[str, int]:
    """Reason to number of drops."""
    return {
        name.removeprefix("dropped."): count
        for name, count in counters.items()
        if name.startswith("dropped.")
    }


def describe(value: object, limit: int = 200) -> str:
    """Short, printable form of anything, for a log line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
