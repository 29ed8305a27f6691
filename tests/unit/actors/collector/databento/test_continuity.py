"""Gaps: what is announced when a stream stops, comes back, is doubted or rolls."""

from __future__ import annotations

import collections

import pytest

from actors.collector.databento.continuity import Continuity
from actors.collector.databento.control import Doubt
from actors.collector.gaps import Gaps
from actors.collector.outbox import Outbox
from protocol.messages import Book, Gap, Message, Quote, Trade

AT = 1_719_878_280_000_000_000
SYMBOL = "6E.FUT"


class World:
    """A continuity and what it published."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.drops: collections.Counter[str] = collections.Counter()
        outbox = Outbox(lambda _topic, events, *_rest: self.published.extend(events), collections.Counter())
        self.one = Continuity(
            Gaps("databento", "test-1"), outbox, lambda reason, _what: self.drops.update([reason])
        )

    def gaps(self, kind: str) -> list[tuple[str, str]]:
        """State and what it was filled by, or why not, of the gaps of a kind."""
        self.one.flush()
        found = [one for one in self.published if isinstance(one, Gap) and one.kind == kind]
        return [(gap.state, gap.filled_by or gap.reason) for gap in found]


@pytest.fixture
def world() -> World:
    """One that has seen a message of each kind."""
    found = World()
    for message in (trade(0), quote(0), book(0)):
        found.one.take(message)
    return found


def trade(later: int) -> Trade:
    """A trade so many ns later."""
    return Trade(SYMBOL, "databento", AT + later, AT + later, 1.1, 1.0, 1, f"{AT + later}.7.0")


def quote(later: int) -> Quote:
    """A quote so many ns later."""
    return Quote(SYMBOL, "databento", AT + later, AT + later, 1.1, 1.2, 1.0, 1.0, AT + later)


def book(later: int) -> Book:
    """A whole book so many ns later."""
    return Book(SYMBOL, "databento", AT + later, AT + later, True, AT + later, AT + later, [(1.1, 1.0)], [])


KINDS = ("trade", "quote", "book")


def test_nothing_is_missing_of_what_never_came() -> None:
    world = World()
    world.one.interrupt(SYMBOL, KINDS, AT, "disconnect", "x")
    assert world.published == []


def test_a_second_interruption_before_the_replay_was_over_is_the_same_gap(world: World) -> None:
    world.one.interrupt(SYMBOL, KINDS, AT + 1, "disconnect", "first")
    world.one.interrupt(SYMBOL, KINDS, AT + 2, "disconnect", "again")
    world.one.session_began(SYMBOL, KINDS, AT + 5, AT + 100)
    world.one.interrupt(SYMBOL, KINDS, AT + 6, "disconnect", "second")
    world.one.session_began(SYMBOL, KINDS, AT + 7, AT + 200)
    world.one.take(trade(250))
    assert [state for state, _ in world.gaps("trade")] == ["open", "open", "open", "open", "filled"]
    found = {one.gap_id for one in world.published if isinstance(one, Gap) and one.kind == "trade"}
    assert len(found) == 1


def test_without_a_replay_trades_and_quotes_stay_missing_and_a_book_comes_back_whole(world: World) -> None:
    world.one.interrupt(SYMBOL, KINDS, AT + 1, "disconnect", "x")
    world.one.session_began(SYMBOL, KINDS, AT + 5, 0, "switched off")
    world.one.take(book(9))
    assert world.gaps("trade")[-1] == ("unfillable", "switched off")
    assert world.gaps("quote")[-1] == ("unfillable", "switched off")
    assert world.gaps("book")[-1] == ("filled", "snapshot")


def test_older_quotes_of_a_replay_are_left_out(world: World) -> None:
    world.one.interrupt(SYMBOL, KINDS, AT + 1, "disconnect", "x")
    world.one.session_began(SYMBOL, KINDS, AT + 5, AT + 100)
    for later in (-5, 0, 5):
        world.one.take(quote(later))
    world.one.flush()
    assert world.drops == {"duplicate_quote": 1}
    assert [one.update_id - AT for one in world.published if isinstance(one, Quote)] == [0, 0, 5]


def test_a_doubted_book_is_a_gap_until_the_next_good_one(world: World) -> None:
    world.one.doubt(Doubt(SYMBOL, "book", AT + 1))
    world.one.doubt(Doubt(SYMBOL, "book", AT + 2))
    assert [state for state, _ in world.gaps("book")] == ["open"]
    world.one.take(book(9))
    assert [state for state, _ in world.gaps("book")] == ["open", "unfillable"]


def test_records_left_out_are_a_hole_between_what_came(world: World) -> None:
    world.one.lost([SYMBOL], ["quote"], AT + 50, "slow")
    (gap,) = [one for one in world.published if isinstance(one, Gap)]
    assert (gap.kind, gap.from_ts_ns, gap.to_ts_ns, gap.state) == ("quote", AT, AT + 50, "unfillable")


def test_what_a_process_remembers_tells_the_next_one_the_replay_from_news(world: World) -> None:
    from actors.collector.checkpoint import Checkpoint

    past = Checkpoint(reached_ns=AT + 10, symbols={SYMBOL: world.one.remember(SYMBOL)})
    after = World()
    assert after.one.resume(SYMBOL, KINDS, past, is_open=True) == AT
    assert [state for state, _ in after.gaps("trade")] == ["open"]
    after.one.session_began(SYMBOL, KINDS, AT + 20, AT + 100)
    after.one.take(trade(0))
    after.one.take(trade(3))
    after.one.replay_over(AT + 30)
    assert after.drops == {"duplicate_trade": 1}
    assert [one.trade_id for one in after.published if isinstance(one, Trade)] == [f"{AT + 3}.7.0"]
    assert after.gaps("trade")[-1] == ("filled", "replay")
    closed = World()
    closed.one.resume(SYMBOL, KINDS, past, is_open=False)
    assert closed.published == []
