"""Our clock is set back while we run: the venue's time goes on, and no trade may be left out of its candle."""

import msgspec

from protocol.messages import Watermark
from protocol.record import RecordKind
from tests.unit.actors.aggregator.series import NS_PER_S, builder, ns, play, trade
from tests.unit.actors.aggregator.test_fold import Collector, fold

HOUR_NS = 3_600 * NS_PER_S


def late_clock(one):
    """The trade as it is stamped by a clock that is an hour behind."""
    return msgspec.structs.replace(one, ts_recv_ns=one.ts_recv_ns - HOUR_NS)


def test_trades_of_a_running_series_are_believed():
    good = [trade(n / 10, 100 + n % 7) for n in range(600)]
    right, behind = (builder(["1s", "1m"]) for _ in range(2))
    steps = [("trades", good[:100]), ("trades", good[100:])]
    stamped = [("trades", good[:100]), ("trades", list(map(late_clock, good[100:])))]
    assert play(behind, stamped).all == play(right, steps).all


def test_before_the_first_trade_nobody_can_tell():
    series = builder(["1s"])
    assert play(series, [("trades", [late_clock(trade(1.0))])]).all == []
    assert not series.is_started


def test_watermarks_of_a_known_feed_go_on_closing_candles_also_after_its_restart():
    found, collector = fold(), Collector()
    found.apply(collector.trades(trade(0.0)))
    found.apply(collector.mark(0.5))
    ahead = Watermark(collector.writer.publisher, "binance", ns(9.0), True)
    topic = f"mark.{collector.writer.publisher}"
    output = found.apply(collector.frame(topic, ahead, kind=RecordKind.TIME, now_s=-3600))
    assert [bar.status for _, bars in output for bar in bars if bar.revision][:1] == ["closed"]


def test_a_wild_watermark_is_still_refused():
    found, collector = fold(), Collector()
    found.apply(collector.trades(trade(0.0)))
    found.apply(collector.mark(0.5))
    assert found.apply(collector.mark(100_000.0, now_s=1.0)) == []
