"""An actor's lines to the journal servers: one to that of its own host, one to each other host that it hears."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any

from actors.runtime.puller import Puller
from protocol.endpoints import Endpoints
from protocol.fetch_pace import FetchPace
from protocol.transport import Poller, Requester, Wire


class Lines:
    """Opens a line when something is asked over it.

    Args:
        endpoints: Addresses of the servers, and who serves whose journal.
        actors: All actors of the topology.
        wire: Makes the sockets.
        poller: Waits for them.
        mono_ns: Monotonic clock.
        replays: False: nobody's journal is to be asked for.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        actors: Collection[str],
        wire: Wire,
        poller: Poller,
        mono_ns: Callable[[], int],
        *,
        replays: bool = True,
    ) -> None:
        self.open: dict[Any, Puller] = {}
        """By the socket that brings the answers."""
        self._endpoints = endpoints
        self._wire = wire
        self._poller = poller
        servers = {actor: endpoints.topology.server_of(actor, actors) for actor in actors}
        self._of_server = {
            server: Puller(
                functools.partial(self._connect, server),
                self._forget,
                mono_ns,
                None if endpoints.topology.is_here(server) else FetchPace(),
            )
            for server in dict.fromkeys(servers.values())
            if server
        }
        asked = servers if replays else {}
        self._of = {actor: self._of_server.get(server) for actor, server in asked.items()}

    def of(self, publisher: str) -> Puller | None:
        """The line to whoever serves the journal of a publisher; None where nobody does."""
        return self._of.get(publisher)

    def others(self) -> dict[str, Puller]:
        """Host to the line to its journal server, of all hosts but this one."""
        topology = self._endpoints.topology
        lines = self._of_server.items()
        return {topology.host_of(server): line for server, line in lines if not topology.is_here(server)}

    def receive(self, socket: Any) -> None:
        """Take what has been answered on a socket."""
        self.open[socket].receive()

    def tick(self) -> None:
        """Give up what has waited too long."""
        for puller in self._of_server.values():
            puller.tick()

    def _connect(self, server: str) -> Requester:
        requester = self._wire.requester(self._endpoints.query(server))
        self.open[requester.socket] = self._of_server[server]
        self._poller.watch(requester.socket)
        return requester

    def _forget(self, requester: Requester) -> None:
        del self.open[requester.socket]
        self._poller.unwatch(requester.socket)
        self._wire.forget(requester.socket)
