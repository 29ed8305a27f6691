"""Asks the journal servers how far journals reach, and how far we have said to have stored them. Blocks: for a thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from protocol.endpoints import Endpoints
from protocol.errors import error_from_code
from protocol.replay import Position, decode_status, status_request
from protocol.transport import Requester, Wire

if TYPE_CHECKING:
    from protocol.security.keyring import Keyring

ASK_S: Final = 2.0


class Journals:
    """The journal servers of a topology: each publisher's journal is served on its own host.

    Args:
        endpoints: Addresses of the servers, and who serves whose journal.
        actors: All actors of the topology.
        keyring: Our key, for the servers of other hosts.
    """

    def __init__(self, endpoints: Endpoints, actors: Collection[str], keyring: Keyring | None) -> None:
        self._endpoints = endpoints
        self._server_of = {actor: endpoints.topology.server_of(actor, actors) for actor in actors}
        self._keyring = keyring

    def __bool__(self) -> bool:
        """Whether anybody's journal is served."""
        return any(self._server_of.values())

    def ask(
        self, publishers: Sequence[str], consumer: str
    ) -> tuple[dict[str, Position], dict[str, Position]]:
        """(head of each journal, how far `consumer` has stored), by publisher; who has no journal begins with its first record,
        and whose journal nobody serves is left out.

        Raises:
            HubError: a server does not answer, or refuses.
        """
        heads: dict[str, Position] = {}
        stored: dict[str, Position] = {}
        lines: dict[str, Requester] = {}
        with Wire(keyring=self._keyring) as wire:
            for publisher in publishers:
                server = self._server_of.get(publisher)
                if not server:
                    continue
                if server not in lines:
                    lines[server] = wire.requester(self._endpoints.query(server))
                reply = lines[server].ask(status_request(publisher), ASK_S)
                if not reply.ok:
                    if reply.code == "no_data":
                        heads[publisher] = Position(0, 0)
                        continue
                    raise error_from_code(reply.code, reply.message, reply.details)
                status = decode_status(reply)
                last = status.extents[-1] if status.extents else None
                heads[publisher] = Position(last.epoch, last.last) if last else Position(0, 0)
                if consumer in status.acks:
                    stored[publisher] = Position(*status.acks[consumer])
        return heads, stored
