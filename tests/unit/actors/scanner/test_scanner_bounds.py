"""What is remembered is bounded, however long a round is held up and whatever comes; and thinning loses nothing."""

from __future__ import annotations

import random

import pytest

from actors.scanner.life import ended
from actors.scanner.market import MOST_FLOWS
from actors.scanner.series import MOST_QUEUED, Series, ends_of
from actors.scanner.touches import MANY, Touches, thinned
from protocol.messages import BUY, SELL, Bar, Quote, Signal
from protocol.strategy import Needs
from tests.support.scanner_world import NS
from tests.unit.actors.scanner.rig import SYMBOL, VENUE, Rig, buy, ns, strategy


def quotes(draw: random.Random, count: int, start_ns: int) -> list[Quote]:
    price, at_ns, found = 100.0, start_ns, []
    for _ in range(count):
        at_ns += draw.choice([0, 1_000_000, 20_000_000])
        price += draw.gauss(0.0, 0.05)
        late_ns = draw.choice([0] * 20 + [300_000_000, 2_500_000_000])
        found.append(
            Quote(SYMBOL, VENUE, at_ns - late_ns, at_ns, price, price + draw.choice([0.5, 0.6]), 1.0, 1.0)
        )
    return found


@pytest.mark.parametrize("seed", range(10))
def test_thinned_quotes_end_every_signal_as_all_of_them_do(seed: int) -> None:
    draw = random.Random(seed)
    whole, thin, sent = Touches(), Touches(), quotes(draw, 1500, ns(0))
    due_ns = ns(0)
    for quote in sent:
        due_ns = max(due_ns, quote.ts_recv_ns // NS * NS + NS)
        for one in (whole, thin):
            one.add([quote], "collector", due_ns, ns(1e6))
    thin.waiting = {name: thinned(waiting) for name, waiting in thin.waiting.items()}
    assert len(thin.waiting["collector"]) < 0.6 * len(sent)
    newest = 0.0
    for second in range(1, 20):
        all_of_them, few = whole.take(ns(second)), thin.take(ns(second))
        assert all_of_them[-1:] == few[-1:]
        for _ in range(40):
            side, opened = draw.choice([BUY, SELL]), draw.choice([second - 1, second - 2])
            entry = 100.0 + draw.gauss(0.0, 0.5)
            signal = Signal(
                SYMBOL, "s", ns(opened), side, entry, entry - side * draw.random(), entry + side * draw.random(), 0.5, {},
                ts_opened_ns=ns(opened), ts_expires_ns=ns(second + draw.choice([-0.5, 1.0])),
            )  # fmt: skip
            assert ended(signal, few, ns(second)) == ended(signal, all_of_them, ns(second))
            newest += 1
    assert newest == 19 * 40


def test_quotes_that_wait_are_thinned_out() -> None:
    found = Rig(strategy(buy))
    found.warm()
    draw = random.Random(1)
    waiting = found.fold.markets[VENUE, SYMBOL]
    for second in range(100, 110):
        sent = [
            Quote(SYMBOL, VENUE, ns(second + place / 2000), 0, 100.0 + draw.random(), 101.0, 1.0, 1.0)
            for place in range(1500)
        ]
        waiting.take_quotes(sent, "collector.binance.1", ns(62.0), ns(1e6))
    assert len(waiting.state().touches["collector.binance.1"]) < MANY


def test_a_quote_that_is_ahead_does_not_hold_up_those_behind_it() -> None:
    found = Touches()
    for at_s in (5.0, 0.5, 0.7):
        found.add([Quote(SYMBOL, VENUE, ns(at_s), 0, at_s + 1, at_s + 2, 1.0, 1.0)], "c", ns(0), ns(1e6))
    assert [touch[0] for touch in found.take(ns(1.0))] == [ns(0.5), ns(0.7)]
    assert [touch[0] for touch in found.take(ns(5.0))] == [ns(5.0)]
    assert not found.waiting["c"]


def test_order_flow_far_ahead() -> None:
    found = Rig(strategy(buy, Needs(timeframe="1m", flows={60.0: ("delta",)})))
    found.mark(0.0)
    for second in range(MOST_FLOWS + 50):
        found.flow(float(second), {"delta": 1.0})
    assert found.fold.counters["flows_dropped"] == 50
    assert len(found.fold.markets[VENUE, SYMBOL].state().flows[60.0]) == MOST_FLOWS


def test_a_flood_of_revisions() -> None:
    series: Series[Bar] = Series(3, ends_of(VENUE, "crypto", "1m", 0))
    for revision in range(1, 2 * MOST_QUEUED):
        series.add(
            Bar(
                SYMBOL,
                VENUE,
                "1m",
                ns(0),
                ns(59),
                1.0,
                1.0,
                1.0,
                1.0,
                0,
                0,
                0,
                1.0,
                1,
                "closed",
                1.0,
                revision,
                "trade",
            )
        )
    assert len(series.state()[1]) == MOST_QUEUED
    series.advance(ns(60))
    assert len(series.taken) == 1


def test_headlines() -> None:
    found = Rig(strategy(buy))
    for number in range(3000):
        found.news(number / 10, number / 10, f"headline {number}")
    assert len(found.fold.desk.headlines) == 2000
    found.news(8000.0, 8000.0)
    assert [one.ts_ns for one in found.fold.desk.headlines] == [ns(8000.0)]


def test_a_headline_of_the_future_does_not_drive_out_the_others() -> None:
    found = Rig(strategy(buy))
    found.news(10.0, 1e7)
    found.news(20.0, 15.0)
    assert [one.ts_ns for one in found.fold.desk.headlines] == [ns(10.0), ns(15.0)]


def test_pauses_of_what_is_asked_no_more_are_forgotten() -> None:
    found = Rig(strategy(buy, name="a"), strategy(buy, name="b"))
    found.warm()
    found.quote(61.25, 90.0, 90.1)
    found.mark(62.0)
    state = found.fold.desk.state()
    assert len(state.ended_ns) == 2
    other = Rig(strategy(buy, name="b"))
    other.fold.restore(found.fold.snapshot())
    assert [key[0] for key, _ in other.fold.desk.state().ended_ns] == ["b"]


def test_a_later_candle_is_not_seen_before_its_time() -> None:
    """One that was missing is said behind its successor: the successor still has to wait."""
    series: Series[Bar] = Series(3, ends_of(VENUE, "crypto", "1m", 0))

    def bar(minute: int) -> Bar:
        return Bar(
            SYMBOL,
            VENUE,
            "1m",
            ns(60 * minute),
            0,
            1.0,
            1.0,
            1.0,
            1.0,
            0,
            0,
            0,
            1.0,
            1,
            "closed",
            1.0,
            1,
            "trade",
        )

    for minute in (0, 2, 1):
        series.add(bar(minute))
    series.advance(ns(120))
    assert [one.ts_open_ns for one in series.taken] == [ns(0)]
    series.advance(ns(180))
    assert [one.ts_open_ns for one in series.taken] == [ns(0), ns(120)]
