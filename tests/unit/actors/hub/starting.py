"""A hub that starts between a bus that remembers everything and a store that holds the first part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.hub.candles import BarSlot
from actors.hub.settings import HubSettings
from actors.hub.store import Store
from actors.hub.trades import TradeSlot
from actors.hub.warm_start import WarmStart
from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.record import Frame, RecordKind
from protocol.replay import Position
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.support.stored import Stored
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, SECOND_NS, Pen, bar, quote, trade

COLLECTOR, AGGREGATOR = "collector.binance.1", "aggregator.1"
BARS, TRADES, QUOTES = "bar.binance.BTC_USDT.1m", "trade.binance.BTC_USDT", "quote.binance.BTC_USDT"
GAPS = "gap.binance.BTC_USDT"
Answer = Callable[[Reply | Exception], None]


class Start:
    """A bus that remembers everything, a store that holds the first part of it, and a hub that starts."""

    def __init__(self, folder: Path) -> None:
        self.stored = Stored(folder / "store.sqlite")
        self.reader = Reader(self.stored.url)
        self.server = HistoryServer(self.reader, "persistence.1", 1, lambda: BASE_NS)
        self.pens = {COLLECTOR: Pen(COLLECTOR, epoch=5), AGGREGATOR: Pen(AGGREGATOR, epoch=6)}
        self.journal: list[Frame] = []
        self.start()

    def start(self, **settings: Any) -> None:
        """A hub that knows nothing."""
        self.settings = HubSettings(**settings)
        self.hub = Store(self.settings, lambda _: "")
        self.asked: list[tuple[Request, float, Answer]] = []
        self.dropped: list[str] = []
        self.mono_ns = SECOND_NS
        self.begun: list[dict[str, Position]] = []
        self.warm_start = WarmStart(
            self.hub,
            self.settings,
            lambda *asked: self.asked.append(asked),
            lambda reason, _: self.dropped.append(reason),
            lambda: self.mono_ns,
        )

    def publish(self, topic: str, *events: Any, kind: int = RecordKind.DATA) -> Frame:
        pen = self.pens[AGGREGATOR if topic.startswith("bar.") else COLLECTOR]
        self.journal.append(pen.frame(topic, events, kind=kind))
        return self.journal[-1]

    def store_all(self) -> None:
        self.stored.write(self.journal)

    def answer(self) -> None:
        """Answer everything that is asked, page after page."""
        while self.asked:
            question, _, done = self.asked.pop(0)
            done(decode_reply(self.server.answer(encode_request(question))))

    def warm(self) -> None:
        self.warm_start.warm(self.begun.append)
        self.answer()

    def pull(self, positions: dict[str, Position]) -> None:
        """The journal from these positions on, as the bus consumer brings it."""
        for frame in self.journal:
            if (frame.epoch, frame.seq) > positions.get(frame.publisher, (0, 0)):
                self.hub.ingest(frame)

    def minutes(self) -> list[tuple[int, int]]:
        """(minute, revision) of every candle."""
        slot = self.hub.get(BARS)
        assert isinstance(slot, BarSlot)
        window = slot.window
        bars = [window.bar(index) for index in range(len(window))]
        return [(one.ts_open_ns // MINUTE_NS, one.revision) for one in bars]

    def trade_ids(self) -> list[object]:
        slot = self.hub.get(TRADES)
        assert isinstance(slot, TradeSlot)
        return [one.trade_id for one in slot.between(0, 0)]


def minute_of(world: Start, number: int) -> None:
    """What one minute brings: trades, a quote, the running candle, and the closed one."""
    base_ns = number * MINUTE_NS
    world.publish(BARS, bar(number, status="open", revision=0, close=0.5))
    world.publish(TRADES, *(trade(3 * number + at, recv_ns=base_ns + at) for at in range(2)))
    world.publish(QUOTES, quote(float(number), recv_ns=base_ns + 1))
    world.publish(TRADES, trade(3 * number + 2, recv_ns=base_ns + 2))
    world.publish(BARS, bar(number, close=float(number)))
