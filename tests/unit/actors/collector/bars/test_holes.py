"""The gap ledger of one instrument's minutes."""

from __future__ import annotations

import pytest

from actors.collector.bars.holes import TOO_MANY, Holes
from actors.collector.bars.memory import MAX_HOLES, MINUTE_NS, LineState, enter
from protocol.messages import Gap
from tests.support.bars_timeline import SYMBOL, WHY

T0 = 1_767_657_600_000_000_000


def at(minute: int) -> int:
    return T0 + minute * MINUTE_NS


def gap_bar(minute: int):
    from actors.collector.bars.candidate import flat

    return flat(SYMBOL, at(minute), 1.0, "gap", "amber", at(minute), WHY[1])


class Ledger:
    """Holes, and their minutes entered as the timeline does."""

    def __init__(self) -> None:
        self.state = LineState(begin_ns=T0)
        self.holes = Holes(SYMBOL, "test", self.state)

    def lose(self, *minutes: int) -> list[Gap]:
        """Minutes go out as gaps, and the next one is there."""
        told = []
        for minute in minutes:
            told += self.holes.mark(at(minute), *WHY)
            enter(self.state, gap_bar(minute))
        return told + self.holes.end(at(minutes[-1] + 1))


def test_minutes_in_a_row_are_one_gap_from_its_first_to_its_last() -> None:
    ledger = Ledger()

    opened, ending = ledger.lose(3, 4, 5)

    assert (opened.state, opened.cause, opened.reason) == ("open", *WHY)
    assert (opened.from_id, opened.to_id, opened.from_ts_ns, opened.to_ts_ns) == (
        at(3) // MINUTE_NS, 0, at(3), 0,
    )  # fmt: skip
    assert (ending.state, ending.from_id, ending.to_id, ending.to_ts_ns) == (
        "filling", at(3) // MINUTE_NS, at(5) // MINUTE_NS, at(6),
    )  # fmt: skip
    assert ending.gap_id == opened.gap_id
    assert (len(ledger.holes), ledger.holes.missing) == (1, 3)
    assert ledger.holes.oldest() == (at(3), at(6))


def test_every_gap_has_an_id_of_its_own() -> None:
    ledger = Ledger()
    told = [*ledger.lose(1), *ledger.lose(3), *ledger.holes.skip(at(4), at(9), "too old")]

    assert len({gap.gap_id for gap in told}) == 3


def test_what_can_be_asked_for_again_is_the_oldest_that_has_an_end() -> None:
    ledger = Ledger()
    ledger.lose(1)
    ledger.lose(7, 8)
    ledger.holes.mark(at(9), *WHY)
    enter(ledger.state, gap_bar(9))

    assert ledger.holes.oldest() == (at(1), at(2))
    ledger.holes.fill(at(1), "beryl")
    assert ledger.holes.oldest() == (at(7), at(9))
    ledger.holes.fill(at(7), "beryl")
    ledger.holes.fill(at(8), "beryl")
    assert ledger.holes.oldest() == (0, 0), "the last one still grows"
    assert ledger.holes.first_after(0) == at(9)
    assert ledger.holes.first_after(at(10)) == 0


def test_filling_counts_and_tells_only_the_end() -> None:
    ledger = Ledger()
    ledger.lose(1, 2)

    assert ledger.holes.fill(at(2), "amber") == []
    assert ledger.holes.fill(at(2), "amber") == []
    (filled,) = ledger.holes.fill(at(1), "beryl")

    assert (filled.state, filled.count, filled.filled_by, filled.reason) == ("filled", 2, "beryl", "")
    assert (len(ledger.holes), ledger.holes.missing) == (0, 0)


def test_a_restart_tells_the_end_of_what_had_ended_and_repeats_the_rest() -> None:
    ledger = Ledger()
    ledger.lose(1)
    ledger.lose(3)
    ledger.state.holes[0].minutes.clear()  # killed between the minute and the end of its gap

    told = Holes(SYMBOL, "test", ledger.state).resume()

    assert [gap.state for gap in told if gap.from_ts_ns == at(1)] == ["filled"]
    assert {gap.state for gap in told if gap.from_ts_ns == at(3)} <= {"filling"}
    assert len(ledger.state.holes) == 1


def test_what_nobody_has_any_more_is_given_up() -> None:
    ledger = Ledger()
    ledger.lose(1, 2)
    ledger.lose(5)
    ledger.holes.mark(at(6), *WHY)

    (given_up,) = ledger.holes.give_up(at(3), "nobody had it")

    assert (given_up.state, given_up.reason, given_up.from_ts_ns) == ("unfillable", "nobody had it", at(1))
    assert at(1) not in ledger.holes
    assert at(5) in ledger.holes
    assert ledger.holes.give_up(at(3), "nobody had it") == []


@pytest.mark.parametrize("more", [1, 3])
def test_memory_of_holes_is_bounded_and_what_is_forgotten_is_told(more: int) -> None:
    ledger = Ledger()
    told = [gap for n in range(MAX_HOLES + more) for gap in ledger.lose(3 * n)]

    forgotten = [gap for gap in told if gap.state == "unfillable"]
    assert [gap.from_ts_ns for gap in forgotten] == [at(3 * n) for n in range(more)]
    assert {gap.reason for gap in forgotten} == {TOO_MANY}
    assert len(ledger.state.holes) == MAX_HOLES
    assert ledger.holes.missing == MAX_HOLES
