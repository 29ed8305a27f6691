"""Inputs for the aggregator's tests, and the same candles worked out the slow way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import strategies as st

from actors.aggregator.bars import BarBuilder
from actors.aggregator.rules import Rules, rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.messages import BUY, SELL, Bar, Gap, Trade
from protocol.sessions import NS_PER_S, Session, session_named

SYMBOL, VENUE = "BTC_USDT", "binance"
DAY = 1_723_161_600 * NS_PER_S
"""2024-08-09T00:00:00Z"""
SHORT = ("1s", "5s", "15s", "1m")
"""Timeframes short enough to see several of each in a small example."""


def rules(timeframes: Iterable[str] = SHORT, keep: int = 1000, **settings: Any) -> Rules:
    names = list(timeframes)
    settings.setdefault("indicators", [])
    return rules_of(AggregatorSettings(timeframes=names, keep_bars=dict.fromkeys(names, keep), **settings))


def builder(
    timeframes: Iterable[str] = SHORT,
    keep: int = 1000,
    session: str | Session = "crypto",
    source: str = "trade",
    **settings: Any,
) -> BarBuilder:
    calendar = session_named(session) if isinstance(session, str) else session
    return BarBuilder(VENUE, SYMBOL, source, rules(timeframes, keep, **settings), calendar, Counter())


def ns(seconds: float) -> int:
    """Venue time so many seconds after the start of the day, exact to the millisecond."""
    return DAY + round(seconds * 1000) * 1_000_000


def trade(seconds: float, price: float = 100.0, size: float = 1.0, side: int = BUY, number: int = 0) -> Trade:
    ts_ns = ns(seconds)
    return Trade(SYMBOL, VENUE, ts_ns, ts_ns, price, size, side, number)


def gap(
    from_s: float, to_s: float | None, state: str = "open", gap_id: str = "c-1-1", cause: str = "disconnect"
) -> Gap:
    to_ns = 0 if to_s is None else ns(to_s)
    return Gap(gap_id, VENUE, SYMBOL, "trade", 0, 0, ns(from_s), to_ns, cause, state)


MINUTE_NS = 60 * NS_PER_S


def kline(trades: Iterable[Trade], open_ns: int, quiet: float = 100.0, **changes: Any) -> Bar:
    """The venue's candle of the minute that begins at `open_ns`: what all its trades give, `quiet` without any."""
    within = [one for one in trades if open_ns <= one.ts_event_ns < open_ns + MINUTE_NS]
    all_of_it = _slow_candle(within) if within else dict.fromkeys(("open", "high", "low", "close"), quiet)
    count, volume = all_of_it.get("count", 0), float(all_of_it.get("volume", 0.0))
    bar = Bar(
        SYMBOL,
        VENUE,
        "1m",
        open_ns,
        open_ns + MINUTE_NS,
        *(all_of_it[name] for name in ("open", "high", "low", "close")),
        volume,
        float(all_of_it.get("buy_volume", 0.0)),
        float(all_of_it.get("sell_volume", 0.0)),
        all_of_it["notional"] / volume if volume else all_of_it["close"],
        count,
        "closed" if count else "quiet",
        1.0,
        0,
        VENUE,
    )
    return msgspec.structs.replace(bar, **changes)


class Tape:
    """What a builder published: every message, and the newest revision of each closed candle."""

    def __init__(self) -> None:
        self.all: list[Bar] = []

    def take(self, series: BarBuilder) -> list[Bar]:
        taken = [bar for _, bars in series.take() for bar in bars]
        self.all += taken
        return taken

    def closed(self, timeframe: str) -> dict[int, Bar]:
        found: dict[int, Bar] = {}
        for bar in self.all:
            if bar.timeframe == timeframe and bar.revision:
                before = found.get(bar.ts_open_ns)
                assert bar.revision == (before.revision if before else 0) + 1, (
                    "a revision is skipped or repeated"
                )
                found[bar.ts_open_ns] = bar
        return dict(sorted(found.items()))


def second(tape: Tape, number: int, timeframe: str = "1s") -> Bar:
    """Newest revision of the closed candle that starts so many seconds after the start of the day."""
    return tape.closed(timeframe)[ns(number)]


