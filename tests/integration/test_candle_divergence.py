"""Trades of the simulated exchange through collector, aggregator and detector, and its klines beside them, in virtual time.

But for one test no process and no socket: minutes pass in a moment. What is between them on the bus is whole frames.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from actors.aggregator.fold import Fold as Aggregator
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.detector.fold import Fold as Detector
from actors.detector.thresholds import ThresholdBook
from actors.hub.actor import HubActor
from actors.persistence.catalogue import Catalogue
from actors.persistence.rows import rows_of
from actors.simulator.channels import envelope
from actors.simulator.exchange import Exchange
from actors.simulator.listing import listings_of
from actors.simulator.rest_data import ExchangeData
from actors.simulator.streams import Stream
from protocol.codec import decode_events, encode_events
from protocol.instruments import Catalog, Instrument
from protocol.messages import Alert, Bar, Watermark
from protocol.record import FLAG_REFERENCE, Frame, FrameWriter, RecordKind, parse_frame
from tests.integration.test_collector_repair import now_ms
from tests.support.collector_rig import rig_of
from tests.support.wait import until
from tests.unit.actors.collector.kline_world import START_MS, World

SYMBOLS = ("BTC_USDT", "ETH_USDT")
NAME = "collector.binance.1"
STEP_MS = 250
BTC, ETH = (f"{symbol} binance kline" for symbol in SYMBOLS)


class Chain:
    """From the exchange to the alerts.

    Args:
        loses: Trades that vanish on the bus, by symbol and id, and nobody is told.
        misses: Trades that the exchange's stream leaves out, by venue's id: the collector sees that.
        lies: Changes a row of the exchange's klines.
    """

    def __init__(
        self,
        loses: Callable[[str, int], bool] = lambda _symbol, _id: False,
        misses: Callable[[int], bool] = lambda _id: False,
        lies: Callable[[list[Any]], None] = lambda _row: None,
    ) -> None:
        catalog = Catalog(
            [
                Instrument(symbol=symbol, venues={"binance": f"spot:{symbol.replace('_', '')}"})
                for symbol in SYMBOLS
            ]
        )
        listings = listings_of(catalog.of_venue("binance"))
        self.exchange = Exchange(
            listings, seed=4, start_ms=START_MS, rate_per_s=12.0, levels=20, history=5_000
        )
        self.alerts: list[Alert] = []
        self.bars: list[Bar] = []
        self.references: list[Frame] = []
        self.collector = World(SYMBOLS, every_s=10.0)
        self.collector.publish = self.hear  # type: ignore[method-assign]
        self.collector.outbox._publish = self.hear
        self._data = ExchangeData(self.exchange)
        self._loses, self._misses, self._lies = loses, misses, lies
        rules = rules_of(AggregatorSettings(timeframes=["1s", "1m"], indicators=[]))
        self._aggregator = Aggregator(catalog, rules, Counter())
        off = {"rules": {"stale": {"enabled": "false"}}}
        self.detector = Detector(catalog, ThresholdBook(off), Counter())
        self._writers = FrameWriter(NAME, 1), FrameWriter("aggregator.1", 1)
        for symbol in SYMBOLS:
            raw = symbol.replace("_", "")
            sink = SimpleNamespace(send=lambda text, raw=raw: self._on_trade(raw, text))
            self.exchange.open("spot", Stream(raw, "trade"), sink)

    def run(self, minutes: float) -> None:
        """Let so much time pass."""
        world = self.collector
        for step in range(1, round(minutes * 60_000 / STEP_MS) + 1):
            self.exchange.advance(START_MS + step * STEP_MS)
            world.at(step * STEP_MS / 1000)
            world.outbox.flush()
            mark = Watermark(NAME, "binance", world.event_ns(), True)
            self.hear(f"mark.{NAME}", [mark], RecordKind.TIME)
            while world.asked:
                world.answer(self._answer(world.asked[0][0]))

    def _on_trade(self, raw: str, text: str) -> None:
        if not self._misses(json.loads(text)["t"]):
            frame = envelope(f"{raw.lower()}@trade", text.encode())
            self.collector.mono_ns = (self.exchange.now_ms - START_MS) * 1_000_000
            self.collector.normaliser.take(frame, self.collector.event_ns())

    def _answer(self, url: str) -> bytes:
        parts, answers = urlsplit(url), []
        self._data.answer("spot", parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)), answers.append)
        rows = json.loads(answers[0].body)
        if "klines" in url:
            for row in rows:
                self._lies(row)
        return json.dumps(rows).encode()

    def hear(self, topic: str, messages: list[Any], kind: int = RecordKind.DATA, flags: int = 0) -> None:
        """A frame of the collector is on the bus."""
        if topic.startswith("trade."):
            messages = [one for one in messages if not self._loses(one.symbol, one.trade_id)]
        if not messages:
            return
        by_collector, by_aggregator = self._writers
        frame = parse_frame(
            by_collector.build(topic, messages[0].SCHEMA, encode_events(messages), 0, kind, flags)
        )
        if flags & FLAG_REFERENCE:
            self.references.append(frame)
        for made_topic, made in self._aggregator.apply(frame):
            self.bars += [bar for bar in made if bar.timeframe == "1m" and bar.revision]
            data = by_aggregator.build(made_topic, made[0].SCHEMA, encode_events(made), 0)
            self._tell(parse_frame(data))
        self._tell(frame)

    def _tell(self, frame: Any) -> None:
        self.alerts += [alert for _, alerts in self.detector.apply(frame) for alert in alerts]

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """What the detector's status says."""
        return self.detector.rows()["candle_divergence"]

    @property
    def found(self) -> list[Alert]:
        """Alerts about candles."""
        return [alert for alert in self.alerts if alert.rule == "candle_divergence"]


