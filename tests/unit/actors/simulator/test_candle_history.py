"""Candles and the history behind REST."""

from actors.simulator.candle import MINUTE_MS, Candle, Candles, kline_event, kline_row
from actors.simulator.history import TRADE_FIELDS, History
from actors.simulator.listing import listing
from actors.simulator.market import Market

START_MS = 1_795_168_800_000
INSTRUMENT = listing("spot", "BTCUSDT", "BTC_USDT", "BTC", "USDT", tick_size=0.01)


def test_candle_takes_in_fills() -> None:
    candle = Candle(START_MS, 100)
    candle.add(110, 5, True, 10, 11)
    candle.add(90, 1, False, 12, 12)
    candle.add(95, 2, False, 13, 13)
    assert (candle.open, candle.high, candle.low, candle.close) == (110, 110, 90, 95)
    assert (candle.lots, candle.buy_lots, candle.count) == (8, 5, 4)
    assert (candle.first_id, candle.last_id) == (10, 13)
    assert candle.value == 110 * 5 + 90 + 190


def test_quiet_minute_repeats_the_close_and_has_no_ids() -> None:
    candles = Candles(START_MS, 100)
    candles.at(START_MS).add(120, 1, True, 1, 1)
    running = candles.at(START_MS + 3 * MINUTE_MS)
    assert [minute.open_ms for minute in candles.minutes] == [START_MS + n * MINUTE_MS for n in range(4)]
    assert (running.open, running.close, running.first_id, running.count) == (120, 120, -1, 0)
    assert '"f":-1,"L":-1' in kline_event(INSTRUMENT, running, START_MS, is_closed=True)


def test_longer_candles_equal_those_built_directly() -> None:
    market = Market(INSTRUMENT, 5, START_MS)
    direct = Candles(START_MS, 0)
    for number in range(6_000):  # ten minutes
        market.step(START_MS + number * 100)
    fives: list[Candle] = []
    for trade_id, (price, lots, t_ms, is_maker) in market.trades.rows(market.first_trade_id, 100_000):
        open_ms = t_ms - t_ms % (5 * MINUTE_MS)
        if not fives or fives[-1].open_ms != open_ms:
            fives.append(Candle(open_ms, price, 5 * MINUTE_MS))
        fives[-1].add(price, lots, not is_maker, trade_id, trade_id)
    assert direct.minutes
    assert len(fives) == 2
    rolled = market.candles.rolled(5 * MINUTE_MS)
    assert [kline_row(INSTRUMENT, one) for one in rolled] == [kline_row(INSTRUMENT, one) for one in fives]


def test_history_keeps_the_newest_rows_under_their_ids() -> None:
    history = History(TRADE_FIELDS, limit=10, first_id=100)
    for number in range(57):
        assert history.add((number, 1, 1_000 + number * 10, 0)) == 100 + number
    assert history.next_id == 157
    assert 10 <= len(history) <= 20
    assert [(row_id, row[0]) for row_id, row in history.newest(2)] == [(155, 55), (156, 56)]
    assert [row_id for row_id, _ in history.rows(0, 3)] == [history.first_id + n for n in range(3)]
    assert [row_id for row_id, _ in history.rows(156, 50)] == [156]
    assert list(history.rows(157, 5)) == []
    assert history.from_time(2, 1_000 + 55 * 10) == 155
    assert history.from_time(2, 1_000 + 55 * 10 + 1) == 156
    assert history.from_time(2, 10**9) == 157
