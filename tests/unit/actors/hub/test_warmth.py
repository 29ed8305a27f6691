"""A hub that starts late fills itself from what publishers remember."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.hub.books import BookSlot
from actors.hub.settings import HubSettings
from actors.hub.store import Store
from actors.hub.warmth import MAX_SNAPS_AT_ONCE, Warmth
from protocol.errors import HubTimeout
from protocol.requests import Reply, Request, raw
from tests.unit.actors.hub.samples import SECOND_NS, Pen, book, quote, trade

Done = Callable[[list[Reply] | Exception], None]


class Publishers:
    """Records what is asked; the test answers when it likes."""

    def __init__(self) -> None:
        self.store = Store(HubSettings(), lambda _: "")
        self.asked: list[tuple[str, list[Request], Done]] = []
        self.dropped: list[str] = []
        self.warmth = Warmth(
            self.store,
            lambda actor, questions, done: self.asked.append((actor, questions, done)),
            lambda reason, _: self.dropped.append(reason),
            retry_s=2.0,
        )


def answer(value: object) -> Reply:
    return Reply(id=1, ok=True, data=raw(value))


@pytest.fixture
def world() -> Publishers:
    return Publishers()


def test_last_values_are_taken_over_but_books_are_not(world: Publishers) -> None:
    pen = Pen()
    frames = [pen.frame("quote.binance.BTC_USDT", [quote()]), pen.frame("trade.binance.BTC_USDT", [trade(1)])]
    change = pen.frame("book.binance.BTC_USDT", [book(2, prev_id=1)])

    world.warmth.restore("collector.binance.1")
    (actor, questions, done) = world.asked[0]
    done([answer([frame.data for frame in (*frames, change)]), *[answer([])] * (len(questions) - 1)])

    assert actor == "collector.binance.1"
    assert {question.op for question in questions} == {"last"}
    assert "book." not in [question.topic for question in questions]
    assert world.warmth.restored == 2
    assert world.store.get("book.binance.BTC_USDT") is None
    assert world.dropped == ["bad_frame"]


@pytest.mark.parametrize(
    "answers",
    [
        HubTimeout("nobody there"),
        [Reply(id=1, ok=False, code="invalid_request")],
        [answer("text")],
        [answer([b"rubbish"])],
    ],
)
def test_a_publisher_that_answers_badly_is_left_alone(
    world: Publishers, answers: list[Reply] | Exception
) -> None:
    world.warmth.restore("collector.binance.1")

    world.asked[0][2](answers)

    assert len(world.dropped) == 1
    assert len(world.store) == 0


def test_our_own_bug_is_not_hidden(world: Publishers) -> None:
    world.warmth.restore("collector.binance.1")

    with pytest.raises(ZeroDivisionError):
        world.asked[0][2](ZeroDivisionError())


def out_of_step(world: Publishers, count: int) -> list[BookSlot]:
    pen = Pen()
    for number in range(count):
        world.store.ingest(pen.frame(f"book.binance.S{number}", [book(2, prev_id=1)]))
    return world.store.books()


def test_a_book_out_of_step_is_asked_for_until_it_is_back(world: Publishers) -> None:
    [slot] = out_of_step(world, 1)
    for at_s, asked in ((10.0, 1), (11.0, 1), (12.5, 2)):
        world.warmth.sync_books(round(at_s * SECOND_NS))
        assert len(world.asked) == asked
        world.asked[-1][2]([answer(None)])

    (actor, [question], _) = world.asked[0]
    assert (actor, question.op, question.symbol, question.venue) == (
        "collector.binance.1", "snap", "S0", "binance",
    )  # fmt: skip
    slot.apply(Pen(epoch=2).frame("book.binance.S0", [book(5)]))
    world.warmth.sync_books(99 * SECOND_NS)
    assert len(world.asked) == 2


def test_few_snapshots_are_asked_for_at_once(world: Publishers) -> None:
    out_of_step(world, 20)

    world.warmth.sync_books(SECOND_NS)
    assert len(world.asked) == MAX_SNAPS_AT_ONCE
    for _, _, done in list(world.asked):
        done(HubTimeout("busy"))
    world.warmth.sync_books(SECOND_NS + 1)

    assert len(world.asked) == 2 * MAX_SNAPS_AT_ONCE
