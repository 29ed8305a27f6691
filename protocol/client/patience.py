"""How long to wait for whom: attempts, the hub that answers, and that hub's clock. Pure, time is an argument."""

from __future__ import annotations

from typing import Final

from protocol.errors import HubError, HubTimeout, HubUnreachable, InvalidRequest
from protocol.requests import MAX_REQUEST_BYTES, Reply

ATTEMPTS: Final = 4
"""A question is put again, to the next hub if there are several, after this share of its patience."""
SHORTEST_ATTEMPT_MS: Final = 50
RELEARN_NS: Final = 1_000_000_000
"""How long a hub's clock is taken as known."""


class Patience:
    """What is known of the hubs of one client: which one answers, and what time it is there.

    Reads change nothing, so a question may be put twice; whichever answer comes first is taken.
    """

    def __init__(
        self, endpoints: list[str], timeout_s: float, max_request_bytes: int = MAX_REQUEST_BYTES
    ) -> None:
        if timeout_s <= 0:
            raise InvalidRequest(f"timeout of {timeout_s} s is not positive", errors=["timeout_s"])
        self.endpoints = endpoints
        self.timeout_s = timeout_s
        self.max_request_bytes = max_request_bytes
        """A longer question is refused here: whom we ask would cut the connection without a word."""
        self.timeout_ns = int(timeout_s * 1e9)
        self.attempt_ms = max(SHORTEST_ATTEMPT_MS, round(timeout_s * 1000 / ATTEMPTS))
        """How long to wait before asking once more."""
        self.first = endpoints[0]
        """The hub that answered last: it is asked first."""
        self._offsets_ns: dict[str, int] = {}
        """Endpoint to its wall clock minus our monotonic one."""
        self.first_offset_ns = 0
        """What to add to our monotonic clock for the deadline of a question to the first hub; 0: not known."""
        self.relearn_ns = 0
        """When an answer of the first hub is to be noted again, monotonic."""
        self._has_answered = False

    @property
    def home(self) -> str:
        """The hub that is asked first as long as it answers: the first one that was named."""
        return self.endpoints[0]

    @property
    def is_away(self) -> bool:
        """Whether another one had to be asked."""
        return self.first != self.endpoints[0]

    def endpoint(self, attempt: int) -> str:
        """Whom to ask at the n-th attempt, 0 is the first."""
        begin = self.endpoints.index(self.first)
        return self.endpoints[(begin + attempt) % len(self.endpoints)]

    def deadline_ns(self, endpoint: str, started_ns: int) -> int:
        """When we give up, by the clock of that hub; 0 while we do not know its clock."""
        offset_ns = self._offsets_ns.get(endpoint)
        return 0 if offset_ns is None else started_ns + offset_ns + self.timeout_ns

    def note_answer(self, endpoint: str, reply: Reply, mono_ns: int) -> None:
        """A hub has answered a question put at `mono_ns` or a little later: remember it, and its clock.

        Its clock is taken to have been read when we asked, so what we tell it as our deadline is never too early
        by more than the way there.
        """
        self.first = endpoint
        self._has_answered = True
        self.relearn_ns = mono_ns + RELEARN_NS
        if reply.ts_ns:
            self._offsets_ns[endpoint] = reply.ts_ns - mono_ns
            self.first_offset_ns = reply.ts_ns - mono_ns + self.timeout_ns

    def is_wrong_clock(self, reply: Reply, deadline_ns: int) -> bool:
        """Whether a refusal only says that our idea of the hub's clock is wrong (it was set, or we slept).

        Then that idea is dropped, and the question is worth asking once more.
        """
        if reply.code != HubTimeout.code or not deadline_ns:
            return False
        self._forget_clocks()
        return True

    def _forget_clocks(self) -> None:
        self._offsets_ns.clear()
        self.first_offset_ns = self.relearn_ns = 0

    def gave_up(self, op: str) -> HubError:
        """The error after the last attempt; the clocks are forgotten, a wrong one may have been the reason."""
        self._forget_clocks()
        where, timeout_s = ", ".join(self.endpoints), self.timeout_s
        if self._has_answered:
            return HubTimeout(f"no answer to {op} from {where} within {timeout_s:g} s", timeout_s=timeout_s)
        return HubUnreachable(
            f"no hub answered at {where} within {timeout_s:g} s; is it running? (tapehub status)",
            endpoints=self.endpoints,
            timeout_s=timeout_s,
        )


def too_long(body: bytes, max_bytes: int = MAX_REQUEST_BYTES) -> InvalidRequest:
    """The refusal of what a hub would not read: ZeroMQ would cut the connection without a word."""
    return InvalidRequest(
        f"request of {len(body)} bytes is longer than {max_bytes}: ask for fewer things at once",
        errors=["request: too long"],
    )
