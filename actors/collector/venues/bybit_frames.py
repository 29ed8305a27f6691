"""Shapes of Bybit's v5 JSON, typed: what does not fit is refused by the decoder. Pure.

Keys as recorded in 2023, 2024 and 2026 and documented in bybit-exchange/docs (2026-07). Prices and sizes are decimal
texts, times are ms as numbers or texts, hence decoders with `strict=False`; bounds refuse NaN, infinity, negative
numbers and zero prices. Only keys that are read are named; their order differs between spot and derivatives.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw

_LARGEST: Final = 1e18
_SMALLEST: Final = 1e-12
"""Of a price: sizes of inverse contracts are divided by it."""
Price = Annotated[float, Meta(ge=_SMALLEST, lt=_LARGEST)]
Size = Annotated[float, Meta(ge=0, lt=_LARGEST)]
TradedSize = Annotated[float, Meta(gt=0, lt=_LARGEST)]
UpdateId = Annotated[int, Meta(ge=1, le=2**62)]
Sequence = Annotated[int, Meta(ge=0, le=2**62)]
Moment = Annotated[int, Meta(gt=0, lt=4 * 10**12)]
"""ms since 1970 UTC, until 2096."""
TradeId = Annotated[str, Meta(min_length=1, max_length=64)]
"""UUID on derivatives, digits on spot."""
Side = Literal["Buy", "Sell"]
Levels = list[tuple[Price, Size]]

NOTHING: Final = Raw(b"")


class Envelope(msgspec.Struct):
    """Any frame: `{"topic":..,"type":..,"ts":..,"data":..}`, or a control answer (`op`, `success`)."""

    topic: str = ""
    type: str = ""
    ts: Moment | None = None
    """When the venue made the frame."""
    cts: Moment | None = None
    """When the matching engine made the book."""
    cs: Sequence = 0
    """Cross sequence of a ticker: the count that `seq` of books belongs to."""
    data: Raw = NOTHING
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    ret_code: int = 0
    req_id: str | int | None = None


class TradeRow(msgspec.Struct, gc=False):
    """Of `publicTrade`; `S` is the taker's side, `v` is USD on inverse."""

    T: Moment
    s: str
    S: Side
    v: TradedSize
    p: Price
    i: TradeId
    BT: bool = False
    """Block trade: agreed upon outside the book."""


class BookFrame(msgspec.Struct, gc=False):
    """Of `orderbook.N`: `u` steps by one per topic, 1 after the service has restarted; sizes are absolute."""

    s: str
    b: Levels
    a: Levels
    u: UpdateId
    seq: Sequence = 0


class TickerFrame(msgspec.Struct, gc=False):
    """Of `tickers` on derivatives: a key that is missing has not changed; texts, since an empty side is an empty text."""

    symbol: str
    bid1Price: str | None = None  # noqa: N815 - the venue's name
    bid1Size: str | None = None  # noqa: N815 - the venue's name
    ask1Price: str | None = None  # noqa: N815 - the venue's name
    ask1Size: str | None = None  # noqa: N815 - the venue's name


class LiquidationRow(msgspec.Struct, gc=False):
    """Of `allLiquidation`; `S` is the side of the position, `p` its bankruptcy price."""

    T: Moment
    s: str
    S: Side
    v: TradedSize
    p: Price


class Answer(msgspec.Struct):
    """Of the REST side: `retCode` 0 is good, and HTTP says 200 also when it is not."""

    retCode: int  # noqa: N815 - the venue's name
    retMsg: str = ""  # noqa: N815 - the venue's name
    result: Raw = NOTHING


def decoder(shape: Any) -> Any:
    """Decoder of one shape that reads numbers from texts."""
    return msgspec.json.Decoder(shape, strict=False).decode


def amount(text: str) -> float:
    """A price or size that may be absent: 0 for an empty text.

    Raises:
        msgspec.ValidationError: no number, negative, infinite, or too small to divide by.
    """
    if not text:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value != 0.0 and not _SMALLEST <= value < _LARGEST:
        raise msgspec.ValidationError(f"{text[:32]!r} is no amount")
    return value


_decode_answer: Final = decoder(Answer)


def unwrapped(body: bytes) -> Raw | str:
    """`result` of a REST answer, or what the venue says against the request.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is no answer of this venue.
    """
    answer: Answer = _decode_answer(body)
    if answer.retCode:
        return f"retCode {answer.retCode}: {answer.retMsg}"
    return answer.result
