"""Every error of the contract, one tree, one code each.

    HubError                     code
    ├── UnknownSymbol            unknown_symbol      carries .suggestions
    ├── NoData                   no_data
    ├── StaleData                stale_data          carries .age_s and .ttl_s
    ├── InvalidRequest           invalid_request     carries .errors
    ├── HubTimeout               timeout             carries .timeout_s
    ├── HubUnreachable           unreachable         carries .endpoints
    ├── Overloaded               overloaded          carries .retry_after_s
    ├── ProtocolMismatch         protocol_mismatch   carries .ours and .theirs
    ├── Unauthorized             unauthorized
    └── FrameError               bad_frame           a frame or payload that breaks docs/protocol.md
        ├── TruncatedFrame
        ├── ChecksumMismatch
        └── PayloadError
    ConfigError                  exit 78             the person's configuration, carries .problems
    StartError                   exits 69 and 75     an address or a name that cannot be had
    GuardDied                    exit 70             nobody judges any more who may come in

The codes are the same in ZeroMQ replies, client exceptions, command line and HTTP. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec

DECODE_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises of bytes that are not what they should be, whoever made them: also of what is nested without end."""


class HubError(Exception):
    """Base of everything a peer can be told; `code` is stable, the text is for people."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        """Numbers and names behind the message, JSON-able: they travel in the reply."""


class UnknownSymbol(HubError):
    """No instrument of that name is configured; `suggestions` names the nearest ones."""

    code = "unknown_symbol"

    @property
    def suggestions(self) -> list[str]:
        return list(self.details.get("suggestions", []))


class NoData(HubError):
    """The instrument is known, but nothing has arrived for it yet."""

    code = "no_data"


class StaleData(HubError):
    """The newest value is older than its time to live; ask with `allow_stale=True` to have it."""

    code = "stale_data"

    @property
    def age_s(self) -> float:
        return float(self.details.get("age_s", float("nan")))

    @property
    def ttl_s(self) -> float:
        return float(self.details.get("ttl_s", float("nan")))


class InvalidRequest(HubError):
    """The question itself is wrong; `errors` lists each fault."""

    code = "invalid_request"

    @property
    def errors(self) -> list[str]:
        return list(self.details.get("errors", []))


class HubTimeout(HubError):
    """No answer within the deadline."""

    code = "timeout"

    @property
    def timeout_s(self) -> float:
        return float(self.details.get("timeout_s", float("nan")))


class HubUnreachable(HubError):
    """No hub answered at any of the endpoints."""

    code = "unreachable"

    @property
    def endpoints(self) -> list[str]:
        return list(self.details.get("endpoints", []))


class Overloaded(HubError):
    """The hub sheds load; try again after `retry_after_s`."""

    code = "overloaded"

    @property
    def retry_after_s(self) -> float:
        return float(self.details.get("retry_after_s", 1.0))


class ProtocolMismatch(HubError):
    """The two ends speak different protocol versions."""

    code = "protocol_mismatch"

    @property
    def ours(self) -> int:
        return int(self.details.get("ours", 0))

    @property
    def theirs(self) -> int:
        return int(self.details.get("theirs", 0))


class Unauthorized(HubError):
    """The caller may not do this."""

    code = "unauthorized"


class FrameError(HubError):
    """A peer sent bytes that are not a frame of ours: drop, count, go on."""

    code = "bad_frame"


class TruncatedFrame(FrameError):
    """The frame ends before its header or payload does."""


class ChecksumMismatch(FrameError):
    """The bytes differ from those that were sent."""


class PayloadError(FrameError):
    """The payload is not the message its header promises."""


class ConfigError(Exception):
    """The configuration is wrong; the process exits 78 and is not restarted.

    `problems` holds one `file:line:column: key: text` per mistake, all of them.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class StartError(Exception):
    """The process cannot start here and now: 69 address not to be had, 75 name taken."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BoardFull(Exception):
    """There is no room on a board; what is not on it is asked of the hub."""


class GuardDied(Exception):
    """Nobody judges handshakes any more: the process ends with 70 rather than go on as if it listened."""


_BY_CODE: dict[str, type[HubError]] = {
    kind.code: kind
    for kind in (
        HubError,
        UnknownSymbol,
        NoData,
        StaleData,
        InvalidRequest,
        HubTimeout,
        HubUnreachable,
        Overloaded,
        ProtocolMismatch,
        Unauthorized,
        FrameError,
    )
}


def error_from_code(code: str, message: str, details: dict[str, Any]) -> HubError:
    """Rebuild the exception a reply names; an unknown code becomes a plain `HubError`."""
    return _BY_CODE.get(code, HubError)(message, **details)
