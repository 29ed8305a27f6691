"""Each trade once, each hole named, with bounded memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.intake.sequence import MAX_HOLES, QuoteChain, TradeChain, Verdict


def test_ids_that_step_by_one():
    chain = TradeChain()
    assert [chain.observe(number, number) for number in (7, 8, 9)] == [Verdict.NEXT] * 3
    assert (chain.expected, chain.newest_ns) == (10, 9)


def test_a_jump_names_what_is_missing():
    chain = TradeChain()
    chain.observe(5, 1)
    assert chain.observe(9, 2) is Verdict.JUMP
    assert chain.missing.ids == (6, 8)
    assert chain.observe(10, 3) is Verdict.NEXT


def test_a_late_trade_fills_its_hole_once():
    chain = TradeChain()
    chain.observe(5, 1)
    chain.observe(9, 2)
    assert chain.observe(7, 1) is Verdict.LATE
    assert chain.filled.missing == 2
    assert chain.observe(7, 1) is Verdict.DUPLICATE
    assert [chain.observe(number, 1) for number in (6, 8)] == [Verdict.LATE, Verdict.LATE]
    assert chain.filled.missing == 0
    assert chain.holes == []
    assert chain.observe(8, 1) is Verdict.DUPLICATE


def test_two_connections_during_a_rotation():
    """Both deliver; every id comes out once."""
    chain = TradeChain()
    interleaved = [1, 2, 3, 2, 4, 3, 5, 4, 5, 6]
    fresh = [number for number in interleaved if chain.observe(number, number) is Verdict.NEXT]
    assert fresh == [1, 2, 3, 4, 5, 6]


def test_a_venue_that_counts_anew():
    """Its ids are lower, its times are newer: that is no duplicate."""
    chain = TradeChain()
    chain.observe(1_000_000, 10)
    assert chain.observe(5, 10) is Verdict.DUPLICATE
    assert chain.observe(5, 11) is Verdict.RESET
    assert chain.observe(6, 12) is Verdict.NEXT


def test_holes_are_bounded():
    chain = TradeChain()
    for number in range(0, 10 * MAX_HOLES, 2):
        chain.observe(number + 1, 1)
    assert len(chain.holes) == MAX_HOLES
    assert chain.observe(2, 1) is Verdict.DUPLICATE


def test_pieces_of_one_hole_are_bounded():
    chain = TradeChain()
    chain.observe(1, 1)
    chain.observe(1_000_000, 1)
    for number in range(3, 10 * MAX_HOLES, 2):
        chain.observe(number, 1)
    assert sum(len(hole.ranges) for hole in chain.holes) <= MAX_HOLES + 1


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 40), max_size=120).map(
        lambda shifts: [max(1, index + 20 - shift) for index, shift in enumerate(shifts)]
    )
)
def test_against_a_chain_that_remembers_everything(ids):
    """Dropped, doubled and swapped ids: the same verdict as a set of all that was seen."""
    chain = TradeChain()
    seen: set[int] = set()
    first = ids[0] if ids else 0
    for trade_id in ids:
        verdict = chain.observe(trade_id, 1)
        if not seen:
            expected = Verdict.NEXT
        elif trade_id in seen or trade_id < first:
            expected = Verdict.DUPLICATE
        elif trade_id < max(seen):
            expected = Verdict.LATE
        else:
            expected = Verdict.NEXT if trade_id == max(seen) + 1 else Verdict.JUMP
        assert verdict is expected
        seen.add(trade_id)
        missing = set(range(first, max(seen))) - seen
        held = {
            number for hole in chain.holes for low, high in hole.ranges for number in range(low, high + 1)
        }
        assert held == missing


def test_quotes_only_grow():
    chain = QuoteChain()
    assert [chain.observe(number, number) for number in (5, 9, 9, 7, 10)] == [True, True, False, False, True]
    chain.restart()
    assert chain.observe(2, 1)
    assert chain.newest_ns == 10


def test_quotes_without_ids():
    chain = QuoteChain()
    assert chain.observe(0, 1)
    assert chain.observe(0, 1)
