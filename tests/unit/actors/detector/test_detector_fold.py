"""Frames in, alerts out: what is late, lost, foreign or wrong; cool-down; going on after a kill."""

import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detector.catalogue import all_rules
from actors.detector.fold import Fold
from actors.detector.rule import Finding, Rule, Thresholds
from actors.detector.thresholds import ThresholdBook
from actors.runtime.refold import NamedRefold
from protocol.codec import encode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.messages import Alert, Epoch
from protocol.record import FrameWriter, RecordKind, parse_frame
from tests.unit.actors.detector.rig import REPAIRED, Publisher, Rig, ns


class EchoState(msgspec.Struct, array_like=True):
    trades: int = 0
    breaks: int = 0
    marks: int = 0


class Echo(Rule):
    """Finds every trade above a price, and counts what it is told."""

    name = "echo"
    State = EchoState
    learns_late = True

    def on_trade(self, trade):
        self.state.trades += 1
        values = {"price": trade.price}
        return Finding(trade.ts_event_ns, f"{trade.price:g}", values) if trade.price > 100.0 else None

    def on_mark(self, now_ns):
        self.state.marks += 1

    def on_break(self):
        self.state.breaks += 1


def echo(**thresholds):
    rig = Rig({"rules": {"echo": {"cool_down_s": "0", **thresholds}}}, rules=[Echo])
    rig.state = lambda venue="binance": rig.fold._watches[venue, "BTC_USDT"]._rules[0].state
    return rig


def test_detector_alert_says_what_where_and_how_bad():
    rig = echo(severity="critical")
    frame = rig.feed.trade(1, 101.0)
    assert rig.fold.apply(frame) == [
        (
            "alert.binance.BTC_USDT",
            [
                Alert(
                    "BTC_USDT",
                    "binance",
                    "echo",
                    "critical",
                    ns(1),
                    "BTC_USDT at binance: 101",
                    {"price": 101.0},
                )
            ],
        )
    ]


def test_detector_late_and_repaired_trades_are_learned_and_raise_nothing():
    rig = echo()
    assert len(rig.take(rig.feed.trade(10, 101.0), rig.feed.trade(5, 101.0))) == 2
    assert rig.take(rig.feed.trade(4.9, 101.0), rig.feed.trade(11, 101.0, flags=REPAIRED)) == []
    assert rig.counters["late"] == 2
    assert rig.state().trades == 4
    Echo.learns_late = False
    try:
        rig.fold.use(rig.book)
        assert rig.take(rig.feed.trade(4.9, 101.0)) == []
    finally:
        Echo.learns_late = True
    assert rig.state().trades == 4


def test_detector_late_quotes_and_forced_orders_say_nothing_about_now():
    rig = Rig({"rules": {"liquidation_spike": {"warm_up": "1"}}})
    rig.take(rig.feed.quote(10, 99.0, 101.0), rig.feed.quote(4.9, 102.0, 101.0))
    market = rig.fold._watches["binance", "BTC_USDT"].market
    assert (market.bid, market.quotes) == (99.0, 1)
    rig.take(*[rig.feed.mark(10 + second) for second in range(100)], rig.feed.liquidation(110))
    assert rig.take(*[rig.feed.liquidation(104.9, 5_000.0) for _ in range(9)]) == []
    assert rig.counters["late"] == 10
    assert len(rig.take(*[rig.feed.liquidation(110, 5_000.0) for _ in range(9)])) == 1


def test_detector_cool_down_is_per_rule_symbol_and_venue_and_survives():
    rig = echo(cool_down_s="10")
    assert len(rig.take(rig.feed.trade(0, 101.0), rig.feed.trade(9.9, 101.0), rig.feed.trade(10, 101.0))) == 2
    assert len(rig.take(rig.feed.trade(11, 101.0, symbol="ETH_USDT"))) == 1
    again = rig.restarted()
    assert again.take(again.feed.trade(19.9, 101.0)) == []
    assert len(again.take(again.feed.trade(20, 101.0))) == 1
    assert again.counters == {"alerts_cooled_down": 1, "alerts": 1}


def test_detector_clock_that_is_set_back_silences_nothing():
    rig = echo(cool_down_s="10")
    rig.take(rig.feed.trade(1000, 101.0), rig.feed.mark(1000))
    before, rig.feed = rig.feed, Publisher(epoch=2)
    assert rig.take(before.trade(500, 101.0)) == []
    assert len(rig.take(rig.feed.trade(500, 101.0))) == 1
    assert rig.state().breaks == 1


