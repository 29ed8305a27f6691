"""Binance in a good or a bad mood, for `doctor --live`: `VenueServer` with data at each subscription, and a REST side
that says its time, sizes of contracts and books.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.venue_server import Client, VenueServer


class ProbedVenue(VenueServer):
    """Use as a context manager; `ws_url` and `rest_url` are its addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_s = 0.0
        """How far its clock is wrong."""
        self.has_time = True
        self.has_rubbish = False
        """Each answer is a web page."""
        self.symbols = {"BTCUSDT", "ETHUSDT", "BTCUSD_PERP"}
        """Raw names that it knows: others have no book, no contract and no data."""
        self.silent = set[str]()
        """Stream types without any data."""
        self.refused_words: dict[str, tuple[int, str]] = {}
        """Stream type to code and text with which requests that name it are refused."""
        self.asked: list[str] = []
        """Paths of the REST requests."""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return _handler(self)

    def now_ms(self) -> int:
        """Its clock."""
        return round((time.time() + self.ahead_s) * 1000)

    def _obey(self, client: Client, request: dict[str, Any]) -> None:
        types = {stream.partition("@")[2] for stream in request["params"]}
        refusal = next((self.refused_words[one] for one in sorted(types) if one in self.refused_words), None)
        if refusal is not None:
            code, text = refusal
            client.send(json.dumps({"error": {"code": code, "msg": text}, "id": request["id"]}))
            return
        super()._obey(client, request)
        if not self.is_mute:
            for stream in request["params"]:
                raw, _, stream_type = stream.partition("@")
                if raw.upper() in self.symbols and stream_type not in self.silent:
                    self.send(stream, **self._first(raw.upper(), stream_type))

    def _first(self, raw: str, stream_type: str) -> dict[str, Any]:
        now_ms = self.now_ms()
        match stream_type:
            case "trade":
                return {
                    "e": "trade",
                    "E": now_ms,
                    "s": raw,
                    "t": 1,
                    "p": "1",
                    "q": "1",
                    "T": now_ms,
                    "m": True,
                }
            case "aggTrade":
                return {
                    "e": "aggTrade",
                    "s": raw,
                    "a": 1,
                    "p": "1",
                    "q": "1",
                    "T": now_ms,
                    "m": True,
                    "f": 1,
                    "l": 1,
                }
            case "bookTicker":
                ticker = {"u": 1, "s": raw, "b": "1", "B": "1", "a": "2", "A": "1", "T": now_ms}
                return {"e": "bookTicker", **ticker}
            case "forceOrder":
                order = {"s": raw, "S": "SELL", "ap": "1", "z": "1", "T": now_ms}
                return {"e": "forceOrder", "E": now_ms, "o": order}
            case _:
                row = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": raw, "U": 1, "u": 2, "pu": 0}
                return {**row, "b": [["1", "1"]], "a": []}


def _handler(venue: ProbedVenue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Time, contracts, books."""

        def do_GET(self) -> None:
            """Answer in the words of the venue."""
            parts = urlsplit(self.path)
            venue.asked.append(parts.path)
            status, headers = venue.rest_status
            body: Any = {"code": 0, "msg": "Service unavailable from a restricted location"}
            if status == 200:
                status, body = self._found(parts.path.rpartition("/")[2], parse_qs(parts.query))
            data = b"<html>welcome</html>" if venue.has_rubbish else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _found(self, what: str, query: dict[str, list[str]]) -> tuple[int, Any]:
            if what == "time" and venue.has_time:
                return 200, {"serverTime": venue.now_ms()}
            if what == "exchangeInfo":
                return 200, {"symbols": [{"symbol": one, "contractSize": 100} for one in venue.symbols]}
            if what == "depth" and query["symbol"][0] in venue.symbols:
                return 200, {"lastUpdateId": 1, "bids": [["1", "1"]], "asks": [["2", "1"]]}
            if what == "depth":
                return 400, {"code": -1121, "msg": "Invalid symbol."}
            return 404, {"msg": "nothing here"}

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    return Handler
