"""Questions to a journal server and its answers: what there is of a publisher, frames by number, how far one got. Pure.

All go to the `query` address of the host's journal server as `Request`s (docs/protocol.md):

    journal_status {publisher}                                       -> JournalStatus
    fetch {publisher, epoch, from_seq, max_bytes, prefixes}          -> Fetched
    ack {consumer, publisher, epoch, seq}                            -> true
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.requests import Reply, Request

MAX_FETCH_BYTES: Final = 1024 * 1024

DATA: Final = "data"
"""`frames` hold `first` to `last` (of those only the topics asked for)."""
END: Final = "end"
"""Nothing behind that number in this epoch; with a `next_epoch` there never will be."""
CORRUPT: Final = "corrupt"
"""`first` to `last` are damaged for good; go on behind them."""
EXPIRED: Final = "expired"
"""`first` to `last` were deleted; `last` 0: all of the epoch, go on with `next_epoch`."""
UNKNOWN: Final = "unknown"
"""No such epoch; `next_epoch` is the smallest later one, 0 if there is none yet."""


class Position(NamedTuple):
    """How far somebody got with one publisher: everything up to and with this record is done."""

    epoch: int
    seq: int


class Extent(msgspec.Struct, array_like=True, frozen=True):
    """What the journal holds of one epoch."""

    epoch: int
    first: int
    last: int
    is_closed: bool
    """A newer epoch exists: no record will be added."""


class JournalStatus(msgspec.Struct, array_like=True, frozen=True):
    """What the journal holds of one publisher, oldest epoch first."""

    publisher: str
    extents: list[Extent]
    bytes: int
    """Size on disk."""
    free_bytes: int
    """Room left on that disk."""
    acks: dict[str, tuple[int, int]] = {}
    """Durable consumer to the (epoch, seq) it has stored."""


class Fetched(msgspec.Struct, array_like=True, frozen=True):
    """Answer to one `fetch`: see the constants for `outcome`."""

    outcome: str
    epoch: int
    first: int
    last: int
    next_epoch: int
    """Smallest later epoch of this publisher, 0 if there is none. Looked up before the file was read: END with a
    next epoch proves that this one is complete."""
    frames: bytes = b""
    """Whole frames back to back, as they were sent."""


def fetch_request(
    publisher: str,
    position: Position,
    max_bytes: int = MAX_FETCH_BYTES,
    prefixes: Sequence[str] = (),
) -> Request:
    """Ask for the records behind a position; with prefixes only for those of topics that start so."""
    args = {
        "publisher": publisher,
        "epoch": position.epoch,
        "from_seq": position.seq + 1,
        "max_bytes": max_bytes,
        "prefixes": list(prefixes),
    }
    return Request(op="fetch", args=args)


def ack_request(consumer: str, publisher: str, position: Position) -> Request:
    """Say that a consumer has stored everything up to a position: the journal may forget it."""
    args = {"consumer": consumer, "publisher": publisher, "epoch": position.epoch, "seq": position.seq}
    return Request(op="ack", args=args)


def status_request(publisher: str) -> Request:
    """Ask what there is of one publisher."""
    return Request(op="journal_status", args={"publisher": publisher})


_fetched: Final = msgspec.msgpack.Decoder(Fetched)
_status: Final = msgspec.msgpack.Decoder(JournalStatus)


def decode_fetched(reply: Reply) -> Fetched:
    """The answer to a `fetch`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return _fetched.decode(reply.data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not an answer to a fetch: {fault}") from fault


def decode_status(reply: Reply) -> JournalStatus:
    """The answer to a `journal_status`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return _status.decode(reply.data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not an answer to a journal_status: {fault}") from fault
