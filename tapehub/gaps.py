"""The gap ledger for people: which gaps a time range touches, which candles they changed, who can repair them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from protocol.messages import GAP_STATES, Gap
from tapehub.rows import Row

KINDS: Final = ("trade", "quote", "book", "bar")
OF_CANDLES: Final = ("trade", "bar")
"""Kinds whose repair changes candles."""
STATES: Final = GAP_STATES
REVISED_FROM: Final = 2
"""Revision of a candle that was changed after its close."""
NS_PER_S: Final = 1_000_000_000


def within(gaps: Iterable[Gap], from_ns: int, to_ns: int) -> list[Gap]:
    """Gaps that touch a time range; 0 leaves an end open, and an open gap goes on for ever."""
    return [
        gap
        for gap in gaps
        if (not to_ns or gap.from_ts_ns < to_ns) and (not gap.to_ts_ns or gap.to_ts_ns >= from_ns)
    ]


def missing_of(gap: Gap) -> int:
    """Messages with known ids (of candles: minutes) that were missing; 0 if it is not known how many."""
    return gap.to_id - gap.from_id + 1 if gap.to_id else 0


def revised(gap: Gap, candles: Sequence[Mapping[str, Any]], timeframe_ns: int) -> list[dict[str, Any]]:
    """Candles of one timeframe that were changed after their close and lie in a gap.

    Args:
        gap: Of the same symbol and venue.
        candles: Rows with `ts_open_ns` and `revision`, oldest first.
        timeframe_ns: Length of each.
    """
    end_ns = gap.to_ts_ns or 1 << 63
    return [
        dict(candle)
        for candle in candles
        if candle["revision"] >= REVISED_FROM
        and candle["ts_open_ns"] <= end_ns
        and candle["ts_open_ns"] + timeframe_ns > gap.from_ts_ns
    ]


def row_of(gap: Gap, now_ns: int) -> Row:
    """A gap as a row: its fields, how long it is, and how many messages were missing.

    Args:
        gap: The gap.
        now_ns: End of a gap that is still open.
    """
    length_s = ((gap.to_ts_ns or now_ns) - gap.from_ts_ns) / NS_PER_S if gap.from_ts_ns else 0.0
    return {**gap.to_dict(), "length_s": round(max(0.0, length_s), 3), "missing": missing_of(gap)}
