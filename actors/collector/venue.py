"""What a venue is to the collector: names, addresses, and a pure parser of its frames. Pure.

One venue is one file in `venues/`. It turns bytes into the outcomes below and texts to send; it never sees a
socket or a clock, so everything a venue can say is tested with bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from protocol.messages import Bar, Level, Liquidation, Quote, Trade


class BookChange(msgspec.Struct, frozen=True, gc=False):
    """Absolute new sizes of some levels, for the updates after `after_id` up to and including `last_id`."""

    symbol: str
    ts_event_ns: int
    ts_recv_ns: int
    first_id: int
    after_id: int
    """Last update that this change builds on."""
    last_id: int
    bids: list[Level]
    asks: list[Level]


class BookImage(msgspec.Struct, frozen=True, gc=False):
    """The whole book as a REST snapshot has it, best levels first."""

    symbol: str
    ts_event_ns: int
    ts_recv_ns: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


class Excluded(msgspec.Struct, frozen=True, gc=False):
    """An execution that is no market trade (insurance fund, ADL): its id counts, its volume does not."""

    symbol: str
    ts_event_ns: int
    trade_id: int
    why: str


class Reject(msgspec.Struct, frozen=True, gc=False):
    """A frame that cannot be used: to be counted under `reason`."""

    reason: str
    detail: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A good frame of a type that nobody here reads; `type` is the venue's name of it."""

    type: str


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The venue took a request."""

    request_id: int


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a request (0: it does not say which)."""

    request_id: int
    code: int
    text: str


class Shutdown(msgspec.Struct, frozen=True, gc=False):
    """The server is about to go: connect anew now."""


Outcome = (
    Trade
    | Quote
    | Liquidation
    | BookChange
    | BookImage
    | Excluded
    | Reject
    | Ignored
    | Ack
    | Refusal
    | Shutdown
)
Control = Ack | Refusal | Shutdown
"""Outcomes that concern the connection, not the market."""


class Parser(Protocol):
    """Reads the frames of one market of one venue. Never raises on what a peer sent."""

    def parse(self, frame: bytes, ts_recv_ns: int) -> Sequence[Outcome]:
        """Everything that one WebSocket text frame says, in its order."""

    def parse_snapshot(self, symbol: str, body: bytes, ts_recv_ns: int) -> BookImage | Reject:
        """Body of the REST order-book answer for one canonical symbol."""

    def parse_trades(self, symbol: str, body: bytes, ts_recv_ns: int) -> list[Trade] | Reject:
        """Body of the REST answer with trades by id, for one canonical symbol, oldest first."""

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

    def parser(self, market: str, names: dict[str, str], contract_usd: dict[str, float]) -> Parser:
        """A parser of one market.

        Args:
            market: One of `markets`.
            names: Raw name to canonical symbol; what is not in it is rejected as unmapped.
            contract_usd: Canonical symbol to the quote value of one contract, where sizes are contracts.
        """

    def kind_of(self, stream_type: str) -> str:
        """Message kind (trade, quote, book, liquidation) of a stream type; empty if it is not supported."""

    def stream(self, raw: str, stream_type: str) -> str:
        """Name to subscribe with, for example `btcusdt@depth@100ms`."""

    def stream_url(self, market: str, base_url: str, stream_type: str) -> str:
        """WebSocket address that serves a stream type: streams of one address can share a connection."""

    def subscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Text to send to begin these streams."""

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> str:
        """Text to send to end these streams."""

    def messages_per_s(self, market: str) -> float:
        """Requests that one connection may send each second, with room left for pongs."""

    def longest_silence_s(self, market: str) -> float:
        """How long a healthy connection may be without any frame, pings included."""

    def snapshot_path(self, market: str, raw: str, depth: int) -> str:
        """Path and query of the REST order-book snapshot, below the market's REST base address."""

    def snapshot_weight(self, market: str, depth: int) -> int:
        """What the snapshot costs of the venue's request budget per minute."""

    def repair_refusal(self, market: str, stream_type: str) -> str:
        """Why missing trades of a stream type cannot be fetched by id; empty if they can."""

    def repair_path(self, market: str, stream_type: str, raw: str, from_id: int, limit: int) -> str:
        """Path and query of up to `limit` trades from `from_id` on; only where there is no refusal."""

    def repair_weight(self, market: str, stream_type: str) -> int:
        """What one page of trades costs; only where there is no refusal."""

    def klines_path(self, market: str, raw: str, first_minute: int, minutes: int) -> str:
        """Path and query of one-minute candles; minutes count since 1970."""

    def klines_per_page(self, market: str) -> int:
        """Most minutes to ask for at once."""

    def klines_weight(self, market: str) -> int:
        """What one page of candles costs."""