def statuses(tape: Tape, timeframe: str) -> dict[int, str]:
    """Status of each closed candle, by the seconds after the start of the day at which it starts."""
    return {(bar.ts_open_ns - DAY) // NS_PER_S: bar.status for bar in tape.closed(timeframe).values()}


Step = tuple[str, Any]


def play(series: BarBuilder, steps: Iterable[Step], tape: Tape | None = None) -> Tape:
    """Feed steps: ("trades", [...]), ("mark", ns), ("gap", Gap), ("kline", Bar), ("lost", id), ("restart", epoch)."""
    tape = tape or Tape()
    for name, value in steps:
        apply(series, name, value)
        tape.take(series)
    return tape


def apply(series: BarBuilder, name: str, value: Any) -> None:
    match name:
        case "trades":
            series.add_trades(value)
        case "mark":
            series.advance(value, is_connected=True)
        case "gap":
            series.note_gap(value)
        case "kline":
            series.absorb(value)
        case "lost":
            series.note_lost(value)
        case "restart":
            series.note_restart(value)


def numbers(bar: Bar) -> tuple[Any, ...]:
    """What must be equal exactly."""
    return (bar.ts_open_ns, bar.open, bar.high, bar.low, bar.close, bar.count, bar.status)


def slow_candles(trades: Iterable[Trade], timeframe: str, session: Session) -> dict[int, dict[str, Any]]:
    """Candles by sorting: venue time, then number, then arrival."""
    buckets: dict[int, list[Trade]] = {}
    for one in trades:
        buckets.setdefault(session.bar_open_ns(one.ts_event_ns, timeframe), []).append(one)
    return {open_ns: _slow_candle(found) for open_ns, found in sorted(buckets.items())}


def _slow_candle(found: list[Trade]) -> dict[str, Any]:
    ordered = sorted(found, key=lambda one: (one.ts_event_ns, one.trade_id))
    prices = [one.price for one in found]
    return {
        "open": ordered[0].price,
        "high": max(prices),
        "low": min(prices),
        "close": ordered[-1].price,
        "volume": sum(one.size for one in found),
        "buy_volume": sum(one.size for one in found if one.side == BUY),
        "sell_volume": sum(one.size for one in found if one.side == SELL),
        "notional": sum(one.size * one.price for one in found),
        "count": sum(one.count for one in found),
        "ts_event_ns": ordered[-1].ts_event_ns,
    }


prices = st.integers(9_000, 11_000).map(lambda ticks: ticks / 100)
sizes = st.integers(0, 5_000).map(lambda lots: lots / 1000)


@st.composite
def trade_lists(draw: st.DrawFn, longest_step_ms: int = 3_000, latest_ms: int = 0) -> list[Trade]:
    """Trades in order of arrival; each up to `latest_ms` older than the newest one before it."""
    at_ms, found = 500, []
    for number in range(draw(st.integers(1, 40))):
        at_ms += draw(st.integers(0, longest_step_ms))
        late_ms = draw(st.integers(0, latest_ms)) if latest_ms else 0
        side = draw(st.sampled_from((BUY, SELL, 0)))
        one = trade(max(0, at_ms - late_ms) / 1000, draw(prices), draw(sizes), side, number)
        found.append(msgspec.structs.replace(one, count=draw(st.integers(0, 3)) or 1))
    return found


@st.composite
def batches(draw: st.DrawFn, trades: list[Trade], marks: bool = True) -> list[Step]:
    """The trades cut into frames, with watermarks in between that do not run ahead of them."""
    steps: list[Step] = []
    rest, newest_ns = trades, 0
    while rest:
        size = draw(st.integers(1, 5))
        steps.append(("trades", rest[:size]))
        newest_ns = max(newest_ns, *(one.ts_event_ns for one in rest[:size]))
        rest = rest[size:]
        if marks and draw(st.booleans()):
            newest_ns = max(newest_ns, newest_ns + draw(st.integers(0, 900)) * 1_000_000)
            next_ns = min((one.ts_event_ns for one in rest), default=newest_ns)
            steps.append(("mark", min(newest_ns, max(next_ns, 1))))
    return steps
