"""No signal without fresh, whole inputs, and the reason is told."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.messages import Watermark
from protocol.record import RecordKind
from protocol.strategy import Needs
from protocol.topics import mark_topic
from tests.unit.actors.scanner.rig import COLLECTOR, VENUE, Rig, buy, ns, strategy

MINUTE = Needs(timeframe="1m", bars={"1m": 1})
VALUES = Needs(timeframe="1m", features={"1m": ("ema_3",)})
FLOW = Needs(timeframe="1m", flows={60.0: ("delta",)})


def rig(needs: Needs = MINUTE, **settings: Any) -> Rig:
    found = Rig(strategy(buy, needs), **settings)
    found.mark(0.0)
    found.quote(0.5)
    return found


def asked(found: Rig, at_s: float = 61.0) -> str:
    """Hold the round at which the first candle is looked at; returns why nothing was said."""
    said = found.mark(at_s)
    assert bool(said) == (not found.why)
    return found.why


def test_fresh_inputs_give_a_signal() -> None:
    found = rig()
    found.candle(60.0)
    found.quote(60.5)
    assert asked(found) == ""
    (signal,) = found.signals
    assert (signal.state, signal.entry, signal.ts_event_ns) == ("open", 100.5, ns(61.0))


@pytest.mark.parametrize(("quoted_s", "why"), [(51.0, ""), (50.999, "stale quote")])
def test_stale_quote(quoted_s: float, why: str) -> None:
    found = rig()
    found.quote(quoted_s)
    found.candle(60.0)
    assert asked(found) == why


def test_no_quote_yet_is_not_taken_for_a_question() -> None:
    """The candle's question comes with the first quote: a market of which only candles are heard has not begun."""
    found = Rig(strategy(buy, MINUTE))
    found.mark(0.0)
    found.candle(60.0)
    assert asked(found) == "no quote"
    found.quote(61.5)
    assert asked(found, 62.0).startswith("warming up"), "the candle ended before the market began"


@pytest.mark.parametrize("bid", [0.0, -1.0, float("nan"), float("inf")])
def test_a_quote_with_one_side_is_none(bid: float) -> None:
    found = rig()
    found.candle(60.0)
    found.quote(49.0)
    found.quote(60.5, bid=bid)
    assert asked(found) == "stale quote"
    assert found.fold.counters["quotes_refused"] == 1


def test_crossed_quote() -> None:
    found = rig()
    found.candle(60.0)
    found.quote(60.5, bid=101.0, ask=100.0)
    assert asked(found) == "crossed quote"


def test_a_late_quote_of_before_is_not_the_newest() -> None:
    found = rig()
    found.candle(60.0)
    found.quote(60.9, ask=101.0)
    found.quote(60.1, ask=102.0)
    assert asked(found) == ""
    assert found.signals[0].entry == 101.0


@pytest.mark.parametrize(
    ("states", "why"),
    [
        (["open"], "gap open"),
        (["open", "filling"], "gap open"),
        (["open", "filled"], ""),
        (["open", "unfillable"], ""),
    ],
)
def test_open_gap(states: list[str], why: str) -> None:
    found = rig()
    for state in states:
        found.gap("g-1", state, 30.0)
    found.candle(60.0)
    found.quote(60.5)
    assert asked(found) == why


def test_a_gap_counts_from_the_round_that_its_collector_said_it_for() -> None:
    found = rig()
    found.quote(60.5)
    found.mark(61.2)
    found.gap("g-1", "open", 61.3)
    found.candle(60.0)
    assert [signal.ts_event_ns for signal in found.signals] == [ns(61.0)], "the round was held up, not later"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"status": "gap"}, "gapped: 1m candles"),
        ({"coverage": 0.949}, "gapped: 1m candles"),
        ({"coverage": 0.95}, ""),
        ({"status": "quiet"}, ""),
    ],
)
def test_gapped_candle(values: dict[str, Any], why: str) -> None:
    found = rig()
    found.quote(60.5)
    found.candle(60.0, **values)
    assert asked(found) == why


def test_warming_up() -> None:
    found = Rig(strategy(buy, Needs(timeframe="1m", bars={"1m": 2})))
    found.mark(0.0)
    found.quote(0.5)
    for minute in (1, 2):
        found.candle(60.0 * minute)
        found.quote(60.0 * minute + 0.5)
        assert asked(found, 60.0 * minute + 1) == ("warming up: 1m candles" if minute == 1 else "")


@pytest.mark.parametrize(
    ("values", "coverage", "why"),
    [
        ({"ema_3": 1.0}, 1.0, ""),
        ({"ema_9": 1.0}, 1.0, "warming up: 1m ema_3"),
        ({"ema_3": 1.0}, 0.9, "gapped: 1m indicators"),
    ],
)
def test_indicators(values: dict[str, float], coverage: float, why: str) -> None:
    found = rig(VALUES)
    found.quote(60.5)
    found.candle(60.0)
    found.feature(60.0, values, coverage=coverage)
    assert asked(found) == why


@pytest.mark.parametrize(
    ("values", "more", "why"),
    [
        ({"delta": 1.0}, {}, ""),
        ({"vwap": 1.0}, {}, "warming up: delta of 60 s"),
        ({"delta": 1.0}, {"is_complete": False, "reason": "warm-up"}, "gapped: order flow of 60 s (warm-up)"),
        ({"delta": 1.0}, {"coverage": 0.9}, "gapped: order flow of 60 s (coverage)"),
    ],
)
def test_order_flow(values: dict[str, float], more: dict[str, Any], why: str) -> None:
    found = rig(FLOW)
    found.quote(60.5)
    found.candle(60.0)
    for second in range(1, 61):
        found.flow(float(second), values, **more)
    assert asked(found) == why


