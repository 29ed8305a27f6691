"""A hub without sockets: the same answers, asked by a function call."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from actors.hub.across import AcrossAnswers
from actors.hub.answers import Answers
from actors.hub.desk import Desk
from actors.hub.freshness import Freshness
from actors.hub.market import MarketAnswers
from actors.hub.overview import OverviewAnswers
from actors.hub.settings import HubSettings
from actors.hub.store import Store
from protocol.fleet import Fleet
from protocol.instruments import Catalog, Instrument
from protocol.messages import Message
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.unit.actors.hub.samples import BASE_NS, SECOND_NS, Pen

MAX_REPLY_BYTES = 100_000


class FakeClock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.ns = BASE_NS

    def now_ns(self) -> int:
        return self.ns

    def mono_ns(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * SECOND_NS)


class FakeHub:
    """Everything of the hub but its process."""

    def __init__(self, persistence: str = "", **settings: Any) -> None:
        made = HubSettings(**settings)
        self.clock = FakeClock()
        self.catalog = Catalog(
            [
                Instrument(symbol="BTC_USDT", aliases=["BTC"]),
                Instrument(symbol="ETH_USDT"),
                Instrument(symbol="EUR_USD"),
            ]
        )
        self.store = Store(made, lambda _: "")
        self.fleet = Fleet(made.silence_s)
        self.counters: Counter[str] = Counter()
        ttl_s = {"quote": 5.0, "trade": 60.0, "book": 5.0, "bar": 5.0}
        freshness = Freshness(ttl_s, self.fleet, self.store.gaps, lambda *_: True, lambda *_: "trade")
        self.desk = Desk("hub.1", 7, self.clock, self.catalog, self.store, self.fleet, freshness)
        own = {"state": "RUNNING", "counters": {"ticks_received": 1}, "seq": 3}
        endpoints = {
            "collector.binance.1": {"pub": "ipc:///c"},
            "hub.1": {"pub": "ipc:///h", "query": "ipc:///q"},
        }
        overview = OverviewAnswers(self.desk, lambda: dict(own), endpoints, MAX_REPLY_BYTES)
        across = AcrossAnswers(self.desk, made.venue_expiry_s)
        market = MarketAnswers(self.desk, persistence)
        self.answers = Answers(self.desk, market, overview, across, self.counters, MAX_REPLY_BYTES)
        self.pens: dict[str, Pen] = {}

    def hear(self, topic: str, *events: Message, publisher: str = "collector.binance.1") -> None:
        pen = self.pens.setdefault(publisher, Pen(publisher, epoch=5))
        self.store.ingest(pen.frame(topic, events, ts_pub_ns=self.clock.ns))

    def ask(self, op: str, **fields: Any) -> Reply:
        """Ask through the bytes of a request, as a client does."""
        return decode_reply(self.answers.answer(encode_request(Request(op=op, id=42, **fields))))

    def data(self, op: str, **fields: Any) -> Any:
        reply = self.ask(op, **fields)
        assert reply.ok, (reply.code, reply.message)
        return msgspec.msgpack.decode(reply.data)
