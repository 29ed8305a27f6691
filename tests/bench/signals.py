"""Signals: what a round over 100 markets costs, and how long it takes from a tick to `/api/signals`.

The round is measured in this process, with the three examples over indicators of every market, at the close of a candle
and in the seconds between. The way is measured through processes: a stand-in collector with 20,000 quotes a second of 100
symbols, scanner, hub and gateway, and a client that asks `/api/signals` all the time. A signal is of a second of venue
time: the tick that caused it is the last one before that second's end.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Final

from actors.scanner.fold import Fold
from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.rules import fold_of
from actors.scanner.settings import ScannerSettings
from actors.scanner.shield import Shield, parse_shield
from protocol.client.hub import Hub
from protocol.endpoints import Endpoints
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Feature, Flow, Message, Quote, Watermark
from protocol.topics import mark_topic, market_topic
from tapehub.playing import Published
from tests.bench.moving_market import symbols_of
from tests.bench.reads import COLLECTOR
from tests.bench.report import Row, say
from tests.support.config import write_config
from tests.support.paths import ROOT, short_folder
from tests.support.process import ActorProcess, Program
from tests.support.wait import until

SYMBOLS: Final = 100
EVENTS_PER_S: Final = 20_000
GOAL_MS: Final = 10.0
DEADLINE_S: Final = 60.0
S_NS: Final = 10**9
START_NS: Final = 1_700_000_100 * S_NS
INDICATORS: Final = {
    "ema_20": 100.0, "ema_50": 99.0, "atr_14": 0.5, "rsi_14": 55.0, "bb_upper_20_2": 101.0, "bb_middle_20_2": 100.0,
    "bb_lower_20_2": 99.0,
}  # fmt: skip
FLOW: Final = {"delta": 5.0, "buy_volume": 30.0, "sell_volume": 25.0, "ofi": 1.0}
CONFIG: Final[dict[str, Any]] = {
    "strategies": {"pulse": {"cooldown_s": 2.0, "expires_s": 1.0}},
    "strategies_folder": str(ROOT / "tests" / "bench" / "strategies"),
    "quote_ttl_s": 60.0,
    "candle_wait_s": 5.0,
}


class Market:
    """Frames of 100 markets, second by second."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._published = {name: Published(name) for name in (COLLECTOR, "aggregator.1", "orderflow.1")}

    def send(self, publisher: str, topic: str, messages: list[Message]) -> float:
        """Into the fold; returns how long that took, s."""
        frame = self._published[publisher].frame(topic, messages, START_NS)
        began_s = time.perf_counter()
        self._fold.apply(frame)
        return time.perf_counter() - began_s

    def candles(self, opened_ns: int, timeframe: str, length_s: int) -> None:
        """A closed candle and its indicators, of every market."""
        for symbol in symbols_of(SYMBOLS):
            bar = Bar(symbol, "binance", timeframe, opened_ns, opened_ns + length_s * S_NS - 1, 100.0, 100.6, 99.8,
                      100.4, 9.0, 5.0, 4.0, 100.1, 20, "closed", 1.0, 1, "trade")  # fmt: skip
            self.send("aggregator.1", market_topic("bar", "binance", symbol, timeframe), [bar])
            feature = Feature(symbol, "binance", timeframe, opened_ns, opened_ns, True, INDICATORS, 1)
            self.send("aggregator.1", market_topic("feature", "binance", symbol, timeframe), [feature])

    def flows(self, at_ns: int) -> None:
        """A step of order flow, of every market."""
        for symbol in symbols_of(SYMBOLS):
            flow = Flow(symbol, "binance", 60.0, at_ns, True, FLOW)
            self.send("orderflow.1", market_topic("flow", "binance", symbol), [flow])

    def quotes(self, at_ns: int) -> None:
        """A quote of every market."""
        for symbol in symbols_of(SYMBOLS):
            quote = Quote(symbol, "binance", at_ns, at_ns, 100.39, 100.41, 1.0, 1.0)
            self.send(COLLECTOR, market_topic("quote", "binance", symbol), [quote])

    def mark(self, at_ns: int) -> float:
        """Venue time; what it costs is the round, s."""
        mark = Watermark(COLLECTOR, "binance", at_ns, is_connected=True)
        return self.send(COLLECTOR, mark_topic(COLLECTOR), [mark])


