"""Bybit v5: acks per request, images by `u`, merged tickers, the newest trades. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from actors.collector.recorded.recordings import Recorded
from tests.support.played_venue.dialect import CONN_ID, Dialect, Session, encoded
from tests.support.played_venue.reel import Frame

_MARKET: Final = re.compile(r"/v5/public/(spot|linear|inverse)")
_RETIRED: Final = ("orderbook.500.", "orderbook.1000.")
"""A depth that ended in 2025, and the one that came in its place."""
_SPOT_ARGS: Final = 10
_NEWEST: Final = {"spot": 60}


class BybitDialect(Dialect):
    """As of 2026."""

    venue = "bybit"
    paths: ClassVar = ("/v5/public/spot", "/v5/public/linear", "/v5/public/inverse")
    is_counted = False

    def read(self, recorded: Recorded) -> list[Frame]:
        """Topics; a recording that does not say its market is of linear."""
        if recorded.is_rest:
            return []
        document = json.loads(recorded.data)
        topic = document.get("topic", "")
        if not topic:
            return []
        told = _MARKET.search(recorded.address)
        market = told[1] if told else "linear"
        kind = _kind(market, topic)
        if not kind:
            return []
        data = recorded.data
        if topic.startswith(_RETIRED[0]):
            topic = topic.replace(*_RETIRED)
            data = data.replace(_RETIRED[0].encode(), _RETIRED[1].encode(), 1)
        ids = tuple(row["i"] for row in document["data"]) if kind == "trade" else ()
        return [Frame(f"{market}/{topic}", kind, topic.rpartition(".")[2], data, ids)]

    def enter(self, frame: Frame) -> None:
        """Keep what has happened."""
        document = json.loads(frame.data)
        data = document["data"]
        if frame.kind == "trade":
            self.trades.setdefault(frame.key, []).extend(data)
        elif frame.kind == "quote":
            before = self.newest[frame.key]["data"] if document["type"] == "delta" else {}
            self.newest[frame.key] = {**document, "type": "snapshot", "data": before | data}
        else:
            ladder = self.ladder(frame.key)
            change = ladder.replace if document["type"] == "snapshot" else ladder.change
            change(data["b"], data["a"], data["u"])
            self.newest[frame.key] = document

    def answer(self, session: Session, text: str) -> list[bytes]:
        """One ack for the request, then what begins each topic."""
        request = json.loads(text)
        word, number = request["op"], request["req_id"]
        market = session.path.rpartition("/")[2]
        said: dict[str, Any] = {"success": True, "ret_msg": "", "conn_id": CONN_ID}
        said |= {"req_id": number, "op": word}
        if word == "ping":
            return [encoded(said | {"ret_msg": "pong"})]
        if market == "spot" and len(request["args"]) > _SPOT_ARGS:
            return [encoded(said | {"success": False, "ret_msg": "args size >10"})]
        answers = [encoded(said | {"ret_msg": "subscribe" if market == "spot" else ""})]
        for topic in request["args"]:
            key = f"{market}/{topic}"
            if word == "subscribe":
                session.keys[key] = None
                answers += self._opening(key, topic)
            else:
                session.keys.pop(key, None)
        return answers

    def _opening(self, key: str, topic: str) -> list[bytes]:
        newest = self.newest.get(key)
        if newest is None:
            return []
        if not topic.startswith("orderbook."):
            return [encoded(newest)]
        ladder = self.ladder(key)
        bids, asks = ladder.levels()
        data = newest["data"] | {"b": bids, "a": asks, "u": ladder.last_id}
        return [encoded(newest | {"type": "snapshot", "data": data})]

    def past_trades(self, path: str, query: Mapping[str, str]) -> bytes | None:
        """The newest, newest first, as many as there are to be had."""
        if path != "/v5/market/recent-trade":
            return None
        market, raw = query["category"], query["symbol"]
        limit = min(int(query["limit"]), _NEWEST.get(market, 1000))
        rows = [
            {
                "execId": row["i"], "symbol": raw, "price": row["p"], "size": row["v"], "side": row["S"],
                "time": str(row["T"]), "isBlockTrade": row["BT"], "isRPITrade": row.get("RPI", False),
            }
            for row in self.trades.get(f"{market}/publicTrade.{raw}", [])
        ]  # fmt: skip
        result = {"category": market, "list": rows[::-1][:limit]}
        return encoded({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 0})


def _kind(market: str, topic: str) -> str:
    """Spot tickers have neither bid nor ask."""
    family = topic.partition(".")[0]
    if family == "tickers":
        return "" if market == "spot" else "quote"
    return {"publicTrade": "trade", "orderbook": "book"}.get(family, "")
