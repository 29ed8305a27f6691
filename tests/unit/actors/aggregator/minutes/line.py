"""Minutes for the tests of what is made of them, and the same longer candles worked out the slow way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from actors.aggregator.minutes.builder import MinuteBuilder
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.messages import Bar, Feature
from protocol.sessions import NS_PER_S, Session, session_named

SYMBOL, VENUE = "EUR_USD", "rest"
MINUTE_NS = 60 * NS_PER_S
USUAL = ("1m", "5m", "15m", "1h", "4h", "1d")
SHORT = ("1m", "2m", "4m", "12m")
"""Timeframes short enough to see several of each in a small example."""
SMALL = ["rsi(3)", "ema(2)", "bbands(3,2)", "atr(2)", "vwap", "volume_ma(2)", "mom(2)"]


def at(text: str) -> int:
    """Nanoseconds of a UTC time like 2024-08-09T20:58."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


MONDAY = at("2024-08-12T12:00")


def builder(
    timeframes: Iterable[str] = USUAL,
    session: str | Session = "fx",
    keep: int | dict[str, int] = 1000,
    indicators: Iterable[str] = (),
    **settings: Any,
) -> MinuteBuilder:
    names = list(timeframes)
    calendar = session_named(session) if isinstance(session, str) else session
    made = AggregatorSettings(
        timeframes=names,
        keep_bars=keep if isinstance(keep, dict) else dict.fromkeys(names, keep),
        indicators=list(indicators),
        indicator_timeframes=names,
        **settings,
    )
    return MinuteBuilder(VENUE, SYMBOL, rules_of(made), calendar, Counter())


def minute(open_ns: int, *prices: float, **changes: Any) -> Bar:
    """A closed minute; prices are open, high, low, close, or the one that all four are."""
    o, h, l, c = prices if len(prices) == 4 else (prices or (100.0,)) * 4  # noqa: E741 - as everybody calls them
    changes = {"revision": 1, "status": "closed", "source": "yahoo", **changes}
    volume, vwap = changes.pop("volume", 0.0), changes.pop("vwap", c)
    bar = Bar(
        SYMBOL,
        VENUE,
        "1m",
        open_ns,
        open_ns + MINUTE_NS - 1,
        o,
        h,
        l,
        c,
        volume,
        0.0,
        0.0,
        vwap,
        0,
        "",
        1.0,
        0,
        "",
    )
    return msgspec.structs.replace(bar, **changes)  # fmt: skip


def quiet(open_ns: int, price: float, **changes: Any) -> Bar:
    return minute(open_ns, price, status="quiet", ts_event_ns=open_ns + MINUTE_NS, **changes)


def gap(open_ns: int, price: float, **changes: Any) -> Bar:
    return minute(open_ns, price, status="gap", coverage=0.0, reason="nobody", **changes)


def running(open_ns: int, *prices: float, **changes: Any) -> Bar:
    return minute(open_ns, *prices, **{"revision": 0, "status": "open", **changes})


def minutes(first_ns: int, count: int, session: str | Session = "fx", **changes: Any) -> list[Bar]:
    """So many minutes of the session from one on; their prices rise from 100 by 1 each."""
    calendar = session_named(session) if isinstance(session, str) else session
    found: list[Bar] = []
    open_ns = calendar.next_open_ns(first_ns)
    for number in range(count):
        price = 100.0 + number
        found.append(minute(open_ns, price, price + 0.5, price - 0.5, price + 0.25, **changes))
        open_ns = calendar.next_open_ns(open_ns + MINUTE_NS)
    return found


