"""Real minutes are accepted, and faults that are put into them are found."""

from __future__ import annotations

import collections
import functools
import itertools
import random

import pytest

from actors.collector.bars.judging.agreement import compare
from actors.collector.bars.judging.calendar import expected_minutes, missing_runs
from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.spikes import BOTH, WINDOW, excursion, limit_of, true_range
from actors.collector.bars.providers.provider import MINUTE_NS
from protocol.sessions import DAY_NS
from tests.unit.actors.collector.bars.judging_world import (
    SPIKES,
    at,
    limit_at,
    moved,
    opinions,
    scaled,
    spiked,
    verdicts,
)
from tests.unit.actors.collector.bars.recorded_bars import RECORDINGS, in_session, read_bars

pytestmark = pytest.mark.recording

FAULTS = {
    "freqtrade": [at("2017-11-05T07:54")],
    "ES december": [at("2013-12-18T21:30")],
    "ES march": [at("2013-12-18T21:30")],
}
"""Spikes in the recordings. Those of ES are faults: the bar after a halt has the low of the day, made 2 h 30 min before,
in both contracts. The other one is a trade 1.1 % away in a market without depth."""
CLOSED = {"alphavantage": 2598, "ES december": 13, "ES march": 15}
"""Bars while the calendar says closed: before the opening and after the close; ES traded until 16:15 in 2013."""
LARGE = ("fx ask", "fx bid", "6E", "btc perp", "alphavantage")


@functools.cache
def trading(name):
    """Market, and its bars in market hours without the faults in them."""
    market, bars = read_bars(name)
    return market, [bar for bar in in_session(market, bars) if bar.ts_open_ns not in FAULTS.get(name, ())]


def injected(name, seed, kinds=SPIKES):
    """A page with a spike in about every hundredth bar, of 1.05 to 20 times the limit, and where they are."""
    market, bars = trading(name)
    dice = random.Random(seed)
    page, places = list(bars), []
    for hundred in range(60, len(bars) - 2, 100):
        place = hundred + dice.randrange(20)
        if place > len(bars) - 2 or bars[place].ts_open_ns - bars[place - 1].ts_open_ns != MINUTE_NS:
            continue
        limit = limit_at(bars[place - 60 : place + 1], 60, market)
        distance = limit * dice.uniform(1.05, 20.0)
        around = bars[place - 1 : place + 2]
        page[place] = spiked(bars[place], dice.choice(kinds), around, distance, is_up=dice.random() < 0.5)
        places.append(place)
    return market, page, places


@pytest.mark.parametrize("name", RECORDINGS)
def test_real_minutes_are_accepted(name):
    market, bars = read_bars(name)
    judged = judge(bars, market)
    rules = collections.Counter(
        (one.verdict, one.reasons[0].partition(":")[0] if one.reasons else "") for one in judged
    )
    print(name, len(bars), dict(rules))
    assert rules[("quarantine", "outside session")] == CLOSED.get(name, 0)
    found = [one for one in judged if one.verdict not in ("accept", "quarantine")]
    assert [one.sent.ts_open_ns for one in found] == FAULTS.get(name, [])
    assert {one.verdict for one in found} <= {"suspect"}
    assert len(found) + rules[("accept", "")] + CLOSED.get(name, 0) == len(bars)


def newest_that_are_suspect(step):
    n = suspect = 0
    for name in RECORDINGS:
        market, bars = trading(name)
        for place in range(0, len(bars), step):
            (found,) = judge(bars[place : place + 1], market, bars[max(0, place - 60) : place])
            assert found.verdict in ("accept", "suspect")
            n, suspect = n + 1, suspect + (found.verdict == "suspect")
    print(f"{suspect} of {n} bars are suspect as the newest one")
    return suspect / n


def test_real_minutes_are_accepted_as_the_newest_one_too():
    assert newest_that_are_suspect(50) <= 1e-3


@pytest.mark.long
def test_all_real_minutes_are_accepted_as_the_newest_one_too():
    assert newest_that_are_suspect(1) <= 1e-4


