"""Instances that divide symbols among themselves, a tape they hear, and what one alone would have said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.aggregator.fold import Fold as BarFold
from actors.aggregator.rules import rules_of as bar_rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.orderflow.fold import Fold as FlowFold
from actors.orderflow.rules import rules_of as flow_rules_of
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.settings import load
from protocol.codec import encode_events
from protocol.instruments import Catalog
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import BUY, SELL, Trade, Watermark
from protocol.record import Frame, RecordKind, parse_frames
from protocol.topics import mark_topic
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers

NS = 1_000_000_000
COLLECTOR = "collector.binance.1"
Said = dict[str, list[bytes]]
"""Topic to the payloads published on it, in their order."""


class ManyTapes:
    """Trades of several symbols, one each tenth of a second of venue time and symbol, with watermarks between."""

    def __init__(self, peers: Peers, run_dir: Path, symbols: Iterable[str]) -> None:
        self.symbols = list(symbols)
        self.start_ns = time.time_ns() // (86_400 * NS) * 86_400 * NS
        self.count = 0
        self.source = JournalledSource(peers.wire, run_dir, peers.endpoints.pub(COLLECTOR), COLLECTOR)

    def go_on(self, seconds: float) -> None:
        """The next stretch of venue time."""
        for _ in range(round(seconds * 10)):
            self.count += 1
            ts_ns = self.start_ns + self.count * NS // 10
            for number, symbol in enumerate(self.symbols):
                side = BUY if (self.count + number) % 3 else SELL
                price = 100.0 + (self.count * (number + 1)) % 11
                trade = Trade(symbol, "binance", ts_ns, ts_ns, price, 1.0 + number, side, self.count)
                self.source.send(f"trade.binance.{symbol}", trade)
            if not self.count % 5:
                self.mark()

    def mark(self) -> None:
        mark = Watermark(COLLECTOR, "binance", self.start_ns + self.count * NS // 10, is_connected=True)
        self.source.send(mark_topic(COLLECTOR), mark, kind=RecordKind.TIME)
        self.source.beat()


def frames_of(run_dir: Path, publisher: str) -> Iterator[Frame]:
    """Every frame in a journal, of all epochs, in order."""
    reader = JournalReader(run_dir / "journal" / publisher, publisher)
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome in (Outcome.DATA, Outcome.CORRUPT):
            if chunk.outcome is Outcome.DATA:
                yield from parse_frames(chunk.frames)
            seq = chunk.last + 1


def said_by(run_dir: Path, kind: str) -> Said:
    """What all instances of a kind, also of former times, have published, in the order of time."""
    found: list[tuple[int, int, str, bytes]] = []
    for folder in (run_dir / "journal").glob(f"{kind}.*"):
        found += [
            (frame.ts_pub_ns, frame.seq, frame.topic, frame.payload)
            for frame in frames_of(run_dir, folder.name)
            if frame.kind == RecordKind.DATA and not frame.topic.startswith(("mark.", "alert."))
        ]
    said: Said = {}
    for _, _, topic, payload in sorted(found):
        said.setdefault(topic, []).append(payload)
    return said


def alone(run_dir: Path, config: Path, kind: str, settings: Mapping[str, Any]) -> Said:
    """What one instance that never stops would say of the collector's journal."""
    catalog = Catalog(load(config).instruments)
    fold = _FOLDS[kind](catalog, dict(settings))
    said: Said = {}
    for frame in frames_of(run_dir, COLLECTOR):
        if frame.topic.startswith(("trade.", "quote.", "book.", "gap.", "mark.")):
            for topic, messages in fold.apply(frame):
                said.setdefault(topic, []).append(encode_events(messages))
    return said


def _bars(catalog: Catalog, settings: dict[str, Any]) -> Any:
    return BarFold(catalog, bar_rules_of(AggregatorSettings(**settings), ""), Counter())


def _flows(catalog: Catalog, settings: dict[str, Any]) -> Any:
    return FlowFold(catalog, flow_rules_of(OrderFlowSettings(**settings), ""), Counter())


_FOLDS: dict[str, Callable[[Catalog, dict[str, Any]], Any]] = {"aggregator": _bars, "orderflow": _flows}


def compare(wanted: Said, found: Said, bad_topics: Counter[str] | None = None) -> dict[str, int]:
    """How what was published differs from what should have been, in frames: missing, doubled, wrong.

    Args:
        wanted: What should have been.
        found: What was.
        bad_topics: Gets the topics in which something is, and how often.
    """
    bad_topics = Counter() if bad_topics is None else bad_topics
    counts = {"expected": sum(map(len, wanted.values())), "missing": 0, "doubled": 0, "wrong": 0}
    for topic in {*wanted, *found}:
        left = Counter(wanted.get(topic, ()))
        known = set(left)
        for payload in found.get(topic, ()):
            if left[payload] > 0:
                left[payload] -= 1
            else:
                counts["doubled" if payload in known else "wrong"] += 1
                bad_topics[topic] += 1
        counts["missing"] += left.total()
        bad_topics[topic] += left.total()
    return counts
