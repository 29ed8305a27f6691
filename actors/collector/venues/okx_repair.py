"""OKX's trades by id over REST: path, limits, and their JSON. Pure.

`history-trades` goes back three months and gives single fills, newest first, older than the id named by `after`;
`type=1` says that this is an id and not a time. Rows carry no `count`: each is one fill with an id of its own, so the
fills of an aggregate come one by one.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from actors.collector.outcomes import Reject
from actors.collector.venue import Contract, Wanted
from actors.collector.venues import okx_frames as frames
from actors.collector.venues import okx_rest as rest
from protocol.messages import BUY, SELL, Trade

PAGE_TRADES: Final = 100
_PATH: Final = "/api/v5/market/history-trades"
_decode: Final = frames.decoder(list[frames.TradeRow])


def path(raw: str, wanted: Wanted) -> str:
    """Path and query of one page: the ids from `from_id` on, as many as `limit`."""
    after = wanted.from_id + wanted.limit
    return f"{_PATH}?instId={quote(raw)}&type=1&after={after}&limit={wanted.limit}"


def parse(venue: str, symbol: str, body: bytes, ts_recv_ns: int, contract: Contract) -> list[Trade] | Reject:
    """Trades of one page, oldest first.

    Args:
        venue: Name of the venue.
        symbol: Canonical symbol.
        body: Answer of the venue.
        ts_recv_ns: When it came.
        contract: What sizes count.
    """
    rows = rest.rows(body, _decode, "invalid_trades")
    if isinstance(rows, Reject):
        return rows
    return [
        Trade(
            symbol, venue, row.ts * frames.NS_PER_MS, ts_recv_ns, row.px,
            contract.base(row.sz, row.px), BUY if row.side == "buy" else SELL, row.tradeId,
        )
        for row in sorted(rows, key=_id_of)
    ]  # fmt: skip


def _id_of(row: frames.TradeRow) -> int:
    return row.tradeId
