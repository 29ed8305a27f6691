"""Which of a venue's newest trades were missed: the pure decision, then any market cut and fetched anywhere."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.mending.recent_mender import missed
from actors.collector.rest import RestError
from protocol.messages import BUY, Gap, Trade
from tests.unit.actors.collector.recent_world import MS_NS, SYMBOL, T_MS, World


def trade(number, at_ms):
    return Trade(SYMBOL, "bybit", at_ms * MS_NS, 1, 100.0, 1.0, BUY, f"id-{number}")


# the pure decision


def test_what_is_newer_and_was_not_seen_is_missed():
    page = [trade(1, 10), trade(2, 20), trade(3, 30), trade(4, 40)]
    found = missed(page, 20 * MS_NS, {"id-1", "id-2", "id-4"}.__contains__)
    assert ([one.trade_id for one in found.trades], found.reaches_back) == (["id-3"], True)


def test_a_page_that_begins_after_the_last_trade_seen_does_not_reach_back():
    found = missed([trade(2, 21)], 20 * MS_NS, lambda _id: False)
    assert ([one.trade_id for one in found.trades], found.reaches_back) == (["id-2"], False)


def test_trades_of_the_very_moment_are_missed_only_if_others_of_it_are_remembered():
    page = [trade(1, 20), trade(2, 20), trade(3, 30)]
    assert [one.trade_id for one in missed(page, 20 * MS_NS, {"id-1"}.__contains__).trades] == [
        "id-2",
        "id-3",
    ]
    assert [one.trade_id for one in missed(page, 20 * MS_NS, lambda _id: False).trades] == ["id-3"]


def test_no_page_reaches_nowhere():
    assert missed([], 20, lambda _id: False) == ([], False)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 60),
    st.randoms(),
)
@settings(max_examples=200, deadline=None)
def test_seen_and_missed_together_are_the_market_from_the_page_on(times, first, last, limit, random):
    """Any market, any gap in it, any page length: nothing twice, nothing new but what was missing, all of it."""
    market = [trade(number, at_ms) for number, at_ms in enumerate(sorted(times))]
    seen = {one.trade_id for number, one in enumerate(market) if not first <= number < last}
    before = [one for one in market[:first] if one.trade_id in seen]
    if not before:
        return
    before_ns = before[-1].ts_event_ns
    page = market[-limit:]
    shuffled = list(page)
    random.shuffle(shuffled)
    found = missed(shuffled, before_ns, seen.__contains__)
    ids = [one.trade_id for one in found.trades]
    assert len(ids) == len(set(ids))
    assert not seen & set(ids)
    assert [one.ts_event_ns for one in found.trades] == sorted(one.ts_event_ns for one in found.trades)
    assert found.reaches_back == (page[0].ts_event_ns <= before_ns)
    lost = {one.trade_id for one in market} - seen - set(ids)
    if page[0].ts_event_ns < before_ns:
        assert lost == set()
    assert all(one.ts_event_ns <= before_ns or one not in page for one in market if one.trade_id in lost)


# any market, through the real parser, normaliser, ledger and outbox


def play(world, market, limit, draw):
    """A market of trades, cut at random; the venue's page is its newest `limit` ones, sometimes older, sometimes none."""
    is_away, fates = False, st.sampled_from(["live", "live", "live", "cut", "answer", "fail", "late"])
    for at, (number, ms) in enumerate(market):
        fate = draw(fates)
        if fate == "cut" and not is_away and number:
            is_away = True
            world.normaliser.interrupt(SYMBOL, "trade", (T_MS + ms - 50) * MS_NS, "disconnect", "cut")
        elif fate == "answer" and world.asked and at:
            world.page(*market[:at][-limit:])
        elif fate == "fail" and world.asked:
            world.answer(RestError("cut", 503))
        elif fate == "late" and world.asked and at > 2:
            world.page(*market[: at - 2][-limit:])
        if is_away and draw(st.booleans()):
            is_away = False
            world.normaliser.resume(SYMBOL, "trade", (T_MS + ms - 1) * MS_NS)
        if not is_away:
            world.live((number, ms))
        world.at(60 * at)


def settle(world, market, limit, second):
    """The feed is back for good, and the venue answers."""
    number, ms = market[-1]
    world.normaliser.resume(SYMBOL, "trade", (T_MS + ms) * MS_NS)
    market.append((number + 1, ms + 100))
    world.live(market[-1])
    for _ in range(200):
        second += 100
        world.at(second)
        if not world.asked:
            break
        world.page(*market[-limit:])


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_whatever_is_cut_and_fetched_nothing_is_published_twice_and_every_gap_ends(data):
    world = World(klines=False)
    count, limit = data.draw(st.integers(5, 40)), data.draw(st.integers(1, 40))
    market = [(number, number * 100 + data.draw(st.integers(0, 99))) for number in range(count)]
    play(world, market, limit, data.draw)
    settle(world, market, limit, 60 * count)
    assert len(world.mender) == 0
    assert len(world.trades) == len(set(world.trades))
    last = {one.gap_id: one for one, _ in world.published if isinstance(one, Gap)}
    assert {gap.state for gap in last.values()} <= {"filled", "unfillable"}
    if all(gap.state == "filled" for gap in last.values()):
        begun = next(number for number, _ in market if f"id-{number}" in world.trades)
        assert sorted(world.trades) == sorted(f"id-{number}" for number, _ in market[begun:])
