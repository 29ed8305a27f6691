"""Windows of the week in their time zones, weekly events, and the nights in which clocks change."""

import pytest

from tests.unit.actors.scanner.shield.rig import candidate, judge, ns, said, surroundings

RULE = "rules: {time_of_week: {zone: %s, %s: [%s]}}"


def is_in(window, at, zone="UTC"):
    """Refused there, and not where only that is allowed: both ways say the same."""
    idea = candidate(ts_ns=ns(at))
    refused = bool(said(RULE % (zone, "refuse", window), idea))
    assert refused != bool(said(RULE % (zone, "allow", window), idea))
    return refused


# 2026-11-18 is a Wednesday
@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("{from: 08:00, to: 16:30}", ["18T08:00:00", "21T16:29:59"], ["18T07:59:59", "18T16:30:00"]),
        (
            "{days: [wed], from: 22:00, to: 02:00}",
            ["18T22:00:00", "19T01:59:59"],
            ["18T01:00:00", "19T02:00:00", "19T22:00:00"],
        ),
        (
            "{days: [sun], from: 22:00, to: 02:00}",
            ["22T23:59:59", "23T00:00:00", "23T01:59:00"],
            ["22T21:59:59", "23T02:00:00", "22T01:00:00"],
        ),
        ("{days: [wed], from: 20:00, to: 24:00}", ["18T23:59:59"], ["19T00:00:00", "18T19:59:00"]),
        ("{days: [wed], from: 00:00, to: 00:00}", ["18T00:00:00", "18T23:59:59"], ["19T00:00:00"]),
        (
            "{from: fri 16:00, to: sun 17:00}",
            ["20T16:00:00", "21T12:00:00", "22T16:59:59"],
            ["20T15:59:59", "22T17:00:00", "18T16:30:00"],
        ),
        (
            "{from: sun 17:00, to: fri 16:00}",
            ["22T17:00:00", "23T00:00:00", "20T15:59:59"],
            ["20T16:00:00", "22T16:59:59"],
        ),
        ("{from: mon 00:00, to: mon 00:00}", ["18T00:00:00", "22T23:59:59"], []),
    ],
)
def test_window_from_and_to(window, inside, outside):
    assert [at for at in inside if not is_in(window, f"2026-11-{at}Z")] == []
    assert [at for at in outside if is_in(window, f"2026-11-{at}Z")] == []


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-06T21:59:59Z", True),  # winter: 16:59:59 in New York
        ("2026-03-06T22:00:00Z", False),
        ("2026-03-09T20:59:59Z", True),  # summer: the same on the wall, an hour earlier
        ("2026-03-09T21:00:00Z", False),
        ("2026-10-30T20:59:59Z", True),
        ("2026-11-02T21:30:00Z", True),
    ],
)
def test_window_keeps_to_the_wall_when_clocks_change(at, expected):
    assert is_in("{from: 08:00, to: 17:00}", at, "America/New_York") is expected


def test_zones_change_their_clocks_on_their_own_days():
    # between 8 and 29 March New York has summer time and London has not
    both = "{days: [mon, tue, wed, thu, fri], from: 08:00, to: 09:00}"
    assert is_in(both, "2026-03-16T12:30:00Z", "America/New_York")
    assert is_in(both, "2026-03-16T08:30:00Z", "Europe/London")
    assert is_in(both, "2026-03-30T07:30:00Z", "Europe/London")
    assert is_in(both, "2026-07-30T23:30:00Z", "Asia/Tokyo")


def test_hour_that_is_missing_does_not_come_and_the_one_that_is_twice_is_in_twice():
    new_york = "America/New_York"
    # 8 March 2026: after 01:59:59 (06:59:59Z) comes 03:00
    assert is_in("{from: 01:30, to: 02:30}", "2026-03-08T06:59:59Z", new_york)
    assert not is_in("{from: 01:30, to: 02:30}", "2026-03-08T07:00:00Z", new_york)
    assert is_in("{from: 02:30, to: 03:30}", "2026-03-08T07:00:00Z", new_york)
    assert not is_in("{from: 02:00, to: 03:00}", "2026-03-08T07:00:00Z", new_york)
    # 1 November 2026: after 01:59:59 (05:59:59Z) comes 01:00 again
    window = "{from: 01:15, to: 01:45}"
    found = [
        is_in(window, f"2026-11-01T{at}:00Z", new_york)
        for at in ("05:15", "05:45", "06:00", "06:15", "06:45")
    ]
    assert found == [True, False, False, True, False]


