"""Two collectors of one venue feed a detector: each event is judged once, and the death of one breaks nothing."""

from __future__ import annotations

import msgspec

from actors.detector.fold import Fold
from protocol.codec import decode_events, encode_events
from tests.unit.actors.detector.rig import CATALOG, Publisher
from tests.unit.actors.detector.test_detector_fold import echo

A, B = "collector.binance.1", "collector.binance.2"


def numbered(frame, number):
    """The same event with an id of its own."""
    event = decode_events(frame)[0]
    field = "trade_id" if hasattr(event, "trade_id") else "update_id"
    frame.payload = encode_events([msgspec.structs.replace(event, **{field: number})])
    return frame


class Pair:
    def __init__(self):
        self.rig = echo()
        self.sides = {A: Publisher(A), B: Publisher(B)}

    def second(self, at_s, *names):
        """A trade, a quote and a watermark."""
        for name in names:
            side = self.sides[name]
            self.rig.take(numbered(side.trade(at_s), at_s + 1), numbered(side.quote(at_s), at_s + 1))
        for name in names:
            self.rig.take(self.sides[name].mark(at_s))

    @property
    def state(self):
        return self.rig.state()


def test_detector_events_of_both_are_judged_once():
    pair = Pair()
    for at_s in range(10):
        pair.second(at_s, A, B)
    assert (pair.state.trades, pair.state.marks, pair.state.breaks) == (10, 10, 0)
    assert pair.rig.counters["second_copies"] == 20


def test_detector_goes_on_with_the_other_one_when_one_dies_and_comes_back():
    pair = Pair()
    for at_s in range(5):
        pair.second(at_s, A, B)
    for at_s in range(5, 12):
        pair.second(at_s, B)
    marks = pair.state.marks
    pair.sides[A] = Publisher(A, epoch=2)
    pair.rig.take(pair.sides[A].gap(12))
    for at_s in range(12, 16):
        pair.second(at_s, A, B)
    assert (pair.state.trades, pair.state.breaks) == (16, 0)
    assert marks >= 5 + 7 - 2  # it noticed the death after two seconds of venue time
    assert pair.state.marks == marks + 4


def test_detector_a_gap_that_both_have_breaks_what_runs():
    pair = Pair()
    for at_s in range(3):
        pair.second(at_s, A, B)
    pair.rig.take(pair.sides[A].gap(3))
    assert pair.state.breaks == 0
    pair.rig.take(pair.sides[B].gap(3))
    assert pair.state.breaks == 1


def test_detector_remembers_what_it_had_of_both():
    pair = Pair()
    for at_s in range(4):
        pair.second(at_s, A, B)
    memory = pair.rig.fold.snapshot()
    fold = Fold(CATALOG, pair.rig.fold._book, pair.rig.counters)
    fold.restore(memory)
    assert fold.snapshot() == memory
    pair.rig.fold = fold
    before = pair.state.trades
    pair.rig.take(numbered(pair.sides[B].trade(3), 4))
    assert pair.state.trades == before
    pair.second(4, B, A)
    assert pair.state.trades == before + 1
