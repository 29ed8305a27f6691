"""The JSON the venue sends, key for key as recorded from it (2021 to 2026). Pure.

Spot and USD-M differ: spot `bookTicker` has no event type and no time, spot depth no `pu`, spot trades an
ignored `M`; USD-M frames carry `T`, and since 2026 `st` (1 = USD-M), `ps` (pair) and aggTrade `nq`. Texts are
put together by formatting: the values are numbers and names of our own that need no escaping, and this is
the hot path.
"""

from __future__ import annotations

from collections.abc import Sequence

from actors.simulator.forced_order import ForcedOrder
from actors.simulator.listing import Listing

Levels = Sequence[tuple[str, str]]
"""(price, size) as the venue writes them."""

_BOOL = ("false", "true")


class SpotPayloads:
    """Texts of one spot instrument."""

    def __init__(self, listing: Listing) -> None:
        self._raw = listing.raw

    def trade(self, t_ms: int, trade_id: int, price: str, size: str, is_buyer_maker: bool) -> str:
        """`<symbol>@trade`: one fill."""
        return (
            f'{{"e":"trade","E":{t_ms},"s":"{self._raw}","t":{trade_id},"p":"{price}","q":"{size}",'
            f'"T":{t_ms},"m":{_BOOL[is_buyer_maker]},"M":true}}'
        )

    def agg_trade(
        self, t_ms: int, agg_id: int, price: str, size: str, first: int, last: int, is_buyer_maker: bool
    ) -> str:
        """`<symbol>@aggTrade`: the fills of one taker order at one price."""
        return (
            f'{{"e":"aggTrade","E":{t_ms},"s":"{self._raw}","a":{agg_id},"p":"{price}","q":"{size}",'
            f'"f":{first},"l":{last},"T":{t_ms},"m":{_BOOL[is_buyer_maker]},"M":true}}'
        )

    def ticker(self, t_ms: int, update_id: int, bid: str, bid_size: str, ask: str, ask_size: str) -> str:  # noqa: ARG002 - spot says no time
        """`<symbol>@bookTicker`."""
        return (
            f'{{"u":{update_id},"s":"{self._raw}","b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}"}}'
        )

    def depth(self, t_ms: int, first: int, last: int, prev: int, bids: Levels, asks: Levels) -> str:  # noqa: ARG002 - spot names no predecessor
        """`<symbol>@depth`: changed levels, bids from the top down."""
        return (
            f'{{"e":"depthUpdate","E":{t_ms},"s":"{self._raw}","U":{first},"u":{last},'
            f'"b":{levels_text(bids)},"a":{levels_text(asks)}}}'
        )

    def top(self, t_ms: int, first: int, last: int, prev: int, bids: Levels, asks: Levels) -> str:  # noqa: ARG002 - spot says neither
        """`<symbol>@depth5`, `10`, `20`: the whole top of the book."""
        return f'{{"lastUpdateId":{last},"bids":{levels_text(bids)},"asks":{levels_text(asks)}}}'

    def snapshot(self, t_ms: int, last: int, bids: Levels, asks: Levels) -> str:  # noqa: ARG002 - spot says no time
        """Answer of GET /api/v3/depth."""
        return f'{{"lastUpdateId":{last},"bids":{levels_text(bids)},"asks":{levels_text(asks)}}}'


class UsdmPayloads:
    """Texts of one USD-M instrument."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._raw = listing.raw
        self._pair = f"{listing.base}{listing.quote}" if "_" in listing.raw else listing.raw

    def trade(self, t_ms: int, trade_id: int, price: str, size: str, is_buyer_maker: bool) -> str:
        """`<symbol>@trade`: one fill; not documented for futures, but sent."""
        return (
            f'{{"e":"trade","E":{t_ms},"T":{t_ms},"s":"{self._raw}","t":{trade_id},"p":"{price}","q":"{size}",'
            f'"X":"MARKET","m":{_BOOL[is_buyer_maker]},"st":1}}'
        )

    def agg_trade(
        self, t_ms: int, agg_id: int, price: str, size: str, first: int, last: int, is_buyer_maker: bool
    ) -> str:
        """`<symbol>@aggTrade`: `nq` is the size without retail price improvement, of which there is none."""
        return (
            f'{{"e":"aggTrade","E":{t_ms},"a":{agg_id},"s":"{self._raw}","p":"{price}","q":"{size}",'
            f'"nq":"{size}","f":{first},"l":{last},"T":{t_ms},"m":{_BOOL[is_buyer_maker]},"st":1}}'
        )

    def ticker(self, t_ms: int, update_id: int, bid: str, bid_size: str, ask: str, ask_size: str) -> str:
        """`<symbol>@bookTicker`."""
        return (
            f'{{"e":"bookTicker","u":{update_id},"E":{t_ms},"T":{t_ms},"s":"{self._raw}","ps":"{self._pair}",'
            f'"b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}","st":1}}'
        )

    def depth(self, t_ms: int, first: int, last: int, prev: int, bids: Levels, asks: Levels) -> str:
        """`<symbol>@depth`: changed levels; `pu` is the `u` of the event before."""
        return (
            f'{{"e":"depthUpdate","E":{t_ms},"T":{t_ms},"s":"{self._raw}","ps":"{self._pair}","U":{first},'
            f'"u":{last},"pu":{prev},"b":{levels_text(bids)},"a":{levels_text(asks)},"st":1}}'
        )

    top = depth
    """`<symbol>@depth5`, `10`, `20`: on futures the same shape, holding the whole top of the book."""

    def force_order(self, t_ms: int, order: ForcedOrder) -> str:
        """`<symbol>@forceOrder`: a liquidation; `E` is when it is told, `T` when it traded."""
        price, lots = self._listing.price_text, self._listing.lots_text
        return (
            f'{{"e":"forceOrder","E":{t_ms},"o":{{"s":"{self._raw}","S":"{"BUY" if order.is_buy else "SELL"}",'
            f'"o":"LIMIT","f":"IOC","q":"{lots(order.ordered_lots)}","p":"{price(order.limit_units)}",'
            f'"ap":"{price(order.average_units)}","X":"FILLED","l":"{lots(order.last_lots)}",'
            f'"z":"{lots(order.filled_lots)}","T":{order.t_ms},"ps":"{self._pair}","st":1}}}}'
        )

    def snapshot(self, t_ms: int, last: int, bids: Levels, asks: Levels) -> str:
        """Answer of GET /fapi/v1/depth."""
        return (
            f'{{"lastUpdateId":{last},"E":{t_ms},"T":{t_ms},"bids":{levels_text(bids)},'
            f'"asks":{levels_text(asks)}}}'
        )


Payloads = SpotPayloads | UsdmPayloads


def payloads_of(listing: Listing) -> Payloads:
    """The writer of an instrument's market."""
    return SpotPayloads(listing) if listing.market == "spot" else UsdmPayloads(listing)


def levels_text(levels: Levels) -> str:
    """`[["91234.55","1.2"],...]`."""
    return "[" + ",".join([f'["{price}","{size}"]' for price, size in levels]) + "]"


def shutdown_notice(t_ms: int) -> str:
    """The venue's announcement (since 2026-05) that this server is about to go; stream `!serverShutdown`."""
    return f'{{"e":"serverShutdown","E":{t_ms}}}'
