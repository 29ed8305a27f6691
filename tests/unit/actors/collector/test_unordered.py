"""Trades whose ids are unique and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from actors.collector.intake.sequence import Verdict
from actors.collector.intake.unordered import MAX_KNOWN, MAX_RECENT, UnorderedTrades

S = 1_000_000_000


def test_a_trade_counts_once():
    chain = UnorderedTrades()
    assert not chain.has_begun
    assert chain.observe("b", 5) is Verdict.NEXT
    assert chain.observe("a", 4) is Verdict.NEXT, "ids say nothing of order"
    assert chain.observe("b", 5) is Verdict.DUPLICATE
    assert (chain.has_begun, chain.newest_ns, chain.knows("a"), chain.is_missing("c")) == (
        True,
        5,
        True,
        True,
    )


def test_memory_is_bounded_and_forgets_the_oldest():
    chain = UnorderedTrades()
    for number in range(MAX_KNOWN + 10):
        chain.observe(str(number), number)
    assert not chain.knows("9")
    assert chain.knows("10")


def test_an_interruption_remembers_how_far_the_feed_had_come():
    chain = UnorderedTrades()
    chain.observe("a", 7)
    chain.interrupt()
    chain.observe("b", 9)
    chain.interrupt()
    assert (chain.is_interrupted, chain.before_gap_ns) == (True, 7)


def test_a_restart_knows_the_newest_trades():
    before = UnorderedTrades()
    for number in range(3 * MAX_RECENT):
        before.observe(f"old{number}", 1)
    before.observe("x", 5 * S)
    before.observe("y", 5 * S + S // 2)
    assert before.recent == [(5 * S, "x"), (5 * S + S // 2, "y")]
    after = UnorderedTrades()
    after.resume(before.newest_ns, before.recent)
    assert after.observe("y", 5 * S + S // 2) is Verdict.DUPLICATE
    assert after.newest_ns == before.newest_ns


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=80))
def test_each_id_is_next_exactly_once(trades: list[tuple[int, int]]):
    chain = UnorderedTrades()
    verdicts = [chain.observe(str(trade_id), ts_ns) for trade_id, ts_ns in trades]
    first_ns = dict(reversed(trades))
    assert verdicts.count(Verdict.NEXT) == len(first_ns)
    assert chain.newest_ns == max(first_ns.values(), default=0)
