"""Quotes of the past: messages, and numpy columns made of them when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from protocol.client.tables import Table, array_of, span_text, unless_fresh
from protocol.messages import Quote
from protocol.requests import Reply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class Quotes(Table):
    """Best bids and asks of one symbol, oldest first: messages in `rows`, numpy columns by name."""

    def __init__(self, reply: Reply, rows: list[Quote], symbol: str, venue: str) -> None:
        super().__init__(symbol, venue, reply)
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Quote]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Quote:
        return self.rows[index]

    def __repr__(self) -> str:
        what = f"{self.symbol} {self.venue}, {len(self)} rows"
        if not self.rows:
            return f"Quotes({what}, {self.state})"
        span = span_text(self.rows[0].ts_event_ns, self.rows[-1].ts_event_ns)
        return f"Quotes({what}, {span}{unless_fresh(self.state)})"

    @cached_property
    def ts_event_ns(self) -> Integers:
        """Venue time, ns."""
        return array_of([quote.ts_event_ns for quote in self.rows], "i8")

    @cached_property
    def bid(self) -> Floats:
        """Best bid of each."""
        return array_of([quote.bid for quote in self.rows], "f8")

    @cached_property
    def ask(self) -> Floats:
        """Best ask of each."""
        return array_of([quote.ask for quote in self.rows], "f8")

    def columns(self) -> dict[str, NDArray[Any]]:
        """Column name to values."""
        return {
            "ts_event_ns": self.ts_event_ns,
            "ts_recv_ns": array_of([quote.ts_recv_ns for quote in self.rows], "i8"),
            "bid": self.bid,
            "ask": self.ask,
            "bid_size": array_of([quote.bid_size for quote in self.rows], "f8"),
            "ask_size": array_of([quote.ask_size for quote in self.rows], "f8"),
        }

    @property
    def _time_column(self) -> str:
        return "ts_event_ns"
