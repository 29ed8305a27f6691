"""The truth of all symbols ends at one moment, however long it takes to read it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.chaos.truth import read_truth

COLUMNS = ["t_ms", "price_units", "lots", "is_buyer_maker"]
ENTRIES = {symbol: {"venues": {"binance": f"spot:{symbol}"}} for symbol in ("BTC_USDT", "ETH_USDT")}


class TradingOn:
    """A simulator whose market goes on while it is asked: one trade of each symbol at every question."""

    def __init__(self) -> None:
        self.trades: dict[str, list[tuple[int, int, int, int]]] = {symbol: [] for symbol in ENTRIES}
        for _ in range(5):
            self._trade()

    def _trade(self) -> None:
        for trades in self.trades.values():
            trades.append((1000 * len(trades), 100, 1, 0))

    def ask(self, name: str, op: str, timeout_s: float = 0.0, **args: Any) -> dict[str, Any]:
        assert op == "truth_trades", (name, timeout_s)
        trades = self.trades[args["symbol"]]
        page = trades[args["from_id"] :][:2]
        answer = {
            "first_id": args["from_id"], "last_id": len(trades) - 1, "kept_from_id": 0, "next_id": args["from_id"] + len(page),
            "columns": COLUMNS, "rows": np.array(page, "<i8").tobytes(), "price_scale": 1, "lot_scale": 1,
        }  # fmt: skip
        self._trade()
        return answer


def test_what_is_traded_while_it_is_read_is_none_of_it() -> None:
    market = TradingOn()

    truth = read_truth(market, list(ENTRIES), ENTRIES)

    assert {symbol: trades["id"].tolist() for symbol, trades in truth.trades.items()} == {
        "BTC_USDT": [0, 1, 2, 3, 4],
        "ETH_USDT": [0, 1, 2, 3, 4, 5],
    }
    assert truth.end_ns == 5 * 1_000_000_000
    assert len(market.trades["BTC_USDT"]) > 10, "the market went on"
