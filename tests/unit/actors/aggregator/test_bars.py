"""One symbol's candles: what they hold, when they close, what quiet intervals and jumps give."""

from protocol.messages import SELL, Quote
from protocol.sessions import NS_PER_S
from tests.unit.actors.aggregator.series import (
    SYMBOL,
    VENUE,
    Tape,
    builder,
    ns,
    play,
    second,
    statuses,
    trade,
)


def test_a_candle_holds_what_its_trades_say():
    series = builder(["1s"])
    trades = [trade(0.5, 1.0), trade(1.1, 10.0, 2.0), trade(1.2, 12.0, 1.0, SELL), trade(1.3, 9.0, 1.0, 0)]
    bar = second(play(series, [("trades", trades), ("mark", ns(3))]), 1)

    assert (bar.open, bar.high, bar.low, bar.close) == (10.0, 12.0, 9.0, 9.0)
    assert (bar.volume, bar.buy_volume, bar.sell_volume, bar.count) == (4.0, 2.0, 1.0, 3)
    assert bar.vwap == 41.0 / 4.0
    assert (bar.symbol, bar.venue, bar.source) == (SYMBOL, VENUE, "trade")
    assert (bar.status, bar.coverage, bar.revision, bar.ts_event_ns) == ("closed", 1.0, 1, ns(1.3))
    assert bar.validate() == []


def test_quotes_give_candles_of_their_mid_without_volume():
    series = builder(["1s"], source="quote")
    quotes = [
        Quote("EUR_USD", "v", ns(at), ns(at), bid, bid + 0.5, 1.0, 1.0)
        for at, bid in ((0.1, 1), (1.1, 1), (1.5, 2))
    ]
    series.add_quotes(quotes)
    series.advance(ns(3), is_connected=True)
    tape = Tape()
    tape.take(series)
    bar = second(tape, 1)

    assert (bar.open, bar.close, bar.volume, bar.vwap, bar.count) == (1.25, 2.25, 0.0, 2.25, 2)
    assert bar.source == "quote"


def test_a_candle_closes_by_a_watermark_without_any_further_tick():
    series = builder(["1s"], lateness_s=1.0)
    tape = play(series, [("trades", [trade(0.5)]), ("mark", ns(1.999))])
    assert not tape.closed("1s")
    play(series, [("mark", ns(2.0))], tape)
    assert statuses(tape, "1s") == {0: "gap"}


def test_quiet_intervals_repeat_the_close():
    series = builder(["1s", "5s"])
    tape = play(series, [("trades", [trade(0.5, 42.0)]), ("mark", ns(12))])
    bar = second(tape, 3)
    assert (bar.open, bar.high, bar.low, bar.close, bar.vwap) == (42.0,) * 5
    assert (bar.volume, bar.count, bar.status, bar.coverage, bar.ts_event_ns) == (0.0, 0, "quiet", 1.0, ns(4))
    assert bar.validate() == []
    assert statuses(tape, "5s") == {0: "gap", 5: "quiet"}


def test_before_the_first_price_there_is_no_candle():
    series = builder(["1s"])
    assert play(series, [("mark", ns(50))]).all == []
    tape = play(series, [("trades", [trade(100.5)]), ("mark", ns(102))])
    assert list(tape.closed("1s")) == [ns(100)]


def test_no_quiet_candle_while_the_market_is_closed():
    series = builder(["1s", "1m"], session="cme", max_quiet_bars=20_000)
    close_s = -86_400 + 75_600  # Thursday 16:00 in Chicago
    tape = play(series, [("trades", [trade(close_s - 2.5)])])
    play(series, [("mark", ns(close_s + at)) for at in range(0, 3700, 50)], tape)
    seconds = [round(open_ns - ns(close_s)) // NS_PER_S for open_ns in tape.closed("1s")]
    assert seconds[:3] == [-3, -2, -1]
    assert seconds[3] == 3600
    assert [(open_ns - ns(close_s)) // NS_PER_S for open_ns in tape.closed("1m")] == [-60]


def test_an_event_in_a_closed_market_is_a_candle_all_the_same():
    series = builder(["1s"], session="fx")
    saturday = 36 * 3600
    tape = play(
        series, [("trades", [trade(saturday + 0.5), trade(saturday + 5.5)]), ("mark", ns(saturday + 60))]
    )
    assert [(open_ns - ns(saturday)) // NS_PER_S for open_ns in tape.closed("1s")] == [0, 5]


def test_a_day_candle_closes_with_the_day_of_its_session():
    series = builder(["1s", "1h", "1d"], session="fx", max_quiet_bars=100_000)
    end_s = 21 * 3600  # Friday 17:00 in New York
    tape = play(series, [("trades", [trade(end_s - 30)]), ("mark", ns(end_s + 1))])
    assert [(bar.ts_open_ns - ns(end_s)) // NS_PER_S for bar in tape.closed("1d").values()] == [-86_400]


def test_a_jump_of_days_does_not_invent_millions_of_candles():
    series = builder(["1s", "1m", "1h"], max_quiet_bars=300)
    tape = play(series, [("trades", [trade(n / 2) for n in range(20)]), ("mark", ns(3 * 86_400))])
    assert len(tape.all) < 20
    assert series._counters["series_restarted"] == 1
    assert statuses(tape, "1m") == {0: "gap"}
    assert statuses(tape, "1h") == {0: "gap"}

    play(series, [("trades", [trade(3 * 86_400 + 5, 7.0)]), ("mark", ns(3 * 86_400 + 10))], tape)
    after = [bar for bar in tape.closed("1s").values() if bar.ts_open_ns > ns(86_400)]
    assert [(bar.close, bar.status) for bar in after] == [(7.0, "closed")] + [(7.0, "quiet")] * 3


def test_a_jump_before_the_first_candle_closed_is_bounded_too():
    series = builder(["1s", "1m"])
    tape = play(series, [("trades", [trade(0.5)]), ("trades", [trade(30 * 86_400)])])
    assert len(tape.all) == 2
    assert series._counters["series_restarted"] == 1


def test_a_jump_shorter_than_the_limit_is_filled():
    series = builder(["1s"], max_quiet_bars=300)
    tape = play(series, [("trades", [trade(0.5)]), ("mark", ns(300))])
    assert len(tape.closed("1s")) == 299
    assert not series._counters["series_restarted"]


def test_only_so_many_closed_candles_are_kept():
    series = builder(["1s", "5s"], keep=4)
    for n in range(100):
        play(series, [("trades", [trade(n)]), ("mark", ns(n + 0.1))])
    assert all(len(level.closed) == 4 for level in series._ladder.levels)
    assert all(len(level.shown) <= 3 for level in series._ladder.levels)
