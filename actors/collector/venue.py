"""What a venue is to the collector: names, addresses, limits, and a pure parser of its frames. Pure.

One venue is one file in `venues/`. It turns bytes into outcomes (`outcomes.py`) and texts to send; it never sees a
socket or a clock, so everything a venue can say is tested with bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from actors.collector.outcomes import BookImage, Outcome, Reject
from protocol.messages import Bar, Trade


class Contract(NamedTuple):
    """What one contract of a derivative is, where the venue counts contracts."""

    size: float
    """Base units, or quote units of an inverse one."""
    is_inverse: bool = False

    def base(self, contracts: float, price: float) -> float:
        """Contracts at a price in base units."""
        return contracts * self.size / price if self.is_inverse else contracts * self.size


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector of this venue does where its settings say nothing."""

    ws_url: dict[str, str]
    """Market to WebSocket base address; only these markets are collected."""
    rest_url: dict[str, str]
    """Market to REST base address."""
    streams: dict[str, list[str]]
    """Market to stream types, in the venue's words."""
    snapshot_weight_per_min: dict[str, int] = {}
    """Market to the request weight for order-book snapshots and instruments."""
    repair_weight_per_min: dict[str, int] = {}
    """Market to the request weight for missing trades and candles."""


class TradeIds(enum.Enum):
    """How a venue numbers the trades of one symbol."""

    COUNTED = "counted"
    """Each message steps by one."""
    SPANNED = "spanned"
    """A message of `count` fills has the id of the last one: it steps by `count`."""
    UNORDERED = "unordered"
    """Unique, and nothing else (UUIDs): duplicates can be told, holes cannot."""


class Allowance(NamedTuple):
    """A budget that refills: `burst` at once, `per_s` in the long run."""

    burst: float
    per_s: float


class Ping(NamedTuple):
    """What the client must say now and then to be kept."""

    text: str
    every_s: float


class Wanted(NamedTuple):
    """Missing trades to ask for: up to `limit` from `from_id` on, within venue times where the venue pages by time."""

    from_id: int
    limit: int
    from_ts_ns: int
    to_ts_ns: int


class Reader(Protocol):
    """Reads the frames of one connection; it may remember what came before on it. Never raises on what a peer sent."""

    def parse(self, frame: bytes, ts_recv_ns: int) -> Sequence[Outcome]:
        """Everything that one WebSocket text frame says, in its order."""


class Parser(Protocol):
    """Reads what one market of one venue says. Never raises on what a peer sent."""

    def reader(self) -> Reader:
        """A reader of one new connection (itself where nothing of a connection need be remembered)."""

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """Body of the REST order-book answer for one canonical symbol."""

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """Body of the REST answer with trades (by id, or the newest ones), for one canonical symbol, oldest first."""

    def parse_klines(self, symbol: str, body: bytes) -> list[Bar] | Reject:
        """Body of the REST answer with one-minute candles, for one canonical symbol, oldest first; revision 0."""


class Venue(Protocol):
    """Names and rules of one venue."""

    @property
    def name(self) -> str:
        """As it stands in topics and messages."""

    @property
    def markets(self) -> Sequence[str]:
        """Its markets; a raw symbol is unique only inside one of them."""

    @property
    def defaults(self) -> Defaults:
        """Addresses and streams where the settings name none."""

    def parser(self, market: str, names: Mapping[str, str], contracts: Mapping[str, Contract]) -> Parser:
        """A parser of one market.

        Args:
            market: One of `markets`.
            names: Raw name to canonical symbol; what is not in it is rejected as `unmapped_symbol`. Both mappings may
                grow later: look them up per frame, with `get`.
            contracts: Canonical symbol to its contract, where sizes are contracts; a symbol that is not in it although
                it must be is rejected as `unknown_contract`.
        """

    def trade_ids(self, market: str, stream_type: str) -> TradeIds:
        """How the trades of this stream type are numbered."""

    def kind_of(self, stream_type: str) -> str:
        """Message kind (trade, quote, book, liquidation) of a stream type; empty if it is not supported."""

    def lacks(self, market: str, stream_type: str) -> str:
        """Why a market has no such stream although others have; empty: it has."""

    def stream(self, raw: str, stream_type: str) -> str:
        """Name to subscribe with, for example `btcusdt@depth@100ms`; one that serves all symbols is the same for all."""

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:
        """WebSocket address that serves a stream type: streams of one address can share a connection."""

    def standing_streams(self, market: str, url: str) -> Sequence[str]:
        """Streams that each connection to this address needs whatever else it carries (heartbeats); mostly none."""

    def batch(self, market: str, streams: Sequence[str]) -> Sequence[str]:
        """The first of these streams that fit into one request (subscribe or unsubscribe); at least one."""

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Text to send to begin these streams."""

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Text to send to end these streams."""

    def request_allowance(self, market: str) -> Allowance:
        """Requests that one connection may send, with room left for pongs."""

    def connect_allowance(self, market: str) -> Allowance:
        """Connections that may be opened from one address."""

    def ping(self, market: str) -> Ping | None:
        """What to send now and then on each connection; None where the venue pings (websocket-client answers)."""

    def longest_silence_s(self, market: str) -> float:
        """How long a healthy connection may be without any frame, pings included."""

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:
        """Path and query of the REST order-book snapshot, below the market's REST base address; empty where the stream
        itself begins with one: then a lost book is subscribed anew.
        """

    def snapshot_weight(self, market: str, depth: int) -> int:
        """What the snapshot costs of the venue's request budget per minute."""

    def repair_refusal(self, market: str, stream_type: str) -> str:
        """Why missing trades of a stream type cannot be fetched by id; empty if they can."""

    def repair_path(self, market: str, stream_type: str, raw: str, wanted: Wanted) -> str:
        """Path and query of missing trades; only where there is no refusal."""

    def repair_per_page(self, market: str, stream_type: str) -> int:
        """Most trades to ask for at once; only where there is no refusal."""

    def repair_weight(self, market: str, stream_type: str) -> int:
        """What one page of trades costs; only where there is no refusal."""

    def recent_path(self, market: str, raw: str) -> str:
        """Path and query of the newest trades, as many as there are to be had: what is left to a venue whose trades
        cannot be asked for by id or time. Empty where they can.
        """

    def instruments_path(self, market: str) -> str:
        """Path and query of the instruments, whose contract sizes must be known; empty where sizes are base units."""

    def parse_instruments(self, market: str, body: bytes) -> dict[str, Contract] | Reject:
        """Body of that answer: raw name to contract."""

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """Path and query of one-minute candles; minutes count since 1970."""

    def klines_per_page(self, market: str) -> int:
        """Most minutes to ask for at once; 0 where there are none to be had."""

    def klines_weight(self, market: str) -> int:
        """What one page of candles costs."""

    def omits_quiet_minutes(self, market: str) -> bool:
        """Whether minutes without a trade are left out of an answer with candles."""

    def time_path(self, market: str) -> str:
        """Path and query of the venue's own time."""

    def parse_time(self, body: bytes) -> int | Reject:
        """Body of that answer, in ns."""
