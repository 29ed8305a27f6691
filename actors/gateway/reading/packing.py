"""Which questions travel together: many small ones as one `snapshot`, long answers by themselves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from protocol.errors import DECODE_ERRORS, Overloaded, PayloadError
from protocol.requests import Reply, Request

T = TypeVar("T")

MOST_TOGETHER: Final = 64
"""Questions of one request: the hub answers all of them before it hears anybody else."""
MOST_ROWS: Final = 100
"""An answer of more rows goes by itself, so that nobody waits behind it."""
_ONE_VALUE: Final = frozenset(("tick", "bbo", "features", "order_flow"))
_ROWS: Final = frozenset(
    ("candles", "trades", "alerts", "signals", "news", "liquidations", "sweeps", "verdicts")
)
_replies: Final = msgspec.msgpack.Decoder(list[Reply]).decode


def is_small(request: Request) -> bool:
    """Whether a question may go with others: one value, or few rows."""
    return request.op in _ONE_VALUE or (request.op in _ROWS and 0 < request.n <= MOST_ROWS)


def loads(waiting: Sequence[tuple[Request, T]]) -> list[list[tuple[Request, T]]]:
    """Questions in the groups in which they are sent, those asked first in front."""
    small = [one for one in waiting if is_small(one[0])]
    groups = [small[start : start + MOST_TOGETHER] for start in range(0, len(small), MOST_TOGETHER)]
    return groups + [[one] for one in waiting if not is_small(one[0])]


def packed(requests: Sequence[Request]) -> Request:
    """One request of many."""
    return Request(op="snapshot", queries=[msgspec.to_builtins(request) for request in requests])


def unpacked(reply: Reply, count: int) -> list[Reply]:
    """The answers in a reply to `packed`; a refusal of the whole is the refusal of each.

    Raises:
        PayloadError: the hub sent something else.
    """
    if not reply.ok:
        return [reply] * count
    try:
        parts = _replies(reply.data)
    except DECODE_ERRORS as fault:
        raise PayloadError(f"answer to snapshot cannot be read: {fault}") from fault
    if len(parts) != count:
        raise PayloadError(f"the hub gave {len(parts)} answers to {count} questions")
    return parts


def is_to_ask_alone(reply: Reply) -> bool:
    """Whether one of many was left out only since all of them together are too long."""
    return not reply.ok and reply.code == Overloaded.code
