"""JetStream's questions and answers: JSON over request and reply below `$JS.API`. Pure.

Durations are nanoseconds. Source: docs.nats.io, JetStream wire API; nats-server `jetstream_api.go`, `consumer.go`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, Literal, NamedTuple

import msgspec

from protocol.errors import DECODE_ERRORS
from protocol.nats.faults import NatsGarbled, NatsRefused
from protocol.nats.wire import Delivered

API: Final = "$JS.API"
MSG_ID: Final = "Nats-Msg-Id"
EXPECTED_LAST: Final = "Nats-Expected-Last-Sequence"
EXPECTED_LAST_ID: Final = "Nats-Expected-Last-Msg-Id"
LAST_DELIVERED: Final = "Nats-Last-Consumer"
STALLED: Final = "Nats-Consumer-Stalled"
SUBJECTS_PAGE: Final = 100_000
"""Subjects that one answer names at most."""
HEARTBEAT_S: Final = 2.0
"""A consumer without messages says so this often."""


class StreamConfig(msgspec.Struct, kw_only=True, frozen=True):
    """What we want of a new stream."""

    name: str
    subjects: list[str]
    storage: Literal["file", "memory"] = "file"
    max_age: int = 0
    """ns; 0: no limit."""
    max_bytes: int = -1
    num_replicas: int = 1
    duplicate_window: int = 120_000_000_000
    """ns."""
    retention: str = "limits"
    discard: str = "old"


class StreamState(msgspec.Struct, frozen=True):
    """What is in a stream."""

    messages: int = 0
    bytes: int = 0
    first_seq: int = 0
    last_seq: int = 0
    subjects: dict[str, int] | None = None
    """Subject to messages, where they were asked for."""


class StreamInfo(msgspec.Struct, frozen=True):
    """A stream."""

    config: dict[str, Any]
    """All of it, as the server has it."""
    state: StreamState = StreamState()


class ConsumerInfo(msgspec.Struct, frozen=True):
    """A consumer that was made."""

    name: str
    num_pending: int = 0
    """Messages that it will deliver of what is there now."""


class Stored(NamedTuple):
    """One message of a stream."""

    subject: str
    seq: int
    headers: bytes
    data: bytes


class PubAck(msgspec.Struct, frozen=True):
    """The stream has a message of ours."""

    stream: str
    seq: int
    duplicate: bool = False


class Origin(NamedTuple):
    """Where a delivered message stands: in its stream, and among those of its consumer."""

    stream_seq: int
    consumer_seq: int
    pending: int
    """Messages that the consumer has still to deliver."""


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct, frozen=True):
    error: _Error | None = None


class _AckAnswer(msgspec.Struct, frozen=True):
    error: _Error | None = None
    stream: str = ""
    seq: int = 0
    duplicate: bool = False


class _Message(msgspec.Struct, frozen=True):
    subject: str
    seq: int
    hdrs: str = ""
    data: str = ""


class _MessageAnswer(msgspec.Struct, frozen=True):
    message: _Message


_error: Final = msgspec.json.Decoder(_Answer).decode
_ack: Final = msgspec.json.Decoder(_AckAnswer).decode
_stream: Final = msgspec.json.Decoder(StreamInfo).decode
_consumer: Final = msgspec.json.Decoder(ConsumerInfo).decode
_message: Final = msgspec.json.Decoder(_MessageAnswer).decode


class Ask(NamedTuple):
    """One question."""

    subject: str
    body: bytes = b""


def _body(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


def stream_info(stream: str, subjects_filter: str = "", offset: int = 0) -> Ask:
    """What there is; with a filter also how many messages each such subject has, so many at a time."""
    fields = {"subjects_filter": subjects_filter, "offset": offset} if subjects_filter else {}
    return Ask(f"{API}.STREAM.INFO.{stream}", _body(**fields) if fields else b"")


def create_stream(config: StreamConfig) -> Ask:
    """Make it; the same as before is no error."""
    return Ask(f"{API}.STREAM.CREATE.{config.name}", msgspec.json.encode(config))


def update_stream(config: dict[str, Any]) -> Ask:
    """Change it; what is left out of the configuration falls back to the server's own."""
    return Ask(f"{API}.STREAM.UPDATE.{config['name']}", msgspec.json.encode(config))


