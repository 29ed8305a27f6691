"""Frames as the venue writes them, for tests."""

from __future__ import annotations

import json
from typing import Any

RECV_NS = 1_795_168_800_500_000_000
T_MS = 1_795_168_800_123
NAMES = {"BTCUSDT": "BTC_USDT", "ETHUSDT": "ETH_USDT"}


def frame(stream: str, **data: Any) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


def trade(trade_id: int = 1, *, s: str = "BTCUSDT", t_ms: int = T_MS, **changes: Any) -> bytes:
    data = {"e": "trade", "E": t_ms, "s": s, "t": trade_id, "p": "100.50", "q": "0.25", "T": t_ms, "m": True}
    return frame(f"{s.lower()}@trade", **data | changes)


def ticker(u: int = 1, *, s: str = "BTCUSDT", **changes: Any) -> bytes:
    return frame(
        f"{s.lower()}@bookTicker", **{"u": u, "s": s, "b": "99", "B": "1", "a": "101", "A": "2"} | changes
    )


def depth(first: int, last: int, *, s: str = "BTCUSDT", **changes: Any) -> bytes:
    data = {
        "e": "depthUpdate",
        "E": T_MS,
        "s": s,
        "U": first,
        "u": last,
        "b": [["99", "2"]],
        "a": [["102", "0.0"]],
    }
    return frame(f"{s.lower()}@depth@100ms", **data | changes)


def snapshot(last: int, **changes: Any) -> bytes:
    body = {"lastUpdateId": last, "bids": [["99.0", "1"]], "asks": [["101", "2"], ["102", "3"]]}
    return json.dumps(body | changes).encode()
