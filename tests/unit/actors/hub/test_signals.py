"""Each signal once as it is now, however many revisions came, and the same from a hub that starts from the store."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.hub.signals import Choice, SignalLog
from protocol.derived import SIGNAL_STATES
from protocol.messages import Signal
from tests.unit.actors.hub.desks import FakeHub
from tests.unit.actors.hub.samples import BASE_NS, signal
from tests.unit.actors.hub.starting import Start

TOPIC = "signal.binance.BTC_USDT"
EVERY = Choice(states=frozenset(SIGNAL_STATES))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Start]:
    made = Start(tmp_path)
    yield made
    made.reader.close()
    made.stored.close()


def old(number: int, **changes: Any) -> Signal:
    """As it was before signals had an id."""
    made = Signal("BTC_USDT", "old", BASE_NS + number, 1, 100.0, 99.0, 102.0, 0.5, {})
    return msgspec.structs.replace(made, **changes)


def states(log: SignalLog, choice: Choice = EVERY, count: int = 0) -> list[tuple[int, str]]:
    """(number, state) of each."""
    return [(int(one.signal_id.rpartition(".")[2]), one.state) for one in log.chosen(count, choice)]


def test_a_signal_is_one_row_with_its_newest_state() -> None:
    log = SignalLog(100)
    log.add([signal(1), signal(2), signal(3, "vetoed"), signal(1, "target")])

    assert states(log) == [(1, "target"), (2, "open"), (3, "vetoed")]
    assert states(log, Choice()) == [(1, "target"), (2, "open")], "vetoed ones only for who asks for them"
    assert states(log, EVERY, 1) == [(3, "vetoed")]
    assert states(log, EVERY._replace(is_newest_revision=False)) == [
        (1, "open"),
        (2, "open"),
        (3, "vetoed"),
        (1, "target"),
    ]
    assert len(log.newest(0)) == 4, "a stream has every revision"


def test_an_earlier_revision_that_comes_late_changes_nothing() -> None:
    log = SignalLog(100)
    log.add([signal(1, "stopped")])
    log.add_earlier([signal(1)])
    log.add([signal(1)])

    assert states(log) == [(1, "stopped")]


def test_signals_without_an_id_stand_each_for_themselves() -> None:
    log = SignalLog(100)
    log.add([old(1), old(2), old(2)])

    assert log.chosen(0, Choice()) == [old(1), old(2), old(2)]
    assert log.chosen(0, Choice(venue="kraken")) == [old(1), old(2), old(2)], "they name no venue"


def test_open_signals_outlive_the_log_and_the_others_do_not() -> None:
    log = SignalLog(3)
    log.add([signal(1), signal(2), signal(2, "target"), old(3)])
    for number in range(10, 40):
        log.add([signal(number, "vetoed")])

    assert states(log) == [(1, "open"), (37, "vetoed"), (38, "vetoed"), (39, "vetoed")]
    log.add([signal(1, "expired")])
    assert states(log, Choice()) == [(1, "expired")]


def test_open_signals_beyond_the_log_are_bounded_too() -> None:
    log = SignalLog(3)
    for number in range(30):
        log.add([signal(number)])

    assert states(log) == [(number, "open") for number in range(24, 30)]


def test_clearing_forgets_them() -> None:
    log = SignalLog(3)
    log.add([signal(1), signal(2, symbol="ETH_USDT", signal_id="e.2")])
    log.clear("BTC_USDT")
    assert [one.symbol for one in log.chosen(0, EVERY)] == ["ETH_USDT"]
    log.clear("")
    assert log.chosen(0, EVERY) == []


@pytest.mark.parametrize(
    ("args", "numbers"),
    [
        ({}, [1, 2, 4]),
        ({"states": ["open"]}, [2, 4]),
        ({"states": ["vetoed", "target"]}, [1, 3]),
        ({"strategy": "sweep"}, [4]),
        ({"min_confidence": 0.8}, [2]),
        ({"min_confidence": 1}, []),
        ({"is_newest_revision": False, "states": ["open"]}, [1, 2, 4]),
    ],
)
def test_which_ones_are_wanted_is_said_in_the_question(args: dict[str, Any], numbers: list[int]) -> None:
    hub = FakeHub()
    hub.hear(TOPIC, signal(1), signal(2, confidence=0.9), signal(3, "vetoed"), signal(4, strategy="sweep"))
    hub.hear(TOPIC, signal(1, "target", ts_event_ns=BASE_NS))

    found = msgspec.msgpack.decode(hub.ask("signals", args=args).data, type=list[Signal])

    assert [int(one.signal_id.rpartition(".")[2]) for one in found] == numbers
    assert hub.data("signals", args=args, venue="kraken") == []
    assert hub.data("signals", args=args, symbol="ETH_USDT") == []
    assert len(hub.data("signals", args=args, symbol="BTC", venue="binance", n=1)) == min(1, len(numbers))


@pytest.mark.parametrize(
    "args",
    [
        {"states": "open"},
        {"states": ["opne"]},
        {"states": [1]},
        {"strategy": 3},
        {"min_confidence": "high"},
        {"min_confidence": True},
        {"min_confidence": float("nan")},
        {"min_confidence": 1.1},
        {"is_newest_revision": 1},
    ],
)
def test_a_wrong_wish_is_refused_by_name(args: dict[str, Any]) -> None:
    reply = FakeHub().ask("signals", args=args)

    assert reply.code == "invalid_request"
    assert next(iter(args)) in reply.message


def test_a_stream_begins_with_every_revision() -> None:
    hub = FakeHub()
    hub.hear(TOPIC, signal(1), old(0))
    hub.hear(TOPIC, signal(1, "target"))

    [[topic, _, _, _, events]] = hub.data("tail", topic=TOPIC, n=9)

    assert topic == TOPIC
    assert [event[12] for event in events] == [1, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_a_hub_that_starts_from_the_store_says_the_same_as_one_that_heard_it_all(
    world: Start, seed: int
) -> None:
    """Far more revisions than either remembers, some open for ever, at two venues."""
    chance = random.Random(seed)
    world.start(event_window=20)
    for number in range(80):
        venue, symbol = ("binance", "BTC_USDT") if chance.random() < 0.7 else ("okx", "ETH_USDT")
        where = {"venue": venue, "symbol": symbol, "signal_id": f"cross.{venue}.{symbol}.{number}"}
        words = (
            ["vetoed"] if chance.random() < 0.6 else ["open", chance.choice(["open", "target", "expired"])]
        )
        for state in dict.fromkeys(words):
            world.publish(f"signal.{venue}.{symbol}", signal(number, state, **where))
    for frame in world.journal:
        world.hub.ingest(frame)
    heard = world.hub.signals.chosen(0, EVERY)
    assert any(one.state == "open" and one not in world.hub.signals.newest(0) for one in heard)

    stored = chance.randint(40, len(world.journal))
    world.stored.write(world.journal[:stored])
    world.start(event_window=20)
    world.warm()
    world.pull(world.begun[0])

    assert world.hub.signals.chosen(0, EVERY) == heard
    assert world.hub.signals.chosen(3, Choice()) == [one for one in heard if one.state != "vetoed"][-3:]


def test_a_hub_that_heard_before_the_windows_came_has_each_once(world: Start) -> None:
    world.publish(TOPIC, signal(1), signal(2))
    world.store_all()
    world.publish(TOPIC, signal(1, "target"))
    for frame in world.journal:
        world.hub.ingest(frame)
    world.warm()
    world.pull(world.begun[0])

    assert states(world.hub.signals) == [(1, "target"), (2, "open")]
    assert len(world.hub.signals.newest(0)) == 3
