"""Where the minutes of an instrument begin that the journal knows nothing of: behind what is stored, else with history. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.collector.bars.memory import MINUTE_NS, RECENT, LineState
from protocol.errors import DECODE_ERRORS, InvalidRequest
from protocol.history import NEWEST
from protocol.instruments import REST
from protocol.messages import Bar
from protocol.requests import Reply, Request
from protocol.sessions import Session
from protocol.windows import BAR_BYTES, BarData, unpack_bar

NOTHING: Final = frozenset({"no_data", "unknown_symbol"})
"""Codes of a store that has nothing of an instrument, or no database."""
DAY_NS: Final = 86_400_000_000_000
_data: Final = msgspec.msgpack.Decoder(BarData)


def question(symbol: str) -> Request:
    """Asks a persistence actor for the newest minutes that it has of an instrument."""
    return Request(
        op="history",
        kind=Bar.KIND,
        symbol=symbol,
        venue=REST,
        timeframe="1m",
        n=RECENT,
        args={"order": NEWEST},
    )


def stored(reply: Reply) -> list[Bar]:
    """The newest minutes stored, oldest first; none if nothing is.

    Raises:
        InvalidRequest: the store could not tell; says why.
    """
    if not reply.ok:
        if reply.code in NOTHING:
            return []
        raise InvalidRequest(f"{reply.code}: {reply.message}")
    try:
        data = _data.decode(reply.data)
    except DECODE_ERRORS as fault:
        raise InvalidRequest(f"not an answer to history: {fault}") from fault
    if data.row_bytes != BAR_BYTES:
        raise InvalidRequest(f"rows of {data.row_bytes} bytes are another version's")
    identity = data.symbol, data.venue, data.timeframe
    count = len(data.rows) // BAR_BYTES
    return [unpack_bar(data.rows, at, identity, data.sources) for at in range(count)]


def start(line: LineState, session: Session, bars: list[Bar], now_ns: int, days: int) -> None:
    """Begin behind what is stored; where nothing is, with the session's day so many days ago (0: now)."""
    oldest_ns = session.day_ns(now_ns - days * DAY_NS)[0] if days else now_ns // MINUTE_NS * MINUTE_NS
    if bars and bars[-1].ts_open_ns + MINUTE_NS > line.until_ns:  # else the journal knows more
        line.recent = bars[-RECENT:]
        line.until_ns = bars[-1].ts_open_ns + MINUTE_NS
    line.begin_ns = line.until_ns or oldest_ns
