"""What OKX v5 sends, as typed shapes: exactly the keys that are read, with bounds on every value. Pure.

Shapes as recorded 2021 to 2026 and as documented for v5. All numbers are decimal texts but `seqId`, `prevSeqId` and
`checksum`, hence decoders with `strict=False`; bounds refuse NaN, infinity, negative numbers and zero prices. Times are
ms. A level is `[price, size, "0", orders]`; what stands behind the size is not read.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw

_LARGEST: Final = 1e18
_SMALLEST: Final = 1e-18
Price = Annotated[float, Meta(ge=_SMALLEST, lt=_LARGEST)]
"""Bounded below too: sizes of inverse contracts are divided by it."""
Size = Annotated[float, Meta(ge=0, lt=_LARGEST)]
TradedSize = Annotated[float, Meta(ge=_SMALLEST, lt=_LARGEST)]
Id = Annotated[int, Meta(ge=0, le=2**63 - 2)]
SeqId = Annotated[int, Meta(ge=0, le=2**53)]
BeforeId = Annotated[int, Meta(ge=-1, le=2**53)]
"""`prevSeqId`; -1 in a snapshot."""
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Moment = Annotated[int, Meta(gt=0, lt=4 * 10**12)]
"""ms since 1970 UTC, until 2096."""
Side = Literal["buy", "sell"]

NOTHING: Final = Raw(b"")
NS_PER_MS: Final = 1_000_000

REASONS: Final = frozenset(
    {
        "book_checksum",
        "invalid_bbo_tbt",
        "invalid_books",
        "invalid_books5",
        "invalid_frame",
        "invalid_instruments",
        "invalid_klines",
        "invalid_liquidation_orders",
        "invalid_snapshot",
        "invalid_tickers",
        "invalid_trades",
        "invalid_trades_all",
        "malformed_json",
        "rest_error",
        "retired_api",
        "unknown_contract",
        "unmapped_symbol",
    }
)
"""Every reason for which something of OKX is rejected."""


class Arg(msgspec.Struct, gc=False):
    """What a frame is about: a channel of one instrument, or of a type of instruments."""

    channel: str = ""
    instId: str = ""  # noqa: N815 - the venue's name
    instType: str = ""  # noqa: N815 - the venue's name


class Envelope(msgspec.Struct):
    """Any frame: `{"arg":..,"data":..}`, a control message (`event`), or `table` of the v3 API that ended in 2021."""

    arg: Arg | None = None
    action: str = ""
    data: Raw = NOTHING
    event: str = ""
    id: Any = None
    code: Any = None
    msg: Any = None
    table: str = ""


class TradeRow(msgspec.Struct, gc=False):
    """`trades`: the fills of one taker at one price, `tradeId` is the last of them; `trades-all`: one fill."""

    tradeId: Id  # noqa: N815 - the venue's name
    px: Price
    sz: TradedSize
    side: Side
    ts: Moment
    count: Count = 1
    """Absent before 2023, and in `trades-all` and REST: one."""


class LevelRow(msgspec.Struct, array_like=True, gc=False):
    """One level; size 0 removes it."""

    price: Price
    size: Size


class BookRow(msgspec.Struct, gc=False):
    """`books`: a snapshot or a change, and the top levels of `books5` and `bbo-tbt`."""

    asks: list[LevelRow]
    bids: list[LevelRow]
    ts: Moment
    seqId: SeqId | None = None  # noqa: N815 - the venue's name
    prevSeqId: BeforeId | None = None  # noqa: N815 - the venue's name
    checksum: int | None = None


class RawLevelRow(msgspec.Struct, array_like=True, gc=False):
    """One level as it is written: a checksum is of the texts."""

    price: str
    size: str


class RawBookRow(msgspec.Struct, gc=False):
    """`books` as it is written."""

    asks: list[RawLevelRow]
    bids: list[RawLevelRow]


class TickerRow(msgspec.Struct, gc=False):
    """`tickers`: best bid and ask."""

    bidPx: Price  # noqa: N815 - the venue's name
    bidSz: Size  # noqa: N815 - the venue's name
    askPx: Price  # noqa: N815 - the venue's name
    askSz: Size  # noqa: N815 - the venue's name
    ts: Moment


class TickerSides(msgspec.Struct, gc=False):
    """`tickers` of an instrument that lacks a side: its price is empty."""

    bidPx: str  # noqa: N815 - the venue's name
    askPx: str  # noqa: N815 - the venue's name


class ForcedRow(msgspec.Struct, gc=False):
    """`details` of `liquidation-orders`: `side` is the order's, `bkPx` the bankruptcy price."""

    bkPx: Price  # noqa: N815 - the venue's name
    sz: TradedSize
    side: Side
    ts: Moment


class LiquidationRow(msgspec.Struct, gc=False):
    """`liquidation-orders`: of one instrument; most are nobody's here, so what is in them is read later."""

    instId: str  # noqa: N815 - the venue's name
    details: Raw


class RestAnswer(msgspec.Struct):
    """Any REST answer: `code` is "0" where it is good, with HTTP 200 either way."""

    code: Any
    data: Raw = NOTHING
    msg: Any = None


def decoder(shape: Any) -> Any:
    """Decoder of one shape that reads numbers from texts."""
    return msgspec.json.Decoder(shape, strict=False).decode
