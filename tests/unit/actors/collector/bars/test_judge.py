"""Pages with one fault, and what becomes of it with and without the others' opinion."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.judged import Opinion
from actors.collector.bars.providers.provider import MINUTE_NS
from tests.unit.actors.collector.bars.judging_world import (
    COIN,
    FX,
    MONDAY_NS,
    SHARE,
    at,
    moved,
    opinions,
    scaled,
    verdicts,
    walk,
)

PLACE = 70
BARS = walk(120)


def with_bar(bar, place=PLACE, bars=BARS):
    return [*bars[:place], bar, *bars[place + 1 :]]


def shown(found):
    """Index to verdict and rules."""
    return {
        place: (one.verdict, *[reason.partition(":")[0] for reason in one.reasons])
        for place, one in found.items()
    }


HIGH = with_bar(replace(BARS[PLACE], high=BARS[PLACE].high * 1.01))
WHOLE = with_bar(scaled(BARS[PLACE], 1.01))
TAIL = [*BARS[:PLACE], *[scaled(bar, 1.01) for bar in BARS[PLACE:]]]
SPLIT = [*BARS[:PLACE], *[scaled(bar, 0.25) for bar in BARS[PLACE:]]]


def test_an_ordinary_page_is_accepted_as_it_is():
    assert judge(BARS, FX) == [(bar, bar, "accept", ()) for bar in BARS]
    assert judge([], FX) == []


# spikes


@pytest.mark.parametrize("page", [HIGH, WHOLE])
def test_a_spike_of_one_provider_alone_is_suspect(page):
    found = verdicts(page)
    assert shown(found) == {PLACE: ("suspect", "spike")}
    assert found[PLACE].bar == page[PLACE]
    assert " above its neighbours, more than " in found[PLACE].reasons[0]


def test_a_wick_that_others_do_not_have_is_cut():
    found = verdicts(HIGH, others=opinions(BARS, "polygon"))
    assert shown(found) == {PLACE: ("repair", "wick")}
    assert found[PLACE].bar == BARS[PLACE]
    high, was = BARS[PLACE].high, HIGH[PLACE].high
    assert found[PLACE].reasons == (f"wick: high {was:.8g} cut to {high:.8g}, as others have it",)


def test_both_wicks_are_cut_never_into_open_or_close():
    bar = BARS[PLACE]
    bad = replace(bar, high=bar.high * 1.01, low=bar.low * 0.99)
    narrow = replace(bar, high=max(bar.open, bar.close), low=max(bar.open, bar.close), open=bar.close)
    narrow = replace(narrow, high=bar.close, low=bar.close)
    found = verdicts(with_bar(bad), others=opinions([narrow], "polygon"))
    assert found[PLACE].bar == replace(bar, high=max(bar.open, bar.close), low=min(bar.open, bar.close))


@pytest.mark.parametrize("page", [HIGH, WHOLE])
def test_a_spike_that_another_provider_has_too_is_accepted(page):
    assert not verdicts(page, others=opinions([page[PLACE]], "polygon"))


def test_a_spike_that_another_provider_does_not_have_is_in_quarantine():
    found = verdicts(WHOLE, others=opinions(BARS, "polygon"))
    assert shown(found) == {PLACE: ("quarantine", "spike", "disagrees")}
    assert found[PLACE].bar is None


def test_an_open_that_is_a_spike_cannot_be_cut():
    bar = BARS[PLACE]
    page = with_bar(replace(bar, open=bar.open * 1.01, high=bar.high * 1.01))
    assert shown(verdicts(page)) == {PLACE: ("suspect", "spike")}
    assert shown(verdicts(page, others=opinions(BARS, "polygon"))) == {PLACE: ("quarantine", "spike")}


def test_a_bar_is_right_against_one_whose_price_is_a_spike():
    wrong = opinions([scaled(BARS[PLACE], 1.01)], "polygon")
    found = verdicts(BARS, others=wrong)
    assert shown(found) == {PLACE: ("accept", "disagrees")}
    assert found[PLACE].reasons[0].endswith("; theirs does not fit the bars around")


def test_a_bar_is_not_right_against_one_whose_price_stays():
    moved_on = opinions([scaled(bar, 1.01) for bar in BARS[PLACE:]], "polygon")
    assert {one.verdict for one in verdicts(BARS, others=moved_on).values()} == {"suspect"}


def test_a_bar_is_not_right_against_one_that_leans_on_its_own_next():
    two = opinions([scaled(bar, 1.01) for bar in BARS[PLACE : PLACE + 2]], "polygon")
    assert shown(verdicts(BARS, others=two)) == dict.fromkeys((PLACE, PLACE + 1), ("suspect", "disagrees"))


def test_a_mended_bar_that_is_right_is_still_a_mended_one():
    bar = BARS[PLACE]
    page = with_bar(replace(bar, high=max(bar.open, bar.close) * 0.9999))
    found = verdicts(page, others=opinions([scaled(bar, 1.01)], "polygon"))
    assert shown(found) == {PLACE: ("repair", "ohlc", "disagrees")}


def test_a_move_that_stays_is_accepted():
    assert not verdicts(TAIL)


def test_a_jump_of_the_newest_bar_waits_for_the_next_one():
    ended = TAIL[: PLACE + 1]
    found = verdicts(ended)
    assert shown(found) == {PLACE: ("suspect", "jump")}
    assert found[PLACE].reasons[0].endswith(", and no bar follows")
    assert not verdicts(TAIL[: PLACE + 2])
    assert not verdicts(ended, others=opinions([ended[-1]], "polygon"))


def test_a_jump_of_the_newest_bar_is_seen_by_what_was_accepted_before():
    assert shown(verdicts(TAIL[PLACE : PLACE + 1], before=BARS[10:PLACE])) == {0: ("suspect", "jump")}
    assert not verdicts(TAIL[PLACE : PLACE + 1])


def test_a_bar_that_was_accepted_before_is_not_in_question_but_its_revision_is():
    assert not verdicts(HIGH[PLACE:], before=HIGH[: PLACE + 1])
    assert shown(verdicts(HIGH[PLACE:], before=BARS[: PLACE + 1])) == {0: ("suspect", "spike")}


def test_an_old_minute_is_judged_between_those_accepted_around_it():
    before = BARS[:PLACE] + BARS[PLACE + 1 :]
    assert not verdicts([BARS[PLACE]], before=before)
    assert shown(verdicts([WHOLE[PLACE]], before=before)) == {0: ("suspect", "spike")}


def test_the_first_bar_of_all_is_judged_by_the_two_behind_it():
    page = with_bar(scaled(BARS[0], 1.02), place=0)
    assert shown(verdicts(page)) == {0: ("suspect", "spike")}
    page = with_bar(scaled(BARS[1], 1.02), place=1)
    assert shown(verdicts(page)) == {1: ("suspect", "spike")}
    wick = with_bar(replace(BARS[0], high=BARS[0].high * 1.02), place=0)
    assert shown(verdicts(wick, others=opinions(BARS, "polygon"))) == {0: ("repair", "wick")}


def test_two_spikes_side_by_side_hide_each_other_only_if_they_are_as_high():
    page = with_bar(scaled(BARS[PLACE + 1], 1.03), PLACE + 1, WHOLE)
    assert shown(verdicts(page)) == {PLACE: ("suspect", "spike"), PLACE + 1: ("suspect", "spike")}


def test_a_wick_that_hid_behind_a_higher_one_is_cut_too():
    page = list(BARS)
    for place, wick in ((PLACE, 1.01), (PLACE + 1, 1.03), (PLACE + 2, 1.05)):
        page[place] = replace(page[place], high=page[place].high * wick)
    found = verdicts(page, others=opinions(BARS, "polygon"))
    assert [one.bar for one in found.values()] == BARS[PLACE : PLACE + 3]


def test_what_was_accepted_before_stays_the_neighbour_of_what_comes():
    before = [*BARS[PLACE - 59 : PLACE], WHOLE[PLACE]]
    assert shown(verdicts(BARS[PLACE + 1 : PLACE + 2], before=before)) == {0: ("suspect", "jump")}


def test_a_weekend_gap_of_half_a_percent_is_an_opening():
    friday = walk(60, start_ns=at("2024-01-05T21:00"))
    sunday = walk(60, seed=2, price=friday[-1].close * 1.005, start_ns=at("2024-01-07T22:00"))
    assert not verdicts([*friday, *sunday])
    assert not verdicts(sunday[:1], before=friday)


def test_an_overnight_gap_of_an_equity_is_an_opening():
    monday = walk(60, price=180.0, start_ns=at("2024-01-08T20:00"), step=0.0005)
    tuesday = walk(60, seed=2, price=monday[-1].close * 0.9, start_ns=at("2024-01-09T14:30"), step=0.0005)
    assert not verdicts([*monday, *tuesday], SHARE)
    assert not verdicts(tuesday[:1], SHARE, before=monday)


# other levels


def test_a_split_makes_everything_behind_it_suspect():
    found = verdicts(SPLIT, SHARE)
    assert list(found) == list(range(PLACE, 120))
    assert {one.verdict for one in found.values()} == {"suspect"}
    assert all(one.reasons[0].endswith(" looks like a split 4:1") for one in found.values())


def test_a_split_between_what_was_published_and_the_page_is_seen():
    found = verdicts(SPLIT[PLACE:], SHARE, before=BARS[PLACE - 60 : PLACE])
    assert list(found) == list(range(50))
    assert shown(verdicts(SPLIT[PLACE : PLACE + 1], SHARE, before=BARS[10:PLACE])) == {
        0: ("suspect", "split")
    }


@pytest.mark.parametrize(("at_open", "at_close"), [(2 / 3, 0.75), (1.0, 2 / 3)])
def test_a_split_shows_at_the_open_or_at_the_close(at_open, at_close):
    price = BARS[PLACE - 1].close
    first = replace(
        BARS[PLACE],
        open=price * at_open,
        high=price,
        low=price * min(at_open, at_close),
        close=price * at_close,
    )
    page = [*BARS[:PLACE], first, *[scaled(bar, at_close) for bar in BARS[PLACE + 1 :]]]
    page[PLACE + 1] = replace(page[PLACE + 1], low=first.low)
    assert list(verdicts(page, SHARE)) == list(range(PLACE, 120))


def test_what_drifts_on_another_level_is_still_on_it():
    drifted = [scaled(bar, 1.0 + 0.002 * n) for n, bar in enumerate(BARS[PLACE:])]
    page = [*BARS[:PLACE], *[scaled(bar, 2.0 / 3.0) for bar in drifted]]
    found = verdicts(page, SHARE)
    assert page[-1].close / page[PLACE].close > 1.08
    assert list(found) == list(range(PLACE, 120))


def test_the_first_bar_of_another_level_may_have_a_long_wick():
    first = scaled(BARS[PLACE], 10.0)
    page = [
        *SPLIT[:PLACE],
        replace(first, high=first.high * 1.02),
        *[scaled(bar, 10.0) for bar in BARS[PLACE + 1 :]],
    ]
    assert {one.reasons[0][-23:] for one in verdicts(page, COIN).values()} == {"looks like a split 1:10"}


def test_a_split_over_night_is_seen_at_the_newest_bar():
    monday = walk(60, price=400.0, start_ns=at("2024-01-08T20:00"))
    tuesday = walk(2, price=monday[-1].close / 4.0, start_ns=at("2024-01-09T14:30"))
    found = verdicts(tuesday[:1], SHARE, before=monday)
    assert found[0].verdict == "suspect"
    assert len(verdicts(tuesday, SHARE, before=monday)) == 2


def test_a_split_that_another_provider_has_too_is_accepted():
    assert not verdicts(SPLIT, SHARE, others=opinions(SPLIT[PLACE : PLACE + 1], "polygon"))


def test_from_the_first_confirmed_bar_on_the_level_is_accepted():
    found = verdicts(SPLIT, SHARE, others=opinions(SPLIT[80:81], "polygon"))
    assert list(found) == list(range(PLACE, 80))


def test_a_split_that_others_do_not_have_is_in_quarantine_and_theirs_is_right():
    found = verdicts(SPLIT, SHARE, others=opinions(BARS, "polygon"))
    assert {one.verdict for one in found.values()} == {"quarantine"}
    assert list(found) == list(range(PLACE, 120))
    healthy = verdicts(BARS[PLACE:], SHARE, BARS[:PLACE], opinions(SPLIT, "polygon"))
    assert {one.verdict for one in healthy.values()} == {"accept"}


def test_a_stretch_on_another_level_ends_where_the_price_is_back():
    page = [*BARS[:PLACE], *[scaled(bar, 2.0) for bar in BARS[PLACE:90]], *BARS[90:]]
    assert list(verdicts(page, COIN)) == list(range(PLACE, 90))


def test_another_level_is_accepted_after_a_week_in_which_nobody_confirmed_it():
    week = 7 * 24 * 60
    page = [*BARS[:PLACE], *[moved(scaled(bar, 0.25), week - 20) for bar in BARS[PLACE:]]]
    found = verdicts(page, COIN)
    assert list(found) == list(range(PLACE, PLACE + 20))


# what others say


def test_the_odd_one_of_three_is_in_quarantine():
    found = verdicts(BARS, others=opinions([scaled(BARS[PLACE], 1.002)], "twelvedata", "polygon"))
    assert shown(found) == {PLACE: ("quarantine", "disagrees")}
    assert "against twelvedata 1.1" in found[PLACE].reasons[0]
    assert "polygon 1.1" in found[PLACE].reasons[0]


def test_one_against_one_is_suspect():
    found = verdicts(BARS, others=opinions([scaled(BARS[PLACE], 1.002)], "polygon"))
    assert shown(found) == {PLACE: ("suspect", "disagrees")}
    assert found[PLACE].bar == BARS[PLACE]


def test_one_that_agrees_outweighs_one_that_does_not():
    said = opinions([scaled(BARS[PLACE], 1.002)], "polygon")
    said[BARS[PLACE].ts_open_ns].append(Opinion("twelvedata", BARS[PLACE]))
    assert not verdicts(BARS, others=said)


def test_two_bars_of_one_minute_are_told_apart_by_another_provider():
    page = [*BARS[:PLACE], BARS[PLACE], scaled(BARS[PLACE], 1.002), *BARS[PLACE + 1 :]]
    found = verdicts(page, others=opinions([BARS[PLACE]], "polygon"))
    assert shown(found) == {PLACE + 1: ("quarantine", "repeated")}


def test_reasons_of_several_rules_are_all_told():
    bar = BARS[PLACE]
    page = with_bar(replace(bar, high=max(bar.open, bar.close) * 0.9999, low=bar.low * 0.99, volume=-1.0))
    found = verdicts(page)
    assert shown(found) == {PLACE: ("suspect", "ohlc", "no volume", "spike")}
    assert found[PLACE].bar.high == max(bar.open, bar.close)


def test_minutes_that_are_missing_let_the_price_go_farther():
    page = [BARS[0], *[moved(scaled(bar, 1.008), 600) for bar in BARS[1:]]]
    assert page[1].ts_open_ns - MONDAY_NS == 601 * MINUTE_NS
    assert not verdicts(page[60:61], before=page[:1])
