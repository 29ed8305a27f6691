"""Messages under way: whatever is cut, and however late an old line still delivers, the stream has each once and in order."""

from __future__ import annotations

import collections

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.bridge.window import Window
from protocol.nats.faults import NatsRefused
from protocol.nats.jetstream import PubAck
from protocol.replay import Position


class BridgeAndStream(RuleBasedStateMachine):
    """A bridge that writes 1, 2, 3…, dies at any moment, and asks the stream where to go on; lines outlive it."""

    checks_names = True

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[int | str] = []
        """Numbers of records, and positions: those shift what lies behind them."""
        self.lines: list[collections.deque[tuple[int | str, int, int | str]]] = []
        """(what, number and name that the stream must have before it) under way on each line, newest line last."""
        self.answers: collections.deque[int] = collections.deque()
        self.begin()

    @rule()
    def begin(self) -> None:
        """A new line, after a kill, a cut or a refusal: nothing is remembered but what the stream says."""
        self.window = Window("T", len(self.stream), 50, 1000)
        self.next = max((one for one in self.stream if isinstance(one, int)), default=0) + 1
        self.last: int | str = ""
        self.lines.append(collections.deque())
        self.answers.clear()
        self.put(f"position {len(self.lines)}")

    def put(self, what: int | str) -> None:
        before = self.window.add(10, 0)
        self.lines[-1].append((what, before, self.last if self.checks_names else ""))
        self.last = what

    @rule()
    def say_position(self) -> None:
        if not self.window.is_full:
            self.put(f"position {len(self.lines)} {self.window.last_seq}")

    @rule(count=st.integers(1, 10))
    def send(self, count: int) -> None:
        for _ in range(count):
            if self.window.is_full:
                return
            self.put(self.next)
            self.next += 1

    @rule(line=st.integers(0, 5), count=st.integers(1, 10))
    def deliver(self, line: int, count: int) -> None:
        """The server reads some of what lies on a line, new or old."""
        index = max(0, len(self.lines) - 1 - line)
        for _ in range(min(count, len(self.lines[index]))):
            what, before, behind = self.lines[index].popleft()
            is_taken = before == len(self.stream) and (not behind or self.stream[-1] == behind)
            if is_taken and what in self.stream:
                is_taken = False  # the server knows the name
            if is_taken:
                self.stream.append(what)
            if index == len(self.lines) - 1:
                self.answers.append(len(self.stream) if is_taken else 0)

    @rule()
    def confirm(self) -> None:
        while self.answers:
            seq = self.answers.popleft()
            if not seq:
                self.begin()  # refused: another line of ours was faster
                return
            assert self.window.confirm(PubAck("T", seq)).seq == seq

    @invariant()
    def each_once_and_in_order(self) -> None:
        records = [one for one in self.stream if isinstance(one, int)]
        assert records == list(range(1, len(records) + 1))


TestBridgeAndStream = BridgeAndStream.TestCase
TestBridgeAndStream.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)


class NumbersAlone(BridgeAndStream):
    """As it was before names were checked too."""

    checks_names = False


@pytest.mark.parametrize("kind", [BridgeAndStream, NumbersAlone])
def test_numbers_alone_would_not_do(kind: type[BridgeAndStream]) -> None:
    world = kind()
    world.send(count=3)
    world.begin()  # the line before still holds a position, 1, 2 and 3
    world.say_position()
    world.deliver(line=0, count=2)
    world.deliver(line=1, count=4)
    if kind is NumbersAlone:
        with pytest.raises(AssertionError):
            world.each_once_and_in_order()
    else:
        world.each_once_and_in_order()


def test_confirmations_come_in_order_or_end_the_line() -> None:
    window = Window("T", 7, 3, 100)
    assert [window.add(40, 1), window.add(40, 2, {"a": Position(1, 2)})] == [7, 8]
    assert (len(window), window.bytes, window.is_full, window.oldest_ns()) == (2, 80, False, 1)
    assert window.add(40, 3) == 9
    assert window.is_full
    assert window.confirm(PubAck("T", 8)).positions is None
    assert window.confirm(PubAck("T", 9)).positions == {"a": Position(1, 2)}
    assert window.has_room
    assert window.stored_seq == 9
    for bad in (PubAck("T", 11), PubAck("U", 10), PubAck("T", 10, duplicate=True)):
        with pytest.raises(NatsRefused):
            window.confirm(bad)