def test_candles_of_an_untouched_stream_are_the_venues_own() -> None:
    chain = Chain()
    chain.run(6.9)
    exact = {"bp": 0.0, "median_bp": 0.0, "max_bp": 0.0, "compared": 5, "beyond": 0}
    assert chain.rows == {BTC: exact, ETH: exact}  # all six but the one in which it began
    assert chain.found == []
    assert {bar.source for bar in chain.bars} == {"trade"}
    assert chain.collector.drops == []


def test_what_is_fetched_to_compare_is_stored_and_served_by_nobody() -> None:
    chain = Chain()
    chain.run(2.6)
    frame = chain.references[0]
    assert rows_of(frame, 1, Catalogue()).rows == []
    stored: list[Frame] = []
    hub = SimpleNamespace(store=SimpleNamespace(ingest=stored.append), board=None)
    HubActor._on_frame(hub, frame)  # type: ignore[arg-type]
    assert stored == []
    HubActor._on_frame(hub, msgspec.structs.replace(frame, flags=0))  # type: ignore[arg-type]
    assert len(stored) == 1


def test_a_collector_asks_its_venue_for_candles_now_and_then(run_dir: Path) -> None:
    minutes = range(now_ms() // 60_000 - 60, now_ms() // 60_000)
    with rig_of(run_dir, streams={"spot": ["trade"]}, kline_check_s=0.1) as rig:
        rig.venue.client("btcusdt@trade")
        rows = [
            [at * 60_000, "1", "3", "1", "2", "9", at * 60_000 + 59_999, "18", 4, "5", "9", "0"]
            for at in minutes
        ]
        rig.venue.snapshots["BTCUSDT"] = json.dumps(rows).encode()
        trade_ids = iter(range(1, 1_000))

        def goes_on() -> int:
            """Ten more seconds of venue time in every look."""
            trade_id = next(trade_ids)
            rig.trade(trade_id, T=minutes[0] * 60_000 + trade_id * 10_000)
            return int(rig.ask("status")["counters"].get("klines_checked", 0))

        until(goes_on, 40.0, "a candle of the venue")
        frame = next(frame for frame in rig.ear.frames() if frame.topic == "bar.binance.BTC_USDT.1m")
        assert frame.flags & FLAG_REFERENCE
        first = decode_events(frame)[0]
        assert (first.source, first.revision, first.close) == ("binance", 0, 2.0)


def test_trades_that_vanish_without_notice_are_found() -> None:
    chain = Chain(loses=lambda symbol, trade_id: symbol == "BTC_USDT" and trade_id % 10 == 0)
    chain.run(4.6)
    assert chain.rows[ETH]["beyond"] == 0
    assert chain.rows[BTC]["beyond"] == chain.rows[BTC]["compared"] == 3
    (alert,) = chain.found
    assert alert.symbol == "BTC_USDT"
    assert alert.values["volume_difference"] > 0.01
    assert alert.values["other_volume"] > alert.values["volume"]


def test_trades_that_the_collector_misses_and_fetches_make_no_difference() -> None:
    chain = Chain(misses=lambda trade_id: trade_id % 50 == 7)
    chain.run(4.6)
    assert chain.collector.counters["trades_repaired"] > 5
    assert max(bar.revision for bar in chain.bars) >= 1
    assert {row["max_bp"] for row in chain.rows.values()} == {0.0}
    assert sum(row["beyond"] for row in chain.rows.values()) == 0
    assert sum(row["compared"] for row in chain.rows.values()) >= 4
    assert chain.found == []


@pytest.mark.parametrize(("change", "bp"), [(0.0, 0.0), (0.01, 100.0)])
def test_a_venue_whose_klines_are_others_is_told_of(change: float, bp: float) -> None:
    def lies(row: list[Any]) -> None:
        row[2] = str(float(row[2]) / (1.0 - change))

    chain = Chain(lies=lies)
    chain.run(4.6)
    assert [round(row["median_bp"], 6) for row in chain.rows.values()] == [bp, bp]
    assert [alert.symbol for alert in chain.found] == (list(SYMBOLS) if change else [])
    assert all(alert.values["high_bp"] == pytest.approx(-bp) for alert in chain.found)
