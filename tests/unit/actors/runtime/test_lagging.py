"""When an actor is behind what it hears, since when, and when it has caught up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.lagging import CALM, Lagging, Pace

NS = 1_000_000_000
LIMIT_NS = Pace(0).limit_ns
CALM_NS = CALM * LIMIT_NS


def ns(seconds):
    return round(seconds * NS)


def live(pace, mono_s, age_s, *, has_more=False):
    pace.note_live(ns(age_s), ns(mono_s), has_more=has_more)


def behind_s(pace, mono_s, **options):
    return pace.behind_ns(ns(mono_s), **options) / NS


def test_who_takes_all_there_is_at_once_is_level_whatever_the_clocks_say():
    for skew_s in (-3600.0, 0.0, 3600.0):
        pace = Pace(0)
        for second in range(1, 10):
            live(pace, second, skew_s + 0.01 * second)

            assert behind_s(pace, second + 0.9) == 0


def test_who_never_takes_all_is_behind_by_how_late_it_was_and_grows_later_meanwhile():
    for skew_s in (-3600.0, 0.0, 3600.0):
        pace = Pace(0)
        live(pace, 1, skew_s)
        for second in range(2, 5):
            live(pace, second, skew_s + second - 0.5, has_more=True)

        assert behind_s(pace, 4) == pytest.approx(3.5, abs=0.01)
        assert behind_s(pace, 4.25) == pytest.approx(3.75, abs=0.01)


def test_a_burst_is_no_lag():
    pace = Pace(0)
    live(pace, 1, 0.0)
    live(pace, 1.1, 0.9, has_more=True)

    assert behind_s(pace, 1.2) == 0


def test_what_comes_in_small_pieces_and_late_is_behind_until_it_comes_in_time():
    """A process that was stopped: its socket is empty again and again while the rest is still on its way."""
    pace = Pace(0)
    live(pace, 1, 0.0)
    live(pace, 11, 10.0)
    assert behind_s(pace, 11.1) == pytest.approx(10, abs=0.01)

    live(pace, 11.2, 0.1)
    assert behind_s(pace, 11.3) == 0


def test_a_clock_that_was_set_back_and_forth_makes_nobody_lag_for_long():
    pace = Pace(0)
    live(pace, 1, 0.0)
    live(pace, 2, -3600.0)  # published before the clock was set back, taken after
    found = []
    for second in range(3, 40):
        live(pace, second, 0.0)
        found.append(behind_s(pace, second + 0.5))

    assert found[-10:] == [0] * 10


def test_a_lag_that_lasts_does_not_become_the_usual():
    pace = Pace(0)
    live(pace, 1, 0.0)
    for second in range(2, 100):
        live(pace, second, 5.0, has_more=True)

    assert behind_s(pace, 99) == 5


def test_nobody_is_behind_one_who_does_not_send_any_more():
    pace = Pace(0)
    live(pace, 1, 0.0)
    live(pace, 11, 10.0)

    assert behind_s(pace, 30) == 0

    live(pace, 31, 20.0, has_more=True)
    assert behind_s(pace, 40) > 20
    pace.note_level(ns(40))
    assert behind_s(pace, 50) == 0


def test_who_has_been_paused_is_behind_and_who_is_paused_for_a_moment_is_not():
    pace = Pace(0)
    live(pace, 1, 0.0)

    assert behind_s(pace, 1.5, is_paused=True) == 0
    assert behind_s(pace, 4.0, is_paused=True) == 3


def test_who_waits_for_the_journal_is_behind_for_as_long_and_then_by_the_age_of_what_it_gets():
    pace = Pace(0)
    live(pace, 1, 0.0)
    pace.note_stuck()
    assert (behind_s(pace, 1.9), behind_s(pace, 4)) == (0, 3)

    pace.note_fetched(ns(3600), ns(5))
    assert behind_s(pace, 5) == 3600
    pace.note_level(ns(6))
    assert behind_s(pace, 9) == 0


@given(
    st.lists(st.tuples(st.floats(0.001, 3.0), st.floats(0, 5.0), st.booleans()), max_size=40),
    st.floats(-1e4, 1e4),
)
def test_what_is_told_does_not_depend_on_what_the_clocks_are_apart_by(steps, skew_s):
    paces, mono_s = (Pace(0), Pace(0)), 0.0
    for step_s, late_s, has_more in [(0.1, 0.0, False), *steps]:
        mono_s += step_s
        for pace, apart_ns in zip(paces, (0, ns(skew_s)), strict=True):
            pace.note_live(ns(late_s) + apart_ns, ns(mono_s), has_more=has_more)

        assert paces[0].behind_ns(ns(mono_s)) == paces[1].behind_ns(ns(mono_s))


def test_a_spell_is_told_when_it_begins_and_when_it_is_over_with_how_long_it_took():
    lagging = Lagging(LIMIT_NS)
    looks = [
        lagging.look(ns, "source.1", 7 * NS + at, at) for at, ns in ((0, 2 * NS), (NS, 5 * NS), (2 * NS, NS))
    ]
    calm = [lagging.look(0, "", 0, at) for at in (3 * NS, 4 * NS, 2 * NS + CALM_NS)]

    assert [str(spell) if spell else "" for spell in looks] == ["LAGGING: 2.0 s behind source.1", "", ""]
    assert [str(spell) if spell else "" for spell in calm] == [
        "", "", "recovered after 3.0 s: 5.0 s behind source.1 when it was worst",
    ]  # fmt: skip
    assert lagging.told() == {
        "lagging": None,
        "recovered": {
            "source": "source.1", "since_ns": 7 * NS, "seconds": 3.0, "behind_s": 0.0, "worst_s": 5.0,
        },
    }  # fmt: skip


def test_who_catches_up_again_and_again_has_one_spell():
    lagging = Lagging(LIMIT_NS)
    told = [lagging.look(2 * NS * (second % 2), "source.1", 0, second * NS) for second in range(20)]

    assert sum(spell is not None for spell in told) == 1
    assert lagging.now is not None
    assert lagging.now.seconds == 18.0


@given(st.lists(st.tuples(st.integers(1, 2 * NS), st.sampled_from([0, 0, 2 * NS, 9 * NS])), max_size=60))
def test_spells_begin_and_end_in_turn_and_none_ends_while_it_lasts(steps):
    lagging, mono_ns, told, seen_ns = Lagging(LIMIT_NS), 0, [], 0
    for step_ns, behind_ns in steps:
        mono_ns += step_ns
        seen_ns = mono_ns if behind_ns else seen_ns
        spell = lagging.look(behind_ns, "source.1", mono_ns, mono_ns)
        if spell is not None:
            told.append(spell.is_over)
            assert spell.is_over == (behind_ns == 0)
            assert not spell.is_over or mono_ns - seen_ns >= CALM_NS

    assert told == [bool(place % 2) for place in range(len(told))]
    assert (lagging.now is not None) == bool(len(told) % 2)