def test_the_limits_lie_above_what_real_minutes_do():
    farthest = {}
    for name in LARGE:
        _, bars = trading(name)
        ranges = [true_range(one, bar) for one, bar in itertools.pairwise(bars)]
        farthest[name] = max(
            max(excursion(bars[place], (bars[place - 1], bars[place + 1]))[:2])
            / sorted(ranges[place - 1 - WINDOW : place - 1])[WINDOW // 2]
            for place in range(60, len(bars) - 1)
        )
    print({name: round(ratio, 1) for name, ratio in farthest.items()})
    assert 10.0 < max(farthest.values()) < 0.75 * BOTH


@pytest.mark.parametrize("name", LARGE)
def test_each_spike_is_found_and_nothing_else(name):
    market, page, places = injected(name, seed=7)
    found = verdicts(page, market)
    print(name, len(places), "spikes")
    assert len(places) > 40
    assert list(found) == places
    assert {one.verdict for one in found.values()} == {"suspect"}


def test_ask_and_bid_of_a_month_agree_as_two_providers():
    market, asks = trading("fx ask")
    _, bids = trading("fx bid")
    compared = compare("ask", asks, "bid", bids)
    print(compared)
    assert compared.minutes == 30_117
    assert 0.3 < compared.median_bp < 2.0
    assert (compared.late, compared.finding) == (0, "")
    assert compared.max_bp / 1e4 < market.tolerance
    assert not verdicts(asks, market, others=opinions(bids, "bid"))


def test_each_wick_is_cut_to_what_the_other_provider_has():
    market, page, places = injected("fx ask", seed=3, kinds=("high", "low"))
    _, asks = trading("fx ask")
    _, bids = trading("fx bid")
    found = verdicts(page, market, others=opinions(bids, "bid"))
    assert list(found) == places
    assert {one.verdict for one in found.values()} == {"repair"}
    assert all(found[place].bar.high - asks[place].high < 0.0005 for place in places)
    assert all(asks[place].low - found[place].bar.low < 0.0005 for place in places)


def test_each_wrong_price_is_in_quarantine_if_the_other_provider_has_another():
    market, page, places = injected("fx ask", seed=4, kinds=("all", "close", "open"))
    _, bids = trading("fx bid")
    found = verdicts(page, market, others=opinions(bids, "bid"))
    assert list(found) == places
    assert {one.verdict for one in found.values()} == {"quarantine"}


@pytest.mark.parametrize("name", ["alphavantage", "6E", "fx ask"])
@pytest.mark.parametrize("ratio", [0.25, 2 / 3, 10.0])
def test_a_split_over_a_break_is_found(name, ratio):
    market, bars = trading(name)
    breaks = [
        place
        for place in range(1, len(bars))
        if market.session.open_time_ns(bars[place - 1].ts_open_ns + MINUTE_NS, bars[place].ts_open_ns)
        != bars[place].ts_open_ns - bars[place - 1].ts_open_ns - MINUTE_NS
    ]
    assert breaks
    for place in breaks[::3]:
        page = [*bars[place - 60 : place], *[scaled(bar, ratio) for bar in bars[place : place + 60]]]
        found = verdicts(page, market)
        assert list(found) == list(range(60, len(page)))
        assert all("looks like a split" in one.reasons[0] for one in found.values())
        assert not verdicts(page, market, others=opinions(page[60:61], "other"))


@pytest.mark.parametrize("name", LARGE)
def test_minutes_that_are_missing_or_there_twice_are_found(name):
    market, bars = trading(name)
    dice = random.Random(9)
    gone = set(dice.sample(range(1, len(bars) - 1), 200))
    page = [bar for place, bar in enumerate(bars) if place not in gone]
    from_ns, to_ns = bars[0].ts_open_ns, bars[-1].ts_open_ns + MINUTE_NS
    runs = missing_runs([bar.ts_open_ns for bar in page], market.session, from_ns, to_ns)
    missing = {start_ns for run in runs for start_ns in range(*run, MINUTE_NS)}
    had = {bar.ts_open_ns for bar in bars}
    never = set(expected_minutes(market.session, from_ns, to_ns)) - had
    assert missing == never | {bars[place].ts_open_ns for place in gone}

    again = sorted(dice.sample(range(len(bars)), 200))
    twice = sorted([*range(len(bars)), *again])
    found = verdicts([bars[place] for place in twice], market)
    assert len(found) == 200
    assert {one.reasons[0].partition(":")[0] for one in found.values()} == {"repeated"}
    assert [twice[place] for place in found] == again


def test_a_provider_that_names_minutes_by_their_end_is_found_each_day():
    days = collections.defaultdict(lambda: ([], []))
    for side, name in enumerate(("fx ask", "fx bid")):
        for bar in trading(name)[1]:
            days[bar.ts_open_ns // DAY_NS][side].append(bar)
    whole = [(asks, bids) for asks, bids in days.values() if len(asks) > 600]
    assert len(whole) == 21
    for asks, bids in whole:
        assert compare("ask", asks, "bid", bids).late == 0
        assert compare("ask", asks, "bid", [moved(bar, 1) for bar in bids]).late == 1


def test_the_extended_files_of_alpha_vantage_name_a_minute_by_its_end():
    """The minute with the opening auction in it is named 09:31, here moved to 09:30."""
    _, bars = read_bars("alphavantage")
    volumes = {bar.ts_open_ns: bar.volume for bar in bars}
    opens = [start_ns for start_ns in volumes if (start_ns - at("2020-12-01T14:30")) % DAY_NS == 0]
    assert len(opens) == 12
    assert all(volumes[start_ns] > 10 * volumes.get(start_ns - MINUTE_NS, 0.0) for start_ns in opens)


def test_a_scale_is_never_zero_where_a_limit_is_needed():
    market, bars = trading("coinbase")
    ranges = [true_range(one, bar) for one, bar in itertools.pairwise(bars)]
    asleep = [
        limit_of(market, ranges[:place], bars[place].close) / bars[place].close
        for place in range(60, len(bars))
        if sorted(ranges[place - WINDOW : place])[WINDOW // 2] < 0.05
    ]
    assert len(asleep) > 50
    assert min(asleep) > 0.009
