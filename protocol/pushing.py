"""Pushing: what a terminal, a script or an engine sends, and what it is told of each item. Pure.

A push is one request `{"op": "push", "args": {...}}` to the ingest socket of the push receiver (`Endpoints.ingest`);
its arguments are those of `Push`: the body as it was sent, and whose it is. The answer's `data` is `Pushed`.

An item is acknowledged (`accepted`, or `duplicates`: it came before) only once it is in the receiver's journal. So
who gets no answer sends the same again, as often as needed: it counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.requests import Request

OP: Final = "push"
VENUE: Final = "push"
"""Venue of the receiver; what a source sends is of `push.<source>`."""
PREFIX: Final = f"{VENUE}."
MAX_PUSH_BYTES: Final = 2 * 1024 * 1024
"""Longest request to the ingest socket, bytes."""
BATCH_ITEMS: Final = 2000
BATCH_BYTES: Final = 512 * 1024
"""A longer list is sent in several requests by our own clients."""

BAD_ITEM: Final = "bad_item"
BAD_SOURCE: Final = "bad_source"
BAD_TIME: Final = "bad_time"
BAD_PRICE: Final = "bad_price"
BAD_TIMEFRAME: Final = "bad_timeframe"
UNKNOWN_SYMBOL: Final = "unknown_symbol"
UNKNOWN_OFFSET: Final = "unknown_offset"
AHEAD: Final = "clock_ahead"
TOO_OLD: Final = "too_old"
BUILT_HERE: Final = "built_here"
DUPLICATE: Final = "duplicate"
CODES: Final = (
    BAD_ITEM, BAD_SOURCE, BAD_TIME, BAD_PRICE, BAD_TIMEFRAME, UNKNOWN_SYMBOL, UNKNOWN_OFFSET, AHEAD, TOO_OLD, BUILT_HERE,
    DUPLICATE,
)  # fmt: skip
"""Why an item was not taken; `duplicate` is no refusal: it came before."""

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_-]{0,15}\Z")


class Push(msgspec.Struct, frozen=True, omit_defaults=True):
    """Arguments of one push."""

    body: bytes
    """One item, a list of them, or a map with `ticks`, `bars` or `data`; JSON or msgpack."""
    media: str = ""
    """Its Content-Type; empty: looked at the body itself."""
    source: str = ""
    """Whose it is, whatever the items say; empty: each item names its `source`."""
    gmt_offset_s: float | None = None
    """What the source's clock has over UTC, seconds, where an item says nothing; None: estimated."""


class Untaken(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item that was not accepted."""

    index: int
    """Place in the list, from 0."""
    code: str
    """One of `CODES`."""
    detail: str = ""
    """What is wrong, with the numbers, for people."""
    suggestions: list[str] = []
    """Of an unknown symbol: the nearest ones."""


class Pushed(msgspec.Struct, frozen=True):
    """What became of a push."""

    accepted: int
    """Items that are in the journal now, and on the bus."""
    duplicates: int
    """Items that came before: sent again, counted once."""
    rejected: int
    """Items that are not taken, and would not be if sent again."""
    items: list[Untaken]
    """Those that were not accepted, the first ones of them."""
    server_time_ns: int
    """The receiver's clock."""
    gmt_offset_s: int | None = None
    """What the source's clock has over UTC, seconds, as it is taken now; None: not known."""

    @property
    def count(self) -> int:
        """All items."""
        return self.accepted + self.duplicates + self.rejected


def is_source(text: str) -> bool:
    """Whether the text may name a source: a-z first, then a-z 0-9 _ -, at most 16."""
    return bool(_SOURCE.match(text))


def venue_of(source: str) -> str:
    """Venue of what a source sends."""
    return PREFIX + source


def is_pushed(venue: str) -> bool:
    """Whether a venue is a source's."""
    return venue.startswith(PREFIX)


def is_receiver(actor: str, section: Mapping[str, Any] | None) -> bool:
    """Whether an actor of the topology is a push receiver.

    Args:
        actor: Its name.
        section: Its settings.
    """
    kind, _, rest = actor.partition(".")
    venue = (section or {}).get("venue") or rest.rpartition(".")[0]
    return kind == "collector" and venue == VENUE


def request_of(push: Push) -> Request:
    """The request that carries a push."""
    return Request(op=OP, args=msgspec.to_builtins(push, builtin_types=(bytes,)))


def push_of(request: Request) -> Push:
    """The push in a request.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        return msgspec.convert(request.args, Push, builtin_types=(bytes,))
    except msgspec.ValidationError as fault:
        raise InvalidRequest(f"not a push: {fault}", errors=[str(fault)]) from fault


_result: Final = msgspec.msgpack.Decoder(Pushed)


def pushed_of(data: bytes | msgspec.Raw) -> Pushed:
    """The result in a reply's `data`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return _result.decode(data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not the result of a push: {fault}") from fault


def batches_of(items: Sequence[Any]) -> Iterator[tuple[int, bytes]]:
    """Items as bodies of single requests, each with the place of its first item; none is longer than allowed.

    Raises:
        InvalidRequest: a single item is too long, or none that msgpack knows: its numbers too large, its texts no
            Unicode, lists too deep in each other.
    """
    encode = msgspec.msgpack.Encoder().encode
    first, size = 0, 0
    held: list[bytes] = []
    for index, item in enumerate(items):
        try:
            data = encode(item)
        except (TypeError, ValueError, OverflowError, RecursionError) as fault:
            raise InvalidRequest(f"item {index}: {fault}", errors=[str(fault)]) from fault
        if len(data) > BATCH_BYTES:
            raise InvalidRequest(f"item {index} has {len(data)} bytes, at most {BATCH_BYTES}")
        if held and (len(held) == BATCH_ITEMS or size + len(data) > BATCH_BYTES):
            yield first, _array(held)
            first, size, held = index, 0, []
        held.append(data)
        size += len(data)
    yield first, _array(held)


def _array(items: list[bytes]) -> bytes:
    return b"\xdd" + len(items).to_bytes(4, "big") + b"".join(items)


def joined(results: Sequence[tuple[int, Pushed]]) -> Pushed:
    """The results of the requests of one push as one, each with the place of its first item."""
    last = results[-1][1]
    return Pushed(
        accepted=sum(one.accepted for _, one in results),
        duplicates=sum(one.duplicates for _, one in results),
        rejected=sum(one.rejected for _, one in results),
        items=[
            msgspec.structs.replace(item, index=item.index + first) for first, one in results for item in one.items
        ],
        server_time_ns=last.server_time_ns,
        gmt_offset_s=last.gmt_offset_s,
    )  # fmt: skip
