"""Frames in, candles out: who feeds what, what a frame may not do, and going on from a snapshot."""

from collections import Counter

import pytest

from actors.aggregator.fold import Fold
from protocol.codec import encode_events
from protocol.consumer import Hole
from protocol.errors import PayloadError, UnknownSymbol
from protocol.instruments import Catalog, Instrument
from protocol.messages import Epoch, Gap, Quote, Trade, Watermark
from protocol.record import FLAG_REPAIRED, FrameWriter, RecordKind, parse_frame
from tests.unit.actors.aggregator.series import kline, ns, rules, trade

CATALOG = Catalog(
    [
        Instrument(symbol="BTC_USDT", venues={"binance": "spot:BTCUSDT"}),
        Instrument(symbol="ETH_USDT", venues={"binance": "spot:ETHUSDT"}),
        Instrument(symbol="EUR_USD", venues={"oanda": ":EUR_USD"}, session="fx", bars_from="quote"),
    ]
)


class Collector:
    """A publisher that only builds frames."""

    def __init__(self, name="collector.binance.1", epoch=1, venue="binance"):
        self.writer = FrameWriter(name, epoch)
        self.venue = venue

    def frame(self, topic, *events, kind=RecordKind.DATA, now_s=0.0):
        data = self.writer.build(topic, events[0].SCHEMA, encode_events(events), ns(now_s), kind)
        return parse_frame(data)

    def trades(self, *trades, symbol="BTC_USDT"):
        return self.frame(f"trade.{self.venue}.{symbol}", *trades)

    def mark(self, seconds, is_connected=True, now_s=None):
        mark = Watermark(self.writer.publisher, self.venue, ns(seconds), is_connected)
        topic = f"mark.{self.writer.publisher}"
        return self.frame(topic, mark, kind=RecordKind.TIME, now_s=seconds if now_s is None else now_s)

    def klines(self, *bars, flags=FLAG_REPAIRED):
        topic = f"bar.{bars[0].venue}.{bars[0].symbol}.{bars[0].timeframe}"
        data = self.writer.build(topic, bars[0].SCHEMA, encode_events(bars), ns(0), RecordKind.DATA, flags)
        return parse_frame(data)

    def gap(self, *gaps):
        return self.frame(f"gap.{self.venue}.{gaps[0].symbol}", *gaps, kind=RecordKind.UPSTREAM_GAP)


def fold(**settings):
    return Fold(CATALOG, rules(["1s", "5s"], **settings), Counter())


def closed(output):
    return [(topic, [(bar.ts_open_ns, bar.status) for bar in bars if bar.revision]) for topic, bars in output]


def test_trades_and_a_watermark_give_candles_on_their_topics():
    found, collector = fold(), Collector()
    assert found.apply(collector.trades(trade(0.0), trade(0.5))) == []
    output = found.apply(collector.mark(2.0))
    assert closed(output) == [
        ("bar.binance.BTC_USDT.1s", [(ns(0), "closed")]),
        ("bar.binance.BTC_USDT.5s", []),
    ]
    assert output[1][1][0].status == "open"
    assert found._counters["ticks_received"] == 2
    assert found._counters["bars_published"] == 2


def test_candles_of_one_frame_are_grouped_by_topic():
    found, collector = fold(), Collector()
    output = found.apply(collector.trades(*(trade(n) for n in range(5))))
    assert closed(output) == [("bar.binance.BTC_USDT.1s", [(ns(n), "closed") for n in range(3)])]


def test_a_publisher_moves_only_what_it_feeds():
    found, first, second = fold(), Collector(), Collector("collector.binance.2")
    found.apply(first.trades(trade(0.0)))
    found.apply(second.trades(trade(0.0), symbol="ETH_USDT"))
    topics = {topic for topic, _ in found.apply(second.mark(9.0))}
    assert topics == {"bar.binance.ETH_USDT.1s", "bar.binance.ETH_USDT.5s"}


def test_a_watermark_of_another_venue_of_the_same_publisher_closes_nothing():
    found, collector = fold(), Collector()
    found.apply(collector.trades(trade(0.0)))
    other = Watermark(collector.writer.publisher, "bybit", ns(9), True)
    assert found.apply(collector.frame("mark.collector.binance.1", other, now_s=9.0)) == []


def test_a_watermark_from_the_future_is_refused():
    found, collector = fold(max_ahead_s=5.0), Collector()
    found.apply(collector.trades(trade(0.0)))
    assert found.apply(collector.mark(1000.0, now_s=3.0)) == []
    assert found._counters["rejected_watermark"] == 1
    assert closed(found.apply(collector.mark(2.0)))[0][1] == [(ns(0), "closed")]


