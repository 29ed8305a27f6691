"""Volume delta, vwap, large trades, inferred aggressors and sweeps, against their definitions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.messages import BUY, SELL
from tests.unit.actors.orderflow import reference
from tests.unit.actors.orderflow.tape import Heard, gap, ns, quote, trade

LARGE = 300.0
LEFT_OUT = (
    "cvd",
    "sweeps_buy",
    "sweeps_sell",
    "quotes",
    "ofi",
    "spread",
    "mid",
    "book_imbalance",
    "microprice",
)


@st.composite
def events(draw):
    """Trades and quotes in order of arrival; times in order per kind, quotes may run ahead of trades."""
    at_ms, found, number = 1, [], 0
    for _ in range(draw(st.integers(1, 30))):
        at_ms += draw(st.integers(0, 700))
        price = draw(st.integers(995, 1005)) / 10
        if draw(st.booleans()):
            number += 1
            size = draw(st.integers(0, 40)) / 8
            side = draw(st.sampled_from((BUY, SELL, 0)))
            found.append(trade(at_ms / 1000, price, size, side, number, count=draw(st.integers(0, 3))))
        else:
            found.append(quote(at_ms / 1000, price, price + 0.1))
    return found


@given(events())
@settings(max_examples=40, deadline=None)
def test_every_window_is_what_the_definitions_give(played):
    heard = Heard(large_trade_notional=LARGE).play(*played)
    end_s = (played[-1].ts_event_ns - ns(0)) // 1_000_000_000 + 6
    heard.play(("mark", end_s + 0.25))
    trades = [one for one in played if one.KIND == "trade"]
    sides = reference.sides_of(trades, [one for one in played if one.KIND == "quote"])
    first_ns = min((one.ts_event_ns for one in trades), default=ns(9999))
    for window_s in (5.0, 20.0):
        for second, flow in heard.flows(window_s).items():
            if ns(second) <= first_ns:
                assert "delta" not in flow.values
                continue
            window = ns(second - window_s), ns(second)
            expected = reference.trade_values(trades, sides, *window, LARGE)
            found = {name: value for name, value in flow.values.items() if name not in LEFT_OUT}
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
            everything = reference.trade_values(trades, sides, 0, ns(second), LARGE)
            assert flow.values["cvd"] == pytest.approx(everything["delta"], abs=1e-9)
            inferred = sum(
                one.size
                for one, side in zip(trades, sides, strict=True)
                if side and not one.side and window[0] <= one.ts_event_ns < window[1]
            )
            total = sum(expected[f"{name}_volume"] for name in ("buy", "sell", "unknown"))
            assert flow.inferred_share == pytest.approx(inferred / total if total else 0.0)


def sides_found(*played):
    values = Heard().play(*played, ("mark", 1.25)).flows()[1.0].values
    return values["buy_volume"], values["sell_volume"], values["unknown_volume"]


def test_the_quote_strictly_before_the_trade_decides():
    low, high = quote(0.1, 90, 92), quote(0.2, 110, 112)
    assert sides_found(low, high, trade(0.2, 100, side=0)) == (1, 0, 0)
    assert sides_found(low, high, trade(0.201, 100, side=0)) == (0, 1, 0)
    # quotes that came before the trade on the wire, but are of later venue time
    assert sides_found(low, trade(0.11, 95, side=0), high, trade(0.15, 100, side=0)) == (2, 0, 0)


def test_at_the_mid_the_last_change_of_price_decides():
    before = quote(0.1, 99, 101), trade(0.2, 99.5, size=4, side=BUY)
    assert sides_found(*before, trade(0.3, 100, side=0), trade(0.4, 100, side=0)) == (6, 0, 0)
    assert sides_found(trade(0.3, 100, side=0)) == (0, 0, 1)
    after_gap = trade(0.1, 99, side=BUY), gap(0.1, 0.2), trade(0.3, 100, side=0)
    assert sides_found(*after_gap) == (1, 0, 1)


def test_a_trade_counts_once_and_impossible_ones_not_at_all():
    bad = [
        trade(0.2, -1.0, number=3),
        trade(0.2, float("nan"), number=4),
        trade(0.2, size=float("inf"), number=5),
    ]
    heard = Heard().play(
        [trade(0.1, number=1), trade(0.1, number=2)], [trade(0.1, number=2)], bad, ("mark", 1.25)
    )
    assert heard.flows()[1.0].values["count"] == 2
    assert (heard.counters["repeated_trades"], heard.counters["rejected_value"]) == (1, 3)


def test_the_threshold_of_large_trades_may_differ_by_symbol():
    played = (trade(0.1, 100, 2, number=1), trade(0.2, 100, 3, number=2), ("mark", 1.25))
    values = Heard(large_trade_notional=300.0).play(*played).flows()[1.0].values
    assert (values["large_count"], values["large_share"]) == (1, 0.6)
    other = Heard(large_trade_notional=300.0, large_trade_notionals={"BTC_USDT": 1000.0}).play(*played)
    assert other.flows()[1.0].values["large_share"] == 0


# sweeps


def burst(*rows, side=BUY):
    return [trade(0.1 + ms / 1000, price, 2.0, side, number) for number, (ms, price) in enumerate(rows, 1)]


def test_trades_through_three_prices_within_the_time_are_one_sweep():
    heard = Heard().play(burst((0, 100), (1, 100), (2, 101), (5, 103)), ("mark", 0.105))
    assert heard.sweeps == []
    heard.play(("mark", 0.2), ("mark", 1.25))
    (sweep,) = heard.sweeps
    assert (sweep.side, sweep.levels, sweep.count, sweep.size, sweep.notional) == (BUY, 3, 4, 8.0, 808.0)
    assert (sweep.first_price, sweep.last_price, sweep.vwap) == (100, 103, 101)
    assert (sweep.ts_first_ns, sweep.ts_event_ns) == (ns(0.1), ns(0.105))
    assert heard.flows()[1.0].values["sweeps_buy"] == 1
    assert heard.flows()[1.0].values["sweeps_sell"] == 0


def test_a_sweep_of_sells_goes_down_and_its_end_is_seen_by_the_next_trade():
    heard = Heard().play(burst((0, 103), (0, 102), (0, 101), side=SELL), trade(0.1, 100, side=BUY, number=9))
    (sweep,) = heard.sweeps
    assert (sweep.side, sweep.last_price) == (SELL, 101)


@pytest.mark.parametrize(
    "rows",
    [
        ((0, 100), (1, 101)),
        ((0, 100), (1, 101), (6, 102)),
        ((0, 100), (1, 101), (2, 100), (3, 101)),
        ((0, 102), (1, 101), (2, 100)),
        ((0, 100), (1, 100), (2, 100)),
    ],
    ids=["two prices", "too late", "back in price", "the wrong way", "one price"],
)
def test_what_is_no_sweep(rows):
    assert Heard().play(burst(*rows), ("mark", 2.0)).sweeps == []


def test_a_sweep_needs_the_notional_that_is_asked_for_and_live_trades():
    rows = burst((0, 100), (1, 101), (2, 102))
    assert Heard(sweep_notional=607.0).play(rows, ("mark", 1)).sweeps == []
    assert len(Heard(sweep_notional=606.0).play(rows, ("mark", 1)).sweeps) == 1
    assert Heard().play(trade(0.0, number=99), ("repaired", rows), ("mark", 1)).sweeps == []


def test_a_sweep_over_several_frames_and_a_gap_that_ends_it():
    rows = burst((0, 100), (1, 101), (2, 102), (3, 103))
    assert [one.levels for one in Heard().play(*rows, ("mark", 1)).sweeps] == [4]
    cut = Heard().play(rows[:2], gap(0.101, 0.102), rows[2:], ("mark", 1))
    assert cut.sweeps == []


def test_an_inferred_sweep_says_so():
    heard = Heard().play(quote(0.0, 99, 99.5), burst((0, 100), (1, 101), (2, 102), side=0), ("mark", 1))
    assert [(one.side, one.is_inferred) for one in heard.sweeps] == [(BUY, True)]


@given(events())
@settings(max_examples=30, deadline=None)
def test_sweeps_are_runs_of_trades_that_no_longer_run_holds(played):
    heard = Heard(sweep_levels=2, sweep_ms=700.0).play(*played, ("mark", 60))
    trades = [one for one in played if one.KIND == "trade"]
    sides = reference.sides_of(trades, [one for one in played if one.KIND == "quote"])
    expected, start = [], 0
    while start < len(trades):
        stop = start + 1
        while (
            stop < len(trades)
            and sides[start]
            and sides[stop] == sides[start]
            and trades[stop].ts_event_ns - trades[start].ts_event_ns <= 700_000_000
            and (trades[stop].price - trades[stop - 1].price) * sides[start] >= 0
        ):
            stop += 1
        run = trades[start:stop]
        if len({one.price for one in run}) >= 2 and sum(one.size for one in run) > 0:
            expected.append(
                (run[0].ts_event_ns, run[-1].ts_event_ns, sides[start], len({one.price for one in run}))
            )
        start = stop
    assert [(one.ts_first_ns, one.ts_event_ns, one.side, one.levels) for one in heard.sweeps] == expected
