"""What of each exchange no recording says: how it answers requests, what it pongs, what nobody reads of it.

The texts are made of the requests themselves, in the shapes that the venues document and recordings hold.
"""

from __future__ import annotations

import json
from typing import Final

from tests.support.conformance import Answers, Declared


class BinanceAnswers(Answers):
    """One answer a request, by its number; a stream that does not exist is acked too."""

    def ack(self, text: str) -> list[bytes]:
        """See `Answers`."""
        return [json.dumps({"result": None, "id": json.loads(text)["id"]}).encode()]

    def refuse(self, text: str) -> list[bytes]:
        """See `Answers`."""
        error = {"code": 2, "msg": "Invalid request: invalid stream"}
        return [json.dumps({"error": error, "id": json.loads(text)["id"]}).encode()]


class BybitAnswers(Answers):
    """One answer a request, by its text number; one bad topic refuses all of them."""

    def ack(self, text: str) -> list[bytes]:
        """See `Answers`."""
        request = json.loads(text)
        body = {
            "success": True,
            "ret_msg": "",
            "conn_id": "x",
            "req_id": request["req_id"],
            "op": request["op"],
        }
        return [json.dumps(body).encode()]

    def refuse(self, text: str) -> list[bytes]:
        """See `Answers`."""
        request = json.loads(text)
        word = f"error:handler not found,topic:{request['args'][0]}"
        body = {
            "success": False,
            "ret_msg": word,
            "conn_id": "x",
            "req_id": request["req_id"],
            "op": request["op"],
        }
        return [json.dumps(body).encode()]


class OkxAnswers(Answers):
    """One answer for each arg."""

    def ack(self, text: str) -> list[bytes]:
        """See `Answers`."""
        request = json.loads(text)
        return [
            json.dumps({"id": request["id"], "event": request["op"], "arg": arg, "connId": "x"}).encode()
            for arg in request["args"]
        ]

    def refuse(self, text: str) -> list[bytes]:
        """See `Answers`."""
        request = json.loads(text)
        arg, *rest = request["args"]
        what = ",".join(f"{key}:{value}" for key, value in arg.items())
        error = {
            "id": request["id"],
            "event": "error",
            "code": "60018",
            "msg": f"Wrong URL or {what} doesn't exist.",
            "connId": "x",
        }
        return [json.dumps(error).encode(), *self.ack(json.dumps(request | {"args": rest}))]


LISTED_AS: Final = {"level2_batch": "level2_50"}
"""How Coinbase calls a channel in its answers."""


class CoinbaseAnswers(Answers):
    """Each answer lists everything that is subscribed now."""

    def __init__(self, market: str) -> None:
        self.market, self.number = market, 0
        self.subscribed: dict[str, list[str]] = {}

    def ack(self, text: str) -> list[bytes]:
        """See `Answers`."""
        request = json.loads(text)
        channels = request.get("channels") or [request["channel"]]
        for channel in channels:
            name = LISTED_AS.get(channel, channel)
            known = self.subscribed.setdefault(name, [])
            for product in request.get("product_ids", ["heartbeats"]):
                if request["type"] == "subscribe":
                    known.append(product)
                else:
                    known.remove(product)
        return [self._listed()]

    def _listed(self) -> bytes:
        if self.market == "exchange":
            channels = [{"name": name, "product_ids": ids} for name, ids in self.subscribed.items() if ids]
            return json.dumps({"type": "subscriptions", "channels": channels}).encode()
        self.number += 1
        return json.dumps(
            {
                "channel": "subscriptions", "client_id": "", "timestamp": "2026-10-04T00:00:01.5Z",
                "sequence_num": self.number - 1, "events": [{"subscriptions": self.subscribed}],
            }
        ).encode()  # fmt: skip

    def refuse(self, text: str) -> list[bytes]:
        """See `Answers`."""
        product = json.loads(text)["product_ids"][0]
        word = f"{product} is not a valid product"
        reason = (
            {"message": "Failed to subscribe", "reason": word}
            if self.market == "exchange"
            else {"message": word}
        )
        return [json.dumps({"type": "error"} | reason).encode()]


DECLARED: Final = {
    "binance": Declared(
        raws={
            "spot": ("BTCUSDT", "ETHUSDT"),
            "usdm": ("BTCUSDT", "ETHUSDT"),
            "coinm": ("BTCUSD_PERP", "ETHUSD_PERP"),
        },
        answers=lambda _market: BinanceAnswers(),
        nobody=(
            (
                "spot",
                b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1791091175227,"s":"BTCUSDT","k":{}}}',
            ),
            ("usdm", b'{"e":"24hrMiniTicker","E":1791091175227,"s":"BTCUSDT","st":1}'),
        ),
        few_prints=("binance/cryptofeed_BINANCE_spot_2021.jsonl.zst",),
    ),
    "bybit": Declared(
        raws={
            "spot": ("BTCUSDT", "ETHUSDT"),
            "linear": ("BTCUSDT", "ETHUSDT"),
            "inverse": ("BTCUSD", "ETHUSD"),
        },
        answers=lambda _market: BybitAnswers(),
        nobody=(("linear", b'{"topic":"kline.1.BTCUSDT","type":"snapshot","ts":1791091175227,"data":[]}'),),
        pongs=(
            b'{"success":true,"ret_msg":"pong","conn_id":"x","req_id":"ping","op":"ping"}',
            b'{"req_id":"ping","op":"pong","args":["1795168800123"],"conn_id":"x"}',
        ),
        most_args={"spot": 10},
        most_bytes=21_200,
    ),
    "coinbase": Declared(
        raws={"exchange": ("BTC-USD", "ETH-USD"), "advanced": ("BTC-USD", "ETH-USD")},
        answers=CoinbaseAnswers,
        nobody=(
            ("exchange", b'{"type":"status","products":[],"currencies":[]}'),
            (
                "advanced",
                b'{"channel":"candles","client_id":"","timestamp":"2026-10-04T00:00:01Z","sequence_num":0,"events":[]}',
            ),
        ),
        most_args={"exchange": 100, "advanced": 100},
        maps=(b"subscriptions",),
    ),
    "okx": Declared(
        raws={
            "spot": ("BTC-USDT", "ETH-USDT"),
            "swap": ("BTC-USDT-SWAP", "BTC-USD-SWAP"),
            "futures": ("BTC-USDT-261225", "BTC-USD-261225"),
        },
        answers=lambda _market: OkxAnswers(),
        nobody=(
            ("swap", b'{"arg":{"channel":"mark-price","instId":"BTC-USDT-SWAP"},"data":[{"markPx":"1"}]}'),
            ("spot", b'{"event":"channel-conn-count","channel":"trades","connCount":"1"}'),
        ),
        pongs=(b"pong",),
    ),
}
