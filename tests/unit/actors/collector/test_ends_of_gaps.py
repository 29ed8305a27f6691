"""What a venue shows after a gap ends it, with exactly what was missed: no more, no less."""

import pytest

from actors.collector.intake.normaliser import Rules
from actors.collector.mending.recent_mender import missed
from actors.collector.venue import TradeIds
from protocol.messages import BUY, Gap, Trade
from tests.unit.actors.collector.outcome_parser import MS, SYMBOL, T_NS, OutcomePath, past, trade


@pytest.fixture
def counted() -> OutcomePath:
    path = OutcomePath(Rules(ids=TradeIds.COUNTED))
    path.say(trade(5, 1))
    path.normaliser.interrupt(SYMBOL, "trade", T_NS + 2 * MS, "disconnect")
    path.out.clear()
    return path


def test_the_same_newest_trade_as_before_shows_that_nothing_was_missed(counted):
    (gap,) = counted.say(past(5, 1))
    assert isinstance(gap, Gap)
    assert (gap.state, gap.from_id, gap.to_id, gap.to_ts_ns) == ("filled", 0, 0, T_NS + 2 * MS)
    counted.normaliser.resume(SYMBOL, "trade", T_NS + 3 * MS)
    assert counted.out == [], "it has ended already"
    (after,) = counted.say(trade(6, 4))
    assert after.trade_id == 6
    assert counted.gaps.open_count == 0


def test_what_is_missing_behind_it_is_a_gap_of_its_own(counted):
    counted.say(past(5, 1))
    hole, after = counted.say(trade(8, 4))
    assert (hole.cause, hole.from_id, hole.to_id, after.trade_id) == ("venue_jump", 6, 7, 8)


def test_an_older_trade_shows_nothing(counted):
    assert counted.say(past(4, 0)) == []
    (gap,) = counted.gaps.unsettled
    assert gap.state == "open"


def test_without_a_gap_a_repeated_trade_says_nothing(counted):
    counted.say(trade(6, 4))
    assert counted.say(past(6, 4)) == []


def test_trades_missed_before_the_first_live_one_are_missed_all_the_same():
    path = OutcomePath(Rules(ids=TradeIds.COUNTED))
    path.say(past(4), past(5, 1))
    path.normaliser.interrupt(SYMBOL, "trade", T_NS + 2 * MS, "disconnect")
    path.out.clear()
    gap, newest = path.say(past(8, 5))
    assert (gap.cause, gap.from_id, gap.to_id, newest.trade_id) == ("disconnect", 6, 7, 8)
    assert [one.trade_id for one in path.say(past(8, 5), trade(9, 6))] == [9]


def test_before_the_first_live_trade_too_the_same_newest_one_shows_that_nothing_was_missed():
    path = OutcomePath(Rules(ids=TradeIds.COUNTED))
    path.say(past(4), past(5, 1))
    path.normaliser.interrupt(SYMBOL, "trade", T_NS + 2 * MS, "disconnect")
    path.out.clear()
    (gap,) = path.say(past(4), past(5, 1))
    assert (gap.state, gap.to_id) == ("filled", 0)


def test_uuids_show_nothing():
    path = OutcomePath(Rules(ids=TradeIds.UNORDERED))
    path.say(trade("a", 1))
    path.normaliser.interrupt(SYMBOL, "trade", T_NS + 2 * MS, "disconnect")
    path.out.clear()
    assert path.say(past("a", 1)) == []
    assert len(path.gaps.unsettled) == 1


def test_a_page_that_is_ahead_of_the_stream_gives_only_what_was_missed():
    page = [Trade(SYMBOL, "bybit", at * MS, 1, 100.0, 1.0, BUY, f"id-{at}") for at in (10, 20, 30, 40, 50)]
    found = missed(page, 10 * MS, {"id-10", "id-40"}.__contains__, 40 * MS)
    assert ([one.trade_id for one in found.trades], found.reaches_back) == (["id-20", "id-30"], True)
