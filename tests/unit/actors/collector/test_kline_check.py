"""The venue's own candles, fetched to compare ours with: whose turn it is, only what is over, and never at repairs' cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.mending.rotation import MOST_MINUTES, Rotation
from actors.collector.mending.trade_mender import MOSTLY
from actors.collector.rest import RestError
from actors.collector.venues.binance import Binance
from protocol.record import FLAG_REFERENCE
from tests.unit.actors.collector.kline_world import SECOND_NS, START_MINUTE, World

KLINES_WEIGHT = Binance().klines_weight("spot")


def test_a_minute_that_is_over_is_fetched_and_published_as_a_reference():
    world = World()
    assert [world.at(second) for second in (0, 59, 60, 89)] == [[], [], [], []]
    (path,) = world.at(90)
    start_ms = START_MINUTE * 60_000
    query = f"interval=1m&startTime={start_ms}&endTime={start_ms + 59_999}&limit=1"
    assert path == f"/api/v3/klines?symbol=BTCUSDT&{query}"
    assert world.at(115) == [], "one request at a time"
    world.answer()
    ((topic, (bar,), flags),) = world.published
    assert (topic, flags) == ("bar.binance.BTC_USDT.1m", FLAG_REFERENCE)
    assert (bar.source, bar.revision, bar.status, bar.close, bar.volume) == ("binance", 0, "closed", 2.0, 9.0)
    assert world.counters == {"kline_checks_asked": 1, "klines_checked": 1}


@given(st.integers(1, 40), st.floats(5, 60), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_each_symbol_has_its_turn_and_no_minute_comes_twice_or_too_early(count, every_s, steps):
    symbols = [f"S{number:02}_USDT" for number in range(count)]
    world = World(symbols, every_s=every_s)
    turns, minutes_of = [], {symbol: [] for symbol in symbols}
    for step in range(steps * 10):
        second = step * 7.0
        for path in world.at(second):
            turns.append(world.names[path.partition("symbol=")[2].partition("&")[0]])
            before = len(world.minutes)
            world.answer()
            fresh = world.minutes[before:]
            assert 0 < len(fresh) <= MOST_MINUTES
            assert all((minute + 1) * 60 + 30 <= second for _, minute in fresh)
            minutes_of[turns[-1]] += [minute for _, minute in fresh]
    turns_of = [turns.count(symbol) for symbol in symbols]
    assert max(turns_of) - min(turns_of) <= 1
    for minutes in minutes_of.values():
        assert minutes == sorted(set(minutes))
        if count * (every_s + 7.0) < (MOST_MINUTES - 2) * 60 and minutes:
            assert minutes == list(range(minutes[0], minutes[-1] + 1)), "all of them are checked"


@given(st.lists(st.tuples(st.floats(0.05, 40), st.integers(1, 4000)), max_size=8))
@settings(max_examples=12, deadline=None)
def test_repairs_are_not_starved_by_it(losses):
    """With and without it the same gaps: each page is asked for at the latest when what it may spend has come back."""
    per_min, step_s = 100, 1.0
    checked, plain = World(weight_per_min=per_min, every_s=1.0), World(weight_per_min=per_min, every_s=0.0)
    late_s = (1.0 - MOSTLY) * 60.0 + step_s
    due_s = [sum(pause for pause, _ in losses[: index + 1]) for index in range(len(losses))]
    asked = {checked: [], plain: []}
    end_s = (
        600
        + (due_s[-1] if due_s else 0)
        + sum(25 * (count // 1000 + 1) for _, count in losses) * 60 / per_min
    )
    for step in range(round(end_s / step_s)):
        second = step * step_s
        for world in (checked, plain):
            world.mono_ns = round(second * SECOND_NS)
            for at_s, (_, count) in zip(due_s, losses, strict=True):
                if second - step_s < at_s <= second:
                    world.lose(count)
            is_repairing = len(world.mender) > 0
            for path in world.at(second):
                if "klines" in path:
                    assert not is_repairing
                    assert world.mender.budget.left(world.mono_ns) >= MOSTLY * per_min
                else:
                    asked[world].append(second)
                world.answer()
    assert len(asked[checked]) == len(asked[plain])
    assert all(late - soon <= late_s for late, soon in zip(asked[checked], asked[plain], strict=True))
    assert checked.counters["klines_checked"] > 0
    assert len(checked.mender) == plain.counters["klines_checked"] == 0


def test_it_waits_while_anything_is_repaired_however_much_there_is_to_spend():
    world = World()
    world.at(60)
    world.lose(5)
    assert ["historicalTrades" in path for path in world.at(149)] == [True]
    assert world.at(152) == []
    world.answer()
    assert "klines" in world.at(153)[0]


def test_it_waits_where_the_venue_wants_no_request_for_something_else():
    world = World()
    world.at(60)
    world.mender.hold(400 * SECOND_NS)
    assert not any(world.at(second) for second in range(61, 400, 5))
    assert world.at(401)


def test_it_waits_for_the_budget():
    world = World(weight_per_min=60)
    world.at(60)
    world.mono_ns = 149 * SECOND_NS
    world.lose(5)
    assert "historicalTrades" in world.at(150)[0]
    assert world.at(151) == []
    world.answer()
    assert len(world.mender) == 0
    assert world.at(152) == [], "35 of 60 are left, and 45 stay for repairs"
    assert [second for second in range(153, 200) if world.at(second)] == [162], "47 are there"
    assert world.mender.budget.left(world.mono_ns) >= 45


@pytest.mark.parametrize("options", [{"every_s": 0.0}, {"rest": False}])
def test_it_can_be_off(options):
    world = World(**options)
    assert not any(world.at(second) for second in range(0, 600, 5))


def test_a_venue_without_candles_is_not_asked_for_them():
    class NoKlines(Binance):
        def klines_per_page(self, market):
            return 0

    world = World(venue=NoKlines())
    assert not any(world.at(second) for second in range(0, 600, 5))


def test_nobody_is_asked_while_nothing_comes_of_the_venue():
    world = World()
    world.at(100)
    world.is_flowing = False
    assert not any(world.at(second) for second in range(150, 600, 5))
    world.is_flowing = True
    assert world.at(601)


def test_a_failure_is_told_and_the_next_one_has_its_turn():
    world = World(["BTC_USDT", "ETH_USDT"])
    world.at(60)
    assert "BTCUSDT" in world.at(300)[0]
    world.answer(b"[[1]]")
    ((reason, what),) = world.drops
    assert reason == "kline_check_failed"
    assert "BTC_USDT 1m candles: invalid_klines" in what
    later = [path for second in range(301, 480) for path in world.at(second)]
    assert "ETHUSDT" in later[0]
    world.answer()
    assert "BTCUSDT" in world.at(540)[0]
    world.answer()
    assert [minute for symbol, minute in world.minutes if symbol == "BTC_USDT"] == list(range(8)), (
        "none is left out"
    )


def test_an_answer_that_does_not_come_is_given_up():
    world = World()
    world.at(60)
    world.at(300)
    ((_, late),) = world.asked
    assert world.at(330) == []
    assert world.drops == [("kline_check_failed", "BTC_USDT 1m candles: no answer in time")]
    late(world.body("http://venue/?startTime=0&endTime=1"))
    assert world.published == []


def test_a_venue_that_wants_to_be_left_alone_is_left_alone_by_repairs_too():
    world = World()
    world.at(60)
    world.at(300)
    world.answer(RestError("HTTP 429", 429, retry_after_s=500.0))
    assert world.mender.closed_until_ns >= 800 * SECOND_NS
    world.lose(3)
    assert not any(world.at(second) for second in range(301, 800, 5))
    assert "historicalTrades" in world.at(801)[0]


def test_minutes_that_a_venue_leaves_out_at_the_end_are_asked_for_again():
    world = World()
    world.at(60)
    (path,) = world.at(300)
    world.answer(world.body(path, last_minutes=2))
    assert [minute for _, minute in world.minutes] == [0, 1]
    (path,) = world.at(360)
    world.answer(world.body(path, last_minutes=9))
    assert [minute for _, minute in world.minutes] == [0, 1], "nothing at all is no failure"
    assert world.drops == []
    world.at(420)
    world.answer()
    assert [minute for _, minute in world.minutes] == [0, 1, 2, 3, 4, 5]


def test_what_is_not_wanted_any_more_is_not_published():
    world = World()
    world.at(60)
    world.at(300)
    world.normaliser.forget("BTC_USDT")
    world.answer()
    world.check.stop()
    assert (world.published, world.drops) == ([], [])
    world = World()
    world.at(60)
    world.at(300)
    world.check.stop()
    world.answer()
    assert world.published == []
    assert world.at(900) == []


def test_a_bug_in_the_thread_is_raised_in_the_loop():
    world = World()
    world.at(60)
    world.at(300)
    with pytest.raises(ZeroDivisionError):
        world.answer(ZeroDivisionError())


def test_symbols_that_are_gone_are_forgotten_and_new_ones_begin_with_what_is_to_come():
    rotation = Rotation(5)
    minute_ns = 60 * SECOND_NS

    def at(minute, *symbols):
        stretch = rotation.next(symbols, (START_MINUTE + minute + 1) * minute_ns + 30 * SECOND_NS)
        if stretch is not None:
            rotation.asked(stretch.symbol)
            rotation.had(stretch.symbol, stretch.first_minute + stretch.minutes - 1)
            return stretch.symbol, stretch.first_minute - START_MINUTE, stretch.minutes
        return None

    assert at(0, "A", "B") is None
    assert [at(1, "A", "B") for _ in range(3)] == [("A", 1, 1), ("B", 1, 1), None]
    assert at(9, "A") == ("A", 5, 5), "what is older is left out"
    assert at(9, "A", "B") is None, "B is new again"
    assert at(10, "B", "C") == ("B", 10, 1)
    assert at(11, "B", "C") == ("B", 11, 1)
    assert at(12, "B", "C") == ("C", 12, 1)
