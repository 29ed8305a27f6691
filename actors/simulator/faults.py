"""Faults on demand: events that are lost, doubled or swapped after their ids were used. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Final

import msgspec

from actors.simulator.refusals import MOST_S

ENDLESS: Final = 1 << 62
"""More events than there will ever be."""
FAULTS: Final = ("drop", "duplicate", "reorder")


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which events a fault hits; an empty field matches everything."""

    n: int = 1
    """How many events are still to be hit (`reorder`: how many pairs)."""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=MOST_S)] = 0.0
    """Hit events for so long instead of counting them; 0 counts."""
    every: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Hit only one in so many of the events that match."""
    stream: str = ""
    """Exact stream name, for example `btcusdt@depth@100ms`."""
    kind: str = ""
    """trade, aggTrade, bookTicker, depth, top, kline."""
    symbol: str = ""
    """Instrument's name at the venue, upper case."""
    market: str = ""
    """spot, usdm, coinm."""

    def matches(self, market: str, symbol: str, kind: str, stream: str) -> bool:
        """Whether the fault hits this stream."""
        return (
            (not self.market or self.market == market)
            and (not self.symbol or self.symbol == symbol)
            and (not self.kind or self.kind == kind)
            and (not self.stream or self.stream == stream)
        )


class _Waiting:
    """One fault that waits for its events."""

    __slots__ = ("fault", "left_out", "rule", "until_ns")

    def __init__(self, fault: str, rule: Rule, until_ns: int) -> None:
        self.fault = fault
        self.rule = rule
        self.until_ns = until_ns
        """Monotonic time of its end, 0 if events are counted."""
        self.left_out = 0
        """Events that matched since the last hit."""


class Faults:
    """The faults that wait for their events."""

    def __init__(self) -> None:
        self.hits = dict.fromkeys(FAULTS, 0)
        """Events hit so far, by fault."""
        self._waiting: list[_Waiting] = []
        """Oldest first; empty most of the time."""
        self._held: dict[tuple[str, str], bytes] = {}

    def add(self, fault: str, rule: Rule, now_ns: int = 0) -> None:
        """Let the next events that match be hit, counted from now (monotonic) where the rule names seconds."""
        until_ns = 0
        if rule.seconds:
            rule.n, until_ns = ENDLESS, now_ns + round(rule.seconds * 1e9)
        if rule.n > 0:
            self._waiting.append(_Waiting(fault, rule, until_ns))

    def tick(self, now_ns: int) -> None:
        """End what has lasted for its seconds."""
        if self._waiting:
            self._waiting = [one for one in self._waiting if not one.until_ns or now_ns < one.until_ns]

    def release(self, keys: Collection[tuple[str, str]]) -> None:
        """Take back the endless faults of these (market, symbol)."""
        self._waiting = [
            one
            for one in self._waiting
            if one.until_ns or one.rule.n < ENDLESS // 2 or (one.rule.market, one.rule.symbol) not in keys
        ]

    def clear(self) -> None:
        """Take back everything; an event held for its pair still comes behind the next one."""
        self._waiting.clear()

    def apply(self, market: str, symbol: str, kind: str, stream: str, body: bytes) -> list[bytes]:
        """What is sent instead of one event of a stream: nothing, itself, itself twice, or a swapped pair."""
        key = (market, stream)
        held = self._held.pop(key, None)
        if held is not None:
            return [body, held]
        for position, one in enumerate(self._waiting):
            rule = one.rule
            if not rule.matches(market, symbol, kind, stream):
                continue
            one.left_out += 1
            if one.left_out < rule.every:
                continue
            one.left_out = 0
            self.hits[one.fault] += 1
            rule.n -= 1
            if rule.n <= 0:
                del self._waiting[position]
            if one.fault == "drop":
                return []
            if one.fault == "duplicate":
                return [body, body]
            self._held[key] = body
            return []
        return [body]

    @property
    def is_active(self) -> bool:
        """Whether any event may still be touched."""
        return bool(self._waiting or self._held)

    def status(self) -> dict[str, Any]:
        """What waits and what was hit, for people."""
        return {
            "waiting": [{"fault": one.fault, **msgspec.structs.asdict(one.rule)} for one in self._waiting],
            "hits": dict(self.hits),
        }
