"""Streams that speak at intervals, spread over a grid of time slots. Pure."""

from __future__ import annotations

from typing import Final, Protocol

from actors.simulator.market import Market

SLOT_MS: Final = 10
"""Grid of simulated time: a 100 ms stream speaks in each tenth slot."""


class Timed(Protocol):
    """A stream that gathers and speaks at intervals."""

    market: Market

    def flush(self, t_ms: int) -> None:
        """Say what there is to say at venue time `t_ms`."""


class Wheel:
    """Who speaks in which slot. A stream's slot depends on its market alone, so it never moves."""

    def __init__(self) -> None:
        self._rings: dict[int, list[list[Timed]]] = {}

    def add(self, stream: Timed, period_ms: int) -> None:
        """Let a stream speak every `period_ms`, a multiple of the slot."""
        length = period_ms // SLOT_MS
        ring = self._rings.setdefault(length, [[] for _ in range(length)])
        ring[stream.market.number % length].append(stream)

    def remove(self, stream: Timed) -> None:
        """Silence a stream."""
        for ring in self._rings.values():
            for slot in ring:
                if stream in slot:
                    slot.remove(stream)

    def turn(self, slot: int, t_ms: int) -> None:
        """Flush everybody of slot number `slot`; a frozen market keeps what it gathers."""
        for ring in self._rings.values():
            for stream in ring[slot % len(ring)]:
                if not stream.market.is_frozen:
                    stream.flush(t_ms)
