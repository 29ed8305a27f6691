"""Symbols that came from different hands: what each knows is left out, and once all know the same they are one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from actors.runtime.strands import Piece, Strand, earliest, joined, piece_of
from protocol.replay import Position
from tests.support.paths import ROOT

PUBLISHERS = ["collector.a", "collector.b"]


class Tally:
    """A fold that counts frames by symbol."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self.counts)

    def restore(self, snapshot: bytes) -> None:
        self.counts = msgspec.msgpack.decode(snapshot)


class Sharing:
    """How tallies are divided."""

    def symbol_of(self, venue: str, symbol: str) -> str:
        return symbol

    def part(self, snapshot: bytes, is_wanted: Callable[[str], bool]) -> bytes:
        counts = msgspec.msgpack.decode(snapshot)
        return msgspec.msgpack.encode({one: count for one, count in counts.items() if is_wanted(one)})

    def join(self, snapshots: Sequence[bytes]) -> bytes:
        whole: dict[str, int] = {}
        for one in snapshots:
            whole |= msgspec.msgpack.decode(one)
        return msgspec.msgpack.encode(whole)


class Said:
    """As much of a frame as a strand looks at."""

    def __init__(self, publisher: str, epoch: int, seq: int) -> None:
        self.publisher, self.epoch, self.seq = publisher, epoch, seq


def strand(
    symbols: str, since: dict[str, tuple[int, int]], expected: Sequence[tuple[str, bytes]] = ()
) -> Strand[Any]:
    return Strand(Tally(), since, expected, list(symbols))


def test_what_a_strand_knows_is_left_out() -> None:
    one = strand("A", {"collector.a": (2, 5)})
    known = [one.has(Said("collector.a", *at)) for at in ((1, 99), (2, 5), (2, 6), (3, 1))]  # type: ignore[arg-type]
    assert known == [True, True, False, False]
    assert not one.has(Said("collector.b", 1, 1))  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=1, max_size=4), st.integers(0, 80))
def test_each_strand_takes_each_frame_once_whatever_it_began_with(since, end) -> None:
    """Two epochs of 20 frames each, read from the earliest position on; then they are level, and one."""
    strands = [strand(f"{number}", {"collector.a": at}) for number, at in enumerate(since)]
    for one, at in zip(strands, since, strict=True):
        one.fold.counts = {one.symbols[0]: sum(frame <= at for frame in FRAMES)}
    reached = earliest(strands, ["collector.a"])["collector.a"]
    for frame in FRAMES[:end]:
        if frame > reached:
            reached = Position(*frame)
            for one in strands:
                if not one.has(Said("collector.a", *frame)):  # type: ignore[arg-type]
                    one.fold.counts[one.symbols[0]] += 1
    is_level = all(one.is_level({"collector.a": reached}, ["collector.a"]) for one in strands)
    assert is_level == all(reached >= at for at in since)
    if is_level:
        whole = joined(strands, Tally(), Sharing())
        done = sum(frame <= reached for frame in FRAMES)
        assert whole.fold.counts == {f"{number}": done for number in range(len(since))}


FRAMES = [(epoch, seq) for epoch in (1, 2) for seq in range(1, 21)]


def test_what_is_expected_of_each_is_expected_of_all() -> None:
    strands = [strand("A", {}, [("bar.x.A", b"1"), ("bar.x.A", b"2")]), strand("B", {}, [("bar.x.B", b"3")])]
    whole = joined(strands, Tally(), Sharing())
    assert sorted(whole.refold.left()) == [("bar.x.A", b"1"), ("bar.x.A", b"2"), ("bar.x.B", b"3")]
    assert whole.symbols == ["A", "B"]


def test_a_memory_in_the_middle_of_a_takeover_says_where_each_piece_is() -> None:
    ahead, behind = (
        strand("A", {"collector.a": (1, 9)}),
        strand("B", {"collector.b": (1, 3)}, [("bar.x.B", b"1")]),
    )
    reached = {"collector.a": Position(1, 4), "collector.b": Position(1, 7)}
    first, second = ahead.piece(reached, is_rest=True), behind.piece(reached, is_rest=False)
    assert first.positions == {"collector.a": (1, 9), "collector.b": (1, 7)}
    assert second.positions == {"collector.a": (1, 4), "collector.b": (1, 7)}
    assert (first.symbols, second.symbols, second.expected) == (None, ["B"], [("bar.x.B", b"1")])
    assert [piece_of(symbol, [first, second]) for symbol in ("A", "B", "new")] == [0, 1, 0]


def test_whoever_is_unknown_is_read_from_the_start() -> None:
    found = earliest([strand("A", {"collector.a": (1, 9)}), strand("B", {"collector.b": (1, 3)})], PUBLISHERS)
    assert found == {name: Position(0, 0) for name in PUBLISHERS}
    assert piece_of("A", [Piece({}, b"", [], None)]) == 0


def test_the_only_instance_of_a_kind_imports_nothing_of_this() -> None:
    check = "import sys, actors.aggregator.actor, actors.orderflow.actor; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    ours = ("strands", "takeover", "terms", "shard_folding", "shard_input", "sharing", "sharding", "former")
    assert not [name for name in done.stdout.split() if name.rpartition(".")[2] in ours]
