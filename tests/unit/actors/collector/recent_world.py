"""One Bybit market whose REST side is the test: the real parser, normaliser, ledger, outbox and mender of missed trades."""

import json
from collections import Counter
from random import Random
from types import SimpleNamespace

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.mending.recent_mender import RecentMender
from actors.collector.outbox import Outbox
from actors.collector.venue import TradeIds
from actors.collector.venues.bybit import Bybit
from protocol.messages import Gap, Trade
from protocol.record import FLAG_REPAIRED, RecordKind

SYMBOL = "BTC_USDT.PERP"
T_MS = 1_795_168_800_000
MS_NS = 1_000_000


def now_ns():
    return (T_MS + 300_000) * MS_NS


class World:
    """One market of the venue, whose REST side is the test."""

    def __init__(self, *, rest=True, klines=True):
        self.mono_ns = 0
        self.asked = []
        self.published = []
        self.drops = []
        self.counters = Counter()
        venue = Bybit()
        host = SimpleNamespace(
            settings=SimpleNamespace(
                rest_url={"linear": "http://venue/"} if rest else {},
                rest_timeout_s=10.0, repair_retry_s=1.0, repair_max_trades=1000, repair_klines=klines,
                repair_weight_per_min={"linear": 600},
            ),
            counters=self.counters,
            clock=SimpleNamespace(mono_ns=lambda: self.mono_ns, now_ns=now_ns),
            raw_name=lambda _symbol: "BTCUSDT",
            submit=lambda work, done: self.asked.append((work.args[0], done)),
            drop=self.drop,
        )  # fmt: skip
        self.outbox = Outbox(self.publish, self.counters)
        self.gaps = Gaps("bybit", "c-1")
        rules = Rules(5_000_000_000, TradeIds.UNORDERED, is_streamed=True)
        parser = venue.parser("linear", {"BTCUSDT": SYMBOL}, {})
        self.normaliser = Normaliser("bybit", parser, self.gaps, self.outbox.add, self.drop, rules)
        self.normaliser.watch(SYMBOL, book=False)
        self.mender = RecentMender(host, venue, "linear", self.normaliser, self.outbox, Random(1), now_ns)

    def drop(self, reason, what=""):
        self.drops.append((reason, str(what)))

    def publish(self, _topic, messages, kind=RecordKind.DATA, flags=0):
        self.published += [(message, flags) for message in messages]

    def live(self, *numbers_and_ms):
        rows = [
            {"T": T_MS + ms, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "100", "i": f"id-{number}"}
            for number, ms in numbers_and_ms
        ]
        frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": T_MS, "data": rows}
        self.normaliser.take(json.dumps(frame).encode(), (T_MS + 300_000) * MS_NS)
        self.outbox.flush()

    def gap(self, at_ms, back_ms):
        self.normaliser.interrupt(SYMBOL, "trade", (T_MS + at_ms) * MS_NS, "disconnect", "cut")
        self.normaliser.resume(SYMBOL, "trade", (T_MS + back_ms) * MS_NS)

    def at(self, second):
        self.mono_ns = round(second * 1e9)
        self.mender.tick(self.mono_ns)

    def answer(self, result):
        _, done = self.asked.pop(0)
        done(result)

    def page(self, *numbers_and_ms):
        rows = [
            {"execId": f"id-{number}", "symbol": "BTCUSDT", "price": "100", "size": "1", "side": "Buy", "time": str(T_MS + ms)}
            for number, ms in reversed(numbers_and_ms)
        ]  # fmt: skip
        self.answer(json.dumps({"retCode": 0, "result": {"list": rows}}).encode())

    @property
    def repaired(self):
        return [
            one.trade_id for one, flags in self.published if isinstance(one, Trade) and flags & FLAG_REPAIRED
        ]

    @property
    def trades(self):
        return [one.trade_id for one, _ in self.published if isinstance(one, Trade)]

    @property
    def ends(self):
        return [
            (one.state, one.filled_by, one.count, one.reason)
            for one, _ in self.published
            if isinstance(one, Gap)
        ]
