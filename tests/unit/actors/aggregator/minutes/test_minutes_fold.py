"""Frames of minutes in, longer candles out: which frames, from whom, and going on from a snapshot."""

from collections import Counter

import msgspec
import pytest

from actors.aggregator.fold import Fold
from actors.aggregator.rules import rules_of
from actors.aggregator.settings import AggregatorSettings
from protocol.codec import encode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.messages import Bar, Feature, Gap, Quote, Trade, Watermark
from protocol.record import FLAG_REPAIRED, FrameWriter, RecordKind, parse_frame
from tests.unit.actors.aggregator.minutes.line import MINUTE_NS, MONDAY, SYMBOL, minute, minutes, running

CATALOG = Catalog(
    [
        Instrument(symbol=SYMBOL, session="fx", bars_from="quote", providers={"yahoo": "EURUSD=X"}),
        Instrument(symbol="GBP_USD", session="fx", bars_from="quote", providers={"yahoo": "GBPUSD=X"}),
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
    ]
)
RULES = rules_of(AggregatorSettings(indicators=["mom(1)"]))


class Collector:
    """A publisher that only builds frames."""

    def __init__(self, name="collector.rest.1", epoch=1):
        self.writer = FrameWriter(name, epoch)

    def frame(self, *bars, topic="", flags=0):
        topic = topic or f"bar.{bars[0].venue}.{bars[0].symbol}.{bars[0].timeframe}"
        data = self.writer.build(topic, bars[0].SCHEMA, encode_events(bars), MONDAY, RecordKind.DATA, flags)
        return parse_frame(data)


def fold():
    return Fold(CATALOG, RULES, Counter())


def of_symbol(symbol, bars):
    return [msgspec.structs.replace(bar, symbol=symbol) for bar in bars]


def test_a_frame_of_minutes_gives_one_frame_per_topic():
    found = fold()
    output = found.apply(Collector().frame(*minutes(MONDAY, 15)))
    assert [(topic, len(messages)) for topic, messages in output] == [
        ("feature.rest.EUR_USD.1m", 15),
        ("bar.rest.EUR_USD.5m", 3),
        ("feature.rest.EUR_USD.5m", 3),
        ("bar.rest.EUR_USD.15m", 1),
        ("feature.rest.EUR_USD.15m", 1),
    ]
    counters = found._counters
    assert (counters["minutes_received"], counters["bars_published"], counters["features_published"]) == (
        15,
        4,
        19,
    )


def test_symbols_do_not_mix():
    found, collector = fold(), Collector()
    found.apply(collector.frame(*minutes(MONDAY, 4)))
    assert {
        topic for topic, _ in found.apply(collector.frame(*of_symbol("GBP_USD", minutes(MONDAY, 4))))
    } == {"feature.rest.GBP_USD.1m"}
    output = dict(found.apply(collector.frame(minutes(MONDAY, 5)[4])))
    assert [bar.open for bar in output["bar.rest.EUR_USD.5m"]] == [100.0]


def test_other_bars_are_left_alone():
    found, collector = fold(), Collector()
    assert found.apply(collector.frame(minute(MONDAY, timeframe="5m"))) == []
    assert found.apply(collector.frame(minute(MONDAY, venue="binance", symbol="BTC_USDT"))) == []
    assert found.apply(collector.frame(minute(MONDAY), flags=FLAG_REPAIRED)) == []
    assert found.minutes == {}
    assert found._counters["klines_unwanted"] == 1


def test_what_a_frame_may_not_hold():
    found, collector = fold(), Collector()
    quote = Quote(SYMBOL, "rest", MONDAY, MONDAY, 1.0, 1.5, 1.0, 1.0)
    with pytest.raises(PayloadError):
        found.apply(collector.frame(quote, topic="bar.rest.EUR_USD.1m"))
    with pytest.raises(PayloadError):
        found.apply(collector.frame(minute(MONDAY), topic="bar.rest"))
    with pytest.raises(UnknownSymbol):
        found.apply(collector.frame(minute(MONDAY, symbol="XXX_USD")))


def test_watermarks_and_gaps_of_the_same_collector_move_nothing():
    found, collector = fold(), Collector()
    found.apply(collector.frame(*minutes(MONDAY, 4)))
    mark = Watermark("collector.rest.1", "rest", MONDAY + 60 * MINUTE_NS, True)
    hole = Gap("g", "rest", SYMBOL, "bar", 1, 2, MONDAY, MONDAY + MINUTE_NS, "disconnect", "open")
    assert found.apply(collector.frame(mark, topic="mark.collector.rest.1")) == []
    assert found.apply(collector.frame(hole, topic="gap.rest.EUR_USD")) == []


