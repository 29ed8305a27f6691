"""One scanner's fold and those whom it hears, in a few words; time is in seconds after the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from actors.scanner.fold import Fold
from protocol.messages import BUY, Bar, Feature, Flow, News, Quote, Signal, Watermark
from protocol.record import RecordKind
from protocol.strategy import Idea, Needs, Snapshot
from protocol.topics import mark_topic, market_topic
from tapehub.playing import Published
from tests.support.scanner_world import NS, START_NS, TalkerParams, gap, scanner

SYMBOL, VENUE = "BTC_USDT", "binance"
COLLECTOR = "collector.binance.1"


def ns(at_s: float) -> int:
    return START_NS + round(at_s * NS)


def strategy(
    evaluate: Callable[[Snapshot], Any], needs: Needs | None = None, name: str = "tested"
) -> type[Any]:
    """A plugin of a function."""

    class Tested:
        Params: ClassVar[type[TalkerParams]] = TalkerParams

        def __init__(self, params: TalkerParams) -> None:
            self.needs = needs or Needs(timeframe="1m", each_second=True)

        def evaluate(self, snapshot: Snapshot) -> Any:
            return evaluate(snapshot)

    Tested.name = name  # type: ignore[attr-defined]
    return Tested


def buy(snapshot: Snapshot) -> Idea:
    """Stop one below the ask, target one above."""
    return Idea(BUY, snapshot.ask - 1.0, snapshot.ask + 1.0, 0.5, {"ask": snapshot.ask}, "up")


class Rig:
    """A fold, its publishers, and what came out of it."""

    def __init__(self, *kinds: type[Any], **settings: Any) -> None:
        self.kinds, self.settings = kinds, settings
        self.told: list[tuple[str, str]] = []
        """What the actor would log of plugins: reason, what."""
        self.fold: Fold = scanner(
            kinds, tell=lambda reason, what: self.told.append((reason, str(what))), **settings
        )
        self.collector, self.aggregator = Published(COLLECTOR), Published("aggregator.1")
        self.flows = Published("orderflow.1")
        self.signals: list[Signal] = []

    def hear(self, frame: Any) -> list[Signal]:
        said = [signal for _, signals in self.fold.apply(frame) for signal in signals]
        self.signals += said
        return said

    def quote(self, at_s: float, bid: float = 100.0, ask: float = 100.5, symbol: str = SYMBOL) -> None:
        quote = Quote(symbol, VENUE, ns(at_s), ns(at_s), bid, ask, 1.0, 1.0)
        self.hear(self.collector.frame(market_topic("quote", VENUE, symbol), [quote], ns(at_s)))

    def mark(self, at_s: float, *, is_connected: bool = True) -> list[Signal]:
        mark = Watermark(COLLECTOR, VENUE, ns(at_s), is_connected)
        return self.hear(self.collector.frame(mark_topic(COLLECTOR), [mark], ns(at_s), RecordKind.TIME))

    def candle(
        self,
        end_s: float,
        timeframe: str = "1m",
        length_s: int = 60,
        symbol: str = SYMBOL,
        flags: int = 0,
        **values: Any,
    ) -> list[Signal]:
        found: dict[str, Any] = {
            "open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1.0, "buy_volume": 1.0,
            "sell_volume": 0.0, "vwap": 100.0, "count": 1, "status": "closed", "coverage": 1.0, "revision": 1,
            "source": "trade", **values,
        }  # fmt: skip
        bar = Bar(symbol, VENUE, timeframe, ns(end_s - length_s), ns(end_s) - 1, **found)
        topic = market_topic("bar", VENUE, symbol, timeframe)
        return self.hear(self.aggregator.frame(topic, [bar], ns(end_s), flags=flags))

    def feature(
        self, end_s: float, values: dict[str, float], timeframe: str = "1m", coverage: float = 1.0
    ) -> list[Signal]:
        feature = Feature(SYMBOL, VENUE, timeframe, ns(end_s - 60), ns(end_s) - 1, True, values, 1, coverage)
        topic = market_topic("feature", VENUE, SYMBOL, timeframe)
        return self.hear(self.aggregator.frame(topic, [feature], ns(end_s)))

    def flow(self, at_s: float, values: dict[str, float], **more: Any) -> list[Signal]:
        found: dict[str, Any] = {"is_complete": True, **more}
        flow = Flow(SYMBOL, VENUE, 60.0, ns(at_s), found.pop("is_complete"), values, **found)
        return self.hear(self.flows.frame(market_topic("flow", VENUE, SYMBOL), [flow], ns(at_s)))

    def gap(self, gap_id: str, state: str, at_s: float) -> None:
        entry = gap(gap_id, VENUE, SYMBOL, state, ns(at_s), 0)
        self.hear(self.collector.frame(market_topic("gap", VENUE, SYMBOL), [entry], ns(at_s)))

    def news(self, at_s: float, said_at_s: float, title: str = "rates") -> None:
        news = News("wire", title, ns(said_at_s), ns(at_s), title, "", [SYMBOL])
        self.hear(self.collector.frame("news.wire", [news], ns(at_s)))

    def warm(self, until_s: float = 61.0) -> list[Signal]:
        """A first quote, and a first candle that has closed; the next round is one second later."""
        self.mark(0.0)
        self.quote(0.5)
        self.candle(60.0)
        self.quote(until_s - 0.5)
        return self.mark(until_s)

    @property
    def why(self) -> str:
        """Of the first strategy and the usual market."""
        return self.fold.desk.why.get((self.kinds[0].name, VENUE, SYMBOL), "")

    def restarted(self) -> Rig:
        """Another one that goes on from this one's memory."""
        other = Rig(*self.kinds, **self.settings)
        other.collector, other.aggregator, other.flows = self.collector, self.aggregator, self.flows
        other.fold.restore(self.fold.snapshot())
        return other
