"""Coinbase Exchange and Advanced Trade market data: names, addresses, limits. Pure.

Facts: the "Exchange WebSocket" and "Advanced Trade WebSocket" pages of docs.cdp.coinbase.com and recordings of 2019 to
2026. The two feeds show the same trades and books. Exchange is the default: its side is documented, its trades can be
fetched by id, and its heartbeat says the newest trade of each product.

Stream types are the venue's names of channels, with two exceptions. `matches` brings its `heartbeat`, which says what
was missed. And the ticker of Advanced Trade is called `tickers` here: both markets have a channel `ticker`, a request
for it is written differently, and a stream's name must tell which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from actors.collector.outcomes import Reject
from actors.collector.venue import Allowance, Contract, Defaults, Parser, Ping, TradeIds, Wanted
from actors.collector.venues import coinbase_klines as klines
from actors.collector.venues import coinbase_repair as repair
from actors.collector.venues.coinbase_advanced import HEARTBEATS, AdvancedParser
from actors.collector.venues.coinbase_exchange import ExchangeParser
from actors.collector.venues.coinbase_frames import NAME
from actors.collector.venues.coinbase_time import iso_ns

_KINDS: Final = {
    "matches": "trade",
    "ticker": "quote",
    "level2_batch": "book",
    "market_trades": "trade",
    "tickers": "quote",
    "level2": "book",
}
_ADVANCED: Final = {
    "market_trades": "market_trades",
    "tickers": "ticker",
    "level2": "level2",
    HEARTBEATS: HEARTBEATS,
}
"""Stream type to channel, of Advanced Trade."""
_EXCHANGE: Final = {"matches": ["matches", "heartbeat"]}
"""Stream type to channels, of Exchange, where it is not the one of the same name."""
_PRODUCTS_PER_REQUEST: Final = 100
_WEIGHT: Final = 1


class Coinbase:
    """The venue; see `actors.collector.venue.Venue`."""

    name = NAME
    markets = ("exchange", "advanced")
    defaults: ClassVar = Defaults(
        ws_url={"exchange": "wss://ws-feed.exchange.coinbase.com"},
        rest_url={"exchange": "https://api.exchange.coinbase.com", "advanced": "https://api.coinbase.com"},
        streams={
            "exchange": ["matches", "ticker", "level2_batch"],
            "advanced": ["market_trades", "tickers", "level2"],
        },
        repair_weight_per_min={"exchange": 240, "advanced": 240},
    )

    def parser(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> Parser:  # noqa: ARG002 - sizes are base units
        """A parser of one market; `contracts` is not read."""
        return ExchangeParser(names) if market == "exchange" else AdvancedParser(names)

    def trade_ids(self, market: str, stream_type: str) -> TradeIds:  # noqa: ARG002 - the same in all
        """`trade_id` steps by one per product."""
        return TradeIds.COUNTED

    def kind_of(self, stream_type: str) -> str:
        """Message kind of a stream type; empty for others. `level2` of Exchange needs a key: `level2_batch` does not."""
        return _KINDS.get(stream_type, "")

    def lacks(self, market: str, stream_type: str) -> str:  # noqa: ARG002 - stream types are named apart
        """None."""
        return ""

    def stream(self, raw: str, stream_type: str) -> str:
        """`matches:BTC-USD`."""
        return f"{stream_type}:{raw}"

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:  # noqa: ARG002 - the same for all
        """One address for everything."""
        return base_url.rstrip("/")

    def standing_streams(self, market: str, url: str) -> Sequence[str]:  # noqa: ARG002 - one address
        """Advanced Trade closes channels that are quiet for 60 to 90 s unless heartbeats come."""
        return (HEARTBEATS,) if market == "advanced" else ()

    def batch(self, market: str, streams: Sequence[str]) -> Sequence[str]:  # noqa: ARG002 - the same in both
        """All those of the first one's channel, since a request is for all its products in all its channels."""
        first = _type_of(streams[0])
        return [stream for stream in streams if _type_of(stream) == first][:_PRODUCTS_PER_REQUEST]

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:  # noqa: ARG002 - answers do not name it
        """Streams of one channel."""
        return _request("subscribe", streams)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:  # noqa: ARG002 - answers do not name it
        """Streams of one channel."""
        return _request("unsubscribe", streams)

    def request_allowance(self, market: str) -> Allowance:
        """Exchange allows 100 messages a second and connection, Advanced Trade 8 a second and address: of all
        connections together, hence so few.
        """
        return Allowance(5.0, 4.0) if market == "exchange" else Allowance(2.0, 2.0)

    def connect_allowance(self, market: str) -> Allowance:  # noqa: ARG002 - the same in both
        """8 a second and address, 20 at once."""
        return Allowance(4.0, 2.0)

    def ping(self, market: str) -> Ping | None:  # noqa: ARG002 - the same in both
        """None is asked for."""
        return None

    def longest_silence_s(self, market: str) -> float:
        """Heartbeats come each second, on Exchange only beside `matches`."""
        return 60.0 if market == "exchange" else 15.0

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:  # noqa: ARG002 - the stream has it
        """The stream begins with the book."""
        return ""

    def snapshot_weight(self, market: str, depth: int) -> int:  # noqa: ARG002 - never asked for
        """Never asked for."""
        return _WEIGHT

    def repair_refusal(self, market: str, stream_type: str) -> str:
        """Trades of both markets can be fetched."""
        return "" if _KINDS.get(stream_type) == "trade" else f"{market} {stream_type} has no trades"

    def repair_path(self, market: str, stream_type: str, raw: str, wanted: Wanted) -> str:  # noqa: ARG002 - one type
        """Exchange: by id; Advanced Trade: by time."""
        return repair.path(market, raw, wanted)

    def repair_per_page(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same in all
        """Of both endpoints."""
        return repair.PAGE_TRADES

    def repair_weight(self, market: str, stream_type: str) -> int:  # noqa: ARG002 - the same in all
        """The venue counts requests: 10 a second."""
        return _WEIGHT

    def recent_path(self, market: str, raw: str) -> str:  # noqa: ARG002 - trades can be asked for
        """None."""
        return ""

    def instruments_path(self, market: str) -> str:  # noqa: ARG002 - sizes are base units
        """None."""
        return ""

    def parse_instruments(self, market: str, body: bytes) -> dict[str, Contract] | Reject:  # noqa: ARG002 - base units
        """No product has contracts."""
        return {}

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """Candles of one minute each, and some before them."""
        return klines.path(market, raw, first_minute, minutes)

    def klines_per_page(self, market: str) -> int:
        """What is left of 300 and 350 rows after those before."""
        return klines.PAGE_MINUTES[market]

    def klines_weight(self, market: str) -> int:  # noqa: ARG002 - the same in both
        """The venue counts requests: 10 a second."""
        return _WEIGHT

    def omits_quiet_minutes(self, market: str) -> bool:  # noqa: ARG002 - the same in all
        """Both leave them out."""
        return True

    def time_path(self, market: str) -> str:
        """GET /time."""
        return _TIME_PATHS[market]

    def parse_time(self, body: bytes) -> int | Reject:
        """`iso`, of both."""
        try:
            return iso_ns(_decode_time(body).iso)
        except (msgspec.DecodeError, ValueError, RecursionError) as fault:
            return Reject("invalid_time", str(fault))


class _Time(msgspec.Struct):
    """Answer of GET /time and /api/v3/brokerage/time."""

    iso: str


_decode_time: Final = msgspec.json.Decoder(_Time).decode
_TIME_PATHS: Final = {"exchange": "/time", "advanced": "/api/v3/brokerage/time"}


def _type_of(stream: str) -> str:
    return stream.partition(":")[0]


def _request(word: str, streams: Sequence[str]) -> str:
    """`channel` in the singular is what Advanced Trade reads, `channels` Exchange."""
    stream_type = _type_of(streams[0])
    body: dict[str, Any] = {"type": word}
    products = [product for _, _, product in (stream.partition(":") for stream in streams) if product]
    if products:
        body["product_ids"] = products
    if stream_type in _ADVANCED:
        body["channel"] = _ADVANCED[stream_type]
    else:
        body["channels"] = _EXCHANGE.get(stream_type, [stream_type])
    return msgspec.json.encode(body).decode()
