"""Frames of a recording as they are played, and the order book that a venue keeps of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Row = Sequence[str]
"""A level as the venue writes it: price, size, and whatever it puts behind them."""


class Frame(NamedTuple):
    """One recorded frame."""

    key: str
    """`<market>/<stream>`, the stream as our collector calls it; empty: a REST answer."""
    kind: str
    """trade, quote, book; rest for an answer of the REST side; empty for what only keeps a connection alive."""
    raw: str
    """Instrument, as the venue calls it."""
    data: bytes
    trade_ids: tuple[str, ...] = ()
    """Live trades in it."""
    past_ids: tuple[str, ...] = ()
    """Trades in it that the venue repeats."""

    @property
    def market(self) -> str:
        """Of the venue's markets."""
        return self.key.partition("/")[0]


class Ladder:
    """Levels of one book, in the venue's own writing."""

    def __init__(self) -> None:
        self.is_begun = False
        self.last_id = 0
        """The venue's number of the newest change."""
        self._bids: dict[float, Row] = {}
        self._asks: dict[float, Row] = {}

    def replace(self, bids: Iterable[Row], asks: Iterable[Row], last_id: int = 0) -> None:
        """Begin with an image."""
        self._bids.clear()
        self._asks.clear()
        self.is_begun = True
        self.change(bids, asks, last_id)

    def change(self, bids: Iterable[Row], asks: Iterable[Row], last_id: int = 0) -> None:
        """Set absolute sizes."""
        self.last_id = last_id or self.last_id
        for side, rows in ((self._bids, bids), (self._asks, asks)):
            for row in rows:
                if float(row[1]):
                    side[float(row[0])] = row
                else:
                    side.pop(float(row[0]), None)

    def levels(self) -> tuple[list[Row], list[Row]]:
        """Bids and asks, best first."""
        return (
            [self._bids[price] for price in sorted(self._bids, reverse=True)],
            [self._asks[price] for price in sorted(self._asks)],
        )
