"""Good messages of every kind, as each publisher of the default system sends them: what wrong ones are made of. Pure."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

import msgspec

from protocol.derived import Alert, Feature, Flow, Footprint, Signal, Sweep
from protocol.marks import Beat, CleanStop, Epoch, Snap, Watermark
from protocol.messages import Bar, Book, Gap, Liquidation, Message, News, Quote, Trade, Verdict
from protocol.record import FLAG_REFERENCE, FLAG_REPAIRED, RecordKind

MINUTE_NS: Final = 60_000_000_000
SYMBOLS: Final = ("BTC_USDT", "ETH_USDT", "BTC_USDT.PERP")
COLLECTOR: Final = "collector.binance.1"
PUSH: Final = "collector.push.1"
_encode: Final = msgspec.msgpack.Encoder().encode


class Said(NamedTuple):
    """One good message on its way."""

    publisher: str
    topic: str
    kind: int
    schema: int
    payload: bytes
    flags: int = 0


class Market:
    """Says good messages.

    Args:
        random: Decides everything.
        now_ns: The clock that they are stamped by.
    """

    def __init__(self, random: Random, now_ns: Callable[[], int]) -> None:
        self._random = random
        self._now_ns = now_ns
        self._ids = 0
        self._ways: tuple[tuple[str, Callable[[], Said]], ...] = (
            *((COLLECTOR, way) for way in (
                self._trade, self._trade, self._trade, self._quote, self._quote, self._book, self._book, self._liquidation,
                self._gap, self._watermark, self._watermark, self._fetched_bar, self._news, self._verdict,
            )),
            *((PUSH, way) for way in (self._pushed, self._pushed_bar, self._pushed_flow)),
            *(("aggregator.1", way) for way in (self._bar, self._bar, self._feature)),
            *(("orderflow.1", way) for way in (self._flow, self._footprint, self._sweep)),
            ("detector.1", self._alert), ("scanner.1", self._signal),
        )  # fmt: skip
        self._marks = (self._beat, self._beat, self._beat, self._epoch, self._clean_stop, self._snap)

    def say(self, heard: frozenset[str]) -> Said:
        """One message of a publisher among those that are heard."""
        random = self._random
        if random.random() < 0.08:
            publisher = random.choice(sorted(heard))
            return random.choice(self._marks)(publisher)
        for _ in range(50):
            publisher, way = self._ways[int(random.random() * len(self._ways))]
            if publisher in heard:
                said = way()
                return said._replace(publisher=publisher)
        return self._beat(random.choice(sorted(heard)))

    # parts

    def _said(self, message: Message, topic: str, kind: int = RecordKind.DATA, flags: int = 0) -> Said:
        events = [message] if self._random.random() < 0.8 else [message, message]
        return Said("", topic, kind, message.SCHEMA, _encode(events), flags)

    def _symbol(self) -> str:
        return SYMBOLS[int(self._random.random() * len(SYMBOLS))]

    def _price(self) -> float:
        return round(100 + self._random.random() * 2, 2)

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _minute(self) -> int:
        return self._now_ns() // MINUTE_NS * MINUTE_NS

    # what collectors say

    def _trade(self) -> Said:
        now, symbol = self._now_ns(), self._symbol()
        side = 1 if self._random.random() < 0.5 else -1
        trade = Trade(symbol, "binance", now - 1_000_000, now, self._price(), 0.5, side, self._next())
        return self._said(trade, f"trade.binance.{symbol}")

    def _quote(self) -> Said:
        now, symbol, bid = self._now_ns(), self._symbol(), self._price()
        quote = Quote(symbol, "binance", now - 1_000_000, now, bid, bid + 0.01, 1.0, 2.0, self._next())
        return self._said(quote, f"quote.binance.{symbol}")

    def _book(self) -> Said:
        now, symbol, number = self._now_ns(), self._symbol(), self._next()
        is_snapshot = self._random.random() < 0.3
        book = Book(
            symbol, "binance", now - 1_000_000, now, is_snapshot, number, number, [(100.0, 1.0), (99.5, 2.0)],
            [(103.0, 1.0), (103.5, 0.0 if not is_snapshot else 1.0)], 0 if is_snapshot else number - 1,
        )  # fmt: skip
        return self._said(book, f"book.binance.{symbol}")

    def _liquidation(self) -> Said:
        now = self._now_ns()
        forced = Liquidation("BTC_USDT.PERP", "binance", now, now, self._price(), 3.0, -1)
        return self._said(forced, "liquidation.binance.BTC_USDT.PERP")

    def _gap(self) -> Said:
        now, symbol, number = self._now_ns(), self._symbol(), self._next()
        state = self._random.choice(("open", "filling", "filled", "unfillable"))
        gap = Gap(
            f"{COLLECTOR}-1-{number % 50}", "binance", symbol, self._random.choice(("trade", "quote", "book")), number, number + 3,
            now - 10**9, now if state != "open" else 0, "disconnect", state, "rest", 3, "" if state != "unfillable" else "expired",
        )  # fmt: skip
        return self._said(gap, f"gap.binance.{symbol}", RecordKind.UPSTREAM_GAP)

    def _watermark(self) -> Said:
        mark = Watermark(COLLECTOR, "binance", self._now_ns(), self._random.random() < 0.95)
        return self._said(mark, f"mark.{COLLECTOR}", RecordKind.TIME)

    def _a_bar(self, venue: str, symbol: str, timeframe: str = "1m", source: str = "trade") -> Bar:
        opened = self._minute() - self._random.randrange(3) * MINUTE_NS
        return Bar(
            symbol, venue, timeframe, opened, opened + MINUTE_NS, 100.0, 102.0, 99.0, 101.0, 5.0, 2.0, 3.0, 100.5, 7,
            self._random.choice(("closed", "closed", "gap", "quiet")), 1.0, self._random.choice((1, 1, 2)), source,
        )  # fmt: skip

    def _fetched_bar(self) -> Said:
        symbol = self._symbol()
        flags = self._random.choice((FLAG_REPAIRED, FLAG_REFERENCE))
        return self._said(self._a_bar("binance", symbol), f"bar.binance.{symbol}.1m", flags=flags)

    def _news(self) -> Said:
        now = self._now_ns()
        news = News(
            "rss", f"n{self._next()}", now, now, "Bitcoin moves", "https://example.org/x", ["BTC_USDT"]
        )
        return self._said(news, "news.rss")

    def _verdict(self) -> Said:
        verdict = Verdict(
            "BTC_USDT", "rest", self._now_ns(), "1m", self._minute(), "yahoo", "repair", ["spike 7 > 5"], 1.0, 2.0, 0.5, 1.5, 3.0
        )  # fmt: skip
        return self._said(verdict, "verdict.rest.BTC_USDT")

    def _pushed(self) -> Said:
        now, bid = self._now_ns(), self._price()
        quote = Quote("BTC_USDT", "push.mt5", now - 5_000_000, now, bid, bid + 0.5, 1.0, 1.0, 0)
        return self._said(quote, "quote.push.mt5.BTC_USDT")

    def _pushed_bar(self) -> Said:
        return self._said(self._a_bar("push.mt5", "BTC_USDT", source="push"), "bar.push.mt5.BTC_USDT.1m")

    def _pushed_flow(self) -> Said:
        flow = Flow("BTC_USDT", "push.mt5", 60.0, self._now_ns(), True, {"delta": 1.0})
        return self._said(flow, "flow.push.mt5.BTC_USDT")

    # what is derived

    def _bar(self) -> Said:
        symbol, timeframe = self._symbol(), self._random.choice(("1m", "1m", "5m"))
        return self._said(self._a_bar("binance", symbol, timeframe), f"bar.binance.{symbol}.{timeframe}")

    def _feature(self) -> Said:
        symbol = self._symbol()
        feature = Feature(
            symbol, "binance", "1m", self._minute(), self._now_ns(), True, {"rsi_14": 55.0, "atr_14": 1.5}, 1
        )
        return self._said(feature, f"feature.binance.{symbol}.1m")

    def _flow(self) -> Said:
        symbol, window = self._symbol(), self._random.choice((0.0, 10.0, 60.0))
        flow = Flow(
            symbol, "binance", window, self._now_ns(), True, {"delta": 1.0, "vwap": 100.0, "ofi": -2.0}
        )
        return self._said(flow, f"flow.binance.{symbol}")

    def _footprint(self) -> Said:
        symbol, timeframe = self._symbol(), self._random.choice(("1m", "session"))
        footprint = Footprint(
            symbol, "binance", timeframe, self._minute(), self._now_ns(), 0.5, [100.0, 100.5], [1.0, 0.0], [0.0, 2.0], [0.0, 0.0],
            3.0, -1.0, 100.5, 100.0, 101.0, 4, "closed", 1.0, 1,
        )  # fmt: skip
        return self._said(footprint, f"footprint.binance.{symbol}.{timeframe}")

    def _sweep(self) -> Said:
        now, symbol = self._now_ns(), self._symbol()
        sweep = Sweep(symbol, "binance", now, now - 1000, 1, 100.0, 101.0, 5, 10.0, 1005.0, 100.5, 8, False)
        return self._said(sweep, f"sweep.binance.{symbol}")

    def _alert(self) -> Said:
        symbol = self._symbol()
        alert = Alert(
            symbol, "binance", "big_trade", "warning", self._now_ns(), "a big trade", {"notional": 1e6}
        )
        return self._said(alert, f"alert.binance.{symbol}")

    def _signal(self) -> Said:
        now, symbol = self._now_ns(), self._symbol()
        signal = Signal(
            symbol, "example", now, 1, 100.0, 99.0, 102.0, 0.7, {"rsi_14": 25.0}, "binance", "1m", f"example-{self._next() % 40}", 1,
            "open", now, now + MINUTE_NS, 0.9, ["spread: fine"], "go",
        )  # fmt: skip
        return self._said(signal, f"signal.example.{symbol}")

    # what everybody says

    def _beat(self, publisher: str) -> Said:
        detail = {
            "name": publisher, "kind": publisher.partition(".")[0], "state": "RUNNING", "pid": 1, "rss_bytes": 10**8,
            "counters": {"a": 1}, "dropped": {}, "bus": {"missing": 0}, "journal": {}, "frames_in_per_s": 1.5, "lag_p99_s": None,
            "url": "http://127.0.0.1:1", "sources": {"mt5": {"ticks": 1}}, "targets": {}, "budgets": {}, "uptime_s": 1.0,
        }  # fmt: skip
        epoch, seq = 1, 1
        beat = Beat(
            publisher,
            epoch,
            seq,
            seq,
            0,
            0,
            self._now_ns(),
            "RUNNING",
            detail if self._random.random() < 0.5 else None,
        )
        return Said(publisher, f"beat.{publisher}", RecordKind.HEARTBEAT, Beat.SCHEMA, _encode([beat]))

    def _epoch(self, publisher: str) -> Said:
        epoch = Epoch(publisher, 1, 10, True, "boot", "host", 42, "0.1.0")
        return Said(publisher, f"mark.{publisher}", RecordKind.EPOCH, Epoch.SCHEMA, _encode([epoch]))

    def _clean_stop(self, publisher: str) -> Said:
        return Said(
            publisher,
            f"mark.{publisher}",
            RecordKind.CLEAN_STOP,
            CleanStop.SCHEMA,
            _encode([CleanStop(publisher, 9)]),
        )

    def _snap(self, publisher: str) -> Said:
        return Said(
            publisher,
            f"mark.{publisher}",
            RecordKind.SNAP,
            Snap.SCHEMA,
            _encode([Snap(publisher, "fold", b"\x92\x80\xc4\x00")]),
        )
