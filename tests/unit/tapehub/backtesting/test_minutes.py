"""One candle as the prices that it touched."""

from __future__ import annotations

from collections import Counter

import pytest

from protocol.messages import Bar
from tapehub.backtesting.minutes import Minute, is_inside, minutes_of
from tapehub.backtesting.runs import Costs
from tests.unit.tapehub.backtesting.rig import (
    MINUTE_NS,
    PIP,
    START_NS,
    Cross,
    CrossParams,
    minute,
    run,
    walk,
)

PRICES = (1.1, 1.1020, 1.0990, 1.1010)


def groups(bars: list[Bar], half: float = 0.0) -> tuple[list[list[Minute]], Counter[str]]:
    counters: Counter[str] = Counter()
    return list(minutes_of(bars, "paper", lambda _: half, counters)), counters


def test_the_worst_comes_before_the_best_on_either_side() -> None:
    ((one,),), _ = groups([minute(0, PRICES)], half=0.0001)
    opens, worst, best, close = one.touches
    assert opens == (START_NS, pytest.approx(1.0999), pytest.approx(1.1001))
    assert worst[1:] == (pytest.approx(1.0989), pytest.approx(1.1021))
    assert best[1:] == (pytest.approx(1.1019), pytest.approx(1.0991))
    assert close[1:] == (pytest.approx(1.1009), pytest.approx(1.1011))
    assert opens[0] < worst[0] < best[0] < close[0] < START_NS + MINUTE_NS
    assert worst[0] > START_NS + 59 * 10**9, "no second of the minute sees it before it is over"
    assert [is_inside(touch[0]) for touch in one.touches] == [False, True, True, True]


def test_bid_and_ask_are_one_candle_with_their_own_spread() -> None:
    ask = minute(0, [one + 0.0003 for one in PRICES], source="ask")
    ((one,),), _ = groups([minute(0, PRICES, source="bid"), ask], half=9.0)
    assert one.touches[0][1:] == (1.1, pytest.approx(1.1003))
    assert one.bar.close == pytest.approx(1.10115)
    assert not one.bar.validate()


def test_one_side_alone_is_not_used_and_counted() -> None:
    found, counters = groups([minute(0, PRICES, source="bid"), minute(1, PRICES)])
    assert [len(group) for group in found] == [1]
    assert counters["bars_unpaired"] == 1


@pytest.mark.parametrize("status", ["quiet", "gap"])
def test_a_candle_without_prices_touches_nothing(status: str) -> None:
    ((one,),), _ = groups([minute(0, PRICES, status=status)])
    assert not one.touches
    assert one.bar.status == status


def test_time_that_goes_back_is_refused() -> None:
    with pytest.raises(ValueError, match="goes back"):
        groups([minute(1, PRICES), minute(0, PRICES)])


def test_an_idea_without_a_next_minute_is_not_entered() -> None:
    """Of the last candle before a hole nothing is bought: there is no price to buy at."""
    bars = walk(3, 200)
    entries = [trade.ts_entry_ns for trade in run(Cross(CrossParams()), bars, cooldown_s=0.0).ledger.trades]
    assert len(entries) > 3
    for entry_ns in entries[:3]:
        holed = [bar for bar in bars if not entry_ns <= bar.ts_open_ns < entry_ns + 3 * MINUTE_NS]
        others = run(Cross(CrossParams()), holed, cooldown_s=0.0).ledger.trades
        assert not [one for one in others if entry_ns <= one.ts_entry_ns < entry_ns + 3 * MINUTE_NS]


def test_spread_and_costs_are_paid() -> None:
    bars = walk(3, 200)
    free = run(Cross(CrossParams(stop_pips=500.0, target_pips=500.0)), bars, cooldown_s=0.0, expires_s=300.0)
    dear = run(
        Cross(CrossParams(stop_pips=500.0, target_pips=500.0)),
        bars,
        Costs(0.4, 1.1),
        cooldown_s=0.0,
        expires_s=300.0,
    )
    assert len(free.ledger.trades) == len(dear.ledger.trades) > 5
    for one, other in zip(free.ledger.trades, dear.ledger.trades, strict=True):
        assert other.pips == pytest.approx(one.pips - 1.5)
        assert abs(other.entry - one.entry) == pytest.approx(0.55 * PIP)
