"""Frames as OKX writes them, for tests."""

from __future__ import annotations

import json
from typing import Any

from actors.collector.outcomes import Outcome
from actors.collector.venue import Contract
from actors.collector.venues.okx import Okx

RECV_NS = 1_795_168_800_500_000_000
T_MS = 1_795_168_800_123
EVENT_NS = T_MS * 1_000_000
VENUE = Okx()
NAMES = {
    "spot": {"BTC-USDT": "BTC_USDT", "ETH-USDT": "ETH_USDT"},
    "swap": {"BTC-USDT-SWAP": "BTC_USDT.PERP", "BTC-USD-SWAP": "BTC_USD.PERP"},
    "futures": {"BTC-USDT-261225": "BTC_USDT.261225"},
}
CONTRACTS = {
    "BTC_USDT.PERP": Contract(0.01),
    "BTC_USD.PERP": Contract(100.0, is_inverse=True),
    "BTC_USDT.261225": Contract(0.01),
}


def reader(market: str = "spot") -> Any:
    return VENUE.parser(market, NAMES[market], CONTRACTS).reader()


def only(outcomes: Any) -> Outcome:
    (outcome,) = outcomes
    return outcome


def frame(channel: str, raw: str, *rows: Any, **more: Any) -> bytes:
    return json.dumps({"arg": {"channel": channel, "instId": raw}, **more, "data": list(rows)}).encode()


def trade(trade_id: int = 7, *, raw: str = "BTC-USDT", channel: str = "trades", **changes: Any) -> bytes:
    row = {
        "instId": raw, "tradeId": str(trade_id), "px": "100.5", "sz": "0.25", "side": "sell", "ts": str(T_MS),
        "count": "1", "source": "0", "seqId": 28911234567,
    }  # fmt: skip
    return frame(channel, raw, row | changes)


def levels(*pairs: tuple[str, str]) -> list[list[str]]:
    return [[price, size, "0", "3"] for price, size in pairs]


def book(action: str, after: int | None, seq: int | None, *, raw: str = "BTC-USDT", **changes: Any) -> bytes:
    row: dict[str, Any] = {"asks": [], "bids": [], "ts": str(T_MS), "checksum": 0}
    if action == "snapshot":
        row |= {"asks": levels(("101", "2"), ("102", "3")), "bids": levels(("99", "1"))}
    if seq is not None:
        row |= {"prevSeqId": after, "seqId": seq}
    return frame("books", raw, row | changes, action=action)


def update(after: int | None, seq: int | None, price: str = "100", size: str = "1", **changes: Any) -> bytes:
    return book("update", after, seq, bids=levels((price, size)), **changes)


def top(seq: int | None = 5, *, raw: str = "BTC-USDT", channel: str = "bbo-tbt", **changes: Any) -> bytes:
    row: dict[str, Any] = {
        "asks": levels(("101", "2")), "bids": levels(("99", "1")), "ts": str(T_MS), "seqId": seq,
    }  # fmt: skip
    return frame(channel, raw, row | changes)


def liquidation(*details: dict[str, Any], raw: str = "BTC-USDT-SWAP", inst_type: str = "SWAP") -> bytes:
    row = {"details": list(details), "instFamily": "BTC-USDT", "instId": raw, "instType": inst_type}
    return json.dumps(
        {"arg": {"channel": "liquidation-orders", "instType": inst_type}, "data": [row]}
    ).encode()


def forced(**changes: Any) -> dict[str, Any]:
    order = {"bkLoss": "0", "bkPx": "90800.1", "ccy": "", "posSide": "net", "side": "sell", "sz": "13.5"}
    return order | {"ts": str(T_MS)} | changes


def answer(*rows: Any, code: str = "0", msg: str = "") -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": list(rows)}).encode()
