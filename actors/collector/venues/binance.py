"""Binance spot, USD-M and COIN-M market data: names, addresses, limits. Pure.

Facts: binance-spot-api-docs (2026-07), the USD-M "Important WebSocket Change Notice" (split addresses since
2026-04-23, COIN-M frames in USD-M streams since 2026-06-30), and recordings of 2019 to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Allowance, Contract, Defaults, Parser, Ping, TradeIds, Wanted
from actors.collector.venues import binance_frames as frames
from actors.collector.venues import binance_klines as klines
from actors.collector.venues import binance_repair as repair
from actors.collector.venues.binance_parser import NAME, BinanceParser
from protocol.errors import DECODE_ERRORS

_KINDS: Final = {
    "trade": "trade",
    "aggTrade": "trade",
    "bookTicker": "quote",
    "depth": "book",
    "forceOrder": "liquidation",
}
_PUBLIC: Final = frozenset({"depth", "rpiDepth", "bookTicker", "trade"})
"""USD-M stream families of `/public`; all others come from `/market`, and a wrong address stays silent."""
_STREAMS_PER_REQUEST: Final = 200
_SNAPSHOT_PATHS: Final = {"spot": "/api/v3/depth", "usdm": "/fapi/v1/depth", "coinm": "/dapi/v1/depth"}
_TIME_PATHS: Final = {"spot": "/api/v3/time", "usdm": "/fapi/v1/time", "coinm": "/dapi/v1/time"}
_SPOT_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_FUTURES_WEIGHTS: Final = ((50, 2), (100, 5), (500, 10), (1000, 20))


class Binance:
    """The venue; see `actors.collector.venue.Venue`."""

    name = NAME
    markets = ("spot", "usdm", "coinm")
    defaults: ClassVar = Defaults(
        ws_url={"spot": "wss://stream.binance.com:9443", "usdm": "wss://fstream.binance.com"},
        rest_url={
            "spot": "https://api.binance.com",
            "usdm": "https://fapi.binance.com",
            "coinm": "https://dapi.binance.com",
        },
        streams={
            "spot": ["trade", "bookTicker", "depth@100ms"],
            "usdm": ["aggTrade", "bookTicker", "depth@100ms", "forceOrder"],
            "coinm": ["aggTrade", "bookTicker", "depth@100ms", "forceOrder"],
        },
        snapshot_weight_per_min={"spot": 4000, "usdm": 1600, "coinm": 1600},
        repair_weight_per_min={"spot": 1200, "usdm": 600, "coinm": 600},
    )

    def parser(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> Parser:
        """A parser of one market; `contracts` is read for COIN-M only."""
        return BinanceParser(market, names, contracts)

    def trade_ids(self, market: str, stream_type: str) -> TradeIds:  # noqa: ARG002 - the same in all
        """`trade.t` and `aggTrade.a` step by one."""
        return TradeIds.COUNTED

    def kind_of(self, stream_type: str) -> str:
        """Message kind of `trade`, `aggTrade`, `bookTicker`, `depth[@speed]`, `forceOrder`; empty for others."""
        return _KINDS.get(stream_type.partition("@")[0], "")

    def lacks(self, market: str, stream_type: str) -> str:
        """Only derivatives are liquidated."""
        return "spot has no liquidations" if (market, stream_type) == ("spot", "forceOrder") else ""

    def stream(self, raw: str, stream_type: str) -> str:
        """Stream names are lower case: an upper-case one is acked and stays silent."""
        return f"{raw.lower()}@{stream_type}"

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:
        """Combined streams, because a spot bookTicker alone does not say what it is."""
        base = base_url.rstrip("/")
        if market != "usdm":
            return f"{base}/stream"
        family = stream_type.partition("@")[0]
        return f"{base}/{'public' if family in _PUBLIC else 'market'}/stream"

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """SUBSCRIBE; a stream that does not exist is acked all the same."""
        return _request("SUBSCRIBE", streams, request_id)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """UNSUBSCRIBE."""
        return _request("UNSUBSCRIBE", streams, request_id)

    def standing_streams(self, market: str, url: str) -> Sequence[str]:  # noqa: ARG002 - none anywhere
        """None."""
        return ()

    def batch(self, market: str, streams: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - the same in all
        """As many as a request has been seen to take."""
        return streams[:_STREAMS_PER_REQUEST]

    def request_allowance(self, market: str) -> Allowance:
        """The venue allows 5 a second on spot and 10 on futures, pongs included."""
        return Allowance(3.0, 3.0) if market == "spot" else Allowance(6.0, 6.0)

    def connect_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - the same in all
        """300 in five minutes."""
        return Allowance(50.0, 0.8)

    def ping(self, market: str) -> Ping | None:  # noqa: ARG002 - the same in all
        """The venue pings."""
        return None

    def longest_silence_s(self, market: str) -> float:
        """Spot pings each 20 s, futures each 180 s."""
        return 45.0 if market == "spot" else 200.0

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:
        """Path and query of the depth snapshot; some symbols are not ASCII."""
        return f"{_SNAPSHOT_PATHS[market]}?symbol={quote(raw)}&limit={depth}"

    def snapshot_weight(self, market: str, depth: int) -> int:
        """Request weight by depth, as of 2026."""
        weights = _SPOT_WEIGHTS if market == "spot" else _FUTURES_WEIGHTS
        return next((weight for limit, weight in weights if depth <= limit), weights[-1][1])

    def repair_refusal(self, market: str, stream_type: str) -> str:
        """Spot has both kinds of trades by id, USD-M only `aggTrade`."""
        return repair.refusal(market, stream_type)

    def repair_path(self, market: str, stream_type: str, raw: str, wanted: Wanted) -> str:
        """`aggTrades` or `historicalTrades` from an id on."""
        return repair.path(market, stream_type, raw, wanted.from_id, wanted.limit)

    def repair_per_page(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same in all
        """Of both endpoints."""
        return repair.PAGE_TRADES

    def repair_weight(self, market: str, stream_type: str) -> int:
        """Request weight of one page, as of 2026."""
        return repair.weight(market, stream_type)

    def recent_path(self, market: str, raw: str) -> str:  # noqa: ARG002 - trades are fetched by id
        """None."""
        return ""

    def instruments_path(self, market: str) -> str:
        """Only COIN-M counts contracts."""
        return "/dapi/v1/exchangeInfo" if market == "coinm" else ""

    def parse_instruments(self, market: str, body: bytes) -> dict[str, Contract] | Reject:  # noqa: ARG002 - COIN-M
        """`contractSize` is in USD."""
        try:
            found = _decode_instruments(body)
        except DECODE_ERRORS as fault:
            return Reject("invalid_instruments", str(fault))
        return {row.symbol: Contract(row.contractSize, is_inverse=True) for row in found.symbols}

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """GET klines of one minute each."""
        return klines.path(market, raw, first_minute, minutes)

    def klines_per_page(self, market: str) -> int:  # noqa: ARG002 - the same in all markets
        """As many as still have the smallest weight."""
        return klines.PAGE_MINUTES

    def klines_weight(self, market: str) -> int:  # noqa: ARG002 - the same in all markets
        """As of 2026."""
        return klines.weight()

    def omits_quiet_minutes(self, market: str) -> bool:  # noqa: ARG002 - the same in all
        """A quiet minute is a row too."""
        return False

    def time_path(self, market: str) -> str:
        """GET /time."""
        return _TIME_PATHS[market]

    def parse_time(self, body: bytes) -> int | Reject:
        """`serverTime` in ms."""
        try:
            found: frames.ServerTime = _decode_time(body)
        except DECODE_ERRORS as fault:
            return Reject("invalid_time", str(fault))
        return found.serverTime * 1_000_000


_decode_time: Final = frames.decoder(frames.ServerTime)
_decode_instruments: Final = frames.decoder(frames.ExchangeInfo)


def _request(method: str, streams: Sequence[str], request_id: int) -> str:
    body = {"method": method, "params": list(streams), "id": request_id}
    return msgspec.json.encode(body).decode()
