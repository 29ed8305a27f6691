"""Faults on demand: events that are lost, doubled or swapped after their ids were used. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

FAULTS: Final = ("drop", "duplicate", "reorder")


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which events a fault hits; an empty field matches everything."""

    n: int = 1
    """How many events are still to be hit (`reorder`: how many pairs)."""
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


class Faults:
    """The faults that wait for their events."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, Rule]] = []
        """(fault, rule), oldest first; empty most of the time."""
        self.hits = dict.fromkeys(FAULTS, 0)
        """Events hit so far, by fault."""
        self._held: dict[tuple[str, str], bytes] = {}

    def add(self, fault: str, rule: Rule) -> None:
        """Let the next events that match be hit."""
        if rule.n > 0:
            self.rules.append((fault, rule))

    def apply(self, market: str, symbol: str, kind: str, stream: str, body: bytes) -> list[bytes]:
        """What is sent instead of one event of a stream: nothing, itself, itself twice, or a swapped pair."""
        key = (market, stream)
        held = self._held.pop(key, None)
        if held is not None:
            return [body, held]
        for position, (fault, rule) in enumerate(self.rules):
            if not rule.matches(market, symbol, kind, stream):
                continue
            self.hits[fault] += 1
            rule.n -= 1
            if rule.n <= 0:
                del self.rules[position]
            if fault == "drop":
                return []
            if fault == "duplicate":
                return [body, body]
            self._held[key] = body
            return []
        return [body]

    @property
    def is_active(self) -> bool:
        """Whether any event may still be touched."""
        return bool(self.rules or self._held)

    def status(self) -> dict[str, Any]:
        """What waits and what was hit, for people."""
        return {
            "waiting": [{"fault": fault, **msgspec.structs.asdict(rule)} for fault, rule in self.rules],
            "hits": dict(self.hits),
        }
