"""Is it quiet, or is it dead? One watch per stream and per connection, each judged by its own rate. Pure.

The mean time between messages is learnt from counts looked at about once a second, so the hot path only counts.
A watch is armed when its stream is subscribed, not when its first message comes: a stream that is acked and never
sends (a wrong address, a misspelt name) is found too.

    waiting   nothing yet, still within the first-message limit
    live      as busy as ever
    quiet     longer without a message than usual, not long enough to act
    silent    dead, as far as its own rate says: subscribe again, then connect again, with growing patience
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

_NEW_SHARE: Final = 0.2
"""Weight of the newest look in the learnt mean."""
_QUIET_SHARE: Final = 0.25
"""Share of the limit from which a stream is called quiet."""
_MAX_DOUBLINGS: Final = 6


class Silence(enum.Enum):
    """State of one watch."""

    WAITING = "waiting"
    LIVE = "live"
    QUIET = "quiet"
    SILENT = "silent"


class Remedy(enum.Enum):
    """What to do about a silent stream."""

    NONE = "none"
    RESUBSCRIBE = "resubscribe"
    RECONNECT = "reconnect"


class Patience:
    """How long a stream may be silent.

    Args:
        factor: Times its own mean time between messages.
        floor_s: Never less than this.
        cap_s: Never more than this.
        first_s: Limit before the first message.
    """

    __slots__ = ("cap_s", "factor", "first_s", "floor_s")

    def __init__(self, factor: float, floor_s: float, cap_s: float, first_s: float) -> None:
        self.factor = factor
        self.floor_s = floor_s
        self.cap_s = cap_s
        self.first_s = first_s


class Watch:
    """One stream or connection under watch, armed from `mono_ns` on; `count` is what it had sent by then."""

    __slots__ = ("_armed_ns", "_count", "_last_ns", "_mean_s", "_patience", "_strikes", "is_silent")

    def __init__(self, patience: Patience, count: int, mono_ns: int) -> None:
        self._patience = patience
        self._armed_ns = mono_ns
        self._last_ns: int | None = None
        self._mean_s: float | None = None
        self._count = count
        self._strikes = 0
        self.is_silent = False

    @property
    def limit_s(self) -> float:
        """Seconds without a message after which it is silent, for now."""
        patience = self._patience
        if self._mean_s is None:
            limit_s = patience.first_s
        else:
            limit_s = min(patience.cap_s, max(patience.floor_s, patience.factor * self._mean_s))
        return limit_s * 2.0 ** min(self._strikes, _MAX_DOUBLINGS)

    def observe(self, count: int, mono_ns: int) -> None:
        """Look at the number of messages so far; it may have begun anew."""
        came = count - self._count if count >= self._count else count
        self._count = count
        if not came:
            return
        if self._last_ns is not None:
            mean_s = (mono_ns - self._last_ns) / 1e9 / came
            self._mean_s = (
                mean_s if self._mean_s is None else _NEW_SHARE * mean_s + (1 - _NEW_SHARE) * self._mean_s
            )
        self._last_ns = mono_ns
        self._strikes = 0
        self.is_silent = False

    def state(self, mono_ns: int) -> Silence:
        """What it is now."""
        if self.is_silent:
            return Silence.SILENT
        idle_s = self._idle_s(mono_ns)
        if idle_s > self.limit_s:
            return Silence.SILENT
        if self._last_ns is None:
            return Silence.WAITING
        return Silence.QUIET if idle_s > self.limit_s * _QUIET_SHARE else Silence.LIVE

    def remedy(self, mono_ns: int) -> Remedy:
        """What to do now; each answer but NONE arms it anew, with twice the patience."""
        if self._idle_s(mono_ns) <= self.limit_s:
            return Remedy.NONE
        self.is_silent = True
        self._strikes += 1
        self._armed_ns = mono_ns
        return Remedy.RESUBSCRIBE if self._strikes % 2 else Remedy.RECONNECT

    def _idle_s(self, mono_ns: int) -> float:
        since_ns = self._armed_ns if self._last_ns is None else max(self._armed_ns, self._last_ns)
        return (mono_ns - since_ns) / 1e9


class Watches:
    """The watches of many streams, by name."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._watches: dict[str, Watch] = {}

    def arm(self, stream: str, count: int, mono_ns: int) -> None:
        """The stream is subscribed; one that is under watch already stays so."""
        if stream not in self._watches:
            self._watches[stream] = Watch(self._patience, count, mono_ns)

    def disarm(self, stream: str) -> None:
        """Its connection is down, or nobody wants it: there is nothing to wait for."""
        self._watches.pop(stream, None)

    def look(self, counts: Callable[[str], int], mono_ns: int) -> list[tuple[str, Remedy]]:
        """Look at all counts; returns the streams that need something done."""
        ill: list[tuple[str, Remedy]] = []
        for stream, watch in self._watches.items():
            watch.observe(counts(stream), mono_ns)
            remedy = watch.remedy(mono_ns)
            if remedy is not Remedy.NONE:
                ill.append((stream, remedy))
        return ill

    def summary(self, mono_ns: int) -> dict[str, int]:
        """Number of streams in each state."""
        counts = dict.fromkeys((state.value for state in Silence), 0)
        for watch in self._watches.values():
            counts[watch.state(mono_ns).value] += 1
        return counts

    def silent(self) -> list[str]:
        """Streams that are silent now."""
        return [stream for stream, watch in self._watches.items() if watch.is_silent]
