"""A store that does not answer, is empty or is behind: the hub goes on, and fills the older part later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.hub.settings import HubSettings
from actors.hub.store import Store
from actors.hub.warm_start import WarmStart
from protocol.errors import HubTimeout
from protocol.replay import Position
from protocol.requests import Reply, decode_reply, encode_request, raw
from protocol.windows import BAR_BYTES
from tests.unit.actors.hub.samples import SECOND_NS, bar
from tests.unit.actors.hub.starting import AGGREGATOR, COLLECTOR, Start, minute_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Start]:
    made = Start(tmp_path)
    yield made
    made.reader.close()
    made.stored.close()


def test_without_a_persistence_actor_the_hub_is_cold_at_once() -> None:
    begun: list[dict[str, Position]] = []
    store = Store(HubSettings(), lambda _: "")

    WarmStart(store, HubSettings(), None, lambda *_: None, lambda: 0).warm(begun.append)

    assert begun == [{}]


@pytest.mark.parametrize(
    "answer",
    [
        HubTimeout("nobody there"),
        Reply(id=1, ok=False, code="overloaded", message="the database is down"),
        Reply(id=1, ok=True, data=raw("text")),
        *(
            Reply(
                id=1,
                ok=True,
                data=raw([{"x": [1, 2]}, "", [["v", "s", "1m", "p", 1, 1, [], b"x" * size]], [], []]),
            )
            for size in (BAR_BYTES, BAR_BYTES - 8)
        ),
    ],
    ids=["no answer", "refusal", "rubbish", "rows of rubbish", "rows of another length"],
)
def test_a_hub_goes_on_cold_and_fills_the_older_part_later(world: Start, answer: Reply | Exception) -> None:
    for number in range(1, 6):
        minute_of(world, number)
    world.warm_start.warm(world.begun.append)
    world.asked.pop()[2](answer)
    assert world.dropped == ["no_stored_windows"]
    assert len(world.begun) == 1
    heard = len(world.journal)
    minute_of(world, 6)
    for frame in world.journal[heard:]:
        world.hub.ingest(frame)

    world.warm_start.tick()
    assert not world.asked, "not before the pause is over"
    world.store_all()
    world.mono_ns += 3 * SECOND_NS
    world.warm_start.tick()
    world.answer()

    assert len(world.begun) == 1, "the bus is heard already"
    assert world.minutes() == [(number, 1) for number in range(1, 7)]
    assert world.trade_ids() == list(range(3, 21))
    assert world.warm_start.state == "warm"


def test_a_store_that_is_behind_is_asked_again_until_it_reaches_what_was_heard(world: Start) -> None:
    for number in range(1, 6):
        minute_of(world, number)
    behind = list(world.journal[:10])
    world.warm_start.warm(world.begun.append)
    world.asked.pop()[2](HubTimeout("nobody there"))
    heard = len(world.journal)
    minute_of(world, 6)
    for frame in world.journal[heard:]:
        world.hub.ingest(frame)

    world.stored.write(behind)
    world.mono_ns += 3 * SECOND_NS
    world.warm_start.tick()
    world.answer()
    assert world.warm_start.state == "cold"
    assert world.minutes() == [(6, 1)], "two minutes are stored: they would leave a hole"
    world.store_all()
    world.mono_ns += 3 * SECOND_NS
    world.warm_start.tick()
    world.answer()

    assert world.warm_start.state == "warm"
    assert world.minutes() == [(number, 1) for number in range(1, 7)]
    assert world.trade_ids() == list(range(3, 21))
    world.mono_ns += 60 * SECOND_NS
    world.warm_start.tick()
    assert not world.asked


def test_our_own_bug_is_not_hidden(world: Start) -> None:
    world.warm_start.warm(world.begun.append)

    with pytest.raises(ZeroDivisionError):
        world.asked[0][2](ZeroDivisionError())


def test_a_store_that_is_empty_yet_is_asked_again(world: Start) -> None:
    world.warm()
    assert (world.begun, world.warm_start.state) == ([{}], "cold")
    minute_of(world, 1)
    heard = len(world.journal)
    minute_of(world, 2)
    for frame in world.journal[heard:]:
        world.hub.ingest(frame)

    world.store_all()
    world.mono_ns += 3 * SECOND_NS
    world.warm_start.tick()
    world.answer()

    assert (world.minutes(), world.warm_start.state) == ([(1, 1), (2, 1)], "warm")
    assert world.trade_ids() == list(range(3, 9))


def test_a_store_that_is_far_behind_is_not_asked_for_everything_again_and_again(world: Start) -> None:
    """What it lacks comes from the journal, since every publisher is read on from where it got to."""
    minute_of(world, 1)
    world.store_all()
    for number in range(2, 5):
        minute_of(world, number)
    for frame in world.journal[-1:]:
        world.hub.ingest(frame)

    world.warm()
    world.pull(world.begun[0])
    world.mono_ns += 60 * SECOND_NS
    world.warm_start.tick()

    assert (world.warm_start.state, world.asked) == ("warm", [])
    assert world.minutes() == [(number, 1) for number in range(1, 5)]


def test_the_rest_of_a_pass_that_broke_off_is_fetched_later(world: Start) -> None:
    world.publish("bar.binance.A.1m", *(bar(number, symbol="A") for number in range(800)))
    minute_of(world, 1)
    world.store_all()
    world.start(max_reply_bytes=65_536)
    world.warm_start.warm(world.begun.append)
    question, _, done = world.asked.pop(0)
    done(decode_reply(world.server.answer(encode_request(question))))
    world.asked.pop(0)[2](HubTimeout("gone"))

    assert world.begun == [{COLLECTOR: Position(5, 3), AGGREGATOR: Position(6, 3)}], (
        "what came is gone on from"
    )
    assert world.warm_start.state == "cold"
    world.mono_ns += 3 * SECOND_NS
    world.warm_start.tick()
    world.answer()
    assert (world.minutes(), world.warm_start.state) == ([(1, 1)], "warm")
