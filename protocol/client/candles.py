"""Candles an engine gets: numpy columns, viewed in the bytes of the reply."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from protocol.client.tables import Table, span_text, unless_fresh, words_of
from protocol.requests import Reply
from protocol.windows import BarData, bar_dtype

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


class Candles(Table):
    """Candles of one symbol and timeframe, oldest first; the last one may still be running.

    Each column is a read-only numpy view into the reply (`bars.close`, `bars["close"]`); nothing is copied.
    """

    def __init__(self, reply: Reply, data: BarData) -> None:
        import numpy as np  # noqa: PLC0415 - who reads ticks only does not pay for it

        super().__init__(data.symbol, data.venue, reply)
        self.timeframe = data.timeframe
        columns = tuple((name, format_) for name, format_ in data.columns)
        self.rows: NDArray[Any] = np.frombuffer(data.rows, bar_dtype(columns, data.row_bytes))
        """All columns as one structured array."""
        self._statuses = data.statuses
        self._sources = data.sources

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column in ("status", "source"):
            return self.status if column == "status" else self.origin
        return self.rows[column]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.to_dicts())

    def __repr__(self) -> str:
        what = f"{self.symbol} {self.venue} {self.timeframe}, {len(self)} rows"
        if not len(self):
            return f"Candles({what}, {self.state})"
        span = span_text(int(self.ts_open_ns[0]), self.covered_to_ns)
        return f"Candles({what}, {span}, age {self.age_s:.1f}s{unless_fresh(self.state)})"

    @property
    def ts_open_ns(self) -> Integers:
        """Start of each interval, ns."""
        return self.rows["ts_open_ns"]

    @property
    def time(self) -> NDArray[np.datetime64]:
        """Start of each interval, as numpy times (UTC)."""
        return self.rows["ts_open_ns"].view("datetime64[ns]")

    @property
    def open(self) -> Floats:
        """First price."""
        return self.rows["open"]

    @property
    def high(self) -> Floats:
        """Highest price."""
        return self.rows["high"]

    @property
    def low(self) -> Floats:
        """Lowest price."""
        return self.rows["low"]

    @property
    def close(self) -> Floats:
        """Last price."""
        return self.rows["close"]

    @property
    def volume(self) -> Floats:
        """Volume, base units."""
        return self.rows["volume"]

    @property
    def buy_volume(self) -> Floats:
        """Volume of buying aggressors."""
        return self.rows["buy_volume"]

    @property
    def sell_volume(self) -> Floats:
        """Volume of selling aggressors."""
        return self.rows["sell_volume"]

    @property
    def vwap(self) -> Floats:
        """Volume-weighted average price."""
        return self.rows["vwap"]

    @property
    def count(self) -> Integers:
        """Trades (or quotes) in each."""
        return self.rows["count"]

    @property
    def coverage(self) -> Floats:
        """Share of each interval, 0 to 1, in which the feed was connected and gapless."""
        return self.rows["coverage"]

    @property
    def revision(self) -> NDArray[np.int32]:
        """0 while open, 1 at the close, more after corrections."""
        return self.rows["revision"]

    @property
    def is_adjusted(self) -> NDArray[np.bool_]:
        """Prices are adjusted for splits, by the provider."""
        return self.rows["is_adjusted"]

    @property
    def is_repaired(self) -> NDArray[np.bool_]:
        """Not simply what the provider sent: the stored candle gives the reason."""
        return self.rows["is_repaired"]

    @property
    def ts_recv_ns(self) -> Integers:
        """When each was fetched from its provider, ns; 0 where it was built from trades or quotes."""
        return self.rows["ts_recv_ns"]

    @cached_property
    def status(self) -> NDArray[np.str_]:
        """open, closed, quiet, gap or stale."""
        return words_of(self._statuses, self.rows["status"])

    @cached_property
    def origin(self) -> NDArray[np.str_]:
        """What each was built from: trade, quote, or a provider."""
        return words_of(self._sources, self.rows["source"])

    def columns(self) -> dict[str, NDArray[Any]]:
        """Column name to values."""
        return {name: self[name] for name in self.rows.dtype.names or ()}

    @property
    def _time_column(self) -> str:
        return "ts_open_ns"