@pytest.mark.parametrize(
    ("needs", "come", "why"),
    [
        (MINUTE, (), "late: 1m candles"),
        (VALUES, ("candle",), "late: 1m indicators"),
        (FLOW, ("candle",), "late: order flow of 60 s"),
    ],
)
def test_late_inputs_hold_the_round_up_and_are_asked_for_again(
    needs: Needs, come: tuple[str, ...], why: str
) -> None:
    found = rig(needs)
    found.quote(60.5)
    if "candle" in come:
        found.candle(60.0)
    found.mark(61.0)
    assert found.fold.due() == {VENUE: found.fold.venues[VENUE].next_ns}
    held_ns = found.fold.venues[VENUE].next_ns
    found.quote(61.5)
    assert found.fold.venues[VENUE].next_ns == held_ns, "still waiting"
    while found.fold.due():
        found.fold.lapse(VENUE)
    assert found.why == why
    assert found.fold.counters["markets_late"] == 1
    found.candle(60.0)
    found.feature(60.0, {"ema_3": 1.0})
    found.flow(61.0, {"delta": 1.0})
    found.quote(61.9)
    assert [signal.state for signal in found.mark(62.0)] == ["open"], "it came late, and is looked at then"


def test_the_others_do_not_wait_for_one_that_was_given_up() -> None:
    found = rig()
    found.quote(0.6, symbol="ETH_USDT")
    found.candle(60.0, symbol="ETH_USDT")
    found.quote(60.5, symbol="ETH_USDT")
    found.quote(60.5)
    assert not found.mark(61.0)
    assert [signal.symbol for _, signals in found.fold.lapse(VENUE) for signal in signals] == ["ETH_USDT"]
    found.candle(120.0, symbol="ETH_USDT")
    found.mark(121.5)
    assert not found.fold.due(), "it is waited for only once it has come again"
    found.candle(120.0)
    found.mark(179.0)
    found.candle(180.0, symbol="ETH_USDT")
    found.mark(181.0)
    assert found.fold.due(), "now it is"


def test_venue_down_and_back() -> None:
    found = rig()
    found.candle(60.0)
    found.quote(60.5)
    found.mark(60.6, is_connected=False)
    said = found.mark(61.0, is_connected=False)
    assert (said, found.why) == ([], "venue down")
    found.candle(120.0)
    found.quote(120.5)
    assert asked(found, 121.0) == ""


def test_a_connection_that_is_lost_later_does_not_concern_a_round_that_was_held_up() -> None:
    found = rig()
    found.quote(60.5)
    found.mark(61.2)
    found.mark(61.4, is_connected=False)
    found.mark(62.2, is_connected=False)
    found.candle(60.0)
    assert [signal.ts_event_ns for signal in found.signals] == [ns(61.0)]
    assert found.fold.venues[VENUE].is_connected() is False


def test_one_of_two_collectors_is_enough() -> None:
    found = rig()
    name = "collector.binance.2"
    away = Watermark(name, VENUE, ns(61.2), False)
    found.candle(60.0)
    found.quote(60.5)
    second = type(found.collector)(name)
    found.hear(
        second.frame(mark_topic(name), [Watermark(name, VENUE, ns(0.2), False)], ns(0.2), RecordKind.TIME)
    )
    assert not found.mark(61.0), "the other one has not come so far"
    said = found.hear(second.frame(mark_topic(name), [away], ns(61.2), RecordKind.TIME))
    assert [signal.state for signal in said] == ["open"]


def test_a_collector_that_says_nothing_any_more_is_given_up() -> None:
    found = rig()
    name = "collector.binance.2"
    second = type(found.collector)(name)
    mark = Watermark(name, VENUE, ns(0.2), is_connected=True)
    found.hear(second.frame(mark_topic(name), [mark], ns(0.2), RecordKind.TIME))
    found.candle(60.0)
    found.quote(60.5)
    assert not found.mark(61.0)
    assert [signal.state for _, signals in found.fold.lapse(VENUE) for signal in signals] == ["open"]
    assert found.fold.counters["collectors_late"] == 1


def test_market_closed() -> None:
    """2023-11-17 22:00 UTC: New York closes for the weekend."""
    symbol = "EUR_USD"
    found = Rig(strategy(buy, Needs(timeframe="1m", each_second=True)))
    close_s = (1_700_258_400 * 10**9 - ns(0.0)) / 1e9
    found.mark(close_s - 120)
    found.quote(close_s - 119, symbol=symbol)
    found.candle(close_s - 60, symbol=symbol)
    found.quote(close_s - 0.5, symbol=symbol)
    found.candle(close_s, symbol=symbol)
    found.mark(close_s)
    assert found.fold.desk.why["tested", VENUE, symbol] == "market closed"


def test_times_that_nobody_believes() -> None:
    """One mark or quote of a wrong clock would end it for good."""
    found = rig()
    mark = Watermark(COLLECTOR, VENUE, ns(1e6), is_connected=True)
    found.hear(found.collector.frame(mark_topic(COLLECTOR), [mark], ns(30.0), RecordKind.TIME))
    assert found.fold.counters["rejected_watermark"] == 1
    wrong = found.collector.frame
    found.collector.frame = lambda topic, messages, _, *rest: wrong(topic, messages, ns(31.0), *rest)  # type: ignore[method-assign]
    found.quote(1e6)
    found.collector.frame = wrong  # type: ignore[method-assign]
    found.candle(60.0)
    found.quote(60.5)
    assert asked(found) == ""
    assert found.fold.counters["quotes_refused"] == 1
