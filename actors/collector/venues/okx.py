"""OKX v5 market data: names, addresses, limits. Pure.

Facts: OKX v5 documentation (2026-07), and recordings of 2021 to 2026. Port 8443, which older programs name, was closed on
2026-10-31: addresses here have none. `trades-all` and candles come from `/business`, all else from `/public`; a
channel asked for at the wrong one is refused with code 60018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Allowance, Contract, Defaults, Parser, Ping, TradeIds, Wanted
from actors.collector.venues import okx_control as control
from actors.collector.venues import okx_klines as klines
from actors.collector.venues import okx_repair as repair
from actors.collector.venues import okx_rest as rest
from actors.collector.venues.okx_reader import NAME, OkxParser

_KINDS: Final = {
    "trades": "trade",
    "trades-all": "trade",
    "books": "book",
    "books5": "quote",
    "bbo-tbt": "quote",
    "tickers": "quote",
    "liquidation-orders": "liquidation",
}
_BUSINESS: Final = frozenset({"trades-all"})
_MARKETS: Final = ("spot", "swap", "futures")
_ARGS_PER_REQUEST: Final = 200
_ARGS_BYTES: Final = 60_000
"""All args of a request; the venue takes 64 KB."""
_PING_S: Final = 15.0


class Okx:
    """The venue; see `actors.collector.venue.Venue`. Raw names are its `instId`."""

    name = NAME
    markets = _MARKETS
    defaults: ClassVar = Defaults(
        ws_url=dict.fromkeys(_MARKETS, "wss://ws.okx.com"),
        rest_url=dict.fromkeys(_MARKETS, "https://www.okx.com"),
        streams={
            "spot": ["trades", "bbo-tbt", "books"],
            "swap": ["trades", "bbo-tbt", "books", "liquidation-orders"],
            "futures": ["trades", "bbo-tbt", "books", "liquidation-orders"],
        },
        # requests: each endpoint takes 600 a minute from one address, which all markets share
        snapshot_weight_per_min=dict.fromkeys(_MARKETS, 60),
        repair_weight_per_min=dict.fromkeys(_MARKETS, 120),
    )

    def parser(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> Parser:
        """A parser of one market; `contracts` is read for swaps and futures."""
        return OkxParser(market, names, contracts)

    def trade_ids(self, market: str, stream_type: str) -> TradeIds:  # noqa: ARG002 - the same in all
        """A message of `trades` covers `count` fills and has the id of the last; one of `trades-all` is one fill."""
        return TradeIds.COUNTED if stream_type == "trades-all" else TradeIds.SPANNED

    def kind_of(self, stream_type: str) -> str:
        """Message kind of a channel; empty for others."""
        return _KINDS.get(stream_type, "")

    def lacks(self, market: str, stream_type: str) -> str:  # noqa: ARG002 - all have all
        """None."""
        return ""

    def stream(self, raw: str, stream_type: str) -> str:
        """`channel:instId`; liquidations are one stream for all instruments of a type."""
        return f"{stream_type}:{_type_of(raw) if stream_type in control.BY_TYPE else raw}"

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:  # noqa: ARG002 - the same in all
        """`/ws/v5/public` or `/ws/v5/business`, below an address like `wss://ws.okx.com`."""
        path = "business" if stream_type in _BUSINESS else "public"
        return f"{base_url.rstrip('/')}/ws/v5/{path}"

    def standing_streams(self, market: str, url: str) -> Sequence[str]:  # noqa: ARG002 - none anywhere
        """None."""
        return ()

    def batch(self, market: str, streams: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - the same in all
        """As many as stay below the venue's bound on the bytes of all args."""
        taken = size = 0
        for stream in streams[:_ARGS_PER_REQUEST]:
            size += len(msgspec.json.encode(control.arg_of(stream))) + 1
            if size > _ARGS_BYTES:
                break
            taken += 1
        return streams[: max(taken, 1)]

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Answered once for each stream."""
        return _request("subscribe", streams, request_id)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Answered once for each stream."""
        return _request("unsubscribe", streams, request_id)

    def request_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - the same in all
        """The venue allows 480 requests an hour on one connection; this is 460 in the worst one."""
        return Allowance(100.0, 0.1)

    def connect_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - the same in all
        """The venue allows 3 a second from one address; this is 3 in the worst one."""
        return Allowance(2.0, 1.0)

    def ping(self, market: str) -> Ping | None:  # noqa: ARG002 - the same in all
        """The text `ping`, not JSON: the venue ends a connection on which it has sent nothing for 30 s."""
        return Ping(control.PING, _PING_S)

    def longest_silence_s(self, market: str) -> float:  # noqa: ARG002 - the same in all
        """Two pongs."""
        return 2 * _PING_S + 5.0

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:  # noqa: ARG002 - the same in all
        """None: `books` begins with a snapshot."""
        return ""

    def snapshot_weight(self, market: str, depth: int) -> int:  # noqa: ARG002 - the same in all
        """Each request counts one."""
        return 1

    def repair_refusal(self, market: str, stream_type: str) -> str:  # noqa: ARG002 - the same in all
        """Trades of three months can be had by id."""
        return "" if _KINDS.get(stream_type) == "trade" else f"{stream_type} is no channel of trades"

    def repair_path(self, market: str, stream_type: str, raw: str, wanted: Wanted) -> str:  # noqa: ARG002 - the same
        """`history-trades` before an id."""
        return repair.path(raw, wanted)

    def repair_per_page(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same in all
        """Fills."""
        return repair.PAGE_TRADES

    def repair_weight(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same in all
        """Each request counts one."""
        return 1

    def recent_path(self, market: str, raw: str) -> str:  # noqa: ARG002 - trades are fetched by id
        """None."""
        return ""

    def instruments_path(self, market: str) -> str:
        """Swaps and futures count contracts; their sizes may change, and new ones are listed."""
        return "" if market == "spot" else f"{rest.INSTRUMENTS_PATH}?instType={rest.TYPES[market]}"

    def parse_instruments(self, market: str, body: bytes) -> dict[str, Contract] | Reject:
        """`ctVal` times `ctMult`."""
        return rest.contracts(market, body)

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:  # noqa: ARG002 - the same
        """`history-candles` of one minute each."""
        return klines.path(raw, first_minute, minutes)

    def klines_per_page(self, market: str) -> int:  # noqa: ARG002 - the same in all
        """What the venue has given in all versions of its documentation."""
        return klines.PAGE_MINUTES

    def klines_weight(self, market: str) -> int:  # noqa: ARG002 - the same in all
        """Each request counts one."""
        return 1

    def omits_quiet_minutes(self, market: str) -> bool:  # noqa: ARG002 - the same in all
        """A quiet minute is a row too."""
        return False

    def time_path(self, market: str) -> str:  # noqa: ARG002 - one for all
        """GET /public/time."""
        return "/api/v5/public/time"

    def parse_time(self, body: bytes) -> int | Reject:
        """`ts` in ms."""
        return rest.time_ns(body)


def _type_of(raw: str) -> str:
    """SWAP, FUTURES, or for a spot name MARGIN: only positions can be liquidated."""
    parts = raw.split("-")
    if len(parts) < 3:
        return "MARGIN"
    return "SWAP" if parts[-1] == "SWAP" else "FUTURES"


def _request(op: str, streams: Sequence[str], request_id: int) -> str:
    args = [control.arg_of(stream) for stream in streams]
    body: dict[str, Any] = {"id": str(request_id), "op": op, "args": args}
    return msgspec.json.encode(body).decode()
