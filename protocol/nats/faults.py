"""What can go wrong between us and a NATS server. Pure.

HubError
├── HubUnreachable
│   └── NatsLost      the line is cut, or nobody answers: connect again
├── NatsRefused       the server says no: its words, and JetStream's number where there is one
└── NatsGarbled       it sent what is not NATS
"""

from __future__ import annotations

from typing import ClassVar, Final

from protocol.errors import HubError, HubUnreachable

STREAM_NOT_FOUND: Final = 10059
MESSAGE_NOT_FOUND: Final = 10037
WRONG_LAST_SEQUENCE: Final = 10071
CONSUMER_NOT_FOUND: Final = 10014


class NatsLost(HubUnreachable):
    """The line to the server is cut, silent, or was never there."""


class NatsRefused(HubError):
    """The server refused; `number` is JetStream's `err_code`, 0 where the server itself speaks."""

    code: ClassVar[str] = "nats_refused"

    @property
    def number(self) -> int:
        """JetStream's `err_code`."""
        return int(self.details.get("number", 0))


class NatsGarbled(HubError):
    """What came is not the NATS protocol."""

    code: ClassVar[str] = "nats_garbled"
