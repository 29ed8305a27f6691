"""Trades as one numpy array each, and what is wrong with one set of them when another is the truth. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TRADE: Final = np.dtype(
    [("id", "<i8"), ("ts_ns", "<i8"), ("price", "<f8"), ("size", "<f8"), ("side", "<i8"), ("count", "<i8")]
)
"""One trade: venue's id, venue's time, price, size, aggressor (1 buy, -1 sell), fills in it."""
Trades = NDArray[Any]
"""A structured array of TRADE."""
_SHOWN: Final = 3


class TradeVerdict(NamedTuple):
    """What came of a comparison; all zeros but `expected` and `found` are wanted."""

    expected: int
    found: int
    lost_ts_ns: list[int]
    """Times of the trades that are not there, by the venue's clock."""
    doubled_ts_ns: list[int]
    """Times of the rows more than one per id."""
    wrong: int
    """Ids whose price, size, side, count or time is another."""
    invented: int
    """Ids that never were."""
    examples: list[str]

    @property
    def lost(self) -> int:
        """Trades that are not there."""
        return len(self.lost_ts_ns)

    @property
    def doubled(self) -> int:
        """Rows more than one per id."""
        return len(self.doubled_ts_ns)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; nothing expected proves nothing."""
        return bool(self.expected) and not (self.lost or self.doubled or self.wrong or self.invented)


def trades_of(rows: list[tuple[Any, ...]]) -> Trades:
    """Rows in the order of TRADE as an array."""
    return np.array(rows, dtype=TRADE)


def joined(parts: list[Trades]) -> Trades:
    """Several arrays as one."""
    return np.concatenate(parts) if parts else np.empty(0, TRADE)


def compare_trades(truth: Trades, found: Trades, where: str) -> TradeVerdict:
    """Compare by id. Ids behind the last one of the truth are later trades, and none of this comparison.

    Args:
        truth: Everything that traded, each id once.
        found: What somebody has, in any order.
        where: Who: for the examples.
    """
    truth = truth[np.argsort(truth["id"], kind="stable")]
    found = found[np.argsort(found["id"], kind="stable")]
    if len(truth):
        found = found[found["id"] <= truth["id"][-1]]
    ids, first, counts = np.unique(found["id"], return_index=True, return_counts=True)
    is_there = np.isin(truth["id"], ids, assume_unique=True)
    is_known = np.isin(ids, truth["id"], assume_unique=True)
    lost = truth[~is_there]
    both_truth, both_found = truth[is_there], found[first[is_known]]
    differs = np.zeros(len(both_truth), bool)
    for column in ("ts_ns", "price", "size", "side", "count"):
        differs |= both_truth[column] != both_found[column]
    examples = [f"{where}: lost {one['id']}" for one in lost[:_SHOWN]]
    examples += [f"{where}: doubled {one}" for one in ids[counts > 1][:_SHOWN]]
    examples += [f"{where}: invented {one}" for one in ids[~is_known][:_SHOWN]]
    pairs = zip(both_truth[differs][:_SHOWN], both_found[differs][:_SHOWN], strict=True)
    examples += [f"{where}: wrong, is {theirs.tolist()}, truth {ours.tolist()}" for ours, theirs in pairs]
    return TradeVerdict(
        expected=len(truth),
        found=len(found),
        lost_ts_ns=lost["ts_ns"].tolist(),
        doubled_ts_ns=np.repeat(found["ts_ns"][first], counts - 1).tolist(),
        wrong=int(differs.sum()),
        invented=int((~is_known).sum()),
        examples=examples,
    )
