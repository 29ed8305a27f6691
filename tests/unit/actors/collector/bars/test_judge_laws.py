"""What holds of every page, whatever is in it."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.judged import RULES, Opinion
from tests.unit.actors.collector.bars.judging_world import (
    MARKETS,
    MONDAY_NS,
    SPIKES,
    accepted,
    faulty_pages,
    is_lawful,
    limit_at,
    opinions,
    rubbish,
    spiked,
    walk,
)

markets = st.sampled_from(MARKETS)
pages_of_rubbish = st.lists(rubbish, max_size=12)
seeds = st.integers(0, 10_000)
kinds = st.sampled_from(SPIKES)
VERDICTS = {"accept", "repair", "suspect", "quarantine"}


def check_form(judged, bars):
    assert [one.sent for one in judged] == list(bars)
    for one in judged:
        assert one.verdict in VERDICTS
        assert all(reason.partition(":")[0] in RULES for reason in one.reasons)
        assert all(len(reason) < 200 for reason in one.reasons)
        assert one.reasons or one.verdict == "accept"
        assert (one.bar is None) == (one.verdict == "quarantine")
        assert one.bar is None or is_lawful(one.bar)
        if one.verdict == "accept":
            assert one.bar is one.sent


@given(markets, pages_of_rubbish, st.lists(rubbish, max_size=6), seeds)
def test_rubbish_is_judged_and_never_raises(market, bars, said, seed):
    before = walk(seed % 70, seed, start_ns=MONDAY_NS - 70 * 60 * 10**9)
    others = {bar.ts_open_ns: [Opinion("yahoo", bar), Opinion("polygon", bar)] for bar in said}
    others |= {bar.ts_open_ns: [Opinion("yahoo", one)] for bar, one in zip(bars, said, strict=False)}
    check_form(judge(bars, market, before, others), bars)


@given(faulty_pages(), st.booleans(), seeds)
def test_a_page_in_any_order_is_judged(page, is_shuffled, seed):
    market, bars, others = page
    if is_shuffled:
        random.Random(seed).shuffle(bars)
    judged = judge(bars, market, (), others)
    check_form(judged, bars)
    assert judge(bars, market, (), others) == judged
    starts = [bar.ts_open_ns for bar in accepted(judged)]
    assert starts == sorted(set(starts))


@settings(max_examples=100)
@given(faulty_pages(), st.integers(0, 60))
def test_what_was_accepted_is_accepted_again(page, n):
    market, bars, others = page
    before = walk(60, start_ns=bars[0].ts_open_ns - 60 * 60 * 10**9)[60 - n :]
    kept = accepted(judge(bars, market, before, others))
    again = judge(kept, market, before, others)
    assert [(one.bar, one.verdict) for one in again] == [(bar, "accept") for bar in kept]


@given(markets, seeds, st.integers(61, 140), st.integers(61, 140), st.data())
def test_two_halves_get_the_verdicts_of_the_whole(market, seed, n_first, n_second, data):
    bars = walk(n_first + n_second, seed)
    places = data.draw(st.lists(st.integers(1, len(bars) - 2), max_size=8))
    for place in places:
        size = 3.0 if data.draw(st.booleans()) else 0.3
        beyond = max(bar.high for bar in bars[place - 1 : place + 2])
        limit = limit_at(bars, place, market)
        if size > 1.0:
            bars[place] = replace(bars[place], high=beyond + 10.0 * size * limit)
        else:
            bars[place] = replace(bars[place], high=bars[place].high * (1.0 + 1e-6))
    whole = judge(bars, market)
    first = judge(bars[:n_first], market)
    second = judge(bars[n_first:], market, accepted(first)[-60:])
    parts = [one.verdict for one in (*first, *second)]
    wrong = [place for place, one in enumerate(whole) if one.verdict != parts[place]]
    assert set(wrong) <= {n_first - 1, n_first}


@given(markets, seeds, kinds, st.integers(1, 78), st.booleans(), st.floats(1.001, 60.0))
def test_a_spike_is_never_accepted_of_one_provider_alone(market, seed, kind, place, is_up, size):
    bars = walk(80, seed)
    distance = size * limit_at(bars, place, market)
    if not is_up:
        distance = min(distance, 0.9 * bars[place].low)
    bad = spiked(bars[place], kind, bars[place - 1 : place + 2], distance, is_up=is_up)
    page = [*bars[:place], bad, *bars[place + 1 :]]
    found = judge(page, market)
    assert found[place].verdict in ("suspect", "quarantine")
    assert [one.verdict for one in found[:place] + found[place + 1 :]] == ["accept"] * 79
    ended = judge(page[: place + 1], market)
    if distance > limit_at(bars, place, market, has_next=False):
        assert ended[place].verdict == "suspect"

    (mended,) = judge(page, market, (), opinions([bars[place]], "polygon"))[place : place + 1]
    assert mended.verdict in ("quarantine", "repair")
    if mended.bar is not None:
        assert mended.bar.high <= max(bars[place].high, bars[place].open, bars[place].close)
        assert mended.bar.low >= bars[place].low
    (confirmed,) = judge(page, market, (), opinions([bad], "polygon"))[place : place + 1]
    assert confirmed == (bad, bad, "accept", ())
