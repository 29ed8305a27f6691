"""Which Binance market a recorded frame belongs to, from the frame itself or its address. Pure.

Live connections know their market; recordings often do not say. Names of symbols that no catalog maps are
derived here too, from the quote assets that Binance uses: good for a report, never for a live feed.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venue import Contract
from protocol.errors import DECODE_ERRORS

_ADDRESSES: Final = (
    ("fapi.", "usdm"),
    ("fstream", "usdm"),
    ("dapi.", "coinm"),
    ("dstream", "coinm"),
    ("api.binance", "spot"),
    ("stream.binance", "spot"),
    ("data-stream", "spot"),
)
_COINM_NAME: Final = re.compile(r"[A-Z0-9]+USD_(PERP|\d{6})\Z")
_DATED: Final = re.compile(r"(.+)_(\d{6}|PERP)\Z")
# fmt: off
_QUOTES: Final = [
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD1", "USD", "EUR", "TRY", "BRL", "GBP", "AUD", "JPY",
    "ZAR", "ARS", "MXN", "PLN", "RON", "UAH", "BTC", "ETH", "BNB", "XRP", "SOL", "DOGE", "TRX", "DAI",
]
# fmt: on
_BY_LENGTH: Final = sorted(_QUOTES, key=len, reverse=True)


class _Payload(msgspec.Struct):
    """The keys that tell the markets apart."""

    e: str = ""
    s: str = ""
    st: int = 0
    T: Any = None
    E: Any = None
    M: Any = None
    pu: Any = None
    lastUpdateId: int = 0  # noqa: N815 - the venue's name
    u: int = 0
    o: Any = None


class _Envelope(_Payload):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_payload: Final = msgspec.json.Decoder(_Payload).decode


class BinanceSniffer:
    """See `actors.collector.recorded.sniffing.Sniffer`."""

    def sniff(self, data: bytes, address: str) -> Sniffed:
        """Look at one frame; anything unreadable is of no market, and the parser will say why."""
        told = next((market for part, market in _ADDRESSES if part in address), "")
        try:
            envelope = _decode_envelope(data)
            payload: _Payload = _decode_payload(envelope.data) if bytes(envelope.data) else envelope
        except DECODE_ERRORS:
            return Sniffed(told, "")
        if payload.lastUpdateId and not payload.u:
            futures = payload.E is not None or payload.T is not None
            raw = address.partition("symbol=")[2].partition("&")[0]
            market = told or _market_of_name(raw) or ("" if futures else "spot")
            return Sniffed(market, "snapshot", "snapshot", raw)
        raw = payload.s or (str(payload.o.get("s", "")) if isinstance(payload.o, dict) else "")
        market = told or _market_of_name(raw) or _market_of(payload)
        return Sniffed(market, envelope.stream.partition("@")[2] or payload.e, raw=raw)

    def derived_symbol(self, market: str, raw: str) -> str:
        """Name of a raw one by its quote asset: `BTCUSDT` -> `BTC_USDT`, `BTCUSD_PERP` -> `BTC_USD.PERP`."""
        dated = _DATED.match(raw)
        name, suffix = (dated[1], dated[2]) if dated else (raw, "" if market == "spot" else "PERP")
        quotes = ["USD"] if market == "coinm" else _BY_LENGTH
        quote = next((quote for quote in quotes if name.endswith(quote) and len(name) > len(quote)), "")
        pair = f"{name[: -len(quote)]}_{quote}" if quote else name
        return f"{pair}.{suffix}" if suffix else pair

    def contract(self, market: str, raw: str) -> Contract | None:
        """COIN-M: 100 USD for BTC, 10 for all others (2026)."""
        if market != "coinm":
            return None
        return Contract(100.0 if raw.startswith("BTCUSD") else 10.0, is_inverse=True)


def _market_of_name(raw: str) -> str:
    return "coinm" if _COINM_NAME.match(raw) else ""


def _market_of(payload: _Payload) -> str:
    if payload.st:
        return "coinm" if payload.st == 2 else "usdm"
    match payload.e:
        case "depthUpdate":
            return "usdm" if payload.pu is not None else "spot"
        case "trade" | "aggTrade":
            return "spot" if payload.M is not None else "usdm"
        case "bookTicker" | "forceOrder" | "markPriceUpdate":
            return "usdm"
        case "":
            return "spot" if payload.u else ""
        case _:
            return ""
