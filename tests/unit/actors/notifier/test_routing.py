"""Routes, mutes and hours of rest."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from actors.notifier.desk import Desk
from actors.notifier.note import note_of_alert, note_of_signal
from actors.notifier.outbox import Mute
from actors.notifier.quiet_hours import quiet
from actors.notifier.routing import channels_of, is_muted
from actors.notifier.settings import NotifierSettings, QuietHours, Route
from protocol.messages import Alert
from tests.support.notifier_world import alert_of, signal_of

SIGNAL = note_of_signal(signal_of(1), 0)
ALERT = note_of_alert(alert_of(1), 0)


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        ({}, True),
        ({"kinds": ["alert"]}, False),
        ({"kinds": ["signal", "alert"]}, True),
        ({"rules": ["mean_*"]}, False),
        ({"rules": ["mean_*", "trend_*"]}, True),
        ({"symbols": ["ETH*"]}, False),
        ({"symbols": ["*_USDT"]}, True),
        ({"severity": "warning"}, False),
        ({"confidence": 0.8}, True),
        ({"confidence": 0.81}, False),
        ({"score": 1.0}, True),
        ({"states": ["vetoed"]}, False),
    ],
)
def test_a_route_takes_what_fits(route: dict[str, object], fits: bool) -> None:
    found = channels_of(SIGNAL, [msgspec.convert({"channels": ["desk"], **route}, Route)])
    assert found == (["desk"] if fits else [])


def test_a_channel_of_two_routes_is_told_once() -> None:
    routes = [Route(channels=["a", "b"]), Route(channels=["b", "c"]), Route(channels=["d"], kinds=["alert"])]
    assert channels_of(SIGNAL, routes) == ["a", "b", "c"]


def test_confidence_is_not_asked_of_alerts() -> None:
    assert channels_of(ALERT, [Route(channels=["a"], confidence=1.0, score=1.0)]) == ["a"]


def test_an_alert_of_the_journal_is_an_operators() -> None:
    note = note_of_alert(Alert("DISK", "journal", "journal_disk", "critical", 5, "full", {}), 0)
    assert channels_of(note, [Route(channels=["a"], kinds=["alert"])]) == []
    assert channels_of(note, [Route(channels=["a"], kinds=["operator"])]) == ["a"]


@pytest.mark.parametrize(
    ("pattern", "found"), [("*", True), ("btc_usdt", True), ("Trend_*", True), ("ETH_USDT", False)]
)
def test_mutes_are_of_symbol_or_strategy_whatever_the_capitals(pattern: str, found: bool) -> None:
    assert is_muted(SIGNAL, [pattern]) is found


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e9)


def hours(**settings: object) -> QuietHours:
    return msgspec.convert({"from": "22:00", "to": "06:30", **settings}, QuietHours)


@pytest.mark.parametrize(
    ("time", "is_quiet"),
    [
        ("2026-11-20T21:59:59", False),
        ("2026-11-20T22:00:00", True),
        ("2026-11-21T06:29:59", True),
        ("2026-11-21T06:30:00", False),
        ("2026-11-21T22:00:00", False),  # a Saturday
        ("2026-11-22T03:00:00", False),  # the hours of Saturday
        ("2026-11-23T03:00:00", False),  # the hours of Sunday
        ("2026-11-24T03:00:00", True),  # the hours of Monday
    ],
)
def test_hours_over_midnight_belong_to_the_day_they_begin(time: str, is_quiet: bool) -> None:
    rest = [hours(days=["mon", "tue", "wed", "thu", "fri"])]
    assert quiet(rest, at(time), "info") == ("drop" if is_quiet else "")


def test_what_is_critical_passes_and_the_stricter_hours_count() -> None:
    now_ns = at("2026-11-20T23:00:00")
    assert quiet([hours()], now_ns, "critical") == ""
    assert quiet([hours(action="silent")], now_ns, "info") == "silent"
    assert quiet([hours(action="silent"), hours(severities=[])], now_ns, "info") == "drop"
    whole_day = hours(**{"from": "08:00", "to": "08:00"})
    assert quiet([whole_day], at("2026-11-20T03:00:00"), "info") == "drop"


SETTINGS = {
    "channels": {
        "desk": {"telegram": {"chats": [1, -2]}, "quiet_hours": [{"from": "22:00", "to": "06:00"}]},
        "log": {"console": {}},
    },
    "routes": [{"channels": ["desk", "log"]}],
}


def test_a_note_becomes_a_message_for_each_target_but_where_it_is_muted() -> None:
    desk = Desk(msgspec.convert(SETTINGS, NotifierSettings))
    noon_ns = at("2026-11-20T12:00:00")
    found = desk.drafts(SIGNAL, [Mute("desk:-2", "BTC_USDT", noon_ns)], noon_ns)
    assert [draft.target for draft in found.begun] == ["desk:1", "log"]
    assert (found.muted, found.quiet, found.following) == (1, 0, [])
    assert found.begun[0].body.startswith("*BUY BTC\\_USDT*")
    assert found.begun[1].body.startswith("BUY BTC_USDT")


def test_at_rest_nothing_is_begun_but_what_was_begun_goes_on() -> None:
    desk = Desk(msgspec.convert(SETTINGS, NotifierSettings))
    night_ns = at("2026-11-20T23:00:00")
    assert [draft.target for draft in desk.drafts(SIGNAL, [], night_ns).begun] == ["log"]
    later = note_of_signal(signal_of(1, revision=2, state="target"), 0)
    found = desk.drafts(later, [], night_ns)
    assert found.begun == []
    assert [draft.target for draft in found.following] == ["desk:1", "desk:-2", "log"]


def test_the_key_is_that_of_target_subject_and_revision() -> None:
    desk = Desk(msgspec.convert(SETTINGS, NotifierSettings))
    noon_ns = at("2026-11-20T12:00:00")
    keys = [
        [draft.key for draft in desk.drafts(note_of_signal(signal_of(number), made_ns), [], noon_ns).begun]
        for number, made_ns in ((1, 5), (1, 6), (2, 5))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys[0] + keys[2])) == 6