def test_detector_gaps_holes_and_disconnects_break_what_runs():
    rig = echo()
    rig.take(rig.feed.trade(0), rig.feed.mark(0))
    rig.take(rig.feed.gap(1), rig.feed.gap(1, state="filled"), rig.feed.gap(1, symbol="ETH_USDT"))
    assert rig.state().breaks == 1
    assert rig.fold.note_lost(Hole("collector.binance.1", 1, 5, 6, "")) == []
    rig.fold.note_lost(Hole("collector.okx.1", 1, 5, 6, ""))
    assert rig.state().breaks == 2
    rig.take(rig.feed.mark(2, is_connected=False), rig.feed.mark(3, is_connected=False), rig.feed.mark(4))
    assert (rig.state().breaks, rig.state().marks) == (3, 2)


def test_detector_marks_move_only_what_their_publisher_feeds():
    rig = echo()
    other = Publisher("collector.binance.2")
    rig.take(rig.feed.trade(0), other.mark(1))
    assert rig.state().marks == 0
    rig.take(other.trade(2), rig.feed.mark(3), other.mark(4))
    assert rig.state().marks == 1
    first = Epoch("x", 0, 0, False, "", "", 0, "")
    assert rig.take(rig.feed.frame("mark.collector.binance.1", [first], RecordKind.EPOCH)) == []


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_detector_values_that_are_none_are_counted_and_go_nowhere(value):
    rig = echo()
    rig.take(rig.feed.trade(0, value), rig.feed.trade(0, 101.0, value), rig.feed.quote(0, value, 101.0))
    assert rig.counters == {"rejected_value": 3}
    assert rig.state().trades == 0


def test_detector_strangers_and_rubbish_are_refused():
    rig = echo()
    with pytest.raises(UnknownSymbol):
        rig.take(rig.feed.trade(0, symbol="DOGE_USDT"))
    quote = rig.feed.quote(0)
    for topic in ("trade.binance.BTC_USDT", "gap.binance.BTC_USDT"):
        wrong = msgspec.structs.replace(quote, topic=topic)
        with pytest.raises(PayloadError):
            rig.take(wrong)
    assert rig.take(rig.bars.bar(1, timeframe="5m"), rig.bars.bar(1, timeframe="5m")) == []
    assert len(rig.take(rig.feed.trade(0, 101.0))) == 1


def test_detector_restart_leaves_out_what_is_gone_and_begins_what_has_changed():
    rig = echo()
    rig.take(rig.feed.trade(0), rig.feed.trade(0, symbol="ETH_USDT"))

    class Changed(Echo):
        State = msgspec.defstruct("State", [("words", list[str], msgspec.field(default_factory=list))])

    catalog = Catalog([Instrument(symbol="BTC_USDT", base="BTC", quote="USDT")])
    fold = Fold(catalog, ThresholdBook(rules=[Changed]), rig.counters)
    fold.restore(rig.fold.snapshot())
    assert fold.markets == 1
    assert fold._watches["binance", "BTC_USDT"]._rules[0].state.words == []


def test_detector_hears_every_rule_of_a_market_through_the_default_book():
    rig = Rig()
    assert [rule.name for rule in rig.book.rules] == [
        "big_trade", "candle_divergence", "crossed", "divergence", "liquidation_spike", "price_jump", "spread_blowout", "stale", "sweep",
        "volume_surge",
    ]  # fmt: skip
    assert all(issubclass(rule.Thresholds, Thresholds) for rule in rig.book.rules)


EAGER = {
    "rules": {
        "candle_divergence": {"kline_minutes": "1", "provider_minutes": "1"},
        "big_trade": {"least_notional_usd": "300", "z": "1", "warm_up": "3", "window": "8", "sample_s": "0"},
        "price_jump": {
            "z": "1",
            "least_move": "0.001",
            "warm_up": "2",
            "horizon_s": "2",
            "least_trades": "1",
        },
        "spread_blowout": {"ratio": "1.5", "z": "1", "warm_up": "2", "for_s": "0", "sample_s": "0"},
        "crossed": {"crossed_for_s": "0.5", "locked_for_s": "1"},
        "stale": {"factor": "1", "floor_s": "3", "warm_up": "3", "warm_up_s": "1"},
        "liquidation_spike": {"window_s": "3", "warm_up": "2", "least_count": "2", "least_notional_usd": "1"},
        "volume_surge": {"warm_up": "2", "z": "1", "ratio": "1.5", "count_ratio": "0"},
        "divergence": {"band": "0.001", "for_s": "0.5"},
        "sweep": {"warm_up": "3", "z": "1"},
    }
}
for _row in EAGER["rules"].values():
    _row["cool_down_s"] = "2"

