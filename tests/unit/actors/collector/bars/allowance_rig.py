"""Limits of tests, and short words for what they do with an allowance."""

from __future__ import annotations

import msgspec

from actors.collector.bars.providers.provider import Limit
from actors.collector.bars.spending.allowance import Allowance, AllowanceState

MINUTE = Limit(8, 60.0)
DAY = Limit(25, 86_400.0)
MINUTE_NS = 61_060_000_000
"""60 s, 0.1 % of it, and the margin of 1 s."""
DAY_NS = 86_487_400_000_000


def spend(allowance: Allowance, now_ns: int, calls: int, *, is_history: bool = False) -> None:
    for _ in range(calls):
        assert allowance.free_at_ns(1, now_ns, is_history) == now_ns
        allowance.spend(1, now_ns, is_history)


def restarted(
    allowance: Allowance, limits: list[Limit], at_ns: int, now_ns: int, share: float = 1.0
) -> Allowance:
    data = msgspec.msgpack.encode(allowance.state(at_ns))
    after = Allowance(limits, share)
    after.resume(msgspec.msgpack.decode(data, type=AllowanceState), now_ns)
    return after
