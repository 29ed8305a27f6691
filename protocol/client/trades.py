"""Trades an engine gets: messages, and numpy columns made of them when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from protocol.client.tables import Table, array_of, span_text, unless_fresh
from protocol.messages import Trade
from protocol.requests import Reply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class Trades(Table):
    """Trades of one symbol, oldest first: messages in `rows`, numpy columns by name."""

    def __init__(self, reply: Reply, rows: list[Trade], symbol: str, venue: str) -> None:
        super().__init__(symbol, venue, reply)
        self.rows = rows
        if rows and not self.covered_to_ns:
            self.covered_from_ns, self.covered_to_ns = rows[0].ts_event_ns, rows[-1].ts_event_ns + 1

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Trade]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Trade:
        return self.rows[index]

    def __repr__(self) -> str:
        what = f"{self.symbol} {self.venue}, {len(self)} rows"
        if not self.rows:
            return f"Trades({what}, {self.state})"
        span = span_text(self.rows[0].ts_event_ns, self.rows[-1].ts_event_ns)
        return f"Trades({what}, {span}, age {self.age_s:.1f}s{unless_fresh(self.state)})"

    @cached_property
    def ts_event_ns(self) -> Integers:
        """Venue time, ns."""
        return array_of([trade.ts_event_ns for trade in self.rows], "i8")

    @cached_property
    def ts_recv_ns(self) -> Integers:
        """Receive time, ns."""
        return array_of([trade.ts_recv_ns for trade in self.rows], "i8")

    @cached_property
    def price(self) -> Floats:
        """Price of each."""
        return array_of([trade.price for trade in self.rows], "f8")

    @cached_property
    def size(self) -> Floats:
        """Size of each, base units."""
        return array_of([trade.size for trade in self.rows], "f8")

    @cached_property
    def side(self) -> NDArray[np.int8]:
        """Aggressor: 1 buy, -1 sell, 0 unknown."""
        return array_of([trade.side for trade in self.rows], "i1")

    def columns(self) -> dict[str, NDArray[Any]]:
        """Column name to values."""
        ids = array_of([str(trade.trade_id) for trade in self.rows], "U") if self.rows else array_of([], "U1")
        return {
            "ts_event_ns": self.ts_event_ns,
            "ts_recv_ns": self.ts_recv_ns,
            "price": self.price,
            "size": self.size,
            "side": self.side,
            "trade_id": ids,
        }

    @property
    def _time_column(self) -> str:
        return "ts_event_ns"
