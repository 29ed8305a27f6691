"""Which Coinbase market a recorded frame belongs to, from the frame itself, else from its address. Pure.

Advanced Trade names a `channel`, the Exchange feed a `type`; only errors look alike. Product ids name their assets, so
symbols that no catalog maps are derived exactly.
"""

from __future__ import annotations

from typing import Final

import msgspec

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venue import Contract
from protocol.errors import DECODE_ERRORS

_ADDRESSES: Final = (
    ("advanced-trade-ws", "advanced"),
    ("/api/v3/brokerage", "advanced"),
    ("ws-feed", "exchange"),
    ("ws-direct", "exchange"),
    ("api.exchange.coinbase", "exchange"),
    ("api.pro.coinbase", "exchange"),
    ("api-public.sandbox", "exchange"),
)
_MAX_NAME: Final = 32


class _Product(msgspec.Struct):
    product_id: str = ""


class _Event(msgspec.Struct):
    """Of Advanced Trade; the five megabytes of `updates` are not looked at."""

    type: str = ""
    product_id: str = ""
    trades: list[_Product] = []
    tickers: list[_Product] = []
    candles: list[_Product] = []


class _Frame(msgspec.Struct):
    type: str = ""
    channel: str = ""
    product_id: str = ""
    events: list[_Event] = []
    products: msgspec.Raw = msgspec.Raw()


_decode: Final = msgspec.json.Decoder(_Frame).decode


class CoinbaseSniffer:
    """See `actors.collector.recorded.sniffing.Sniffer`."""

    def sniff(self, data: bytes, address: str) -> Sniffed:
        """Look at one frame; anything unreadable is of no market but its address', and the parser will say why."""
        told = next((market for part, market in _ADDRESSES if part in address), "")
        if address.partition("?")[0].rstrip("/").endswith("/products"):
            return Sniffed(told, "instruments", "instruments")
        try:
            frame = _decode(data)
        except DECODE_ERRORS:
            return Sniffed(told, "")
        if frame.channel:
            event = frame.events[0] if frame.events else _Event()
            rows = event.trades or event.tickers or event.candles
            raw = event.product_id or (rows[0].product_id if rows else "")
            return Sniffed("advanced", f"{frame.channel[:_MAX_NAME]}/{event.type[:_MAX_NAME]}", raw=raw)
        if bytes(frame.products):
            return Sniffed("advanced", "instruments", "instruments")
        if frame.type and frame.type != "error":
            return Sniffed("exchange", frame.type[:_MAX_NAME], raw=frame.product_id)
        return Sniffed(told, frame.type)

    def derived_symbol(self, market: str, raw: str) -> str:  # noqa: ARG002 - the same in both
        """`BTC-USD` -> `BTC_USD`."""
        return raw.replace("-", "_")

    def contract(self, market: str, raw: str) -> Contract | None:  # noqa: ARG002 - sizes are base units
        """None has one."""
        return None