KINDS = [
    "trade",
    "trade",
    "quote",
    "quote",
    "mark",
    "mark",
    "liquidation",
    "sweep",
    "bar",
    "bar",
    "reference",
    "provider",
    "gap",
    "epoch",
]
STEP = st.tuples(
    st.sampled_from(KINDS),
    st.floats(0.05, 2.5),
    st.sampled_from([99.0, 100.0, 100.0, 100.1, 103.0]),
    st.sampled_from([0.5, 1.0, 1.2, 8.0]),
)


def frames_of(steps):
    """Frames of two venues, an aggregator and an order flow, in one order."""
    feeds = {"binance": Publisher(), "okx": Publisher("collector.okx.1", venue="okx")}
    bars, flow, found, at_s = Publisher("aggregator.1"), Publisher("orderflow.1"), [], 0.0
    rest, minute = Publisher("collector.rest.1", venue="rest"), 0
    for number, (what, passed_s, price, size) in enumerate(steps):
        at_s += passed_s
        venue = "okx" if number % 3 == 2 else "binance"
        feed = feeds[venue]
        match what:
            case "trade":
                found.append(feed.trade(at_s, price, size))
            case "quote":
                found.append(feed.quote(at_s, price, 100.0 + size / 10))
            case "mark":
                found.append(feed.mark(at_s, is_connected=size != 0.5 or price != 99.0))
            case "liquidation":
                found += [feed.liquidation(at_s, size), feed.liquidation(at_s, size)]
            case "sweep":
                found.append(flow.sweep(at_s, 3 + number % 4, size * 20_000))
            case "bar":
                minute = number
                found.append(bars.bar(minute, size * 10, 50, revision=1 + (price == 103.0)))
            case "reference":
                found.append(feeds["binance"].reference(minute, volume=size * 10))
            case "provider":
                found.append(rest.bar(minute + 1, close=price, source="yahoo"))
            case "gap":
                found.append(feed.gap(at_s))
            case "epoch":
                feeds[venue] = Publisher(feed.name, feed.writer.epoch + 1, venue)
    return found


def check_killed(steps, remembered, killed):
    """Kill a detector somewhere, go on from a memory before that; returns what an undisturbed one tells."""
    frames = frames_of(steps)
    killed_at = round(killed * len(frames))
    remembered_at = round(remembered * killed_at)
    whole = Rig(EAGER)
    undisturbed = [whole.take(frame) for frame in frames]

    first = Rig(EAGER)
    first.take(*frames[:remembered_at])
    again = first.restarted()
    journal, writer = [], FrameWriter("detector.1", 1)
    for frame in frames[remembered_at:killed_at]:
        for topic, alerts in first.fold.apply(frame):
            journal.append(parse_frame(writer.build(topic, Alert.SCHEMA, encode_events(alerts), 0)))
    refold = NamedRefold(journal, lambda alert: (alert.rule, alert.ts_event_ns))
    fresh = [
        alert
        for frame in frames[remembered_at:]
        for topic, alerts in again.fold.apply(frame)
        for alert in refold.new_ones(topic, alerts)
    ]

    assert fresh == [alert for alerts in undisturbed[killed_at:] for alert in alerts]
    assert again.fold.snapshot() == whole.fold.snapshot()
    return whole.alerts


@given(st.lists(STEP, min_size=20, max_size=80), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_detector_killed_anywhere_tells_what_an_undisturbed_one_tells(steps, remembered, killed):
    check_killed(steps, remembered, killed)


def test_detector_killed_while_every_rule_has_something_to_tell():
    draw = random.Random(3)
    kinds, prices = (
        [
            "trade",
            "trade",
            "quote",
            "quote",
            "mark",
            "mark",
            "liquidation",
            "sweep",
            "bar",
            "reference",
            "provider",
        ],
        [99.0, 100.0, 100.0, 100.1, 103.0],
    )
    steps = [
        (
            draw.choice([*kinds, *kinds, *kinds, *kinds, "gap"]),
            draw.uniform(0.05, 1.0),
            draw.choice(prices),
            draw.choice([1.0, 1.2, 8.0]),
        )
        for _ in range(1500)
    ]
    alerts = check_killed(steps, 0.5, 0.8)
    assert {alert.rule for alert in alerts} == {rule.name for rule in all_rules()}
