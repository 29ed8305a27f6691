"""Questions of the collector to another actor of its topology, answered in its loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actors.runtime.actor import Actor
from protocol.requests import Reply, Request

Done = Callable[[list[Reply] | Exception], None]


class Questions:
    """The way to the first actor of a kind.

    Args:
        actor: Who asks.
        kind: Whom: hub, persistence.
    """

    def __init__(self, actor: Actor, kind: str) -> None:
        self._actor = actor
        found = (name for name in actor.common.actors if name.partition(".")[0] == kind)
        self._names = actor.endpoints.topology.nearest(found)

    def __bool__(self) -> bool:
        """Whether there is one in the topology."""
        return bool(self._names)

    def ask(self, requests: Sequence[Request], timeout_s: float, done: Done) -> None:
        """Ask one after another in a thread; `done` gets all replies, or why they could not be had."""
        actor, endpoint = self._actor, self._actor.endpoints.query(self._names[0])

        def work() -> list[Reply]:
            requester = actor.wire.requester(endpoint)
            try:
                return [requester.ask(request, timeout_s) for request in requests]
            finally:
                actor.wire.forget(requester.socket)

        actor.submit(work, done)
