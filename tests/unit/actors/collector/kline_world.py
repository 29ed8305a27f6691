"""One Binance spot market in virtual time whose REST side is the test: the real mender of trades, and the check of candles."""

import json
from collections import Counter
from random import Random
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser
from actors.collector.mending.kline_check import KlineCheck
from actors.collector.mending.mender import Mender
from actors.collector.outbox import Outbox
from actors.collector.venues.binance import Binance
from protocol.record import RecordKind
from tests.unit.actors.collector.frames import trade

MINUTE_MS = 60_000
START_MS = 1_795_168_800_000
"""Begins a minute."""
START_MINUTE = START_MS // MINUTE_MS
SECOND_NS = 1_000_000_000


class World:
    """Time is in seconds since the start, for the venue as for us."""

    def __init__(self, symbols=("BTC_USDT",), *, rest=True, weight_per_min=1200, every_s=60.0, venue=None):
        self.mono_ns = 0
        self.asked = []
        self.published = []
        self.drops = []
        self.counters = Counter()
        self.names = {symbol.replace("_", ""): symbol for symbol in symbols}
        self.symbols = list(symbols)
        self.is_flowing = True
        self.next_id = 1
        venue = venue or Binance()
        host = SimpleNamespace(
            settings=SimpleNamespace(
                rest_url={"spot": "http://venue/"} if rest else {}, streams={"spot": ["trade"]},
                rest_timeout_s=10.0, repair_retry_s=1.0, repair_max_trades=100_000, repair_klines=False,
                repair_weight_per_min={"spot": weight_per_min}, kline_check_s=every_s,
            ),
            counters=self.counters,
            clock=SimpleNamespace(mono_ns=lambda: self.mono_ns, now_ns=self.event_ns),
            raw_name=lambda symbol: symbol.replace("_", ""),
            submit=lambda work, done: self.asked.append((work.args[0], done)),
            drop=lambda reason, what="": self.drops.append((reason, str(what))),
        )  # fmt: skip
        self.outbox = Outbox(self.publish, self.counters)
        parser = venue.parser("spot", self.names, {})
        self.normaliser = Normaliser("binance", parser, Gaps("binance", "c-1"), self.outbox.add, host.drop)
        for symbol in symbols:
            self.normaliser.watch(symbol, book=False)
        self.mender = Mender(host, venue, "spot", self.normaliser, self.outbox, Random(1), self.event_ns)
        self.check = KlineCheck(host, venue, "spot", self.normaliser, self.outbox, self.mender, Random(1))

    def event_ns(self):
        return START_MS * 1_000_000 + self.mono_ns if self.is_flowing else 0

    def publish(self, topic, messages, kind=RecordKind.DATA, flags=0):
        self.published.append((topic, list(messages), flags))

    def at(self, second):
        """Let it be so late; returns the paths that are asked for by it."""
        self.mono_ns = round(second * SECOND_NS)
        before = len(self.asked)
        self.mender.tick(self.mono_ns)
        self.check.tick(self.mono_ns, self.event_ns, lambda: self.symbols)
        return [url.removeprefix("http://venue") for url, _ in self.asked[before:]]

    def lose(self, count):
        """The next trade comes after so many that did not."""
        t_ms = START_MS + self.mono_ns // 1_000_000
        for trade_id in (self.next_id, self.next_id + count + 1):
            self.normaliser.take(trade(trade_id, t_ms=t_ms), self.event_ns())
        self.next_id += count + 2

    def answer(self, result=None):
        """Give the venue's answer to the oldest request, or this one."""
        url, done = self.asked.pop(0)
        done(self.body(url) if result is None else result)

    def body(self, url, *, last_minutes=0):
        """What the venue has: a candle of each minute, or all trades; the last minutes of candles may be left out."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "fromId" in query:
            ids = range(int(query["fromId"]), int(query["fromId"]) + int(query["limit"]))
            rows = [
                {"id": one, "price": "1", "qty": "1", "time": START_MS, "isBuyerMaker": False} for one in ids
            ]
            return json.dumps(rows).encode()
        starts = range(int(query["startTime"]), int(query["endTime"]), MINUTE_MS)
        rows = [[at, "1", "3", "1", "2", "9", at + MINUTE_MS - 1, "18", 4, "5", "9", "0"] for at in starts]
        return json.dumps(rows[: len(rows) - last_minutes]).encode()

    @property
    def minutes(self):
        """(symbol, minute since the start) of each candle that was published."""
        return [
            (bar.symbol, bar.ts_open_ns // 1_000_000 // MINUTE_MS - START_MINUTE)
            for topic, bars, _ in self.published
            if topic.startswith("bar.")
            for bar in bars
        ]
