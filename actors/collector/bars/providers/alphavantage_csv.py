"""The CSV of Alpha Vantage's retired extended history, which only recordings hold. Pure.

    time,open,high,low,close,volume
    2020-12-18 20:00:00,218.79,218.79,218.75,218.75,1102

Newest first, in New York's time, and each time is the **end** of its minute, unlike in the answers of today: the rows go from
04:01 to 20:00, and the minutes of the opening and the closing auction are those of 09:31 and 16:01.
"""

from __future__ import annotations

from typing import Final

from actors.collector.bars.providers.provider import Answer, Page, Query, Refusal
from actors.collector.bars.providers.rows import Rows, number
from actors.collector.bars.providers.times import ordered_ns, zone_named
from actors.collector.bars.providers.words import no_json, refused
from protocol.sessions import timeframe_ns

HEADER: Final = b"time,open,high,low,close,volume"
_ZONE: Final = "America/New_York"
_COLUMNS: Final = 6


def read_csv(query: Query, answer: Answer) -> Page | Refusal:
    """What the file means; never raises, whatever the bytes are."""
    lines = answer.body.decode("utf-8", "replace").split("\n")
    if lines[0].strip().encode() != HEADER:
        return no_json(answer)
    zone = zone_named(_ZONE)
    if zone is None:
        return refused(answer, "broken", f"this host does not know the time zone {_ZONE}")
    cells = [line.strip().split(",") for line in lines[1:] if line.strip()]
    if any(len(row) != _COLUMNS for row in cells):
        return refused(answer, "broken", "a line has not six columns")
    rows = Rows(query, answer)
    length_ns = timeframe_ns(query.timeframe)
    for end_ns, row in zip(ordered_ns([row[0] for row in cells], zone), cells, strict=True):
        prices = number(row[1]), number(row[2]), number(row[3]), number(row[4])
        rows.add(None if end_ns is None else end_ns - length_ns, prices, number(row[5]))
    return rows.result(is_adjusted=True)
