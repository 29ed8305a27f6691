"""Questions and answers over ZeroMQ: one map each way, the same for the hub and every actor's `ctl`. Pure.

A question is one msgpack map, `{"op": "tick", "symbol": "BTC_USDT"}`; unknown keys are refused by name.
The answer is one msgpack map; `data` is already encoded by whoever keeps it, so the hub sends stored bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from protocol.errors import DECODE_ERRORS, HubError, HubTimeout, InvalidRequest, ProtocolMismatch
from protocol.message import Int64

T = TypeVar("T")

PROTOCOL_VERSION: Final = 1
MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_TOLD: Final = 1000
"""Characters of one text of a refusal, and entries of one list."""
FRESHNESS_STATES: Final = ("fresh", "stale", "closed_market", "venue_down", "gap_open", "none")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question; which fields an `op` reads stands in docs/protocol.md."""

    op: str
    id: int = 0
    """Echoed in the reply."""
    v: int = PROTOCOL_VERSION
    timeout_s: float = 0.0
    """The asker's patience; work that waited longer is not done. 0: no limit."""
    symbol: str = ""
    symbols: list[str] = []
    venue: str = ""
    timeframe: str = ""
    kind: str = ""
    topic: str = ""
    n: Int64 = 0
    depth: Int64 = 0
    from_ns: Int64 = 0
    to_ns: Int64 = 0
    allow_stale: bool = False
    args: dict[str, Any] = {}
    """Anything specific to one actor's control operation."""
    queries: list[dict[str, Any]] = []
    """`snapshot`: the questions to answer in one round trip."""
    deadline_ns: int = 0
    """When the asker gives up, by the answerer's clock (learnt from `ts_ns` of an earlier reply). 0: unknown."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer. `ok` false: `code`, `message` and `details` say why."""

    id: int
    ok: bool
    publisher: str = ""
    """Who answers."""
    epoch: int = 0
    """Epoch of the answering process: it changes when that restarts."""
    seq: int = 0
    """Sequence number of the frame the value came from, at `source` and `source_epoch`."""
    source: str = ""
    source_epoch: int = 0
    topic: str = ""
    topic_seq: int = 0
    ts_ns: int = 0
    """Answerer's clock at the answer."""
    age_s: float = -1.0
    """Seconds since the value was received from its venue; -1: there is none."""
    state: str = ""
    """fresh, stale, closed_market, venue_down, gap_open; empty where it makes no sense."""
    asked: int = 0
    """Rows asked for, windows only."""
    covered_from_ns: int = 0
    covered_to_ns: int = 0
    data: msgspec.Raw = msgspec.Raw(b"\xc0")
    """The value as msgpack; nil by default."""
    code: str = ""
    message: str = ""
    details: dict[str, Any] = {}


_encoder: Final = msgspec.msgpack.Encoder()
_request_decoder: Final = msgspec.msgpack.Decoder(Request)
_reply_decoder: Final = msgspec.msgpack.Decoder(Reply)


def encode_request(request: Request) -> bytes:
    """Request to one msgpack map."""
    return _encoder.encode(request)


def decode_request(data: bytes, max_bytes: int = MAX_REQUEST_BYTES) -> Request:
    """Bytes of a stranger to a request.

    Raises:
        InvalidRequest: not msgpack, not a map, a field of the wrong type, an unknown field.
    """
    if len(data) > max_bytes:
        raise InvalidRequest(f"request of {len(data)} bytes is longer than {max_bytes}")
    try:
        return _request_decoder.decode(data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not a request: {fault}", errors=[str(fault)]) from fault


def operation_of(request: Request, operations: Mapping[str, T], answerer: str, now_ns: int) -> T:
    """What `operations` has for a stranger's question.

    Args:
        request: The question.
        operations: By name.
        answerer: What answers, for the refusal: "this journal server".
        now_ns: The answerer's clock.

    Raises:
        ProtocolMismatch: it speaks another version.
        InvalidRequest: there is no such operation.
        HubTimeout: its asker no longer waits for the answer.
    """
    if request.v != PROTOCOL_VERSION:
        raise ProtocolMismatch(
            f"the request speaks version {request.v}, {answerer} version {PROTOCOL_VERSION}",
            ours=PROTOCOL_VERSION,
            theirs=request.v,
        )
    operation = operations.get(request.op)
    if operation is None:
        raise InvalidRequest(
            f"unknown operation {request.op[:40]!r}; there is {', '.join(operations)}",
            errors=[f"op: {request.op[:40]!r}"],
        )
    if request.deadline_ns and request.deadline_ns < now_ns:
        raise HubTimeout("the question waited longer than its asker does", timeout_s=request.timeout_s)
    return operation


def encode_reply(reply: Reply) -> bytes:
    """Reply to one msgpack map."""
    return _encoder.encode(reply)


def decode_reply(data: bytes | memoryview) -> Reply:
    """Bytes of an answerer to a reply.

    Raises:
        InvalidRequest: the bytes are no reply.
    """
    try:
        return _reply_decoder.decode(data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not a reply: {fault}") from fault


def raw(value: Any) -> msgspec.Raw:
    """Encode any value as the `data` of a reply."""
    return msgspec.Raw(_encoder.encode(value))


def error_reply(request_id: int, error: HubError, publisher: str = "", epoch: int = 0) -> Reply:
    """The reply that says what went wrong."""
    return Reply(
        id=request_id,
        ok=False,
        publisher=publisher,
        epoch=epoch,
        code=error.code,
        message=shortened(error.message),
        details={name: shortened(value) for name, value in error.details.items()},
    )


def shortened(value: Any) -> Any:
    """A text, or a list of texts, that repeats what a peer sent, no longer than a person reads: not 64 KB of it."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TOLD else f"{value[:MAX_TOLD]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [shortened(one) for one in value[:MAX_TOLD]]
    return value
