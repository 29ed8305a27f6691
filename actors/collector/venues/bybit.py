"""Bybit v5 spot, linear and inverse: names, addresses, requests, limits. Pure; frames are read in `bybit_parser`.

Facts: bybit-exchange/docs (2026-07), recordings of 2023, 2024 and 2026; how a refused request looks was also reported by
several public clients in 2026. Linear holds perpetuals and futures in USDT and USDC, inverse those whose sizes are USD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Allowance, Contract, Defaults, Parser, Ping, TradeIds, Wanted
from actors.collector.venues import bybit_klines as klines
from actors.collector.venues import bybit_repair as repair
from actors.collector.venues.bybit_parser import BybitParser
from actors.collector.venues.bybit_topics import NAME
from protocol.errors import DECODE_ERRORS

_KINDS: Final = {
    "publicTrade": "trade",
    "tickers": "quote",
    "orderbook.1": "quote",
    "orderbook.50": "book",
    "orderbook.200": "book",
    "orderbook.1000": "book",
    "allLiquidation": "liquidation",
}
_SPOT_ARGS: Final = 10
"""A larger request is refused as a whole (`args size >10`)."""
_MAX_ARGS_CHARS: Final = 21_000
"""Of the array of topics; documented for a connection, so it bounds a request too."""
_PING_S: Final = 20.0
_WEIGHT: Final = 1
"""Every request counts as one."""
_DERIVATIVES: Final = ["publicTrade", "orderbook.1", "orderbook.200", "allLiquidation"]


class Bybit:
    """The venue; see `actors.collector.venue.Venue`."""

    name = NAME
    markets = ("spot", "linear", "inverse")
    defaults = Defaults(
        ws_url=dict.fromkeys(markets, "wss://stream.bybit.com"),
        rest_url=dict.fromkeys(markets, "https://api.bybit.com"),
        streams={
            "spot": ["publicTrade", "orderbook.1", "orderbook.200"],
            "linear": _DERIVATIVES,
            "inverse": _DERIVATIVES,
        },
        # 600 requests in 5 s are allowed to one address, over all markets: 7200 a minute
        repair_weight_per_min=dict.fromkeys(markets, 600),
    )

    def parser(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> Parser:  # noqa: ARG002 - no contract size must be looked up
        """A parser of one market; an inverse contract is one USD."""
        return BybitParser(market, names)

    def trade_ids(self, market: str, stream_type: str) -> TradeIds:  # noqa: ARG002 - the same everywhere
        """UUIDs on derivatives; on spot digits that grow, but not by one."""
        return TradeIds.UNORDERED

    def kind_of(self, stream_type: str) -> str:
        """Message kind of `publicTrade`, `orderbook.N`, `tickers`, `allLiquidation`; empty for others.

        Spot `tickers` have neither bid nor ask: there `orderbook.1` is the stream of quotes, and frames of spot tickers
        are ignored.
        """
        return _KINDS.get(stream_type, "")

    def lacks(self, market: str, stream_type: str) -> str:
        """Tickers of spot have no bid and ask, and only derivatives are liquidated."""
        return _LACKS_OF_SPOT.get(stream_type, "") if market == "spot" else ""

    def stream(self, raw: str, stream_type: str) -> str:
        """Topic: symbols are upper case, a lower-case one is refused."""
        return f"{stream_type}.{raw}"

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:  # noqa: ARG002 - one address serves all
        """One address per market."""
        return f"{base_url.rstrip('/')}/v5/public/{market}"

    def standing_streams(self, market: str, url: str) -> Sequence[str]:  # noqa: ARG002 - none anywhere
        """None."""
        return ()

    def batch(self, market: str, streams: Sequence[str]) -> Sequence[str]:
        """Ten on spot; elsewhere as many as fit into 21,000 characters."""
        if market == "spot":
            return streams[:_SPOT_ARGS]
        chars = 2
        for count, stream in enumerate(streams):
            chars += len(stream) + 3
            if chars > _MAX_ARGS_CHARS and count:
                return streams[:count]
        return streams

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """One topic that is not to be had makes the venue refuse the whole request; it names the first such one."""
        return _request("subscribe", streams, request_id)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """The same with `unsubscribe`."""
        return _request("unsubscribe", streams, request_id)

    def request_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - the same everywhere
        """The venue documents none; 200 requests in one burst were seen to be taken (2026-09), so this is modest."""
        return Allowance(20.0, 10.0)

    def connect_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - it is the address's
        """500 in 5 minutes."""
        return Allowance(50.0, 1.4)

    def ping(self, market: str) -> Ping:  # noqa: ARG002 - the same everywhere
        """Each 20 s; the venue ends a connection that has been quiet for minutes."""
        return Ping('{"req_id":"ping","op":"ping"}', _PING_S)

    def longest_silence_s(self, market: str) -> float:  # noqa: ARG002 - the same everywhere
        """Each ping is answered: two answers may be missing."""
        return 2.5 * _PING_S

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:  # noqa: ARG002 - none anywhere
        """Empty: each topic begins with a snapshot, and the REST book joins only the topic of 1000 levels."""
        return ""

    def snapshot_weight(self, market: str, depth: int) -> int:  # noqa: ARG002 - none anywhere
        """Nothing is asked for."""
        return _WEIGHT

    def repair_refusal(self, market: str, stream_type: str) -> str:  # noqa: ARG002 - the same for all streams
        """Trades have no order to ask by."""
        return repair.refusal(market)

    def repair_path(self, market: str, stream_type: str, raw: str, wanted: Wanted) -> str:  # noqa: ARG002 - never asked for
        """Never asked for: see `repair_refusal`."""
        return ""

    def repair_per_page(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - never asked for
        """As many as `recent_path` gives."""
        return repair.NEWEST[market]

    def repair_weight(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same everywhere
        """One request."""
        return _WEIGHT

    def recent_path(self, market: str, raw: str) -> str:
        """The newest 1000 trades, 60 on spot; there are no pages behind them."""
        return repair.recent_path(market, raw)

    def instruments_path(self, market: str) -> str:  # noqa: ARG002 - none anywhere
        """Empty: sizes are base units, on inverse USD."""
        return ""

    def parse_instruments(self, market: str, body: bytes) -> dict[str, Contract] | Reject:  # noqa: ARG002 - nothing is taken
        """No contract size need be known: nothing is taken from it."""
        return {}

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """GET kline of one minute each."""
        return klines.path(market, raw, first_minute, minutes)

    def klines_per_page(self, market: str) -> int:  # noqa: ARG002 - the same everywhere
        """1000."""
        return klines.PAGE_MINUTES

    def klines_weight(self, market: str) -> int:  # noqa: ARG002 - the same everywhere
        """One request."""
        return _WEIGHT

    def omits_quiet_minutes(self, market: str) -> bool:  # noqa: ARG002 - the same in all
        """A quiet minute is a row too."""
        return False

    def time_path(self, market: str) -> str:  # noqa: ARG002 - one for all
        """GET /market/time."""
        return "/v5/market/time"

    def parse_time(self, body: bytes) -> int | Reject:
        """`time` in ms."""
        try:
            found = _decode_time(body)
        except DECODE_ERRORS as fault:
            return Reject("invalid_time", str(fault))
        return found.time * 1_000_000


class _Time(msgspec.Struct):
    """Answer of GET /v5/market/time, as of every request: when it was made."""

    time: Annotated[int, msgspec.Meta(gt=0, lt=4 * 10**12)]


_decode_time: Final = msgspec.json.Decoder(_Time, strict=False).decode
_LACKS_OF_SPOT: Final = {
    "tickers": "spot has none with bid and ask",
    "allLiquidation": "spot has no liquidations",
}


def _request(op: str, streams: Sequence[str], request_id: int) -> str:
    body = {"req_id": str(request_id), "op": op, "args": list(streams)}
    return msgspec.json.encode(body).decode()
