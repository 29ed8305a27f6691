"""The fuzzer of pushes notices items that are lost, told twice or published twice, and a desk that raises or dawdles."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from actors.collector.push.batch import Batch, Taken
from actors.collector.push.desk import Desk
from actors.collector.push.memory import PushedState
from actors.collector.push.seen import TicksState
from scripts import fuzz_push
from scripts.fuzz_frames import Fuzz
from scripts.fuzz_push import FORMS, PushTarget, Seed
from scripts.fuzz_push_bodies import NOW_S
from tests.support.soundness import Unsound

TICKS = [
    {"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time_msc": NOW_S * 1000 + number, "gmt_offset": 0}
    for number in range(3)
]
BODY = json.dumps(TICKS).encode()


@pytest.fixture
def target() -> PushTarget:
    return PushTarget(None, Random(1))


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("packed", "request")])
def test_good_ticks_come_out_in_every_form(target: PushTarget, form: str) -> None:
    target.take(Seed(BODY, form, "", "mt5"), BODY)
    target.renew()
    assert target.messages == ({"quote": 3} if form != "utf-16" else {})


def losing(taken: Taken) -> Taken:
    return taken._replace(outgoing=[one._replace(events=one.events[1:]) for one in taken.outgoing])


def telling_one_less(taken: Taken) -> Taken:
    result = taken.result
    return taken._replace(result=type(result)(result.accepted, 0, 0, [], 0)) if result.rejected else taken


@pytest.mark.parametrize(("wrong", "says"), [(losing, "published"), (telling_one_less, "items, told of")])
def test_an_item_that_is_not_accounted_for_is_noticed(
    target: PushTarget, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Taken], Taken], says: str
) -> None:
    right = Batch.taken
    monkeypatch.setattr(Batch, "taken", lambda batch, max_told: wrong(right(batch, max_told)))
    body = json.dumps([*TICKS, {"symbol": "?"}]).encode()
    with pytest.raises(Unsound, match=says):
        target.take(Seed(body, "json", "", "mt5"), body)


def test_a_tick_that_is_published_twice_is_noticed(
    target: PushTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TicksState, "look", lambda *_: "new")
    body = json.dumps([TICKS[0], TICKS[0]]).encode()
    with pytest.raises(Unsound, match="published twice"):
        target.take(Seed(body, "json", "", "mt5"), body)


def test_a_journal_that_would_forget_is_noticed(target: PushTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    target.take(Seed(BODY, "json", "", "mt5"), BODY)
    target.connect_anew()
    monkeypatch.setattr(PushedState, "enter", lambda *_: None)
    with pytest.raises(Unsound, match="forgotten"):
        target.connect_anew()


def test_a_body_that_takes_too_long_is_noticed(target: PushTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_push, "SLOWEST_S", 0.0)
    with pytest.raises(Unsound, match="too slow"):
        target.take(Seed(BODY, "json", "", "mt5"), BODY)


def test_what_its_caller_does_not_expect_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(*_: Any) -> Taken:
        raise OverflowError("too large")

    monkeypatch.setattr("scripts.fuzz_frames.FLOOD", 5)
    monkeypatch.setattr(Desk, "take", take)
    crashes = Fuzz("push", 1, 0).run(50)["crashes"]
    assert [crash["what"] for crash in crashes] == ["OverflowError: too large"] * len(crashes)
    assert crashes