def test_candles_come_from_quotes_where_the_catalog_says_so():
    found, collector = fold(), Collector(venue="oanda")
    quote = Quote("EUR_USD", "oanda", ns(0), ns(0), 1.0, 1.5, 1.0, 1.0)
    euro = Trade("EUR_USD", "oanda", ns(0), ns(0), 9.0, 1.0, 1, 1)
    assert found.apply(collector.trades(euro, symbol="EUR_USD")) == []
    found.apply(collector.frame("quote.oanda.EUR_USD", quote))
    bars = found.apply(collector.mark(2.0))[0][1]
    assert [(bar.close, bar.source) for bar in bars] == [(1.25, "quote")]


def test_quotes_of_an_instrument_with_trades_are_left_alone():
    found, collector = fold(), Collector()
    quote = Quote("BTC_USDT", "binance", ns(0), ns(0), 1.0, 1.5, 1.0, 1.0)
    assert found.apply(collector.frame("quote.binance.BTC_USDT", quote)) == []
    assert found.builders == {}


def test_gaps_concern_the_kind_of_message_that_candles_are_built_from():
    found, collector = fold(), Collector()
    found.apply(collector.trades(trade(0.0), trade(2.5)))
    common = {
        "from_id": 0,
        "to_id": 0,
        "from_ts_ns": ns(1),
        "to_ts_ns": ns(2),
        "cause": "disconnect",
        "state": "open",
    }
    kinds = [Gap(f"g-{kind}", "binance", "BTC_USDT", kind, **common) for kind in ("quote", "book")]
    found.apply(collector.gap(*kinds))
    assert closed(found.apply(collector.mark(3.0)))[0][1] == [(ns(1), "quiet")]
    output = found.apply(collector.gap(Gap("g-trade", "binance", "BTC_USDT", "trade", **common)))
    assert closed(output) == [("bar.binance.BTC_USDT.1s", [(ns(1), "gap")])]
    assert found._counters["gaps_received"] == 3


def test_a_new_epoch_of_the_publisher_is_a_gap():
    found = fold()
    old, new = Collector(epoch=1), Collector(epoch=2)
    found.apply(old.trades(trade(0.0)))
    found.apply(old.mark(3.0))
    found.apply(
        new.frame(
            "mark.collector.binance.1",
            Epoch("collector.binance.1", 1, 2, False, "", "", 1, ""),
            kind=RecordKind.EPOCH,
        )
    )
    found.apply(new.trades(trade(5.0)))
    found.apply(new.mark(9.0))
    bars = found.builder("binance", "BTC_USDT").bars("1s")
    assert [bar.status for bar in bars] == [
        "closed",
        "quiet",
        "quiet",
        "gap",
        "gap",
        "closed",
        "quiet",
        "quiet",
    ]


def test_frames_lost_on_the_bus_are_a_gap():
    found, collector = fold(), Collector()
    found.apply(collector.trades(trade(0.0)))
    collector.trades(trade(1.5))
    frame = collector.trades(trade(3.0))
    ((topic, gap),) = found.note_lost(
        Hole(frame.publisher, frame.epoch, frame.seq - 1, frame.seq - 1, "lost on the bus")
    )
    assert topic == "gap.binance.BTC_USDT"
    assert (gap.symbol, gap.cause, gap.state, gap.from_ts_ns) == ("BTC_USDT", "bus_drop", "unfillable", ns(0))
    found.apply(frame)
    bars = found.builder("binance", "BTC_USDT").bars("1s")
    assert [bar.coverage for bar in bars[:2]] == [0.0, 0.0]


def test_a_frame_lost_before_the_first_one_heard_is_nothing():
    found = fold()
    assert found.note_lost(Hole("collector.binance.1", 1, 1, 2, "lost on the bus")) == []
    assert found.builders == {}


def test_a_symbol_that_moved_to_another_publisher_follows_that_one():
    found, first, second = fold(), Collector(), Collector("collector.binance.2")
    found.apply(first.trades(trade(0.0)))
    found.apply(second.trades(trade(0.5)))
    assert found.apply(first.mark(9.0)) == []
    assert closed(found.apply(second.mark(2.0)))[0][1] == [(ns(0), "closed")]


@pytest.mark.parametrize(
    ("topic", "error"),
    [
        ("trade.binance.DOGE_USDT", UnknownSymbol),
        ("trade.binance", PayloadError),
        ("trade.binance.BTC_USDT", PayloadError),
        ("gap.binance.BTC_USDT", PayloadError),
    ],
)
def test_what_a_peer_may_not_send(topic, error):
    found, collector = fold(), Collector()
    quote = Quote("BTC_USDT", "binance", ns(0), ns(0), 1.0, 1.5, 1.0, 1.0)
    with pytest.raises(error):
        found.apply(collector.frame(topic, quote))
    found.apply(collector.trades(trade(0.0)))
    assert found.apply(collector.mark(2.0))


LOST = [trade(61.0, 90.0), trade(119.0, 120.0)]


