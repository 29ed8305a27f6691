"""How long to wait for whom: deadlines, attempts, and the answerer's clock. Pure, time is an argument."""

from __future__ import annotations

from typing import Final

from protocol.errors import HubError, HubTimeout, HubUnreachable, InvalidRequest
from protocol.requests import MAX_REQUEST_BYTES, Reply

ATTEMPTS: Final = 4
"""A question is put again, to the next hub if there are several, after this share of its patience."""
SHORTEST_ATTEMPT_S: Final = 0.05


class Patience:
    """What is known of the hubs of one client: which one answers, and what time it is there.

    Reads change nothing, so a question may be put twice; whichever answer comes first is taken.
    """

    def __init__(self, endpoints: list[str], timeout_s: float) -> None:
        if timeout_s <= 0:
            raise InvalidRequest(f"timeout of {timeout_s} s is not positive", errors=["timeout_s"])
        self.endpoints = endpoints
        self.timeout_s = timeout_s
        self.preferred = 0
        """Index of the hub that answered last."""
        self._offsets_ns: dict[str, int] = {}
        """Endpoint to its wall clock minus our monotonic one."""
        self._has_answered = False

    def attempt_s(self, timeout_s: float) -> float:
        """How long to wait before asking once more."""
        return max(SHORTEST_ATTEMPT_S, timeout_s / ATTEMPTS)

    def endpoint(self, attempt: int) -> str:
        """Whom to ask at the n-th attempt, 0 is the first."""
        return self.endpoints[(self.preferred + attempt) % len(self.endpoints)]

    def deadline_ns(self, endpoint: str, mono_ns: int, timeout_s: float) -> int:
        """When we give up, by the clock of that hub; 0 while we do not know its clock."""
        offset_ns = self._offsets_ns.get(endpoint)
        return 0 if offset_ns is None else mono_ns + offset_ns + int(timeout_s * 1e9)

    def note_answer(self, endpoint: str, reply: Reply, mono_ns: int) -> None:
        """A hub has answered: ask it first next time, and remember its clock."""
        if self.endpoints[self.preferred] != endpoint:
            self.preferred = self.endpoints.index(endpoint)
        self._has_answered = True
        if reply.ts_ns:
            self._offsets_ns[endpoint] = reply.ts_ns - mono_ns

    def gave_up(self, op: str, timeout_s: float) -> HubError:
        """The error after the last attempt."""
        where = ", ".join(self.endpoints)
        if self._has_answered:
            return HubTimeout(f"no answer to {op} from {where} within {timeout_s:g} s", timeout_s=timeout_s)
        return HubUnreachable(
            f"no hub answered at {where} within {timeout_s:g} s; is it running? (tapehub status)",
            endpoints=self.endpoints,
            timeout_s=timeout_s,
        )


def check_size(body: bytes) -> None:
    """Refuse what a hub would not read: ZeroMQ would cut the connection without a word.

    Raises:
        InvalidRequest: longer than a request may be.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise InvalidRequest(
            f"request of {len(body)} bytes is longer than {MAX_REQUEST_BYTES}: ask for fewer things at once",
            errors=["request: too long"],
        )
