"""Shapes of Coinbase's JSON, both feeds, typed: what does not fit is refused by the decoder. Pure.

Keys as recorded in 2019 to 2022 (Exchange feed) and 2026 (Advanced Trade), and documented on the "Exchange WebSocket
channels" and "Advanced Trade WebSocket channels" pages. Prices and sizes are decimal texts, hence decoders with
`strict=False`; bounds refuse NaN, infinity, negative numbers and zero prices. Only keys that are read are named.
The Exchange feed tells its messages apart by `type`, Advanced Trade by `channel`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

NAME: Final = "coinbase"
_LARGEST: Final = 1e18
Price = Annotated[float, Meta(gt=0, lt=_LARGEST)]
Size = Annotated[float, Meta(ge=0, lt=_LARGEST)]
TradedSize = Annotated[float, Meta(gt=0, lt=_LARGEST)]
Id = Annotated[int, Meta(ge=0, le=2**63 - 2)]
Levels = list[tuple[Price, Size]]
Changes = list[tuple[Literal["buy", "sell"], Price, Size]]


# Exchange feed


class Match(msgspec.Struct, tag_field="type", tag="match", gc=False):
    """One fill; `side` is the order that rested in the book."""

    trade_id: Id
    side: Literal["buy", "sell"]
    size: TradedSize
    price: Price
    product_id: str
    time: str


class LastMatch(Match, tag_field="type", tag="last_match", gc=False):
    """The newest fill before the subscription."""


class Ticker(msgspec.Struct, tag_field="type", tag="ticker", gc=False):
    """After each match; sizes are there since 2022. A side without orders is 0 or missing."""

    sequence: Id
    product_id: str
    time: str
    best_bid: Size = 0.0
    best_ask: Size = 0.0
    best_bid_size: Size = 0.0
    best_ask_size: Size = 0.0


class Snapshot(msgspec.Struct, tag_field="type", tag="snapshot", gc=False):
    """The whole book; without a time before 2024."""

    product_id: str
    bids: Levels
    asks: Levels
    time: str = ""


class L2Update(msgspec.Struct, tag_field="type", tag="l2update", gc=False):
    """Absolute sizes of some levels."""

    product_id: str
    changes: Changes
    time: str


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", gc=False):
    """Once a second and product."""

    last_trade_id: Id
    product_id: str
    time: str


class Listed(msgspec.Struct):
    """One channel in `subscriptions`."""

    name: str
    product_ids: list[str] | None = None


class Subscriptions(msgspec.Struct, tag_field="type", tag="subscriptions"):
    """Everything that the connection is subscribed to, over all channels, after each request."""

    channels: list[Listed]


class ExchangeError(msgspec.Struct, tag_field="type", tag="error"):
    """A refused request."""

    message: str = ""
    reason: str = ""


ExchangeFrame = Match | LastMatch | Ticker | Snapshot | L2Update | Heartbeat | Subscriptions | ExchangeError
EXCHANGE_TYPES: Final = frozenset(
    ("match", "last_match", "ticker", "snapshot", "l2update", "heartbeat", "subscriptions", "error")
)


class ExchangeEnvelope(msgspec.Struct):
    """What is left of a frame that is none of these."""

    type: str
    product_id: str = ""


# Advanced Trade


class Print(msgspec.Struct, gc=False):
    """One fill of `market_trades`; `side` is the order that rested in the book."""

    trade_id: Id
    product_id: str
    price: Price
    size: TradedSize
    time: str
    side: Literal["BUY", "SELL"]


class Prints(msgspec.Struct):
    """Event of `market_trades`, newest first."""

    type: Literal["snapshot", "update"]
    trades: list[Print]


class Best(msgspec.Struct, gc=False):
    """One product of `ticker`. A side without orders is 0 or missing."""

    product_id: str
    best_bid: Size = 0.0
    best_ask: Size = 0.0
    best_bid_quantity: Size = 0.0
    best_ask_quantity: Size = 0.0


class Bests(msgspec.Struct):
    """Event of `ticker`."""

    tickers: list[Best]


class LevelUpdate(msgspec.Struct, gc=False):
    """Absolute size of one level."""

    side: Literal["bid", "offer"]
    event_time: str
    price_level: Price
    new_quantity: Size


class LevelUpdates(msgspec.Struct):
    """Event of `l2_data`."""

    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[LevelUpdate]


class ListedNow(msgspec.Struct):
    """Event of `subscriptions`: channel to products; `heartbeats` lists itself."""

    subscriptions: dict[str, list[str] | None]


class _Numbered(msgspec.Struct, tag_field="channel"):
    """What every channel has: a number that steps by one over all channels of a connection, and the time of sending."""

    sequence_num: Id
    timestamp: str


class MarketTrades(_Numbered, tag="market_trades"):
    """Fills; first some old ones as `snapshot`."""

    events: list[Prints]


class Tickers(_Numbered, tag="ticker"):
    """Best bid and ask after each match."""

    events: list[Bests]


class L2Data(_Numbered, tag="l2_data"):
    """The book; one event of the recording is 5 MB."""

    events: list[LevelUpdates]


class Heartbeats(_Numbered, tag="heartbeats"):
    """Once a second; `current_time` in it is no ISO time, and nothing in it is needed."""


class SubscribedNow(_Numbered, tag="subscriptions"):
    """Everything that the connection is subscribed to, over all channels, after each request."""

    events: list[ListedNow]


AdvancedFrame = MarketTrades | Tickers | L2Data | Heartbeats | SubscribedNow
ADVANCED_CHANNELS: Final = frozenset(("market_trades", "ticker", "l2_data", "heartbeats", "subscriptions"))


class AdvancedEnvelope(msgspec.Struct):
    """What is left of a frame that is none of these: another channel, or `{"type": "error"}`."""

    channel: str = ""
    sequence_num: Id | None = None
    type: str = ""
    message: str = ""


def decoder(shape: Any) -> Any:
    """Decoder of one shape that reads numbers from texts."""
    return msgspec.json.Decoder(shape, strict=False).decode