def minutes_with_a_hole():
    found, collector = Fold(CATALOG, rules(["1s", "1m", "5m"]), Counter()), Collector()
    found.apply(collector.trades(trade(0.0), trade(125.0)))
    found.apply(collector.mark(200.0))
    return found, collector


def test_candles_of_the_venue_stand_in_for_trades_that_cannot_be_had():
    found, collector = minutes_with_a_hole()
    frame = collector.klines(kline([trade(0.0)], ns(0)), kline(LOST, ns(60)))
    output = found.apply(frame)
    minutes = [bars for topic, bars in output if topic == "bar.binance.BTC_USDT.1m"]
    assert [[(bar.revision, bar.count, bar.source) for bar in bars] for bars in minutes] == [
        [(2, 1, "binance"), (2, 2, "binance")]
    ]
    assert found.apply(frame) == []
    assert found._counters["klines_received"] == 4
    assert (found._counters["klines_absorbed"], found._counters["klines_repeated"]) == (2, 2)


def test_candles_are_taken_only_where_they_were_fetched_for_a_repair():
    found, collector = minutes_with_a_hole()
    bar = kline(LOST, ns(60))
    assert found.apply(collector.klines(bar, flags=0)) == []
    others = [
        kline(LOST, ns(60), symbol="ETH_USDT"),
        kline(LOST, ns(60), symbol="EUR_USD", venue="oanda"),
        kline(LOST, ns(60), timeframe="5m"),
    ]
    assert [found.apply(collector.klines(other)) for other in others] == [[], [], []]
    assert found._counters["klines_unwanted"] == 3
    quote = Quote("BTC_USDT", "binance", ns(0), ns(0), 1.0, 1.5, 1.0, 1.0)
    topic, data = "bar.binance.BTC_USDT.1m", encode_events([quote])
    wrong = collector.writer.build(topic, Quote.SCHEMA, data, 0, RecordKind.DATA, FLAG_REPAIRED)
    with pytest.raises(PayloadError):
        found.apply(parse_frame(wrong))
    assert found.apply(collector.klines(bar))


def test_it_goes_on_from_a_snapshot_between_any_two_frames_of_a_repair_by_candles():
    collector, all_trades, frames = Collector(), [], []
    for n in range(160):
        one = trade(n * 2.5, 100 + n % 7, number=n + 1)
        all_trades.append(one)
        if n % 60 < 40:
            frames.append(collector.trades(one))
        if n % 4 == 0:
            frames.append(collector.mark(n * 2.5))
    ids = {"venue": "binance", "symbol": "BTC_USDT", "kind": "trade", "from_id": 41, "to_id": 60}
    times = {"from_ts_ns": ns(97.5), "to_ts_ns": ns(150.0), "cause": "venue_jump"}
    frames.append(collector.gap(Gap("g", **ids, **times, state="filling")))
    frames += [collector.klines(kline(all_trades, ns(minute))) for minute in (60, 120, 60, 240, 300)]
    frames.append(collector.gap(Gap("g", **ids, **times, state="filled", filled_by="klines", count=2)))
    frames += [collector.trades(all_trades[45], all_trades[55]), collector.mark(400), collector.mark(430)]

    def empty():
        return Fold(CATALOG, rules(["1s", "1m", "5m"]), Counter())

    whole = empty()
    expected = [whole.apply(frame) for frame in frames]
    counters = whole._counters
    assert (counters["klines_absorbed"], counters["klines_repeated"], counters["late_absorbed"]) == (4, 1, 2)
    minutes = {bar.ts_open_ns: bar for bar in whole.builder("binance", "BTC_USDT").bars("1m")}
    assert [minutes[ns(number)].status for number in (60, 120)] == ["closed", "closed"]
    before = empty()
    for cut, frame in enumerate(frames):
        after = empty()
        after.restore(before.snapshot())
        assert after.apply(frame) == expected[cut]
        before = after
    assert before.snapshot() == whole.snapshot()


def test_it_goes_on_from_a_snapshot_between_any_two_frames():
    first, second = Collector(), Collector("collector.binance.2", 7)
    frames = []
    for n in range(60):
        frames.append(first.trades(trade(n / 3, 100 + n % 7), trade(n / 3 - 2.5 * (n % 11 == 5) + 0.1)))
        if n % 2:
            frames.append(second.trades(trade(n / 3, 50.0, number=n), symbol="ETH_USDT"))
        if n % 4 == 0:
            frames += [first.mark(n / 3), second.mark(n / 3 - 0.1)]
        if n == 20:
            first = Collector(epoch=2)
    whole = fold(keep=5)
    expected = [whole.apply(frame) for frame in frames]
    assert whole._counters["revisions"]

    for cut in range(0, len(frames), 7):
        before, after = fold(keep=5), fold(keep=5)
        for frame in frames[:cut]:
            before.apply(frame)
        after.restore(before.snapshot())
        assert [after.apply(frame) for frame in frames[cut:]] == expected[cut:]
        assert after.snapshot() == whole.snapshot()