def test_weekend_over_the_night_of_the_change():
    weekend = "{from: fri 17:00, to: sun 17:00}"
    for at, expected in (
        ("2026-03-06T22:00:00Z", True),
        ("2026-03-08T20:59:59Z", True),
        ("2026-03-08T21:00:00Z", False),
        ("2026-11-01T21:59:59Z", True),
        ("2026-11-01T22:00:00Z", False),
    ):
        assert is_in(weekend, at, "America/New_York") is expected, at


def test_half_hour_zone_and_time_before_1970():
    assert is_in("{from: 05:30, to: 05:31}", "2026-11-18T00:00:00Z", "Asia/Kolkata")
    assert is_in("{from: wed 23:59, to: thu 00:00}", "1969-12-31T23:59:59Z")


SESSIONS = """
sessions:
  london: {zone: Europe/London, windows: [{days: [mon, tue, wed, thu, fri], from: 08:00, to: 16:30}]}
  tokyo: {zone: Asia/Tokyo, windows: [{from: 09:00, to: 11:30}, {from: 12:30, to: 15:00}]}
  weekend: {zone: America/New_York, windows: [{from: fri 17:00, to: sun 17:00}]}
"""


def test_sessions_are_named_once_and_used():
    rules = SESSIONS + "rules: {time_of_week: {veto: true, allow: [london, tokyo], refuse: [weekend]}}"
    assert said(rules, candidate(ts_ns=ns("2026-11-18T12:00:00Z"))) == []
    assert said(rules, candidate(ts_ns=ns("2026-11-18T02:00:00Z"))) == []
    assert said(rules, candidate(ts_ns=ns("2026-11-18T03:00:00Z"))) == [
        "time_of_week: wed 03:00 UTC is outside london, tokyo (veto)"
    ]
    decision = judge(rules, candidate(ts_ns=ns("2026-11-21T12:34:00Z")))
    assert decision == (
        True,
        0.0,
        [
            "time_of_week: sat 07:34 America/New_York is in weekend (veto)",
            "time_of_week: sat 12:34 UTC is outside london, tokyo (veto)",
        ],
    )


def test_windows_without_a_name_are_told_by_their_times():
    text = RULE % (
        "Europe/London",
        "refuse",
        "{days: [wed, thu], from: 12:00, to: 13:00}, {from: 12:00, to: 12:30}",
    )
    assert said(text) == [
        "time_of_week: wed 12:00 Europe/London is in 12:00 to 12:30, wed,thu 12:00 to 13:00 (-0.3)"
    ]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-10-29T12:20:00Z", "claims in 10.0 min"),  # summer: 08:30 is 12:30 UTC
        ("2026-11-05T13:20:00Z", "claims in 10.0 min"),  # winter: 13:30
        ("2026-11-05T13:35:00Z", "claims 5.0 min ago"),
        ("2026-11-05T12:30:00Z", None),
        ("2026-11-06T13:30:00Z", None),
    ],
)
def test_weekly_event_keeps_to_the_wall(at, words):
    text = "{events: [{name: claims, weekly: thu 08:30, zone: America/New_York}], rules: {news: }}"
    found = said(text, candidate(ts_ns=ns(at)))
    assert [reason.partition(",")[0] for reason in found] == ([f"news: {words}"] if words else [])


@pytest.mark.parametrize("weekly", ["sun 24:00", "mon 00:00"])
@pytest.mark.parametrize(("at", "words"), [("22T23:50", "in 10.0 min"), ("23T00:10", "10.0 min ago")])
def test_weekly_event_at_the_turn_of_the_week(weekly, at, words):
    text = f"{{events: [{{name: turn, weekly: {weekly}}}], rules: {{news: }}}}"
    (reason,) = said(text, candidate(ts_ns=ns(f"2026-11-{at}:00Z")), surroundings())
    assert reason.startswith(f"news: turn {words},")
