"""From the sums of a window to the values of a `Flow`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.orderflow.bucket import COLUMN, SUMS
from actors.orderflow.ofi import imbalance_of, weighted_mid


class Standing(msgspec.Struct, array_like=True):
    """What stands at the end of the newest closed step, and which kinds of events there are at all."""

    quote: tuple[int, float, float, float, float] | None = None
    """(ts_event_ns, bid, ask, bid_size, ask_size); None: none, or nobody knows whether it still holds."""
    depth_imbalance: float | None = None
    has_quotes: bool = False
    has_trades: bool = False
    has_books: bool = False


def flow_values(
    sums: Sequence[float], seconds: float, session: Sequence[float], standing: Standing, levels: int
) -> tuple[dict[str, float], float]:
    """Values of one window, and the share of its volume whose aggressor was inferred.

    Args:
        sums: In the order of `SUMS`, then of each level.
        seconds: Length of the window as far as it was watched.
        session: The same sums since the session began.
        standing: At the end of the window.
        levels: Levels of the book.

    Returns:
        Only values that exist: no vwap without volume, no order-flow imbalance without a quote ever.
    """
    values: dict[str, float] = {}
    inferred_share = 0.0
    if standing.has_quotes:
        values["ofi"], values["quotes"] = sums[COLUMN["ofi"]], sums[COLUMN["quotes"]]
    if standing.has_books:
        by_level = sums[len(SUMS) :]
        values["ofi_levels"] = sum(by_level)
        values.update((f"ofi_{level}", one) for level, one in enumerate(by_level, 1))
    if standing.has_trades:
        inferred_share = _add_trades(values, sums, seconds)
        values["cvd"] = session[COLUMN["buy_volume"]] - session[COLUMN["sell_volume"]]
    if standing.quote is not None:
        _, bid, ask, bid_size, ask_size = standing.quote
        values["spread"], values["mid"] = ask - bid, (bid + ask) / 2.0
        imbalance, micro = imbalance_of(bid_size, ask_size), weighted_mid(bid, ask, bid_size, ask_size)
        if imbalance is not None and micro is not None:
            values["book_imbalance"], values["microprice"] = imbalance, micro
    if standing.depth_imbalance is not None:
        values[f"book_imbalance_{levels}"] = standing.depth_imbalance
    return values, inferred_share


def _add_trades(values: dict[str, float], sums: Sequence[float], seconds: float) -> float:
    """Add what trades give; returns the share of the volume whose aggressor was inferred."""
    row = dict(zip(SUMS, sums, strict=False))
    buy, sell, unknown = row["buy_volume"], row["sell_volume"], row["unknown_volume"]
    volume, notional = buy + sell + unknown, row["notional"]
    values["delta"] = buy - sell
    for name in (
        "buy_volume", "sell_volume", "unknown_volume", "buy_count", "sell_count", "count", "notional",
        "large_count", "sweeps_buy", "sweeps_sell",
    ):  # fmt: skip
        values[name] = row[name]
    if seconds > 0:
        values["trade_rate_per_s"] = row["count"] / seconds
    if notional > 0:
        values["large_share"] = min(1.0, row["large_notional"] / notional)
    if volume > 0:
        values["vwap"] = notional / volume
        return min(1.0, row["inferred_volume"] / volume)
    return 0.0
