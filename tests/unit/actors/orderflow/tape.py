"""Inputs for the order-flow tests: a collector that only builds frames, and what the fold made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from actors.orderflow.fold import Fold
from actors.orderflow.rules import Rules, rules_of
from actors.orderflow.settings import OrderFlowSettings
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import BUY, Book, Flow, Footprint, Gap, Quote, Sweep, Trade, Watermark
from protocol.record import FLAG_REPAIRED, Frame, FrameWriter, RecordKind, parse_frame
from protocol.sessions import NS_PER_S

SYMBOL, VENUE = "BTC_USDT", "binance"
DAY = 1_723_161_600 * NS_PER_S
"""2024-08-09T00:00:00Z"""
START = DAY + 3600 * NS_PER_S
"""Second 0 of the tests, one hour into the day."""
CATALOG = Catalog(
    [
        Instrument(symbol=SYMBOL, venues={VENUE: "spot:BTCUSDT"}, tick_size=0.01),
        Instrument(symbol="ETH_USDT", venues={VENUE: "spot:ETHUSDT"}),
    ]
)


def ns(seconds: float) -> int:
    """Venue time so many seconds after the start, exact to the microsecond."""
    return START + round(seconds * 1_000_000) * 1_000


def trade(
    seconds: float, price: float = 100.0, size: float = 1.0, side: int = BUY, number: int = 0, **more: Any
) -> Trade:
    symbol = more.pop("symbol", SYMBOL)
    return Trade(symbol, VENUE, ns(seconds), ns(seconds), price, size, side, number, **more)


def quote(seconds: float, bid: float, ask: float, bid_size: float = 1.0, ask_size: float = 1.0) -> Quote:
    return Quote(SYMBOL, VENUE, ns(seconds), ns(seconds), bid, ask, bid_size, ask_size)


def book(seconds: float, number: int, bids: Sequence[Any], asks: Sequence[Any], prev: int = 0) -> Book:
    """A snapshot, or with `prev` the change that follows it."""
    bids, asks = list(bids), list(asks)
    return Book(SYMBOL, VENUE, ns(seconds), ns(seconds), not prev, number, number, bids, asks, prev)


def gap(
    from_s: float, to_s: float | None, state: str = "open", kind: str = "trade", cause: str = "venue_jump",
    gap_id: str = "c-1-1", filled_by: str = "",
) -> Gap:  # fmt: skip
    to_ns = 0 if to_s is None else ns(to_s)
    return Gap(gap_id, VENUE, SYMBOL, kind, 0, 0, ns(from_s), to_ns, cause, state, filled_by)


def rules(**settings: Any) -> Rules:
    """Windows of 5 and 20 seconds, footprints of a minute, unless something else is said."""
    return rules_of(OrderFlowSettings(**{"windows_s": [5.0, 20.0], **settings}))


class Collector:
    """A publisher that only builds frames."""

    def __init__(self, name: str = "collector.binance.1", epoch: int = 1, venue: str = VENUE) -> None:
        self.writer = FrameWriter(name, epoch)
        self.venue = venue

    def frame(self, *events: Any, kind: int = RecordKind.DATA, flags: int = 0) -> Frame:
        """Events of one type and symbol on their topic."""
        first = events[0]
        topic = f"{first.KIND}.{self.venue}.{first.symbol}"
        data = self.writer.build(topic, first.SCHEMA, encode_events(events), START, kind, flags)
        return parse_frame(data)

    def repaired(self, *trades: Trade) -> Frame:
        return self.frame(*trades, flags=FLAG_REPAIRED)

    def mark(self, seconds: float, is_connected: bool = True) -> Frame:
        mark = Watermark(self.writer.publisher, self.venue, ns(seconds), is_connected)
        topic, now_ns = f"mark.{self.writer.publisher}", ns(seconds)
        data = self.writer.build(topic, mark.SCHEMA, encode_events([mark]), now_ns, RecordKind.TIME)
        return parse_frame(data)

    def frame_of(self, step: Any) -> Frame:
        """A step of a test: events, or ("mark", seconds), ("away", seconds), ("repaired", trades)."""
        if not isinstance(step, tuple):
            return self.frame(*step) if isinstance(step, list) else self.frame(step)
        name, value = step
        if name == "repaired":
            return self.repaired(*value)
        return self.mark(value, is_connected=name == "mark")


class Heard:
    """Everything that a fold has published."""

    def __init__(self, catalog: Catalog = CATALOG, **settings: Any) -> None:
        self.counters: Counter[str] = Counter()
        self.fold = Fold(catalog, rules(**settings), self.counters)
        self.collector = Collector()
        self.output: list[tuple[str, list[Any]]] = []

    def play(self, *steps: Any) -> Heard:
        for step in steps:
            self.apply(self.collector.frame_of(step))
        return self

    def apply(self, frame: Frame) -> list[tuple[str, list[Any]]]:
        found = self.fold.apply(frame)
        self.output += found
        for topic, messages in found:
            for message in messages:
                assert message.validate() == [], (topic, message)
        return found

    def of(self, kind: type) -> list[Any]:
        return [message for _, messages in self.output for message in messages if isinstance(message, kind)]

    def flows(self, window_s: float = 5.0, symbol: str = SYMBOL) -> dict[float, Flow]:
        """By the second at which the window ends, counted from the start."""
        return {
            (one.ts_event_ns - START) / NS_PER_S: one
            for one in self.of(Flow)
            if one.window_s == window_s and one.symbol == symbol
        }

    def footprints(self, timeframe: str = "1m") -> list[Footprint]:
        return [one for one in self.of(Footprint) if one.timeframe == timeframe]

    @property
    def sweeps(self) -> list[Sweep]:
        return self.of(Sweep)
