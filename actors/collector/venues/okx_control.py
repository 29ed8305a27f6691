"""What OKX says about a connection: acks, errors, notices; and its stream names. Pure.

A stream is named `channel:what`, as in `trades:BTC-USDT` or `liquidation-orders:SWAP`. The venue answers a request
once for each of its args, so an ack names its stream. It names the one it refuses in the text of the error only:
"Wrong URL or channel:trades-all,instId:BTC-USDT doesn't exist."
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from actors.collector.outcomes import Ack, Ignored, Outcome, Pong, Refusal, Reject, Shutdown
from actors.collector.venues import okx_frames as frames

PING: Final = "ping"
PONG: Final = b"pong"
"""Texts, not JSON."""
ALIVE: Final = (Pong(),)
BY_TYPE: Final = frozenset({"liquidation-orders"})
"""Channels of a type of instruments instead of one instrument."""
_SERVICE_UPGRADE: Final = 64008
_NAME: Final = r"([A-Za-z0-9_-]{1,64})"
_NAMED: Final = re.compile(rf"channel:{_NAME},\s*(?:instId|instType|instFamily):{_NAME}")
_MAX_TEXT: Final = 500
_MAX_TYPE: Final = 32


def read(envelope: frames.Envelope) -> Sequence[Outcome]:
    """A frame that carries no market data."""
    event, arg = envelope.event, envelope.arg
    match event:
        case "subscribe" | "unsubscribe":
            streams = (stream_of(arg),) if arg is not None and arg.channel else ()
            return (Ack(_number(envelope.id), streams),)
        case "error":
            text = str(envelope.msg or "")[:_MAX_TEXT]
            return (Refusal(_number(envelope.id), _number(envelope.code), text, _refused(arg, text)),)
        case "notice" if _number(envelope.code) == _SERVICE_UPGRADE:
            return (Shutdown(),)
        case "":
            return (_nameless(envelope),)
        case _:
            return (Ignored(event[:_MAX_TYPE]),)


def stream_of(arg: frames.Arg) -> str:
    """Name of the stream of an arg."""
    return f"{arg.channel}:{arg.instId or arg.instType}"


def arg_of(stream: str) -> dict[str, str]:
    """Arg of a stream."""
    channel, _, what = stream.partition(":")
    return {"channel": channel, "instType" if channel in BY_TYPE else "instId": what}


def _refused(arg: frames.Arg | None, text: str) -> tuple[str, ...]:
    if arg is not None and arg.channel:
        return (stream_of(arg),)
    named = _NAMED.search(text)
    return (f"{named[1]}:{named[2]}",) if named else ()


def _nameless(envelope: frames.Envelope) -> Outcome:
    if envelope.table:
        return Reject("retired_api", envelope.table[:_MAX_TYPE])
    if envelope.code is not None:
        return Ignored("rest answer")  # recordings hold them among frames
    return Reject("invalid_frame", "neither a channel nor an event")


def _number(text: Any) -> int:
    """A code or a request id, which are texts of digits; 0 for anything else."""
    if isinstance(text, str):
        return int(text) if len(text) < 19 and text.isascii() and text.isdigit() else 0
    return text if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < 2**63 else 0
