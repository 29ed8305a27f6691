"""A detector's fold and those whom it hears, in a few words; time is in seconds of venue time."""

from __future__ import annotations

from collections import Counter

from actors.detector.fold import Fold
from actors.detector.thresholds import ThresholdBook
from protocol.codec import encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import BUY, SELL, Bar, Gap, Liquidation, Quote, Sweep, Trade, Watermark
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, FrameWriter, RecordKind, parse_frame

NS = 1_000_000_000
START_S = 1_700_000_000
"""A Tuesday evening, UTC."""
SYMBOL = "BTC_USDT"
CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", base="BTC", quote="USDT", venues={"binance": "spot:BTCUSDT"}),
        Instrument(symbol="BTC_USDT.PERP", base="BTC", quote="USDT", venues={"binance": "usdm:BTCUSDT"}),
        Instrument(symbol="ETH_USDT", base="ETH", quote="USDT", venues={"binance": "spot:ETHUSDT"}),
        Instrument(symbol="LRC_BTC", base="LRC", quote="BTC", venues={"binance": "spot:LRCBTC"}),
        Instrument(symbol="GBP_JPY", base="GBP", quote="JPY", session="fx"),
        Instrument(symbol="USD_JPY", base="USD", quote="JPY", session="fx"),
    ]
)


def ns(seconds: float) -> int:
    return START_S * NS + round(seconds * 1000) * 1_000_000


def minute_ns(minute: int) -> int:
    """Start of a minute, counted from the one in which it all begins."""
    return ns(minute * 60)


class Publisher:
    """Builds the frames of one publisher."""

    def __init__(self, name: str = "collector.binance.1", epoch: int = 1, venue: str = "binance") -> None:
        self.writer = FrameWriter(name, epoch)
        self.name, self.venue = name, venue

    def frame(self, topic, events, kind=RecordKind.DATA, flags=0):
        data = self.writer.build(topic, events[0].SCHEMA, encode_events(events), 0, kind, flags)
        return parse_frame(data)

    def trade(self, at_s, price=100.0, size=1.0, symbol=SYMBOL, side=BUY, flags=0):
        trade = Trade(symbol, self.venue, ns(at_s), ns(at_s), price, size, side, 1)
        return self.frame(f"trade.{self.venue}.{symbol}", [trade], flags=flags)

    def quote(self, at_s, bid=99.99, ask=100.01, symbol=SYMBOL):
        quote = Quote(symbol, self.venue, ns(at_s), ns(at_s), bid, ask, 1.0, 1.0)
        return self.frame(f"quote.{self.venue}.{symbol}", [quote])

    def mark(self, at_s, is_connected=True):
        mark = Watermark(self.name, self.venue, ns(at_s), is_connected)
        return self.frame(f"mark.{self.name}", [mark], RecordKind.TIME)

    def bar(self, minute, volume=10.0, count=100, status="closed", revision=1, coverage=1.0, **more):
        symbol, timeframe = more.get("symbol", SYMBOL), more.get("timeframe", "1m")
        open_ns, close = minute_ns(minute), more.get("close", 100.0)
        high, low = max(101.0, close), min(99.0, close)
        bar = Bar(
            symbol, self.venue, timeframe, open_ns, open_ns + 59 * NS, 100.0, high, low, close, volume,
            volume * 0.75, volume * 0.25, 100.0, count, status, coverage, revision, more.get("source", "trade"),
        )  # fmt: skip
        return self.frame(f"bar.{self.venue}.{symbol}.{timeframe}", [bar], flags=more.get("flags", 0))

    def liquidation(self, at_s, size=500.0, price=100.0, symbol=SYMBOL, side=SELL):
        order = Liquidation(symbol, self.venue, ns(at_s), ns(at_s), price, size, side)
        return self.frame(f"liquidation.{self.venue}.{symbol}", [order])

    def sweep(self, at_s, levels=6, notional=50_000.0, symbol=SYMBOL):
        sweep = Sweep(
            symbol, self.venue, ns(at_s), ns(at_s), BUY, 100.0, 100.0 + levels / 100, levels,
            notional / 100.0, notional, 100.0, levels, False,
        )  # fmt: skip
        return self.frame(f"sweep.{self.venue}.{symbol}", [sweep])

    def reference(self, minute, **bar):
        """The venue's own candle, as its collector publishes it."""
        return self.bar(minute, **{"source": self.venue, "revision": 0, "flags": FLAG_REFERENCE, **bar})

    def gap(self, at_s, symbol=SYMBOL, state="open"):
        gap = Gap("g", self.venue, symbol, "trade", 0, 0, ns(at_s), ns(at_s), "disconnect", state)
        return self.frame(f"gap.{self.venue}.{symbol}", [gap], RecordKind.UPSTREAM_GAP)


class Rig:
    """A fold with one collector, an aggregator and an order flow at hand; gathers the alerts."""

    def __init__(self, data=None, rules=None, only=()):
        self.counters = Counter()
        book = ThresholdBook(data, rules)
        if only:
            off = {rule.name: {"enabled": False} for rule in book.rules if rule.name not in only}
            book = ThresholdBook({**(data or {}), "rules": {**off, **(data or {}).get("rules", {})}}, rules)
        self.book = book
        self.fold = Fold(CATALOG, book, self.counters)
        self.feed = Publisher()
        self.bars = Publisher("aggregator.1")
        self.flow = Publisher("orderflow.1")
        self.alerts = []

    def take(self, *frames):
        """Apply frames; returns the alerts of these."""
        found = [alert for frame in frames for _, alerts in self.fold.apply(frame) for alert in alerts]
        self.alerts += found
        return found

    def restarted(self):
        """Another fold that goes on from this one's snapshot."""
        again = Rig.__new__(Rig)
        again.__dict__.update(self.__dict__)
        again.alerts, again.counters = [], Counter()
        again.fold = Fold(CATALOG, self.book, again.counters)
        again.fold.restore(self.fold.snapshot())
        return again


REPAIRED = FLAG_REPAIRED
