"""Asks the journal server how far journals reach, and how far we have said to have stored them. Blocks: for a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.errors import error_from_code
from protocol.replay import Position, decode_status, status_request
from protocol.transport import Wire

ASK_S: Final = 2.0


class Journals:
    """One journal server.

    Args:
        endpoint: Its `query` address.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def ask(
        self, publishers: Sequence[str], consumer: str
    ) -> tuple[dict[str, Position], dict[str, Position]]:
        """(head of each journal, how far `consumer` has stored), by publisher; who has no journal begins with its first record.

        Raises:
            HubError: the server does not answer, or refuses.
        """
        heads: dict[str, Position] = {}
        stored: dict[str, Position] = {}
        with Wire() as wire:
            line = wire.requester(self._endpoint)
            for publisher in publishers:
                reply = line.ask(status_request(publisher), ASK_S)
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
