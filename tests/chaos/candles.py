"""Candles from the truth's trades, and what is wrong with those that somebody has. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.chaos.trades import Trades

BAR: Final = np.dtype(
    [
        ("ts_open_ns", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
        ("volume", "<f8"), ("buy_volume", "<f8"), ("count", "<i8"), ("revision", "<i8"),
    ]
)  # fmt: skip
Bars = NDArray[Any]
"""A structured array of BAR."""
_EXACT: Final = ("open", "high", "low", "close", "count")
_SUMS: Final = ("volume", "buy_volume")
TOLERANCE: Final = 1e-9
"""Sums of floats depend on the order of adding; relative."""
_SHOWN: Final = 3
_SIZES_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class BarVerdict(NamedTuple):
    """What came of a comparison; all zeros but `expected` are wanted."""

    expected: int
    missing: int
    wrong: int
    doubled: int
    bad_ts_ns: list[int]
    """Starts of the candles that are missing, wrong or doubled."""
    examples: list[str]

    @property
    def bad(self) -> int:
        """Candles that are not as they should be."""
        return self.missing + self.wrong + self.doubled

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.bad


def size_ns(timeframe: str) -> int:
    """Length of a timeframe: `1m` is 60e9."""
    return int(timeframe[:-1]) * _SIZES_S[timeframe[-1]] * 1_000_000_000


def bars_of(rows: list[tuple[Any, ...]]) -> Bars:
    """Rows in the order of BAR as an array."""
    return np.array(rows, dtype=BAR)


def bars_from(trades: Trades, interval_ns: int, end_ns: int) -> Bars:
    """The candles in which something was traded and that were over at `end_ns`, oldest first."""
    trades = trades[np.lexsort((trades["id"], trades["ts_ns"]))]
    opens = trades["ts_ns"] // interval_ns * interval_ns
    is_over = opens + interval_ns <= end_ns
    trades, opens = trades[is_over], opens[is_over]
    if not len(trades):
        return np.empty(0, BAR)
    starts = np.flatnonzero(np.r_[True, opens[1:] != opens[:-1]])
    ends = np.r_[starts[1:], len(trades)] - 1
    bought = np.where(trades["side"] == 1, trades["size"], 0.0)
    bars = np.zeros(len(starts), BAR)
    bars["ts_open_ns"] = opens[starts]
    bars["open"], bars["close"] = trades["price"][starts], trades["price"][ends]
    bars["high"] = np.maximum.reduceat(trades["price"], starts)
    bars["low"] = np.minimum.reduceat(trades["price"], starts)
    bars["volume"] = np.add.reduceat(trades["size"], starts)
    bars["buy_volume"] = np.add.reduceat(bought, starts)
    bars["count"] = np.add.reduceat(trades["count"], starts)
    return bars


def compare_bars(truth: Bars, found: Bars, where: str) -> BarVerdict:
    """Compare by start. Candles that the truth does not have (quiet ones, later ones) are none of this comparison.

    Args:
        truth: Closed candles with trades in them.
        found: What somebody has; of two rows with one start both count as doubled.
        where: Who: for the examples.
    """
    starts, first, counts = np.unique(found["ts_open_ns"], return_index=True, return_counts=True)
    is_there = np.isin(truth["ts_open_ns"], starts)
    wanted = truth[is_there]
    have = found[first[np.searchsorted(starts, wanted["ts_open_ns"])]] if len(wanted) else wanted
    differs = np.zeros(len(wanted), bool)
    for column in _EXACT:
        differs |= wanted[column] != have[column]
    for column in _SUMS:
        differs |= ~np.isclose(have[column], wanted[column], rtol=TOLERANCE, atol=1e-9)
    missing = truth[~is_there]
    twice = starts[counts > 1]
    examples = [f"{where}: no candle {one['ts_open_ns']}" for one in missing[:_SHOWN]]
    examples += [f"{where}: two candles {one}" for one in twice[:_SHOWN]]
    pairs = zip(wanted[differs][:_SHOWN], have[differs][:_SHOWN], strict=True)
    examples += [f"{where}: wrong, is {theirs.tolist()}, truth {ours.tolist()}" for ours, theirs in pairs]
    bad = [*missing["ts_open_ns"].tolist(), *wanted["ts_open_ns"][differs].tolist(), *twice.tolist()]
    return BarVerdict(len(truth), len(missing), int(differs.sum()), len(twice), bad, examples)


def compare_copies(stored: Bars, served: Bars, where: str) -> BarVerdict:
    """Whether two keepers of candles say the same of the starts that both have, revision included."""
    _, first = np.unique(stored["ts_open_ns"], return_index=True)
    _, served_first = np.unique(served["ts_open_ns"], return_index=True)
    ours, theirs = stored[first], served[served_first]
    common = np.intersect1d(ours["ts_open_ns"], theirs["ts_open_ns"])
    doubled = len(stored) + len(served) - len(ours) - len(theirs)
    ours, theirs = ours[np.isin(ours["ts_open_ns"], common)], theirs[np.isin(theirs["ts_open_ns"], common)]
    differs = np.zeros(len(common), bool)
    for column in BAR.names or ():
        differs |= ours[column] != theirs[column]
    pairs = zip(ours[differs][:_SHOWN], theirs[differs][:_SHOWN], strict=True)
    examples = [f"{where}: hub {b.tolist()}, storage {a.tolist()}" for a, b in pairs]
    bad = common[differs].tolist()
    return BarVerdict(len(common), 0, len(bad), doubled, bad, examples)
