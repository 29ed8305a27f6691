"""Two collectors of one venue feed the same candles: those of one undisturbed feed come out, whoever dies."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.aggregator.fold import Fold
from protocol.messages import Gap
from tests.unit.actors.aggregator.series import kline, ns, rules, trade
from tests.unit.actors.aggregator.test_fold import CATALOG, Collector

A, B = "collector.binance.1", "collector.binance.2"


class Pair:
    """A fold and the two it hears; what it published, the newest revision of each candle."""

    def __init__(self):
        self.counters = Counter()
        self.fold = self._empty()
        self.sides = {A: Collector(A), B: Collector(B)}
        self.candles = {}

    def _empty(self):
        return Fold(CATALOG, rules(["1s", "5s"], lateness_s=0.5), self.counters)

    def take(self, frame):
        for _, bars in self.fold.apply(frame):
            for bar in bars:
                if bar.revision:
                    self.candles[bar.timeframe, bar.ts_open_ns] = bar

    def trades(self, name, *numbers):
        """Trades each quarter of a second of venue time."""
        self.take(self.sides[name].trades(*(trade(n / 4, 100 + n % 7, number=n) for n in numbers)))

    def mark(self, name, seconds, is_connected=True):
        self.take(self.sides[name].mark(seconds, is_connected))

    def gap(self, name, gap_id, from_s, to_s, state="open", cause="disconnect"):
        to_ns = 0 if to_s is None else ns(to_s)
        self.take(
            self.sides[name].gap(
                Gap(gap_id, "binance", "BTC_USDT", "trade", 0, 0, ns(from_s), to_ns, cause, state)
            )
        )

    def again(self, name):
        """It is killed and comes back: a new epoch."""
        self.sides[name] = Collector(name, self.sides[name].writer.epoch + 1)

    def restore(self):
        """The aggregator is killed and goes on from its memory."""
        memory = self.fold.snapshot()
        self.fold = self._empty()
        self.fold.restore(memory)
        assert self.fold.snapshot() == memory

    def row(self, second, timeframe="1s"):
        bar = self.candles[timeframe, ns(second)]
        return bar.count, bar.open, bar.high, bar.low, bar.close, bar.volume

    def standing(self, second):
        bar = self.candles["1s", ns(second)]
        return bar.status, bar.coverage


def both(pair, *numbers):
    for number in numbers:
        for name in (A, B):
            pair.trades(name, number)


def marks(pair, seconds):
    for name in (A, B):
        pair.mark(name, seconds)


def test_each_trade_counts_once_and_the_second_copies_are_counted():
    pair = Pair()
    both(pair, *range(1, 21))
    marks(pair, 6.0)
    assert [pair.row(second)[0] for second in range(1, 5)] == [4, 4, 4, 4]
    assert pair.counters["second_copies"] == 20
    assert pair.counters["late"] == 0


def test_a_gap_of_one_is_none_while_the_other_is_whole():
    pair = Pair()
    both(pair, *range(1, 9))
    marks(pair, 2.0)
    pair.gap(A, f"{A}-1-1", 2.0, None)
    for number in range(9, 17):
        pair.trades(B, number)
    marks(pair, 4.5)
    pair.gap(A, f"{A}-1-1", 2.0, 4.0, "unfillable")
    both(pair, *range(17, 25))
    marks(pair, 7.0)
    assert {pair.standing(second) for second in range(1, 6)} == {("closed", 1.0)}


def test_what_neither_has_seen_is_missing_and_no_more():
    pair = Pair()
    both(pair, *range(1, 9))
    marks(pair, 2.0)
    pair.gap(A, f"{A}-1-1", 2.0, 5.0, "unfillable")
    pair.gap(B, f"{B}-1-1", 4.0, 7.0, "unfillable")
    both(pair, *range(28, 40))
    marks(pair, 11.0)
    assert [pair.standing(second)[1] for second in range(2, 8)] == [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]
    pair.gap(A, f"{A}-1-1", 2.0, 5.0, "filled")
    assert pair.standing(4)[1] == 1.0


def test_one_that_died_is_not_waited_for_and_its_return_is_no_gap():
    pair = Pair()
    both(pair, *range(1, 9))
    marks(pair, 2.0)
    for number in range(9, 41):  # A is dead
        pair.trades(B, number)
        pair.mark(B, number / 4)
    assert pair.standing(8) == ("closed", 1.0)
    pair.again(A)
    pair.gap(A, f"{A}-2-1", 1.0, None, cause="restart")
    both(pair, *range(41, 45))
    pair.gap(A, f"{A}-2-1", 1.0, 10.25, "unfillable", cause="restart")
    marks(pair, 12.0)
    assert {pair.standing(second) for second in range(1, 10)} == {("closed", 1.0)}
    for number in range(45, 61):  # and now B is
        pair.trades(A, number)
        pair.mark(A, number / 4)
    assert {pair.standing(second) for second in range(1, 14)} == {("closed", 1.0)}
    assert [pair.row(second)[0] for second in range(1, 14)] == [4] * 13


def test_what_happens_while_one_is_dead_and_the_other_away_is_missing():
    pair = Pair()
    both(pair, *range(1, 9))
    marks(pair, 2.0)
    for number in range(9, 25):
        pair.trades(B, number)
        pair.mark(B, number / 4)
    pair.gap(B, f"{B}-1-1", 6.0, 8.0, "unfillable")
    for number in range(32, 45):
        pair.trades(B, number)
        pair.mark(B, number / 4)
    assert [pair.standing(second)[1] for second in (5, 6, 7, 8)] == [1.0, 0.0, 0.0, 1.0]


def test_a_gap_of_one_that_has_not_sent_a_trade_yet_is_its_own():
    pair = Pair()
    for number in range(1, 9):
        pair.trades(A, number)
    pair.gap(B, f"{B}-2-1", 0.5, None, cause="restart")
    for number in range(9, 21):
        pair.trades(A, number)
        pair.mark(A, number / 4)
    assert {pair.standing(second) for second in range(1, 4)} == {("closed", 1.0)}


def test_who_does_not_send_the_symbol_any_more_vouches_for_nothing():
    pair = Pair()
    both(pair, *range(1, 9))
    for number in range(9, 41):
        pair.trades(B, number)
        marks(pair, number / 4)
    pair.gap(B, f"{B}-1-1", 8.0, 9.0, "unfillable")
    for number in range(41, 49):
        pair.trades(B, number)
        marks(pair, number / 4)
    assert [pair.standing(second)[1] for second in (7, 8, 9)] == [1.0, 0.0, 1.0]


def test_the_venues_candle_of_a_minute_that_the_other_one_has_seen_is_left_out():
    pair = Pair()
    pair.fold = Fold(CATALOG, rules(["1s", "1m"], lateness_s=0.5), pair.counters)
    both(pair, *range(200, 480))
    pair.gap(A, f"{A}-1-1", 70.0, 80.0, "unfillable")
    marks(pair, 122.0)
    trades = [trade(n / 4, 100 + n % 7, number=n) for n in range(200, 480)]
    pair.take(pair.sides[A].klines(kline(trades, ns(60))))
    assert (pair.counters["klines_unwanted"], pair.counters["klines_absorbed"]) == (1, 0)
    pair.gap(B, f"{B}-1-1", 75.0, 76.0, "unfillable")
    pair.take(pair.sides[A].klines(kline(trades, ns(60))))
    assert pair.counters["klines_absorbed"] == 1


def test_the_time_of_one_that_lost_its_venue_does_not_close_what_the_other_still_brings():
    pair = Pair()
    both(pair, *range(1, 9))
    marks(pair, 2.0)
    pair.mark(A, 9.0, is_connected=False)
    assert ("1s", ns(5)) not in pair.candles
    for number in range(9, 21):
        pair.trades(B, number)
    pair.mark(B, 6.0)
    assert pair.counters["late"] == 0


@st.composite
def lives(draw):
    """Who hears each trade (at least one does), in which order, and where things restart."""
    return [
        (
            draw(st.sampled_from(["ab", "ba", "a", "b", "ab", "ba"])),
            draw(st.sampled_from(["", "", "", "", "a", "b", "fold"])),
        )
        for _ in range(draw(st.integers(8, 60)))
    ]


@settings(max_examples=60)
@given(lives())
def test_candles_of_any_two_broken_feeds_that_make_a_whole_are_those_of_one(plan):
    pair, single = Pair(), Pair()
    side = {"a": A, "b": B}
    single.trades(A, 1)
    both(pair, 1)
    for number, (order, restart) in enumerate(plan, 2):
        if restart == "fold":
            pair.restore()
        elif restart and restart in order:
            pair.again(side[restart])
        single.trades(A, number)
        for one in order:
            pair.trades(side[one], number)
        if number % 4 == 0:
            single.mark(A, number / 4)
            for one in order:
                pair.mark(side[one], number / 4)
    for name in (A, B):
        pair.mark(name, 40.0)
    single.mark(A, 40.0)
    wanted = {key: single.candles[key] for key in single.candles}
    assert set(pair.candles) == set(wanted)
    for key, bar in wanted.items():
        got = pair.candles[key]
        assert (got.count, got.volume, got.high, got.low, got.open, got.close) == (
            bar.count, bar.volume, bar.high, bar.low, bar.open, bar.close,
        ), key  # fmt: skip
