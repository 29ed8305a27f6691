"""Instruments and publishers as small integers: given out on first sight, remembered, told to whoever stores them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Instrument = tuple[str, str]
"""(venue, symbol)."""


class Fresh(NamedTuple):
    """Ids that were given out and are stored nowhere yet."""

    instruments: list[tuple[int, str, str]]
    """(id, venue, symbol)."""
    publishers: list[tuple[int, str]]
    """(id, name)."""


class Catalogue:
    """Names to ids and back.

    Args:
        instruments: (venue, symbol) to id, as stored.
        publishers: Name to id, as stored.
    """

    def __init__(
        self, instruments: Mapping[Instrument, int] | None = None, publishers: Mapping[str, int] | None = None
    ) -> None:
        self.instruments = dict(instruments or {})
        self.publishers = dict(publishers or {})
        self._next_instrument = max(self.instruments.values(), default=0) + 1
        self._next_publisher = max(self.publishers.values(), default=0) + 1
        self._fresh = Fresh([], [])
        self.has_fresh = False
        """Whether `take_fresh` has something to give."""

    def instrument(self, venue: str, symbol: str) -> int:
        """Id of an instrument; a new one gets the next."""
        found = self.instruments.get((venue, symbol))
        if found is None:
            found = self.instruments[venue, symbol] = self._next_instrument
            self._next_instrument += 1
            self._fresh.instruments.append((found, venue, symbol))
            self.has_fresh = True
        return found

    def publisher(self, name: str) -> int:
        """Id of a publisher; a new one gets the next."""
        found = self.publishers.get(name)
        if found is None:
            found = self.publishers[name] = self._next_publisher
            self._next_publisher += 1
            self._fresh.publishers.append((found, name))
            self.has_fresh = True
        return found

    def take_fresh(self) -> Fresh:
        """Ids given out since the last call: they belong to the batch being built."""
        taken, self._fresh = self._fresh, Fresh([], [])
        self.has_fresh = False
        return taken
