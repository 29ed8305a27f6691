"""Frames in, flows out: who feeds what, futures that stand for a pair, rubbish, and going on from a snapshot."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.orderflow.fold import Fold
from actors.orderflow.mapping import mapping_problems
from protocol.codec import encode_events
from protocol.consumer import Hole
from protocol.errors import ConfigError, PayloadError, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.messages import BUY, SELL, Flow, Footprint
from tests.unit.actors.orderflow.tape import CATALOG, Collector, Heard, book, gap, ns, quote, rules, trade

FUTURES = [
    Instrument(symbol="EUR_USD", session="fx", tick_size=0.00001),
    Instrument(symbol="GBP_USD", session="fx"),
    Instrument(symbol="USD_JPY", session="fx", tick_size=0.001),
    Instrument(
        symbol="6E.FUT", session="cme", flow_for="EUR_USD", venues={"binance": ":6E"}, tick_size=0.00005
    ),
    Instrument(symbol="6B.FUT", session="cme", flow_for="GBP_USD", venues={"binance": ":6B"}),
    Instrument(
        symbol="6J.FUT", session="cme", flow_for="USD_JPY", inverse_of="USD_JPY", venues={"binance": ":6J"}
    ),
]


def named(symbol, event):
    return msgspec.structs.replace(event, symbol=symbol)


def test_a_publisher_moves_only_what_it_feeds():
    heard, second = Heard(), Collector("collector.binance.2")
    heard.play(trade(0.0))
    heard.apply(second.frame(trade(0.0, symbol="ETH_USDT")))
    assert {topic for topic, _ in heard.apply(second.mark(9.0))} >= {"flow.binance.ETH_USDT"}
    assert heard.flows() == {}
    assert heard.flows(symbol="ETH_USDT")


def test_a_watermark_from_the_future_is_refused():
    heard = Heard().play(trade(0.0))
    mark = heard.collector.mark(1000.0)
    mark.ts_pub_ns = ns(3.0)
    assert heard.apply(mark) == []
    assert heard.counters["rejected_watermark"] == 1
    assert list(heard.play(("mark", 1.25)).flows()) == [1.0]


def test_rubbish_is_refused_and_the_next_frame_is_taken():
    heard = Heard().play(trade(0.0))
    wrong = heard.collector.frame(quote(0.1, 1, 2))
    wrong.topic = "trade.binance.BTC_USDT"
    stranger = heard.collector.frame(trade(0.1, symbol="DOGE_USDT"))
    for frame, error in ((wrong, PayloadError), (stranger, UnknownSymbol)):
        with pytest.raises(error):
            heard.fold.apply(frame)
    empty = heard.collector.frame(trade(0.1))
    empty.payload = encode_events([])
    assert heard.fold.apply(empty) == []
    assert heard.play(("mark", 1.25)).flows()[1.0].values["count"] == 1


def test_what_the_bus_lost_for_good_is_told_and_lowers_the_coverage():
    heard = Heard().play(quote(9.5, 1, 2), trade(9.5, number=1), ("mark", 10.0))
    ((topic, entry),) = heard.fold.note_lost(Hole("collector.binance.1", 1, 5, 9, "retention"))
    assert (topic, entry.state, entry.cause) == ("gap.binance.BTC_USDT", "unfillable", "bus_drop")
    heard.play(trade(11.0, number=5), ("mark", 12.25))
    flow = heard.flows(0.0)[12.0]
    assert flow.reason == "warm-up,gap"
    assert "mid" not in flow.values


# futures that stand for a pair


def test_a_euro_future_flows_into_the_pair_as_it_is():
    heard = Heard(Catalog(FUTURES))
    events = [trade(0.1, 1.1, 125_000.0, BUY, 1), trade(0.2, 1.2, 250_000.0, SELL, 2)]
    heard.play(
        [named("6E.FUT", one) for one in events], named("6E.FUT", quote(0.3, 1.1, 1.2, 5, 7)), ("mark", 1.25)
    )
    future, pair = (heard.flows(symbol=symbol)[1.0] for symbol in ("6E.FUT", "EUR_USD"))
    assert pair.venue == "binance"
    assert pair.values == future.values
    assert (pair.values["buy_volume"], pair.values["sell_volume"]) == (125_000, 250_000)
    assert (pair.values["mid"], pair.values["book_imbalance"]) == (
        pytest.approx(1.15),
        pytest.approx(-2 / 12),
    )


def test_a_sterling_future_flows_into_its_pair_and_no_other():
    heard = Heard(Catalog(FUTURES)).play(named("6B.FUT", trade(0.1, 1.3, 62_500.0, SELL, 1)), ("mark", 1.25))
    assert heard.flows(symbol="GBP_USD")[1.0].values["delta"] == -62_500
    assert heard.flows(symbol="GBP_USD")[1.0].values["vwap"] == 1.3
    assert heard.flows(symbol="EUR_USD") == {}


def test_a_yen_future_is_turned_over():
    heard, yen = Heard(Catalog(FUTURES)), 12_500_000.0
    first, second = quote(0.1, 0.0064, 0.008, yen, 2 * yen), quote(0.3, 0.0064, 0.008, yen, 3 * yen)
    heard.play(
        named("6J.FUT", first), named("6J.FUT", trade(0.2, 0.008, yen, BUY, 1)), named("6J.FUT", second)
    )
    levels = [(0.0064, yen)], [(0.008, 3 * yen)]
    heard.play(named("6J.FUT", book(0.4, 1, *levels)))
    heard.play(named("6J.FUT", book(0.5, 2, [(0.0064, 2 * yen)], [], prev=1)), ("mark", 1.25))
    pair, future = heard.flows(symbol="USD_JPY")[1.0].values, heard.flows(symbol="6J.FUT")[1.0].values
    # who buys yen at 0.008 dollars each sells dollars at 125 yen each: 100,000 of them
    assert (pair["sell_volume"], pair["buy_volume"], pair["vwap"]) == (100_000, 0, 125)
    assert (future["buy_volume"], future["vwap"]) == (yen, 0.008)
    # the best ask of the future is the best bid of the pair: 125 bid, 156.25 asked
    assert (pair["mid"], pair["spread"]) == ((125 + 156.25) / 2, 31.25)
    # a third lot more of yen is offered at 0.008: 100,000 dollars more are bid for
    assert (future["ofi"], pair["ofi"]) == (-yen, 100_000)
    # the bids of the future doubled: 80,000 dollars more are offered
    assert (future["ofi_1"], pair["ofi_1"]) == (yen, -80_000)
    assert pair["book_imbalance"] == pytest.approx((300_000 - 80_000) / 380_000)
    assert {one.poc for one in heard.of(Footprint) if one.symbol == "USD_JPY"} == {125}


def test_gaps_of_a_future_are_gaps_of_the_pair():
    heard = Heard(Catalog(FUTURES)).play(named("6J.FUT", trade(0.0, 0.008, 1.0, BUY, 1)))
    heard.play(named("6J.FUT", gap(6, 8)), ("mark", 10.25))
    assert [heard.flows(symbol=one)[10.0].coverage for one in ("6J.FUT", "USD_JPY")] == [0.6, 0.6]


def test_instruments_that_would_mix_are_refused():
    rivals = [
        Instrument(symbol="6E2.FUT", flow_for="EUR_USD", venues={"binance": ":6E2"}),
        Instrument(symbol="6A.FUT", flow_for="AUD_USD"),
        Instrument(symbol="6C.FUT", flow_for="EUR_USD", inverse_of="USD_JPY"),
        Instrument(symbol="X", session="lunar"),
        Instrument(symbol="Y_USD", venues={"binance": ":Y"}),
        Instrument(symbol="Y.FUT", flow_for="Y_USD", venues={"binance": ":YF"}),
    ]
    assert mapping_problems(Catalog(FUTURES)) == []
    problems = " ".join(mapping_problems(Catalog(FUTURES + rivals)))
    for word in (
        "6E2.FUT",
        "AUD_USD",
        "6C.FUT: flow_for EUR_USD is not inverse_of USD_JPY",
        "lunar",
        "Y.FUT",
    ):
        assert word in problems


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"interval_s": 7.0}, "quarter"),
        ({"windows_s": []}, "at least one"),
        ({"windows_s": [0.5]}, "windows_s: 0.5"),
        ({"profile_interval_s": 1.5}, "profile_interval_s"),
        ({"footprint_timeframes": ["7m"]}, "7m"),
        ({"interval_s": 0.01, "windows_s": [86_400.0]}, "steps"),
    ],
)
def test_settings_that_make_no_sense_are_named(changes, word):
    with pytest.raises(ConfigError, match=word):
        rules(**changes)


# going on from a snapshot


@st.composite
def stories(draw):
    """Everything that a fold can hear, in some order."""
    at_ms, number, update, steps, is_away = 1, 0, 1, [], False
    for _ in range(draw(st.integers(5, 40))):
        at_ms += draw(st.sampled_from((0, 1, 3, 200, 900, 4_000)))
        if draw(st.integers(0, 30)) == 17:  # into a quiet minute, far ahead, past midnight
            at_ms += draw(st.sampled_from((50_000, 1_000_000, 82_000_000)))
        at_s = at_ms / 1000
        price = draw(st.integers(990, 1010)) / 10
        match draw(st.integers(0, 11)):
            case 0 | 1 | 2 | 3:
                number += draw(st.sampled_from((1, 1, 1, 2)))
                late_s = draw(st.sampled_from((0, 0, 0, 2.0)))
                side = draw(st.sampled_from((BUY, SELL, 0)))
                steps.append(trade(at_s - late_s, price, draw(st.integers(0, 9)) / 7, side, number))
            case 4 | 5:
                steps.append(quote(at_s, price, price + 0.1, draw(st.integers(0, 9)) / 7, 1.1))
            case 6:
                levels = (
                    [(price - level, 1.3) for level in range(3)],
                    [(price + 1 + level, 0.7) for level in range(3)],
                )
                is_change = draw(st.booleans())
                update += 1
                steps.append(book(at_s, update, *levels, prev=update - 1 if is_change else 0))
            case 7:
                state, kind = (
                    draw(st.sampled_from(("open", "filled", "unfillable"))),
                    draw(st.sampled_from(("trade", "quote", "book"))),
                )
                steps.append(
                    gap(
                        at_s - 1,
                        at_s,
                        state,
                        kind,
                        draw(st.sampled_from(("venue_jump", "disconnect", "restart"))),
                    )
                )
            case 8:
                is_away = draw(st.booleans())
                steps.append(("away" if is_away else "mark", at_s))
            case 9 if number > 3:
                steps.append(("repaired", [trade(at_s - 3, price, 0.3, SELL, number - 1)]))
            case 10:
                steps.append("restart")
            case _:
                steps.append(("mark", at_s))
    return steps


def frames_of(steps):
    collector, epoch, found = Collector(), 1, []
    for step in steps:
        if step == "restart":
            epoch += 1
            collector = Collector(epoch=epoch)
        else:
            found.append(collector.frame_of(step))
    return found


def bytes_of(output):
    return [(topic, encode_events(messages)) for topic, messages in output]


@given(stories(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_snapshot_at_any_frame_goes_on_to_the_same_bytes(steps, data):
    frames = frames_of(steps)
    chosen = rules(footprint_timeframes=["15s"], max_levels=4, profile_interval_s=2.0, sweep_levels=2)
    whole = Fold(CATALOG, chosen, Counter())
    expected = [bytes_of(whole.apply(frame)) for frame in frames]
    at = data.draw(st.integers(0, len(frames)), label="snapshot before frame")
    first = Fold(CATALOG, chosen, Counter())
    for frame in frames[:at]:
        first.apply(frame)
    again = Fold(CATALOG, chosen, Counter())
    again.restore(first.snapshot())
    assert again.snapshot() == first.snapshot()
    assert [bytes_of(again.apply(frame)) for frame in frames[at:]] == expected[at:]
    assert again.snapshot() == whole.snapshot()


@given(stories())
@settings(max_examples=30, deadline=None)
def test_whatever_it_hears_what_it_says_is_valid_and_in_order(steps):
    heard = Heard(footprint_timeframes=["15s"], max_levels=4)  # it validates every message
    for frame in frames_of(steps):
        heard.apply(frame)
    times = [one.ts_event_ns for one in heard.of(Flow)]
    assert times == sorted(times)
    for flow in heard.flows().values():
        values = flow.values
        assert flow.is_complete == (flow.coverage == 1.0) == (flow.reason == "")
        if "delta" in values:
            assert values["delta"] == pytest.approx(values["buy_volume"] - values["sell_volume"])
            assert values["large_count"] <= values["count"]


def test_a_snapshot_of_other_settings_does_not_fit():
    kept = Heard().play(trade(0.0), ("mark", 3.0)).fold.snapshot()
    with pytest.raises(ValueError, match="settings"):
        Fold(CATALOG, rules(windows_s=[10.0]), Counter()).restore(kept)
    with pytest.raises(UnknownSymbol):
        Fold(Catalog(FUTURES), rules(), Counter()).restore(kept)
    with pytest.raises(msgspec.DecodeError):
        Fold(CATALOG, rules(), Counter()).restore(b"\xc1")
