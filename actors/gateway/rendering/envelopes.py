"""What is said of an answer besides its data. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.requests import Reply


class OneHead(msgspec.Struct, frozen=True):
    """Of one value."""

    age_s: float | None
    """Seconds since it was received from its venue, at `ts_ns`; null: it has no age."""
    state: str
    """fresh, gap_open, closed_market, stale, venue_down, none."""
    source: str
    """Publisher of it."""
    epoch: int
    """Epoch of that publisher."""
    seq: int
    """Number of the record that brought it."""
    hub_epoch: int
    """It changes when the hub restarts."""
    ts_ns: int
    """The hub's clock at the answer."""


class ManyHead(msgspec.Struct, frozen=True, kw_only=True):
    """Of many."""

    symbol: str = ""
    """Of all rows; empty: they differ."""
    venue: str = ""
    timeframe: str = ""
    next_cursor: str | None = None
    """`cursor` of the next page; null: there is none."""
    has_more: bool = False
    age_s: float | None = None
    """Seconds since the newest was received; null: rows of many sources, or of the past."""
    state: str = "none"
    asked: int = 0
    """Rows asked for, 0: no number was named."""
    covered_from_ns: int = 0
    """Time `[from, to)` that the rows stand for; 0: it makes no sense."""
    covered_to_ns: int = 0
    ts_ns: int = 0
    """The hub's clock at the answer."""
    missing: list[dict[str, Any]] = []
    """Pieces of the range that are not in the answer: `from_ns`, `to_ns`, `reason`."""
    errors: dict[str, dict[str, Any]] = {}
    """Symbol to the problem that there is instead of its row."""


def one_head(reply: Reply) -> OneHead:
    """What a reply says of its one value."""
    return OneHead(
        age_of(reply),
        reply.state or "none",
        reply.source,
        reply.source_epoch,
        reply.seq,
        reply.epoch,
        reply.ts_ns,
    )


def many_head(
    reply: Reply, identity: tuple[str, str, str] = ("", "", ""), next_cursor: str | None = None, **more: Any
) -> ManyHead:
    """What a reply says of its rows."""
    symbol, venue, timeframe = identity
    return ManyHead(
        symbol=symbol,
        venue=venue,
        timeframe=timeframe,
        next_cursor=next_cursor,
        has_more=next_cursor is not None,
        age_s=age_of(reply),
        state=reply.state or "none",
        asked=reply.asked,
        covered_from_ns=reply.covered_from_ns,
        covered_to_ns=reply.covered_to_ns,
        ts_ns=reply.ts_ns,
        **more,
    )


def age_of(reply: Reply) -> float | None:
    """Age of what a reply has, seconds."""
    return reply.age_s if reply.state and reply.age_s >= 0 else None
