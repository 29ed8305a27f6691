"""Pages of bars to be judged: walks of prices, sound ones, and what providers make of them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.judged import Judged, Market, Opinion
from actors.collector.bars.judging.spikes import limit_of, true_range
from actors.collector.bars.providers.provider import MINUTE_NS, ProviderBar
from protocol.sessions import NS_PER_S, session_named

Others = dict[int, list[Opinion]]


def at(text: str) -> int:
    """A moment in UTC, ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


MONDAY_NS: Final = at("2024-01-08T15:00")
"""All sessions are open for hours."""
FX: Final = Market("EUR_USD", "fx", 0.00001, session_named("fx"), 0.001)
SHARE: Final = Market("AAPL", "equity", 0.01, session_named("us_equity"), 0.004)
COIN: Final = Market("BTC_USD", "crypto", 0.01, session_named("crypto"), 0.004)
MARKETS: Final = (FX, SHARE, COIN)


def walk(
    n: int, seed: int = 1, price: float = 1.15, start_ns: int = MONDAY_NS, step: float = 0.0001
) -> list[ProviderBar]:
    """Minutes of a market that moves by about `step`, a share, from one to the next."""
    dice = random.Random(seed)
    bars = []
    for number in range(n):
        close = price * (1.0 + dice.gauss(0.0, step))
        high = max(price, close) * (1.0 + dice.random() * step)
        low = min(price, close) * (1.0 - dice.random() * step)
        bars.append(ProviderBar(start_ns + number * MINUTE_NS, price, high, low, close))
        price = close
    return bars


def scaled(bar: ProviderBar, ratio: float) -> ProviderBar:
    """As it would be at another price level."""
    return replace(
        bar, open=bar.open * ratio, high=bar.high * ratio, low=bar.low * ratio, close=bar.close * ratio
    )


def moved(bar: ProviderBar, minutes: int) -> ProviderBar:
    """The same bar, so many minutes later."""
    return replace(bar, ts_open_ns=bar.ts_open_ns + minutes * MINUTE_NS)


def spiked(
    bar: ProviderBar, kind: str, around: Sequence[ProviderBar], distance: float, *, is_up: bool
) -> ProviderBar:
    """A bar that goes so far beyond those around, with all of it, its wick, its close or its open."""
    edge = max(one.high for one in around) if is_up else min(one.low for one in around)
    price = edge + distance if is_up else edge - distance
    if kind == "all":
        ratio = price / (bar.low if is_up else bar.high)
        return scaled(bar, ratio)
    if kind in ("high", "low"):
        return replace(bar, high=price) if is_up else replace(bar, low=price)
    return replace(bar, **{"high" if is_up else "low": price, kind: price})


def opinions(bars: Sequence[ProviderBar], *providers: str) -> Others:
    """What others say, if all of them say this."""
    return {bar.ts_open_ns: [Opinion(name, bar) for name in providers] for bar in bars}


def limit_at(bars: Sequence[ProviderBar], place: int, market: Market, *, has_next: bool = True) -> float:
    """Longest excursion that is believed of one bar of a page."""
    ranges = [true_range(bars[one - 1] if one else None, bars[one]) for one in range(place)]
    return limit_of(market, ranges, bars[place - 1].close, has_next=has_next)


def verdicts(
    bars: Sequence[ProviderBar],
    market: Market = FX,
    before: Sequence[ProviderBar] = (),
    others: Mapping[int, Sequence[Opinion]] = {},
) -> dict[int, Judged]:
    """Index to verdict of those that are not simply accepted."""
    judged = judge(bars, market, before, others)
    return {place: one for place, one in enumerate(judged) if one.verdict != "accept" or one.reasons}


def accepted(judged: Sequence[Judged]) -> list[ProviderBar]:
    """Bars that may be published, in their order."""
    return [one.bar for one in judged if one.bar is not None and one.verdict in ("accept", "repair")]


def is_lawful(bar: ProviderBar) -> bool:
    """What `Bar.validate` wants of prices and volume."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    return (
        all(0.0 < price < math.inf for price in prices)
        and bar.low <= min(bar.open, bar.close)
        and max(bar.open, bar.close) <= bar.high
        and (bar.volume is None or 0.0 <= bar.volume < math.inf)
    )


# what hypothesis draws

SPIKES: Final = ("all", "high", "low", "close", "open")
"""What of a bar is far away: all of it, a wick, its close, its open."""
numbers = st.floats(width=64) | st.sampled_from([0.0, -1.0, 1.15, 1.16, 2.3, 5e-324, 1.7e308])
moments = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 400).map(lambda minute: MONDAY_NS + minute * MINUTE_NS)
    | st.integers(0, 10**12).map(lambda late_ns: MONDAY_NS + late_ns)
)
rubbish: st.SearchStrategy[ProviderBar] = st.builds(
    ProviderBar,
    moments,
    numbers,
    numbers,
    numbers,
    numbers,
    st.none() | numbers,
    st.integers(-5, 5),
    numbers,
    st.booleans(),
)


@st.composite
def faulty_pages(draw: Any) -> tuple[Market, list[ProviderBar], Others]:
    """A walk with faults of all kinds and sizes in it, and what others say of some of its minutes."""
    market = draw(st.sampled_from(MARKETS))
    step = draw(st.sampled_from([0.0, 0.00005, 0.0005]))
    bars = walk(draw(st.integers(1, 120)), draw(st.integers(0, 99)), step=step)
    truth = list(bars)
    others: Others = {}
    for _ in range(draw(st.integers(0, 8))):
        place = draw(st.integers(0, len(bars) - 1))
        ratio = draw(st.sampled_from([0.25, 0.5, 0.9, 0.99, 0.997, 1.0005, 1.004, 1.02, 1.5, 2.0, 4.0]))
        bar = bars[place]
        kind = draw(
            st.sampled_from(["all", "high", "low", "close", "open", "tail", "hole", "again", "early"])
        )
        if kind == "all":
            bars[place] = scaled(bar, ratio)
        elif kind == "tail":
            bars[place:] = [scaled(one, ratio) for one in bars[place:]]
        elif kind == "hole" and len(bars) > 1:
            del bars[place]
        elif kind == "again":
            bars.insert(place, scaled(bar, ratio))
        elif kind == "early":
            bars[place] = moved(bar, draw(st.integers(-9, 9)))
        elif kind in ("high", "low", "close", "open"):
            bars[place] = replace(bar, **{kind: getattr(bar, kind) * ratio})
    for _ in range(draw(st.integers(0, 12))):
        said = draw(st.sampled_from(draw(st.sampled_from([bars, truth]))))
        told = others.setdefault(said.ts_open_ns, [])
        told.append(Opinion(draw(st.sampled_from(["polygon", "yahoo", "twelvedata"])), said))
    return market, bars, others
