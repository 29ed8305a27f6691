"""Markets made up for the scanner: messages of collectors, what candles and order flow make of them, and strategies that talk a lot.

The strategies put everything that they see into their signals: a view that differs in anything gives other signals.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from actors.aggregator.fold import Fold as Candles
from actors.aggregator.rules import rules_of as candle_rules
from actors.aggregator.settings import AggregatorSettings
from actors.orderflow.fold import Fold as Flows
from actors.orderflow.rules import rules_of as flow_rules
from actors.orderflow.settings import OrderFlowSettings
from actors.scanner.desk import Tell
from actors.scanner.fold import Fold
from actors.scanner.rules import fold_of
from actors.scanner.settings import ScannerSettings, StrategySettings
from actors.scanner.shield import Shield, parse_shield
from protocol.instruments import Catalog, Instrument
from protocol.messages import BUY, SELL, Gap, Message, Quote, Signal, Trade, Watermark
from protocol.record import Frame, RecordKind
from protocol.strategy import Idea, Needs, Snapshot
from protocol.topics import mark_topic, market_topic
from tapehub.playing import Published

NS = 1_000_000_000
START_NS = 1_700_000_100 * NS
"""A Tuesday, at the start of a five-minute candle."""
CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", base="BTC", quote="USDT"),
        Instrument(symbol="ETH_USDT", base="ETH", quote="USDT"),
        Instrument(
            symbol="EUR_USD", base="EUR", quote="USD", session="fx", bars_from="quote", pip_size=0.0001
        ),
    ]
)
CANDLES = AggregatorSettings(
    timeframes=["1s", "10s", "1m", "5m"],
    indicators=["ema(3)", "atr(3)"],
    indicator_timeframes=["10s", "1m"],
    open_interval_s=5.0,
)
FLOWS = OrderFlowSettings(windows_s=[5.0, 30.0], footprint_timeframes=[])
PATIENT = {"give_up_s": 2_000_000.0}
"""Nobody is given up."""


class TalkerParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the talkative strategies may be told."""

    risk: float = 0.0005
    """Distance of stop and target, share of the price."""


class Talker:
    """Says something whenever it is asked; which side depends on what it sees."""

    name: ClassVar[str] = "talker"
    Params: ClassVar[type[TalkerParams]] = TalkerParams
    needs: Needs = Needs(
        timeframe="10s", bars={"10s": 3, "1m": 1}, features={"10s": ("ema_3",)}, flows={5.0: ("delta",)}
    )

    def __init__(self, params: TalkerParams) -> None:
        self._params = params

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        """An idea each time."""
        seen = seen_of(snapshot)
        side = BUY if round(sum(seen.values()) * 1e6) % 2 else SELL
        entry, risk = (snapshot.ask if side == BUY else snapshot.bid), self._params.risk * snapshot.mid
        return Idea(side, entry - side * risk, entry + side * risk, 0.5, seen, f"{len(seen)} inputs")


class Second(Talker):
    """Asked each second."""

    name: ClassVar[str] = "second"
    needs = Needs(timeframe="10s", each_second=True)


class Slow(Talker):
    """Of minutes, without order flow."""

    name: ClassVar[str] = "slow"
    needs = Needs(timeframe="1m", bars={"1m": 2, "10s": 6}, features={"1m": ("atr_3",)})


TALKERS: dict[str, type[Talker]] = {one.name: one for one in (Talker, Second, Slow)}


def seen_of(snapshot: Snapshot) -> dict[str, float]:
    """Everything in a snapshot as numbers."""
    seen = {"bid": snapshot.bid, "ask": snapshot.ask, "quoted": float(snapshot.ts_quote_ns)}
    for timeframe, bars in snapshot.bars.items():
        for number, bar in enumerate(bars):
            seen[f"{timeframe}.{number}.close"] = bar.close
            seen[f"{timeframe}.{number}.volume"] = bar.volume
            seen[f"{timeframe}.{number}.at"] = float(bar.ts_open_ns + bar.revision)
    for timeframe, values in snapshot.features.items():
        seen |= {f"{timeframe}.{name}": value for name, value in values.items()}
    for window_s, values in snapshot.flows.items():
        seen |= {f"{window_s}.{name}": value for name, value in values.items()}
    return dict(sorted(seen.items())[:64])


def scanner(
    classes: Iterable[type[Any]] = tuple(TALKERS.values()),
    shield: str = "",
    tell: Tell = lambda _reason, _what: None,
    **settings: Any,
) -> Fold:
    """A fold with strategies that end and begin often.

    Args:
        classes: Of the strategies.
        shield: Text of its rules.
        tell: Is told of bad plugins.
        settings: Of the scanner.
    """
    kinds = list(classes)
    asked = {one.name: StrategySettings(expires_s=25.0, cooldown_s=3.0) for one in kinds}
    asked |= settings.pop("strategies", {})
    made = {one.name: one(one.Params()) for one in kinds}
    whole = ScannerSettings(**{"strategies": asked, **PATIENT, **settings})
    rules = Shield(parse_shield(shield, "shield.yaml"))
    return fold_of(whole, CATALOG, made, rules, Counter(), tell=tell)


# messages


