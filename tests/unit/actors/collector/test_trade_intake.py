"""What a venue repeats, promises or merges: trades come out once, holes are told."""

import pytest

from actors.collector.intake.normaliser import Rules
from actors.collector.outcomes import Excluded, TradeMark
from actors.collector.venue import TradeIds
from protocol.messages import Gap, Trade
from tests.unit.actors.collector.outcome_parser import MS, SYMBOL, T_NS, OutcomePath, past, trade


@pytest.fixture
def counted() -> OutcomePath:
    return OutcomePath(Rules(ids=TradeIds.COUNTED))


@pytest.fixture
def spanned() -> OutcomePath:
    return OutcomePath(Rules(ids=TradeIds.SPANNED))


@pytest.fixture
def unordered() -> OutcomePath:
    return OutcomePath(Rules(ids=TradeIds.UNORDERED))


def words(messages: list) -> list:
    return [
        one.trade_id if isinstance(one, Trade) else (one.from_id, one.to_id, one.state) for one in messages
    ]


def mark(last_id: int) -> TradeMark:
    return TradeMark(SYMBOL, T_NS + 9 * MS, last_id)


# repeated trades


def test_what_a_subscription_repeats_at_the_first_start_is_no_news(counted):
    assert counted.say(past(5), past(6), past(7)) == []
    assert counted.normaliser.trades.past_trades == 3
    assert words(counted.say(trade(8))) == [8], "and it shows where live trades begin"
    assert words(counted.say(trade(10))) == [(9, 9, "unfillable"), 10]


def test_what_a_subscription_repeats_after_an_interruption_fills_it(counted):
    counted.say(trade(5, 1))
    counted.normaliser.interrupt(SYMBOL, "trade", T_NS, "disconnect")
    counted.out.clear()
    found = counted.say(past(4, 0), past(5, 1), past(6, 2), past(7, 3), trade(8, 4))
    assert words(found) == [(0, 0, "filled"), 6, 7, 8]
    assert not counted.dropped


def test_one_repeated_trade_after_an_interruption_shows_the_hole_before_it(counted):
    counted.say(trade(5, 1))
    counted.normaliser.interrupt(SYMBOL, "trade", T_NS, "disconnect")
    counted.out.clear()
    assert words(counted.say(past(9, 4))) == [(6, 8, "unfillable"), 9]
    assert words(counted.say(trade(10, 5))) == [10]


def test_a_repeated_trade_of_a_hole_fills_it(counted):
    counted.say(trade(5), trade(8, 3))
    assert words(counted.say(past(6, 1))) == [6]
    assert words(counted.say(past(7, 2))) == [7, (6, 7, "filled")]


# promised trades


def test_a_trade_that_is_told_of_and_does_not_come_is_missing(counted):
    counted.say(trade(5, 1))
    assert counted.say(mark(5), mark(7), mark(7)) == []
    (gap,) = counted.say(mark(8))
    assert isinstance(gap, Gap)
    assert (gap.from_id, gap.to_id, gap.from_ts_ns, gap.to_ts_ns) == (6, 7, T_NS + MS, T_NS + 9 * MS)
    assert words(counted.say(trade(8, 10))) == [8]
    assert words(counted.say(trade(6, 2))) == [6], "it came late after all"


def test_a_trade_that_comes_behind_the_heartbeat_is_not_missing(counted):
    counted.say(trade(5, 1))
    assert words(counted.say(mark(6), mark(6), trade(6, 2), mark(6), mark(7), mark(7))) == [6]


def test_a_mark_before_the_first_trade_says_nothing(counted):
    assert counted.say(mark(6), mark(6), mark(6), mark(6)) == []
    assert words(counted.say(trade(9, 2))) == [9]


# merged fills


def test_merged_fills_step_by_their_number(spanned):
    assert words(spanned.say(trade(7, 1, 3), trade(9, 2, 2), trade(10, 3, 1))) == [7, 9, 10]
    assert words(spanned.say(trade(15, 4, 2))) == [(11, 13, "unfillable"), 15]


def test_a_late_message_of_merged_fills_fills_all_its_ids(spanned):
    spanned.say(trade(5, 1), trade(10, 5))
    assert words(spanned.say(trade(8, 2, 3))) == [8]
    (late, gap) = spanned.say(trade(9, 3, 1))
    assert (late.trade_id, gap.state, gap.count) == (9, "filled", 4)
    assert spanned.gaps.missing == 0


def test_a_merged_message_comes_once(spanned):
    spanned.say(trade(7, 1, 3))
    assert spanned.say(trade(7, 1, 3)) == []
    assert spanned.dropped["duplicate_trade"] == 1


# ids without order


def test_without_numbers_an_interruption_is_judged_by_somebody_else(unordered):
    asked = []
    unordered.normaliser.trades.claim = lambda gap: asked.append(gap) or ""
    unordered.say(trade("a", 1))
    unordered.normaliser.interrupt(SYMBOL, "trade", T_NS, "disconnect")
    unordered.out.clear()
    filling, after = unordered.say(trade("b", 5))
    assert (filling.state, filling.from_ts_ns, filling.to_ts_ns) == ("filling", T_NS + MS, T_NS + 5 * MS)
    assert (after.trade_id, len(asked)) == ("b", 1)
    found = unordered.gaps.found(filling.gap_id, 3, "rest")
    assert (found.state, found.filled_by, found.count) == ("filled", "rest", 3)


def test_without_numbers_and_without_anybody_it_stays_missing(unordered):
    unordered.say(trade("a", 1))
    unordered.normaliser.interrupt(SYMBOL, "trade", T_NS, "disconnect")
    unordered.out.clear()
    gap, _ = unordered.say(trade("b", 5))
    assert (gap.state, gap.reason) == ("unfillable", "nobody fetches what is missing here")
    assert unordered.say(trade("b", 5)) == []
    assert unordered.dropped["duplicate_trade"] == 1


def test_an_execution_that_is_no_trade_does_not_count_without_numbers(unordered):
    unordered.say(trade("a", 1))
    assert unordered.say(Excluded(SYMBOL, T_NS, 7, "block trade")) == []
    assert unordered.dropped["not_a_market_trade"] == 1


def test_a_hole_that_an_older_trade_reveals_does_not_end_before_it_begins(counted):
    counted.say(trade(5, 9))
    gap, late = counted.say(trade(8, 3))
    assert (gap.from_ts_ns, gap.to_ts_ns, late.trade_id) == (T_NS + 9 * MS, T_NS + 9 * MS, 8)
