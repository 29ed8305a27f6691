"""What one process hears: a subscriber per publisher, and the lines to the journal servers behind them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.runtime.inputs import Drop, Input, Listener
from actors.runtime.intake import Intake
from actors.runtime.lagging import Lagging, Spell
from actors.runtime.lines import Lines
from actors.runtime.settings import Common
from protocol.endpoints import Endpoints
from protocol.replay import Position
from protocol.transport import Poller, Subscriber, Wire


class Loop(NamedTuple):
    """What an intake needs of the loop it lives in."""

    soon: Callable[[Callable[[], None]], None]
    drop: Drop
    now_ns: Callable[[], int]
    mono_ns: Callable[[], int]


class Hearing:
    """Sockets of everything that is heard.

    Args:
        name: This actor.
        common: The topology.
        endpoints: Addresses of its actors.
        wire: Makes the sockets.
        poller: Waits for them.
        loop: The loop they are served in.
    """

    def __init__(
        self, name: str, common: Common, endpoints: Endpoints, wire: Wire, poller: Poller, loop: Loop
    ) -> None:
        self.inputs: dict[Any, tuple[Input, Intake]] = {}
        """By the socket that brings them."""
        self._name = name
        self._actors = list(common.actors)
        if (endpoints.run_dir / "shards").is_dir():
            from actors.runtime.terms import former_names  # noqa: PLC0415 - where symbols were divided alone

            self._actors += former_names(endpoints.run_dir, self._actors)
        self._endpoints = endpoints
        self._wire = wire
        self._poller = poller
        self._loop = loop
        self.lagging = Lagging(round(common.bus.lagging_s * 1e9))
        """Spells in which this actor is behind."""
        self.lines = Lines(endpoints, self._actors, wire, poller, loop.mono_ns, replays=common.bus.replay)
        """To the journal servers."""

    def look(self, now_ns: int, mono_ns: int) -> Spell | None:
        """Look at how far each input is behind; returns a spell of being behind that has just begun, or just ended."""
        worst_ns, whom = 0, ""
        for source, intake in self.inputs.values():
            behind_ns = source.look_at_pace(now_ns, is_paused=intake.is_paused)
            if behind_ns > worst_ns:
                worst_ns, whom = behind_ns, source.publisher
        return self.lagging.look(worst_ns, whom, now_ns, mono_ns)

    def chain(self) -> dict[str, int]:
        """Counters of the chain checks of all inputs, for the heartbeat."""
        total: Counter[str] = Counter()
        for source, _ in self.inputs.values():
            total.update(source.chain())
        return dict(total)

    def consume(
        self,
        listener: Listener,
        sources: Sequence[str] | None,
        positions: Mapping[str, Position],
        make_input: Callable[..., Input] = Input,
    ) -> Intake:
        """See `Actor.consume`; `make_input` takes the arguments of `Input`."""
        if listener.conflates:
            from actors.runtime.conflating import ConflatingInput  # noqa: PLC0415 - for those few alone

            make_input = ConflatingInput
        soon, drop, now_ns, mono_ns = self._loop
        inputs = {
            publisher: make_input(
                publisher,
                functools.partial(self._connect, publisher),
                listener,
                drop,
                mono_ns,
                positions.get(publisher),
                can_pull=self.lines.of(publisher) is not None,
            )
            for publisher in self._actors
            if publisher != self._name and (sources is None or publisher.partition(".")[0] in sources)
        }
        intake = Intake(inputs, self.lines, soon, drop, now_ns, mono_ns, self._reconnect, self._listen)
        for source in inputs.values():
            source.pace.limit_ns = self.lagging.limit_ns
            self._add(source, intake)
        return intake

    def _connect(self, publisher: str) -> Subscriber:
        return self._wire.subscriber([self._endpoints.pub(publisher)], [b""])

    def _add(self, source: Input, intake: Intake) -> None:
        self.inputs[source.subscriber.socket] = (source, intake)
        self._poller.watch(source.subscriber.socket)

    def _reconnect(self, source: Input) -> None:
        """Hear a publisher on a new socket: the old one may be deaf."""
        old = source.subscriber.socket
        _, intake = self.inputs.pop(old)
        self._poller.unwatch(old)
        self._wire.forget(old)
        source.reconnect(functools.partial(self._connect, source.publisher))
        self._add(source, intake)

    def _listen(self, source: Input, is_wanted: bool) -> None:
        if is_wanted:
            self._poller.watch(source.subscriber.socket)
        else:
            self._poller.unwatch(source.subscriber.socket)
