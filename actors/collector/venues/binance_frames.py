"""Shapes of Binance's JSON, typed: what does not fit is refused by the decoder. Pure.

Keys as recorded 2019 to 2026 and documented in binance-spot-api-docs and the USD-M "WebSocket market streams"
pages. Prices and sizes are decimal texts, hence decoders with `strict=False`; bounds refuse NaN, infinity,
negative numbers and zero prices. Times are ms, or us where the client asked for them (16 digits).
Only keys that are read are named; the venue adds new ones now and then.
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
Id = Annotated[int, Meta(ge=0, le=2**63 - 2)]
FillId = Annotated[int, Meta(ge=-1, le=2**63 - 2)]
"""-1: there is none."""
LATEST_MS: Final = 4_102_444_800_000
"""2100: a later time is rubbish."""
MomentMs = Annotated[int, Meta(gt=0, lt=LATEST_MS)]
Moment = Annotated[int, Meta(gt=0, lt=4 * 10**15)]
"""ms or us since 1970 UTC, until 2096."""
Levels = list[tuple[Price, Size]]

NOTHING: Final = Raw(b"")


class Fault(msgspec.Struct):
    """Error inside a control answer of the futures gateway."""

    code: int = 0
    msg: str = ""


class Envelope(msgspec.Struct):
    """Any frame: `{"stream":..,"data":..}`, a bare payload (`e`), or a control answer."""

    stream: str = ""
    data: Raw = NOTHING
    e: str = ""
    id: int | str | None = None
    result: Raw = NOTHING
    code: int | None = None
    msg: str = ""
    error: Fault | None = None


class TradeFrame(msgspec.Struct, gc=False):
    """`trade`: one fill. On futures undocumented, `X` tells market trades from insurance fund and ADL."""

    e: Literal["trade"]
    s: str
    t: Id
    p: Price
    q: TradedSize
    T: Moment
    m: bool
    X: str = "MARKET"
    st: int = 0


class AggTradeFrame(msgspec.Struct, gc=False):
    """`aggTrade`: the fills of one taker at one price; `f` to `l` are their trade ids."""

    e: Literal["aggTrade"]
    s: str
    a: Id
    p: Price
    q: TradedSize
    T: Moment
    m: bool
    f: FillId = -1
    l: FillId = -1  # noqa: E741 - the venue's name
    st: int = 0


class TickerFrame(msgspec.Struct, gc=False):
    """`bookTicker`: spot has neither `e` nor any time."""

    u: Id
    s: str
    b: Price
    B: Size
    a: Price
    A: Size
    T: Moment | None = None
    e: Literal["bookTicker"] = "bookTicker"
    st: int = 0


class SpotDepthFrame(msgspec.Struct, gc=False):
    """`depthUpdate` of spot: the change before ended at `U` - 1."""

    e: Literal["depthUpdate"]
    s: str
    E: Moment
    U: Id
    u: Id
    b: Levels
    a: Levels


class FuturesDepthFrame(msgspec.Struct, gc=False):
    """`depthUpdate` of futures: ids are the market's, the change before ended at `pu`."""

    e: Literal["depthUpdate"]
    s: str
    T: Moment
    U: Id
    u: Id
    pu: Id
    b: Levels
    a: Levels
    st: int = 0


class ForcedOrder(msgspec.Struct, gc=False):
    """Inner object of `forceOrder`: `ap` and `z` are what was filled, `S` the side of the order."""

    s: str
    S: Literal["BUY", "SELL"]
    ap: Price
    z: TradedSize
    T: Moment
    st: int = 0


class ForceOrderFrame(msgspec.Struct, gc=False):
    """`forceOrder`: at most one per symbol and second, a sample."""

    e: Literal["forceOrder"]
    o: ForcedOrder
    st: int = 0


class SnapshotBody(msgspec.Struct, gc=False):
    """Answer of GET /api/v3/depth, /fapi/v1/depth, /dapi/v1/depth; only futures say a time."""

    lastUpdateId: Id  # noqa: N815 - the venue's name
    bids: Levels
    asks: Levels
    T: MomentMs | None = None


class ServerTime(msgspec.Struct, gc=False):
    """Answer of GET .../time."""

    serverTime: MomentMs  # noqa: N815 - the venue's name


class InstrumentRow(msgspec.Struct, gc=False):
    """One of `symbols`."""

    symbol: str
    contractSize: Price  # noqa: N815 - the venue's name


class ExchangeInfo(msgspec.Struct, gc=False):
    """Answer of GET /dapi/v1/exchangeInfo."""

    symbols: list[InstrumentRow]


def decoder(shape: Any) -> Any:
    """Decoder of one shape that reads numbers from texts."""
    return msgspec.json.Decoder(shape, strict=False).decode