class Tape:
    """What a builder published, frame by frame."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self.by_topic: dict[str, list[Any]] = {}

    def take(self, made: MinuteBuilder) -> list[Any]:
        output = made.take()
        assert len({topic for topic, _ in output}) == len(output), "a topic has two frames"
        for topic, messages in output:
            assert messages
            self.by_topic.setdefault(topic, []).extend(messages)
        taken = [one for _, messages in output for one in messages]
        self.all += taken
        return taken

    def of(self, kind: type[Any], timeframe: str) -> list[Any]:
        return [one for one in self.all if isinstance(one, kind) and one.timeframe == timeframe]

    def closed(self, timeframe: str) -> dict[int, Bar]:
        """The newest revision of each closed candle."""
        found: dict[int, Bar] = {}
        for bar in self.of(Bar, timeframe):
            if bar.revision:
                before = found.get(bar.ts_open_ns)
                assert bar.revision == (before.revision if before else 0) + 1, (
                    "a revision is skipped or repeated"
                )
                found[bar.ts_open_ns] = bar
        return dict(sorted(found.items()))

    def features(self, timeframe: str) -> dict[int, Feature]:
        """The newest feature of each closed candle."""
        found = {one.ts_open_ns: one for one in self.of(Feature, timeframe) if one.revision}
        return dict(sorted(found.items()))


def play(made: MinuteBuilder, bars: Sequence[Bar], tape: Tape | None = None, frame: int = 500) -> Tape:
    """Feed minutes in frames of so many."""
    tape = tape or Tape()
    for start in range(0, len(bars), frame):
        made.add(bars[start : start + frame])
        tape.take(made)
    return tape


def fold(bars: Sequence[Bar], **settings: Any) -> Tape:
    return play(builder(**settings), bars)


def slow_candles(told: dict[int, Bar], timeframe: str, session: Session) -> dict[int, dict[str, Any]]:
    """The closed candles of minutes by sorting them, each with what must be equal exactly.

    A minute that never came is a gap at the close before.
    """
    first_ns, last_ns = min(told), max(told)
    next_ns = session.next_open_ns(last_ns + MINUTE_NS)
    known: list[Bar] = []
    for open_ns in range(first_ns, last_ns + MINUTE_NS, MINUTE_NS):
        if session.is_open(open_ns):
            known.append(told.get(open_ns) or gap(open_ns, known[-1].close, source=VENUE, ts_recv_ns=0))
    groups: dict[int, list[Bar]] = {}
    for bar in known:
        groups.setdefault(session.bar_open_ns(bar.ts_open_ns, timeframe), []).append(bar)
    return {
        open_ns: _slow_candle(open_ns, group, timeframe, session)
        for open_ns, group in sorted(groups.items())
        if session.bar_close_ns(open_ns, timeframe) <= next_ns
    }


def _slow_candle(open_ns: int, group: list[Bar], timeframe: str, session: Session) -> dict[str, Any]:
    close_ns = session.bar_close_ns(open_ns, timeframe)
    total = sum(session.is_open(one) for one in range(open_ns, close_ns, MINUTE_NS))
    with_data = [bar for bar in group if bar.status == "closed"]
    seen = sum(bar.coverage for bar in group)
    prices = with_data or [minute(open_ns, group[-1].close)]
    sources = {bar.source for bar in with_data or group}
    repaired, gaps = sum(bar.reason != "" for bar in with_data), total - int(seen)
    volume = sum(bar.volume for bar in group)
    reasons = [f"{repaired} minute{'s' * (repaired > 1)} repaired"] * bool(repaired)
    reasons += [f"{gaps} gap{'s' * (gaps > 1)}"] * bool(gaps)
    return {
        "open": prices[0].open,
        "high": max(bar.high for bar in prices),
        "low": min(bar.low for bar in prices),
        "close": prices[-1].close,
        "volume": volume,
        "count": sum(bar.count for bar in group),
        "status": "gap" if seen < total else "closed" if with_data else "quiet",
        "coverage": seen / total,
        "source": sources.pop() if len(sources) == 1 else VENUE,
        "ts_recv_ns": max(bar.ts_recv_ns for bar in group),
        "is_adjusted": any(bar.is_adjusted for bar in group),
        "ts_event_ns": with_data[-1].ts_event_ns if with_data else close_ns,
        "reason": ", ".join(reasons),
    }


def fields(bar: Bar) -> dict[str, Any]:
    """Those of a candle that `slow_candles` works out."""
    names = ("open", "high", "low", "close", "volume", "count", "status", "coverage", "source", "ts_recv_ns",
             "is_adjusted", "ts_event_ns", "reason")  # fmt: skip
    return {name: getattr(bar, name) for name in names}


STARTS = {
    "crypto": at("2024-08-12T11:53"),
    "fx": at("2024-08-09T20:40"),  # twenty minutes before the week ends
    "us_equity": at("2024-08-12T19:45"),  # a quarter of an hour before the day ends
    "cme": at("2024-08-12T20:47"),
}


def bar_of(rng: Random, open_ns: int, revision: int, before: float) -> Bar:
    """A minute of any kind."""
    status = rng.choice(("closed",) * 5 + ("quiet", "gap"))
    known: dict[str, Any] = {"revision": revision, "source": rng.choice(("yahoo", "yahoo", "polygon"))}
    known["ts_recv_ns"] = open_ns + rng.choice((2, 300)) * MINUTE_NS
    if status == "quiet":
        return quiet(open_ns, before, reason="nobody has a bar", **known)
    if status == "gap":
        return gap(open_ns, before, **known)
    low = rng.randint(90, 110)
    opened, closed = low + rng.randint(0, 4), low + rng.randint(0, 4)
    high = max(opened, closed) + rng.randint(0, 2)
    known |= {"volume": float(rng.randint(0, 9)), "count": rng.randint(0, 3)}
    known |= {"reason": rng.choice(("", "", "spike cut")), "is_adjusted": rng.random() < 0.2}
    return minute(open_ns, float(opened), float(high), float(low), float(closed), **known)


_KINDS = ("close",) * 6 + ("run", "skip", "amend")


@st.composite
def streams(draw: st.DrawFn, most: int = 50) -> tuple[Session, list[Bar]]:
    """A calendar, and minutes as they come: closed ones with some left out, running ones, corrections in between."""
    name = draw(st.sampled_from(sorted(STARTS)))
    rng = Random(draw(st.integers(0, 1 << 32)))
    session = session_named(name)
    next_ns, price = STARTS[name], 100.0
    found: list[Bar] = []
    newest: dict[int, Bar] = {}
    count = draw(st.integers(1, most))
    for kind in draw(st.lists(st.sampled_from(_KINDS), min_size=count, max_size=count)):
        if kind == "skip" and newest:
            for _ in range(rng.randint(1, 9)):
                next_ns = session.next_open_ns(next_ns + MINUTE_NS)
        elif kind == "run":
            ahead_ns = next_ns + rng.randint(0, 2) * MINUTE_NS
            if session.is_open(ahead_ns):
                price = float(rng.randint(90, 110))
                found.append(running(ahead_ns, price, status=rng.choice(("open", "stale"))))
        elif kind == "amend" and newest:
            open_ns = rng.choice(sorted(newest))
            found.append(bar_of(rng, open_ns, newest[open_ns].revision + 1, float(rng.randint(90, 110))))
            newest[open_ns] = found[-1]
        else:
            found.append(bar_of(rng, next_ns, 1, price))
            newest[next_ns], price = found[-1], found[-1].close
            next_ns = session.next_open_ns(next_ns + MINUTE_NS)
    return session, found


def newest_of(bars: Iterable[Bar]) -> dict[int, Bar]:
    """The newest revision of each minute that is closed."""
    found: dict[int, Bar] = {}
    for bar in bars:
        if bar.revision > (found[bar.ts_open_ns].revision if bar.ts_open_ns in found else 0):
            found[bar.ts_open_ns] = bar
    return found