def tape(
    seed: int,
    symbols: Sequence[str] = ("BTC_USDT", "ETH_USDT"),
    venue: str = "binance",
    seconds: int = 240,
    start_ns: int = START_NS,
    begins_s: dict[str, float] | None = None,
) -> list[Message]:
    """Quotes and trades of a random walk in the order of their arrival; a few come late, and there are gaps.

    Args:
        seed: Decides everything.
        symbols: Of which.
        venue: Where.
        seconds: How long.
        start_ns: From when.
        begins_s: Symbol to the seconds after which it begins.
    """
    draw = random.Random(seed)
    price = dict.fromkeys(symbols, 100.0)
    found: list[Message] = []
    gaps, at_ns, number = 0, start_ns, 0
    while at_ns < start_ns + seconds * NS:
        at_ns += round(draw.expovariate(6.0) * NS)
        symbol = draw.choice(symbols)
        if at_ns < start_ns + round((begins_s or {}).get(symbol, 0.0) * NS):
            continue
        price[symbol] *= 1.0 + draw.gauss(0.0, 0.0002)
        mid = round(price[symbol], 4)
        late_ns = round(draw.random() * draw.choice([0.02, 0.02, 0.3, 4.0]) * NS)
        if draw.random() < 0.5:
            found.append(
                Quote(symbol, venue, at_ns - late_ns, at_ns, mid - 0.01, mid + 0.01, draw.random(), 1.0)
            )
        elif symbol != "EUR_USD":
            number += 1
            found.append(
                Trade(symbol, venue, at_ns - late_ns, at_ns, mid, draw.random(), draw.choice([1, -1]), number)
            )
        if draw.random() < 0.01:
            gaps += 1
            gap_id = f"{venue}-{seed}-{gaps}"
            found.append(gap(gap_id, venue, symbol, "open", at_ns - NS, 0))
            found += [
                Quote(other, venue, at_ns, at_ns, price[other], price[other] + 0.01, 1.0, 1.0)
                for other in symbols
                if other != symbol
            ]
            found.append(gap(gap_id, venue, symbol, "filled", at_ns - NS, at_ns))
    return found


def gap(gap_id: str, venue: str, symbol: str, state: str, from_ns: int, to_ns: int) -> Gap:
    """An entry of the gap ledger."""
    return Gap(gap_id, venue, symbol, "quote", 0, 0, from_ns, to_ns, "disconnect", state)


# frames


def collector(messages: Iterable[Message], name: str, venue: str) -> Iterator[Frame]:
    """Frames of one collector with its marks, four a second; after more than a second of nothing it goes on where it is."""
    published = Published(name)
    reached_ns = now_ns = next_ns = 0

    def mark(at_ns: int, *, is_connected: bool = True) -> Frame:
        return published.frame(
            mark_topic(name), [Watermark(name, venue, at_ns, is_connected)], now_ns, RecordKind.TIME
        )

    is_connected = True
    for message in messages:
        if isinstance(message, Gap):
            is_connected = message.state == "filled"
        else:
            now_ns = max(now_ns, message.ts_recv_ns)  # type: ignore[attr-defined]
            if now_ns >= next_ns and reached_ns:
                reached_ns = max(reached_ns, now_ns - NS // 50)
                yield mark(reached_ns, is_connected=is_connected)
                next_ns = now_ns + NS // 4
            reached_ns = max(reached_ns, message.ts_event_ns)  # type: ignore[attr-defined]
        topic = market_topic(message.KIND, venue, message.symbol)  # type: ignore[attr-defined]
        yield published.frame(topic, [message], now_ns)
    now_ns += 10 * NS
    yield mark(reached_ns + 10 * NS)


def by_time(*streams: Sequence[Frame]) -> list[Frame]:
    """Frames of several publishers as they were published."""
    return sorted((frame for stream in streams for frame in stream), key=lambda frame: frame.ts_pub_ns)


def derived(frames: Iterable[Frame], fold: Any, name: str) -> list[Frame]:
    """What candles or order flow publish of frames."""
    published = Published(name)
    return [
        published.frame(topic, messages, frame.ts_pub_ns)
        for frame in frames
        for topic, messages in fold.apply(frame)
    ]


def streams_of(*collectors: Sequence[Frame]) -> list[list[Frame]]:
    """Collectors, then the aggregator and order flow that hear them: what each of them publishes."""
    heard = by_time(*collectors)
    candles = derived(heard, Candles(CATALOG, candle_rules(CANDLES), Counter()), "aggregator.1")
    flows = derived(heard, Flows(CATALOG, flow_rules(FLOWS), Counter()), "orderflow.1")
    return [*(list(one) for one in collectors), candles, flows]


def merged(streams: Sequence[Sequence[Frame]], draw: random.Random) -> Iterator[Frame]:
    """Frames of all in some order in which each publisher's own is kept: fairly mixed, in long runs, or one far ahead."""
    left = [list(reversed(one)) for one in streams]
    weights = [draw.choice([0.01, 1.0, 1.0, 100.0]) * len(one) for one in streams]
    longest = draw.choice([1, 10, 3000])
    while any(left):
        stream = draw.choices(
            left, [weight if one else 0.0 for weight, one in zip(weights, left, strict=True)]
        )
        for _ in range(draw.randint(1, longest)):
            if stream[0]:
                yield stream[0].pop()


def in_step(streams: Sequence[Sequence[Frame]]) -> list[Frame]:
    """As a scan plays them: what follows of a frame comes before it."""
    return by_time(*reversed(streams))


def said(fold: Fold, frames: Iterable[Frame]) -> dict[str, list[Signal]]:
    """Topic to the signals that come out."""
    found: dict[str, list[Signal]] = {}
    for frame in frames:
        for topic, signals in fold.apply(frame):
            found.setdefault(topic, []).extend(signals)
    return found


def bytes_of(signals: dict[str, list[Signal]]) -> dict[str, list[bytes]]:
    """On the wire."""
    return {topic: [msgspec.msgpack.encode(one) for one in found] for topic, found in signals.items()}


Make = Callable[[], Fold]