def test_frames_that_are_lost_are_announced_and_their_minutes_are_missing():
    found, collector = fold(), Collector()
    line = minutes(MONDAY, 10)
    found.apply(collector.frame(*line[:3]))
    assert found.note_lost(Hole("collector.binance.1", 1, 3, 4, "why")) == []
    ((topic, entry),) = found.note_lost(Hole("collector.rest.1", 1, 3, 4, "why"))
    assert (topic, entry.kind, entry.symbol, entry.cause, entry.state) == (
        "gap.rest.EUR_USD",
        "bar",
        SYMBOL,
        "bus_drop",
        "unfillable",
    )
    assert entry.from_ts_ns == MONDAY + 3 * MINUTE_NS
    output = dict(found.apply(collector.frame(*line[4:])))
    assert [(bar.status, bar.coverage) for bar in output["bar.rest.EUR_USD.5m"]] == [
        ("gap", 0.8),
        ("closed", 1.0),
    ]


def test_the_same_minutes_from_a_second_collector_count_once():
    found, first, second = fold(), Collector(), Collector("collector.rest.2")
    found.apply(first.frame(*minutes(MONDAY, 5)))
    assert found.apply(second.frame(*minutes(MONDAY, 5))) == []
    assert found._counters["minutes_repeated"] == 5
    assert len(found.note_lost(Hole("collector.rest.2", 1, 3, 4, "why"))) == 1


def test_it_is_found_by_venue_and_symbol():
    found = fold()
    assert found.builder("rest", SYMBOL) is None
    found.apply(Collector().frame(*minutes(MONDAY, 6), running(MONDAY + 6 * MINUTE_NS, 1.0)))
    assert [bar.revision for bar in found.builder("rest", SYMBOL).bars("1m", 3)] == [1, 1, 0]
    assert [bar.status for bar in found.builder("rest", SYMBOL).bars("5m")] == ["closed", "open"]
    assert found.builder("binance", "BTC_USDT") is None


def test_it_goes_on_from_a_snapshot_between_any_two_frames():
    collector, frames = Collector(), []
    trade = Trade("BTC_USDT", "binance", MONDAY, MONDAY, 1.0, 1.0, 1, 1)
    for number in range(30):
        at_ns = MONDAY + number * 4 * MINUTE_NS
        frames.append(collector.frame(*minutes(at_ns, 4)))
        frames.append(collector.frame(running(at_ns + 4 * MINUTE_NS, 100.0 + number)))
        frames.append(collector.frame(*of_symbol("GBP_USD", minutes(at_ns, 2))))
        if number % 3 == 0:
            frames.append(collector.frame(minute(at_ns + MINUTE_NS, 90.0, revision=2)))
        if number % 7 == 0:
            collector = Collector(epoch=collector.writer.epoch + 1)
            frames.append(collector.frame(trade, topic="trade.binance.BTC_USDT"))
    frames.insert(40, collector.frame(*minutes(MONDAY - 1440 * 6 * MINUTE_NS, 70)))
    frames.insert(60, collector.frame(*minutes(MONDAY - (1440 * 6 - 70) * MINUTE_NS, 70)))
    whole = fold()
    expected = [whole.apply(frame) for frame in frames]
    assert whole._counters["minutes_revised"] == 10
    before = fold()
    for number, frame in enumerate(frames):
        after = fold()
        after.restore(before.snapshot())
        assert after.apply(frame) == expected[number]
        before = after
    assert before.snapshot() == whole.snapshot()
    assert {type(one) for _, messages in expected[-1] for one in messages} <= {Bar, Feature}


def test_a_memory_of_a_program_that_knew_no_minutes_is_still_read():
    found, collector = fold(), Collector()
    found.apply(
        collector.frame(
            Trade("BTC_USDT", "binance", MONDAY, MONDAY, 1.0, 1.0, 1, 1), topic="trade.binance.BTC_USDT"
        )
    )
    feeds, builders, _minutes = msgspec.msgpack.decode(found.snapshot())
    old = msgspec.msgpack.encode([{name: feed[:4] for name, feed in feeds.items()}, builders])
    after = fold()
    after.restore(old)
    assert after.snapshot() == found.snapshot()


def test_a_memory_of_other_timeframes_does_not_fit():
    found = fold()
    found.apply(Collector().frame(*minutes(MONDAY, 20)))
    other = Fold(CATALOG, rules_of(AggregatorSettings(timeframes=["1m", "5m"])), Counter())
    with pytest.raises(ValueError, match="zip"):
        other.restore(found.snapshot())
