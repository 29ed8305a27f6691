"""What really traded, asked of the simulator itself."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from tests.chaos.topology import SIMULATOR
from tests.chaos.trades import TRADE, Trades, joined


class Asking(Protocol):
    """Asks an actor's control socket."""

    def ask(self, name: str, op: str, timeout_s: float = ..., **args: Any) -> Any:
        """Ask; raises HubError."""


_KINDS: Final = {"spot": "trade", "usdm": "aggTrade", "coinm": "aggTrade"}
"""Which stream of a market the collector reads: its ids are the ones that count."""


class Truth(NamedTuple):
    """Everything up to one moment."""

    trades: dict[str, Trades]
    """Symbol to all its trades."""
    end_ns: int
    """Venue time up to which candles can be compared: that of the newest trade."""

    @property
    def total(self) -> int:
        """Trades in all."""
        return sum(len(trades) for trades in self.trades.values())


def read_truth(stage: Asking, symbols: list[str], entries: dict[str, Any]) -> Truth:
    """Ask for every trade of these symbols until now: reading millions of one takes long, and what the others trade meanwhile
    is none of this.

    Args:
        stage: The system.
        symbols: Canonical names.
        entries: Their entries of symbols.yaml.
    """
    last = last_ids(stage, symbols, entries)
    found = {symbol: _trades(stage, symbol, _market(entries[symbol]), last[symbol]) for symbol in symbols}
    newest = [int(trades["ts_ns"].max()) for trades in found.values() if len(trades)]
    return Truth(found, max(newest, default=0))


def last_ids(stage: Asking, symbols: list[str], entries: dict[str, Any]) -> dict[str, int]:
    """Newest id of each symbol."""
    found = {}
    for symbol in symbols:
        page = _page(stage, symbol, _market(entries[symbol]), 0, 1)
        found[symbol] = int(page["last_id"])
    return found


def _market(entry: dict[str, Any]) -> str:
    market: str = entry["venues"]["binance"].partition(":")[0]
    return market


def _page(stage: Asking, symbol: str, market: str, from_id: int, limit: int) -> dict[str, Any]:
    page: dict[str, Any] = stage.ask(
        SIMULATOR,
        "truth_trades",
        timeout_s=30.0,
        symbol=symbol,
        market=market,
        kind=_KINDS[market],
        from_id=from_id,
        limit=limit,
    )
    return page


def _trades(stage: Asking, symbol: str, market: str, last_id: int) -> Trades:
    parts: list[Trades] = []
    from_id = 0
    while True:
        page = _page(stage, symbol, market, from_id, 100_000)
        if page["kept_from_id"] > max(from_id, page["first_id"]):
            raise ValueError(f"the simulator forgot trades of {symbol}: history_trades is too small")
        part = table_of(page)
        parts.append(part[part["id"] <= last_id])
        from_id = page["next_id"]
        if not len(part) or from_id > last_id:
            return joined(parts)


def table_of(page: dict[str, Any]) -> Trades:
    """Trades of one page of `truth_trades`; size and price become the doubles that the venue's texts parse to."""
    columns = {name: at for at, name in enumerate(page["columns"])}
    rows = np.frombuffer(page["rows"], "<i8").reshape(-1, len(columns))
    found = np.zeros(len(rows), TRADE)
    found["id"] = page["first_id"] + np.arange(len(rows))
    found["ts_ns"] = rows[:, columns["t_ms"]] * 1_000_000
    found["price"] = rows[:, columns["price_units"]] / page["price_scale"]
    found["size"] = rows[:, columns["lots"]] / page["lot_scale"]
    found["side"] = np.where(rows[:, columns["is_buyer_maker"]] != 0, -1, 1)
    found["count"] = 1
    if "last_trade_id" in columns:
        found["count"] = rows[:, columns["last_trade_id"]] - rows[:, columns["first_trade_id"]] + 1
    return found