def last_message(stream: str, subject: str) -> Ask:
    """The newest message of a subject."""
    return Ask(f"{API}.STREAM.MSG.GET.{stream}", _body(last_by_subj=subject))


def create_consumer(
    stream: str, deliver_to: str, start_seq: int, subject: str = "", *, headers_only: bool = False
) -> Ask:
    """A consumer that lives as long as we listen, in order, without acknowledgements."""
    config: dict[str, Any] = {
        "deliver_subject": deliver_to, "deliver_policy": "by_start_sequence", "opt_start_seq": max(1, start_seq),
        "ack_policy": "none", "replay_policy": "instant", "max_deliver": 1, "flow_control": True,
        "idle_heartbeat": round(HEARTBEAT_S * 1e9), "mem_storage": True, "num_replicas": 1,
    }  # fmt: skip
    if subject:
        config["filter_subject"] = subject
    if headers_only:
        config["headers_only"] = True
    return Ask(f"{API}.CONSUMER.CREATE.{stream}", _body(stream_name=stream, config=config))


def delete_consumer(stream: str, consumer: str) -> Ask:
    """Tell the server that we listen no more."""
    return Ask(f"{API}.CONSUMER.DELETE.{stream}.{consumer}")


def check(data: bytes) -> None:
    """Nothing, if an answer is no error.

    Raises:
        NatsRefused: it is one.
    """
    answer = _decode(_error, data)
    if answer.error is not None:
        raise _refused(answer.error)


def stream_of(data: bytes) -> StreamInfo:
    """A stream, out of the answer to a question about it.

    Raises:
        NatsRefused: it is an error.
    """
    check(data)
    found: StreamInfo = _decode(_stream, data)
    return found


def consumer_of(data: bytes) -> ConsumerInfo:
    """A consumer, out of the answer that made it.

    Raises:
        NatsRefused: it is an error.
    """
    check(data)
    found: ConsumerInfo = _decode(_consumer, data)
    return found


def message_of(data: bytes) -> Stored:
    """A message, out of the answer that brings it.

    Raises:
        NatsRefused: there is none, or it is another error.
    """
    check(data)
    found = _decode(_message, data).message
    try:
        return Stored(found.subject, found.seq, base64.b64decode(found.hdrs), base64.b64decode(found.data))
    except binascii.Error as fault:
        raise NatsGarbled(f"a stored message: {fault}") from None


def ack_of(data: bytes) -> PubAck:
    """What the stream says to a message of ours.

    Raises:
        NatsRefused: it did not take it.
    """
    answer = _decode(_ack, data)
    if answer.error is not None:
        raise _refused(answer.error)
    return PubAck(answer.stream, answer.seq, answer.duplicate)


def origin_of(message: Delivered) -> Origin:
    """Where a message of a consumer stands; its reply subject says it.

    Raises:
        NatsGarbled: it is of no consumer.
    """
    parts = message.reply.split(".")
    # $JS.ACK.stream.consumer.delivered.seq.consumer seq.time.pending; newer: domain and account behind ACK
    begin = {9: 5, 11: 7, 12: 7}.get(len(parts), 0)
    if not begin or parts[:2] != ["$JS", "ACK"]:
        raise NatsGarbled(f"not a message of a consumer: {message.reply[:80]!r}")
    try:
        return Origin(int(parts[begin]), int(parts[begin + 1]), int(parts[begin + 3]))
    except ValueError as fault:
        raise NatsGarbled(f"{message.reply[:80]!r}: {fault}") from None


def _refused(error: _Error) -> NatsRefused:
    return NatsRefused(f"{error.description or error.code} ({error.err_code})", number=error.err_code)


def _decode(decode: Any, data: bytes) -> Any:
    try:
        return decode(data)
    except DECODE_ERRORS as fault:
        raise NatsGarbled(f"an answer of JetStream: {fault}: {data[:80]!r}") from None
