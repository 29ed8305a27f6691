"""What windows of rows have in common: numpy columns, how old they are, ways out to other libraries."""

from __future__ import annotations

import abc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from protocol.requests import Reply

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]  # an extra
    import polars as pl  # type: ignore[import-untyped,import-not-found,unused-ignore]  # an extra
    import pyarrow as pa  # type: ignore[import-untyped,import-not-found,unused-ignore]  # an extra
    from numpy.typing import NDArray


class Table(abc.ABC):
    """Base of `Candles` and `Trades`."""

    def __init__(self, symbol: str, venue: str, reply: Reply) -> None:
        self.symbol = symbol
        self.venue = venue
        self.age_s = reply.age_s
        """Seconds since the newest row was received, by the hub's clock."""
        self.state = reply.state
        """fresh, gap_open, closed_market, stale, venue_down."""
        self.source = reply.source
        self.epoch = reply.source_epoch
        self.seq = reply.seq
        self.hub_epoch = reply.epoch
        self.asked = reply.asked
        """Rows asked for, 0: all."""
        self.covered_from_ns = reply.covered_from_ns
        """Begin of the time that the rows stand for."""
        self.covered_to_ns = reply.covered_to_ns
        """End of that time (the close of the last candle, even while it is running)."""

        self.parts: list[dict[str, Any]] = reply.details.get("parts", [])
        """Where the rows of `history` came from: `source` (store or window), `from_ns`, `to_ns`, `rows`."""
        self.missing: list[dict[str, Any]] = reply.details.get("missing", [])
        """What of a range could not be had: `from_ns`, `to_ns`, `reason`."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Rows."""

    @property
    def is_complete(self) -> bool:
        """Whether as many rows came as were asked for."""
        return len(self) >= self.asked

    @abc.abstractmethod
    def columns(self) -> dict[str, NDArray[Any]]:
        """Column name to values, times as integers, codes as words."""

    @property
    @abc.abstractmethod
    def _time_column(self) -> str:
        """By which rows are ordered."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict of plain Python values per row."""
        columns = {name: values.tolist() for name, values in self.columns().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame indexed by time (UTC).

        Raises:
            ImportError: pandas is not installed; says how.
        """
        pandas = _library("pandas")
        frame = pandas.DataFrame(self.columns())
        times = pandas.to_datetime(frame.pop(self._time_column), utc=True, unit="ns")
        frame.index = pandas.DatetimeIndex(times, name="time")
        return frame

    def to_polars(self) -> pl.DataFrame:
        """A DataFrame with a `time` column (UTC).

        Raises:
            ImportError: polars is not installed; says how.
        """
        polars = _library("polars")
        columns = self.columns()
        times = polars.Series("time", columns.pop(self._time_column)).cast(polars.Datetime("ns", "UTC"))
        return polars.DataFrame({"time": times, **columns})

    def to_arrow(self) -> pa.Table:
        """A table with a `time` column (UTC).

        Raises:
            ImportError: pyarrow is not installed; says how.
        """
        arrow = _library("pyarrow")
        columns = self.columns()
        times = arrow.array(columns.pop(self._time_column), type=arrow.int64())
        return arrow.table({"time": times.cast(arrow.timestamp("ns", "UTC")), **columns})


def array_of(values: list[Any], format_: str) -> NDArray[Any]:
    """Numpy array of Python values."""
    import numpy as np  # noqa: PLC0415 - as in Candles

    return np.array(values, format_)


def words_of(names: list[str], codes: NDArray[Any]) -> NDArray[np.str_]:
    """The names behind a column of codes."""
    words: NDArray[np.str_] = array_of(names or [""], "U")[codes]
    return words


def _library(name: str) -> Any:
    import importlib  # noqa: PLC0415 - only here

    try:
        return importlib.import_module(name)
    except ImportError as fault:
        extra = "arrow" if name == "pyarrow" else name
        raise ImportError(f"{name} is not installed: pip install 'tapehub[{extra}]'") from fault


def span_text(from_ns: int, to_ns: int) -> str:
    """`03:41-12:00Z`, with dates where the days differ."""
    start = datetime.fromtimestamp(from_ns / 1e9, UTC)
    end = datetime.fromtimestamp(to_ns / 1e9, UTC)
    form = "%H:%M" if start.date() == end.date() else "%Y-%m-%d %H:%M"
    return f"{start:{form}}-{end:{form}}Z"


def unless_fresh(state: str) -> str:
    """`, stale` behind an age, nothing where all is well."""
    return "" if state in ("fresh", "") else f", {state}"