def rounds_s(minutes: int) -> tuple[list[float], list[float]]:
    """How long rounds took at the close of a five-minute candle, and in other seconds."""
    settings = ScannerSettings()
    strategies = strategies_of(settings.wanted, plugins_of(Path("nowhere")))
    catalog = Catalog([Instrument(symbol=symbol) for symbol in symbols_of(SYMBOLS)])
    fold = fold_of(settings, catalog, strategies, Shield(parse_shield("", "none")), Counter())
    market = Market(fold)
    for minute in range(-30, 0):
        market.candles(START_NS + minute * 60 * S_NS, "1m", 60)
    for five in range(-6, 0):
        market.candles(START_NS + five * 300 * S_NS, "5m", 300)
    at_close, between = [], []
    market.quotes(START_NS - S_NS)
    market.mark(START_NS - S_NS)
    for second in range(minutes * 60):
        now_ns = START_NS + second * S_NS
        if second and second % 60 == 0:
            market.candles(now_ns - 60 * S_NS, "1m", 60)
        if second and second % 300 == 0:
            market.candles(now_ns - 300 * S_NS, "5m", 300)
        market.flows(now_ns - S_NS)
        market.quotes(now_ns)
        took_s = market.mark(now_ns)
        (at_close if second % 300 == 1 else between).append(took_s)
    return at_close[1:], between[60:]


def run(rounds: int, *, quick: bool) -> list[Row]:
    """Rows: rounds, then the way from a tick to a client."""
    at_close, between = rounds_s(11 if quick else 61)
    p50_ms = statistics.median(at_close) * 1e3
    rows = [
        Row("signals", f"{SYMBOLS} markets, 3 strategies, at the close of a candle, p50", p50_ms, 0.0, "ms", 0.0, GOAL_MS,
            of_value=True, note=f"worst of {len(at_close)}: {max(at_close) * 1e3:.2f} ms"),
        Row("signals", "the seconds between, p50", statistics.median(between) * 1e3, 0.0, "ms", 0.0,
            note=f"p99 {_p99(between) * 1e3:.2f} ms"),
    ]  # fmt: skip
    seen_s = way(5.0 if quick else 10.0 * rounds)
    if not seen_s:
        say("  no signal was seen")
        return rows
    said = f"{len(seen_s)} signals, {EVENTS_PER_S:,} quotes a second; p99 {_p99(seen_s) * 1e3:.0f} ms"
    return [
        *rows,
        Row("signals", "end of the second to /api/signals, p50", statistics.median(seen_s) * 1e3, 0.0, "ms", 0.0, note=said),
        Row("signals", "end of the second to /api/signals, p99", _p99(seen_s) * 1e3, 0.0, "ms", 0.0,
            note="a tick waits for the end of its second besides: up to 1,000 ms"),
    ]  # fmt: skip


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]


def way(seconds: float) -> list[float]:
    """From the end of the second that a signal is of to the answer that has it first, s."""
    with short_folder() as folder:
        endpoints = Endpoints(folder)
        endpoints.prepare()
        patient = {"quote_ttl_s": 60.0, "bar_ttl_s": 600.0, "silence_s": 30.0}
        sections = {COLLECTOR: {}, "scanner.1": CONFIG, "hub.1": patient, "gateway.1": {"port": 0}}
        config = write_config(folder, sections, {symbol: {} for symbol in symbols_of(SYMBOLS)})
        rate = str(EVENTS_PER_S // SYMBOLS)
        market = [
            "-m",
            "tests.bench.moving_market",
            endpoints.pub(COLLECTOR),
            COLLECTOR,
            str(SYMBOLS),
            rate,
            "quotes",
        ]
        with (
            ActorProcess("hub", "hub.1", config),
            ActorProcess("gateway", "gateway.1", config),
            ActorProcess("scanner", "scanner.1", config),
            Hub(endpoints.query("hub.1"), timeout_s=10.0) as hub,
            Program([sys.executable, *market], title="market") as program,
        ):
            program.wait_for_text("ready")
            url = (
                str(until(lambda: _url(hub), DEADLINE_S, "the gateway to listen")) + "/api/signals?limit=1000"
            )
            until(lambda: _asked(url), DEADLINE_S, "the first signal")
            return _seen_s(url, seconds)


def _url(hub: Hub) -> str:
    return str((hub.status()["actors"].get("gateway.1", {}).get("detail") or {}).get("url", ""))


def _asked(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
        found = json.loads(answer.read())
    return list(found["signals"] if isinstance(found, dict) else found)


def _seen_s(url: str, seconds: float) -> list[float]:
    known = {row["signal_id"] for row in _asked(url)}
    found = []
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        rows = _asked(url)
        now_ns = time.time_ns()
        for row in rows:
            if row["signal_id"] not in known:
                known.add(row["signal_id"])
                found.append((now_ns - row["ts_opened_ns"]) / 1e9)
        time.sleep(0.002)
    return found
