"""Two collectors of one venue feed the same flow: the flow of one undisturbed feed comes out, whoever dies."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.orderflow.completeness import GAP, Holes
from actors.orderflow.fold import Fold
from protocol.sessions import session_named
from tests.unit.actors.orderflow.tape import CATALOG, Collector, Heard, book, gap, ns, quote, rules, trade

A, B = "collector.binance.1", "collector.binance.2"


class Pair:
    """What one fold makes of two collectors, and another one of a single one."""

    def __init__(self):
        self.both, self.single = Heard(), Heard()
        self.sides = {A: Collector(A), B: Collector(B)}
        self.alone = Collector(A)

    def send(self, order, *events):
        self.single.apply(self.alone.frame(*events))
        for name in order:
            self.both.apply(self.sides[name].frame(*events))

    def mark(self, order, seconds, is_connected=True):
        self.single.apply(self.alone.mark(seconds))
        for name in order:
            self.both.apply(self.sides[name].mark(seconds, is_connected))

    def tell(self, name, event):
        return self.both.apply(self.sides[name].frame(event))

    def restore(self):
        memory = self.both.fold.snapshot()
        self.both.fold = Fold(CATALOG, rules(), self.both.counters)
        self.both.fold.restore(memory)
        assert self.both.fold.snapshot() == memory


def numbered(seconds, number, bid=100.0):
    return msgspec.structs.replace(quote(seconds, bid, bid + 1), update_id=number)


def play(pair, order, n):
    """A quarter of a second: a trade, a quote and a change of the book."""
    at_s = n / 4
    pair.send(order, trade(at_s, 100 + n % 3, number=n))
    pair.send(order, numbered(at_s, n, 100 + n % 5))
    pair.send(order, book(at_s, n, [(100.0, 1.0 + n % 4)], [], prev=n - 1))


def begin(pair):
    pair.send((A, B), trade(0.1, number=1))
    pair.send((A, B), numbered(0.1, 1))
    pair.send((A, B), book(0.1, 1, [(100.0, 1.0), (99.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]))


def test_orderflow_counts_everything_once():
    pair = Pair()
    begin(pair)
    for n in range(2, 60):
        play(pair, (A, B), n)
        pair.mark((A, B), n / 4)
    assert pair.both.flows() == pair.single.flows()
    assert pair.both.flows(0.0) == pair.single.flows(0.0)
    assert pair.both.counters["second_copies"] > 150


def test_orderflow_goes_on_with_the_other_ones_book_when_the_one_followed_dies():
    pair = Pair()
    begin(pair)
    for name in (A, B):  # somebody asked for snapshots meanwhile: both books are known
        pair.both.apply(pair.sides[name].frame(book(0.2, 1, [(100.0, 1.0)], [(101.0, 1.0)])))
    for n in range(2, 10):
        play(pair, (A, B), n)
        pair.mark((A, B), n / 4)
    for n in range(10, 60):
        play(pair, (B,), n)
        pair.mark((B,), n / 4)
    newest = pair.both.flows()[14.0]
    assert newest.is_complete
    assert newest.values["ofi_1"] == pair.single.flows()[14.0].values["ofi_1"]
    assert newest.values["count"] == 20
    assert {flow.coverage for second, flow in pair.both.flows().items() if second > 6} == {1.0}


def test_orderflow_a_gap_of_one_is_none_while_the_other_is_whole():
    pair = Pair()
    begin(pair)
    for n in range(2, 20):
        play(pair, (A, B), n)
        pair.mark((A, B), n / 4)
    pair.tell(A, gap(5.0, None, gap_id="a-1"))
    for n in range(20, 40):
        play(pair, (B,), n)
        pair.mark((A, B), n / 4)
    pair.tell(A, gap(5.0, 9.5, "unfillable", gap_id="a-1"))
    pair.tell(B, gap(9.0, 9.75, "unfillable", gap_id="b-1"))
    for n in range(40, 52):
        play(pair, (A, B), n)
        pair.mark((A, B), n / 4)
    flows = pair.both.flows()
    assert flows[8.0].is_complete
    assert flows[8.0].values["delta"] == pair.single.flows()[8.0].values["delta"]
    assert (flows[11.0].coverage, flows[11.0].reason) == (0.85, GAP)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["ab", "ba", "a", "b"]), st.booleans()), min_size=8, max_size=50))
def test_orderflow_of_any_two_broken_feeds_that_make_a_whole_is_that_of_one(plan):
    pair = Pair()
    pair.send((A, B), trade(0.1, number=1))
    side = {"a": A, "b": B}
    for n, (order, is_restored) in enumerate(plan, 2):
        if is_restored:
            pair.restore()
        pair.send([side[one] for one in order], trade(n / 4, 100 + n % 3, number=n))
        pair.send([side[one] for one in order], numbered(n / 4, n, 100 + n % 5))
    pair.mark((A, B), 20.0)
    mine, wanted = pair.both.flows(0.0), pair.single.flows(0.0)
    assert set(mine) == set(wanted)
    for second, flow in wanted.items():
        for key in ("delta", "count", "notional", "ofi", "quotes"):
            assert mine[second].values[key] == flow.values[key], (second, key)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.integers(0, 30), st.integers(1, 9)), max_size=12)
)
def test_orderflow_holes_of_two_are_what_neither_has_seen(rows):
    holes = Holes(session_named("crypto"))
    holes.share_between(["a", "b"])
    for number, (owner, start, length) in enumerate(rows):
        holes.add(str(number), ns(start), ns(start + length), GAP, owner)
    missing = 0
    for second in range(40):
        by = [owner for owner, start, length in rows if start <= second < start + length]
        missing += all(name in by or "" in by for name in ("a", "b"))
    assert holes.share(ns(0), ns(40))[0] == (40 - missing) / 40
