"""The simulated market through the live code without sockets: venue texts, collector, folds, detector. Pure but for files.

What the simulator says is parsed and normalised as it is live, and goes on as frames without checksum, in the order in
which one collector would send them: per turn one frame a topic, a watermark four times a second of venue time. Order
books are left out: no rule hears them, and they would be most of the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules
from actors.collector.outbox import Outbox
from actors.collector.venues.binance import Binance
from actors.simulator.exchange import Exchange
from actors.simulator.listing import listings_of
from actors.simulator.scenario import AnyDeed
from actors.simulator.streams import parse_stream
from protocol.instruments import Catalog
from protocol.messages import Alert, Message, Watermark
from protocol.record import Frame, RecordKind
from protocol.topics import mark_topic
from tapehub.playing import MARK_NS, Published

VENUE: Final = "binance"
STREAMS: Final = {"spot": ("trade", "bookTicker"), "usdm": ("aggTrade", "bookTicker", "forceOrder")}
TURN_MS: Final = 10
"""Venue time of one turn of the collector's loop."""
MAX_AHEAD_NS: Final = 5_000_000_000

Key = tuple[str, str]


class Applies(Protocol):
    """A fold, as far as it is needed here."""

    def apply(self, frame: Frame) -> list[tuple[str, list[Any]]]:
        """Take one frame; returns (topic, messages) that it caused."""


class Link(NamedTuple):
    """One actor of the chain."""

    fold: Applies
    hears: tuple[str, ...]
    """Prefixes of topics."""


class Publisher:
    """Hands on what a publisher would send.

    Args:
        name: Of the publisher.
        deliver: Takes each frame.
    """

    def __init__(self, name: str, deliver: Callable[[Frame], None]) -> None:
        self.now_ns = 0
        self._frames = Published(name)
        self._deliver = deliver

    def publish(
        self, topic: str, messages: Sequence[Message], kind: int = RecordKind.DATA, flags: int = 0
    ) -> None:
        """Send messages of one type."""
        self._deliver(self._frames.frame(topic, messages, self.now_ns, kind, flags))


class _Sink:
    """One stream on its way into the normaliser, in the envelope that the venue puts around it."""

    def __init__(self, name: str, chain: Chain, normaliser: Normaliser) -> None:
        self._head = f'{{"stream":"{name}","data":'
        self._chain = chain
        self._take = normaliser.take

    def send(self, text: str) -> None:
        """Take one message of the venue."""
        self._take(f"{self._head}{text}}}".encode(), self._chain.turn_ns)


class Chain:
    """An exchange, a collector, the folds behind it, and the alerts that come out.

    Args:
        catalog: Instruments.
        symbols: Those of them that are simulated.
        links: Names of publishers to folds that hear the collector; what they say the detector hears.
        detector: Hears all of it.
        seed: Decides everything.
        start_ms: Venue time of the start.
        rate_per_s: Orders per second over all symbols.
        liquidation_share: As the simulator's setting.
    """

    def __init__(
        self,
        catalog: Catalog,
        symbols: Iterable[str],
        links: dict[str, Link],
        detector: Link,
        *,
        seed: int,
        start_ms: int,
        rate_per_s: float,
        liquidation_share: float,
    ) -> None:
        self.alerts: list[Alert] = []
        self.counters: Counter[str] = Counter()
        """What the collector has sent, by kind."""
        self.dropped: Counter[str] = Counter()
        self.turn_ns = start_ms * 1_000_000
        self._detector = detector
        self._links = [
            (link.hears, link.fold, Publisher(name, self._to_detector)) for name, link in links.items()
        ]
        self._hearers: dict[str, tuple[bool, list[tuple[Applies, Publisher]]]] = {}
        """Topic of the collector to whether the detector hears it, and who else."""
        instruments = [catalog.get(symbol) for symbol in symbols]
        self.exchange = Exchange(
            listings_of(instruments),
            seed=seed,
            start_ms=start_ms,
            rate_per_s=rate_per_s,
            history=1_000,
            liquidation_share=liquidation_share,
        )
        self.keys = {market.listing.symbol: key for key, market in self.exchange.markets.items()}
        self._publisher = Publisher("collector.binance.1", self._from_collector)
        self._outbox = Outbox(self._publisher.publish, self.counters)
        normalisers = {market: self._normaliser(market) for market in {key[0] for key in self.keys.values()}}
        for symbol, (market, raw) in self.keys.items():
            normalisers[market].watch(symbol, book=False)
            for stream_type in STREAMS[market]:
                name = f"{raw.lower()}@{stream_type}"
                stream = parse_stream(market, name)
                if stream is None:
                    raise ValueError(f"the simulator has no stream {name}")
                self.exchange.open(market, stream, _Sink(name, self, normalisers[market]))

    def _normaliser(self, market: str) -> Normaliser:
        names = {raw: symbol for symbol, (of, raw) in self.keys.items() if of == market}
        return Normaliser(
            VENUE,
            Binance().parser(market, names, {}),
            Gaps(VENUE, "check-1"),
            self._outbox.add,
            self._drop,
            Rules(MAX_AHEAD_NS),
        )

    def _drop(self, reason: str, _what: object) -> None:
        self.dropped[reason] += 1

    @property
    def trades(self) -> int:
        """Trades at the exchange so far."""
        return sum(market.trades.next_id - market.first_trade_id for market in self.exchange.markets.values())

    def plan(self, deed: AnyDeed) -> None:
        """Let a deed begin now."""
        self.exchange.plan(self.keys[deed.symbol], deed, self.exchange.now_ms)

    def run(self, until_ms: int) -> None:
        """Let venue time go on."""
        exchange, outbox, mark = self.exchange, self._outbox, mark_topic("collector.binance.1")
        while exchange.now_ms < until_ms:
            now_ms = exchange.now_ms + TURN_MS
            self.turn_ns = now_ms * 1_000_000
            self._publisher.now_ns = self.turn_ns
            exchange.advance(now_ms)
            outbox.flush()
            if self.turn_ns % MARK_NS == 0:
                at = Watermark("collector.binance.1", VENUE, self.turn_ns, is_connected=True)
                self._publisher.publish(mark, [at], RecordKind.TIME)

    def _from_collector(self, frame: Frame) -> None:
        topic = frame.topic
        found = self._hearers.get(topic)
        if found is None:
            others = [(fold, publisher) for hears, fold, publisher in self._links if topic.startswith(hears)]
            found = self._hearers[topic] = (topic.startswith(self._detector.hears), others)
        if found[0]:
            self._to_detector(frame)
        for fold, publisher in found[1]:
            for said, messages in fold.apply(frame):
                if said.startswith(self._detector.hears):
                    publisher.now_ns = frame.ts_pub_ns
                    publisher.publish(said, messages)

    def _to_detector(self, frame: Frame) -> None:
        for _, alerts in self._detector.fold.apply(frame):
            self.alerts += alerts
