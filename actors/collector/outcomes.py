"""What one frame of a venue says, in our words: what its parser gives to the normaliser. Pure.

Market outcomes go to the normaliser, `Control` to whoever keeps the connection.
"""

from __future__ import annotations

import msgspec

from protocol.messages import Level, Liquidation, Quote, Trade


class BookChange(msgspec.Struct, frozen=True, gc=False):
    """Absolute new sizes of some levels, for the updates after `after_id` up to and including `last_id`.

    Where a venue does not number its updates, the reader of the connection counts them itself, per symbol, from its
    last image on.
    """

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
    """The whole book, of a REST answer or of the stream itself, best levels first.

    In a stream it replaces whatever was there; changes that follow on the same connection build on it.
    """

    symbol: str
    ts_event_ns: int
    ts_recv_ns: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


class PastTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade that the venue repeats at the begin of a subscription: it is no news, but it shows what was missed."""

    trade: Trade


class TradeMark(msgspec.Struct, frozen=True, gc=False):
    """The venue's word that the newest trade of a symbol has this id (a heartbeat)."""

    symbol: str
    ts_event_ns: int
    last_id: int


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
    """The venue took a request, or the part of it that concerns `streams`."""

    request_id: int = 0
    """0: the venue does not say which; then `streams` do."""
    streams: tuple[str, ...] = ()
    """Where the venue confirms stream by stream; empty: the whole request."""
    is_partial: bool = True
    """The other streams of the request get answers of their own; else they must be asked for again."""


class Subscribed(msgspec.Struct, frozen=True, gc=False):
    """The venue lists everything that this connection is subscribed to now (of the kinds named in it)."""

    streams: frozenset[str]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a request (0: it does not say which), or the part of it that concerns `streams`."""

    request_id: int
    code: int
    text: str
    streams: tuple[str, ...] = ()
    """Whom the refusal means, where the venue says so; empty: the whole request."""
    is_partial: bool = False
    """The other streams of the request get answers of their own; else none of them was taken either."""


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The venue's answer to our ping, or a sign of life that says nothing else."""


class Broken(msgspec.Struct, frozen=True, gc=False):
    """This connection has lost something (its own numbers jump): it is to be replaced at once."""

    reason: str


class Shutdown(msgspec.Struct, frozen=True, gc=False):
    """The server is about to go: connect anew now."""


Outcome = (
    Trade
    | PastTrade
    | TradeMark
    | Quote
    | Liquidation
    | BookChange
    | BookImage
    | Excluded
    | Reject
    | Ignored
    | Ack
    | Subscribed
    | Refusal
    | Pong
    | Broken
    | Shutdown
)
Control = Ack | Subscribed | Refusal | Pong | Broken | Shutdown
"""Outcomes that concern the connection, not the market."""
