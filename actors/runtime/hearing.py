"""What one process hears: a subscriber per publisher, and one line to the journal server of the host."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from actors.runtime.inputs import Drop, Input, Listener
from actors.runtime.intake import Intake
from actors.runtime.puller import Puller
from actors.runtime.settings import Common
from protocol.endpoints import Endpoints
from protocol.replay import Position
from protocol.transport import Poller, Requester, Subscriber, Wire

JOURNAL_KIND: Final = "journal"
"""Kind of the actor that serves the journals."""


class Loop(NamedTuple):
    """What an intake needs of the loop it lives in."""

    soon: Callable[[Callable[[], None]], None]
    drop: Drop
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
        self.line: Any = None
        """Socket of the line to the journal server; None while nothing was asked."""
        self._name = name
        self._actors = list(common.actors)
        self._endpoints = endpoints
        self._wire = wire
        self._poller = poller
        self._loop = loop
        servers = [actor for actor in self._actors if actor.partition(".")[0] == JOURNAL_KIND]
        self._server = servers[0] if servers and common.bus.replay else ""
        self._puller = Puller(self._open_line, self._close_line, loop.mono_ns) if self._server else None

    def consume(
        self, listener: Listener, sources: Sequence[str] | None, positions: Mapping[str, Position]
    ) -> Intake:
        """See `Actor.consume`."""
        soon, drop, mono_ns = self._loop
        inputs = {
            publisher: Input(
                publisher,
                functools.partial(self._connect, publisher),
                listener,
                drop,
                mono_ns,
                positions.get(publisher),
                can_pull=self._puller is not None,
            )
            for publisher in self._actors
            if publisher != self._name and (sources is None or publisher.partition(".")[0] in sources)
        }
        intake = Intake(inputs, self._puller, soon, drop, mono_ns, self._reconnect, self._listen)
        for source in inputs.values():
            self._add(source, intake)
        return intake

    def answered(self) -> None:
        """The journal server has answered."""
        if self._puller is not None:
            self._puller.receive()

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

    def _open_line(self) -> Requester:
        requester = self._wire.requester(self._endpoints.query(self._server))
        self.line = requester.socket
        self._poller.watch(self.line)
        return requester

    def _close_line(self, requester: Requester) -> None:
        self._poller.unwatch(requester.socket)
        self._wire.forget(requester.socket)
        self.line = None
