"""Everything one handler of an actor hears: an input per publisher, and the journal servers behind them.

Live where nothing is missing; what is missing is fetched; what cannot be fetched is told. See protocol/consumer.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Final

from actors.runtime.inputs import Input
from actors.runtime.lines import Lines
from protocol.consumer import State
from protocol.errors import HubError
from protocol.replay import Position, ack_request, decode_fetched, fetch_request
from protocol.requests import Reply

WORK: Final = 128
"""Fetched records applied in one turn of the loop."""
DOUBT_NS: Final = 1_000_000_000
"""Silence after which the journal is asked whether that is all: four heartbeats."""
DEAF_NS: Final = 5_000_000_000
"""Silence after which the socket is made anew: a refused one never reconnects by itself."""

DOUBLINGS: Final = 2
"""How often that silence doubles while new sockets bring nothing either."""


class Intake:
    """The inputs of one handler.

    Args:
        inputs: One per publisher.
        lines: To the journal servers.
        soon: Have something called in the next turn.
        drop: Counts and logs what cannot be used.
        now_ns: Wall clock.
        mono_ns: Monotonic clock.
        reconnect: Makes the socket of an input anew.
        listen: Have the loop wait for an input's frames, or not.
    """

    def __init__(
        self,
        inputs: Mapping[str, Input],
        lines: Lines,
        soon: Callable[[Callable[[], None]], None],
        drop: Callable[[str, object], None],
        now_ns: Callable[[], int],
        mono_ns: Callable[[], int],
        reconnect: Callable[[Input], None],
        listen: Callable[[Input, bool], None],
    ) -> None:
        self.inputs = dict(inputs)
        self.is_paused = False
        self._lines = lines
        self._soon = soon
        self._drop = drop
        self._now_ns = now_ns
        self._mono_ns = mono_ns
        self._reconnect = reconnect
        self._listen = listen
        self._doubted_ns: dict[str, int] = {}
        self._deaf: dict[str, tuple[int, int]] = {}
        """Tries with a new socket, and when the last one was, monotonic."""
        self._is_working = False
        self._generation = 0

    def positions(self) -> dict[str, Position]:
        """Last record applied of each publisher that has been heard."""
        return {
            name: source.consumer.position for name, source in self.inputs.items() if source.consumer.epoch
        }

    @property
    def is_live(self) -> bool:
        """Whether nothing that is known of is missing."""
        return all(source.consumer.state is not State.PULL for source in self.inputs.values())

    def rewind(self, positions: Mapping[str, Position], *, is_from_start: bool = False) -> None:
        """Forget what is in memory and go on from these positions.

        Args:
            positions: By publisher.
            is_from_start: Whether publishers without a position are read from the start of their journal;
                otherwise from now.
        """
        self._generation += 1
        begin = Position(0, 0) if is_from_start else None
        for name, source in self.inputs.items():
            source.consumer.rewind(positions.get(name, begin))
        self.tick()

    def pause(self) -> None:
        """Take nothing more: what comes meanwhile the journal keeps."""
        if not self.is_paused:
            self.is_paused = True
            for source in self.inputs.values():
                self._listen(source, False)  # noqa: FBT003 - whether to listen

    def resume(self) -> None:
        """Take again."""
        if self.is_paused:
            self.is_paused = False
            mono_ns = self._mono_ns()
            for source in self.inputs.values():
                source.heard_ns = mono_ns
                self._listen(source, True)  # noqa: FBT003 - whether to listen
        self._schedule()
        self.tick()

    def ack(self, consumer: str, positions: Mapping[str, Position]) -> None:
        """Tell the journal servers what is stored for good."""
        for name, position in positions.items():
            puller = self._lines.of(name)
            if puller is not None:
                puller.ask(ack_request(consumer, name, position), _no_matter)

    def tick(self) -> None:
        """Ask for what is missing; call it periodically, and after every change."""
        self._lines.tick()
        if self.is_paused:
            return
        mono_ns = self._mono_ns()
        for name, source in self.inputs.items():
            silent_ns = mono_ns - max(source.heard_ns, self._doubted_ns.get(name, 0))
            if silent_ns > DOUBT_NS and source.consumer.state is not State.PULL:
                self._doubted_ns[name] = mono_ns
                source.consumer.doubt()
            if self._is_deaf(name, source, mono_ns):
                self._reconnect(source)
            self._pull(source, mono_ns)

    def _is_deaf(self, name: str, source: Input, mono_ns: int) -> bool:
        """Whether to try a new socket; again and again in vain, then after longer pauses: a slow way needs its time."""
        tries, tried_ns = self._deaf.get(name, (0, 0))
        if source.heard_ns != tried_ns:
            tries = 0  # something has been heard since
        if mono_ns - source.heard_ns <= DEAF_NS << min(tries, DOUBLINGS):
            return False
        source.heard_ns = mono_ns
        self._deaf[name] = (tries + 1, mono_ns)
        return True

    def after_take(self, source: Input) -> None:
        """Something was taken from the bus: does it leave something to fetch?"""
        if source.consumer.state is State.PULL:
            self._pull(source, self._mono_ns())

    def _pull(self, source: Input, mono_ns: int) -> None:
        puller = self._lines.of(source.publisher)
        if puller is None:
            return
        position = source.consumer.request(mono_ns)
        if position is None:
            return
        done = functools.partial(self._on_fetched, source, self._generation)
        puller.ask(fetch_request(source.publisher, position, puller.most_bytes), done)

    def _on_fetched(self, source: Input, generation: int, reply: Reply | None) -> None:
        if generation != self._generation:
            return
        consumer, mono_ns = source.consumer, self._mono_ns()
        if reply is None:
            consumer.failed(mono_ns)
            self._drop("no_journal_answer", source.publisher)
            self._schedule()  # it may have given up
            return
        try:
            if not reply.ok:
                consumer.failed(mono_ns, DOUBT_NS)
                self._drop("journal_refused", f"{source.publisher}: {reply.code} {reply.message}")
                self._schedule()
                return
            consumer.fetched(decode_fetched(reply), mono_ns)
        except HubError as fault:
            consumer.failed(mono_ns, DOUBT_NS)
            self._drop(fault.code, fault)
            self._schedule()
            return
        self._pull(source, mono_ns)  # the next answer is on its way while this one is worked on
        self._schedule()

    def _work(self) -> None:
        self._is_working = False
        if self.is_paused:
            return
        for source in self.inputs.values():
            if source.consumer.has_work:
                source.look_at_pace(self._now_ns())
                source.work(WORK)
                self._pull(source, self._mono_ns())
        self._schedule()

    def _schedule(self) -> None:
        """Go on with fetched records in the next turn."""
        if not self._is_working and any(source.consumer.has_work for source in self.inputs.values()):
            self._is_working = True
            self._soon(self._work)


def _no_matter(_: Reply | None) -> None:
    """An acknowledgement that got lost is said again with the next one."""
