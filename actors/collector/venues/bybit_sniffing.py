"""Which Bybit market a recorded frame belongs to, from its address or from the frame itself. Pure.

Live connections know their market; recordings often do not say. Names of symbols that no catalog maps are derived here
too, from the quote coins that Bybit uses: good for a report, never for a live feed.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Any, Final

import msgspec

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venue import Contract
from protocol.errors import DECODE_ERRORS

_ADDRESS: Final = re.compile(r"(?:/v5/public/|[?&]category=)(spot|linear|inverse)\b")
_REST: Final = re.compile(r"/v5/market/([a-z-]+)")
_SYMBOL: Final = re.compile(r"[?&]symbol=([A-Za-z0-9-]+)")
_INVERSE_NAME: Final = re.compile(r"[A-Z0-9]+USD(?:[FGHJKMNQUVXZ]\d{2})?\Z")
_DATED: Final = re.compile(r"(.+)-(\d{1,2})([A-Z]{3})(\d{2})\Z")
_MONTHLY: Final = re.compile(r"(.+USD)([FGHJKMNQUVXZ])(\d{2})\Z")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH_CODES: Final = "FGHJKMNQUVXZ"
# fmt: off
_QUOTES: Final = [
    "USDT", "USDC", "USDE", "USD1", "USDQ", "USDR", "EURQ", "EURR", "USD", "EUR", "BRL", "PLN", "TRY", "GBP", "BTC", "ETH",
    "SOL", "MNT", "DAI", "BRZ",
]
# fmt: on
_BY_LENGTH: Final = sorted(_QUOTES, key=len, reverse=True)
_DERIVATIVE: Final = "linear"
"""Of a frame that does not show its market."""


class _Frame(msgspec.Struct):
    """The keys that tell frames apart."""

    topic: str = ""
    type: str = ""
    ts: Any = None
    op: str = ""
    success: Any = None
    data: msgspec.Raw = msgspec.Raw()
    retCode: Any = None  # noqa: N815 - the venue's name
    result: msgspec.Raw = msgspec.Raw()


class _First(msgspec.Struct):
    """What trades and tickers show."""

    i: str = ""
    L: str = ""
    usdIndexPrice: Any = None  # noqa: N815 - the venue's name


class _Instruments(msgspec.Struct):
    category: str = ""
    rows: list[dict[str, Any]] = msgspec.field(name="list", default_factory=list)


_decode: Final = msgspec.json.Decoder(_Frame).decode
_decode_trades: Final = msgspec.json.Decoder(list[_First]).decode
_decode_ticker: Final = msgspec.json.Decoder(_First).decode
_decode_instruments: Final = msgspec.json.Decoder(_Instruments).decode


class BybitSniffer:
    """See `actors.collector.recorded.sniffing.Sniffer`."""

    def sniff(self, data: bytes, address: str) -> Sniffed:
        """Look at one frame; anything unreadable is of no market, and the parser will say why."""
        told = _ADDRESS.search(address)
        market = told[1] if told else ""
        rest = _REST.search(address)
        if rest is not None:
            asked = _SYMBOL.search(address)
            return _rest_answer(market, rest[1], asked[1] if asked else "")
        try:
            frame = _decode(data)
            if frame.retCode is not None:
                return _unaddressed_answer(frame)
            if not frame.topic:
                return Sniffed(market, "ack" if frame.success is not None or frame.op else "")
            raw = frame.topic.rpartition(".")[2]
            market = market or _market_of(frame, raw, data)
        except DECODE_ERRORS:
            return Sniffed(market, "")
        family = frame.topic.rpartition(".")[0] or frame.topic
        return Sniffed(market, f"{family}/{frame.type}" if frame.type else family, raw=raw)

    def derived_symbol(self, market: str, raw: str) -> str:
        """Canonical name of a raw one: `BTCUSDT` -> `BTC_USDT.PERP`, `BTC-25DEC26` -> `BTC_USDC.261225`."""
        if market == "spot":
            return _pair(raw)
        dated = _DATED.match(raw)
        if dated and dated[3] in _MONTHS:
            name = dated[1] if _quote_of(dated[1]) else dated[1] + ("USD" if market == "inverse" else "USDC")
            return f"{_pair(name)}.{dated[4]}{_MONTHS.index(dated[3]) + 1:02}{int(dated[2]):02}"
        monthly = _MONTHLY.match(raw)
        if market == "inverse" and monthly:
            return f"{_pair(monthly[1])}.{_last_friday(monthly[3], _MONTH_CODES.index(monthly[2]) + 1)}"
        if raw.endswith("PERP") and len(raw) > 4:  # settled in USDC
            return f"{_pair(raw.removesuffix('PERP') + 'USDC')}.PERP"
        return f"{_pair(raw)}.PERP"

    def contract(self, market: str, raw: str) -> Contract | None:  # noqa: ARG002 - none anywhere
        """None: the parser knows that inverse is counted in USD."""
        return None


def _rest_answer(market: str, endpoint: str, raw: str) -> Sniffed:
    if endpoint == "instruments-info":
        return Sniffed(market, "instruments", rest="instruments")
    return Sniffed(market, endpoint, raw=raw)


def _unaddressed_answer(frame: _Frame) -> Sniffed:
    """A REST answer of which nobody noted the URL: instruments show their coins."""
    try:
        found = _decode_instruments(frame.result)
    except DECODE_ERRORS:
        return Sniffed("", "rest")
    market = found.category if found.category in ("spot", "linear", "inverse") else ""
    if found.rows and "baseCoin" in found.rows[0]:
        return _rest_answer(market, "instruments-info", "")
    return Sniffed(market, "rest")


def _market_of(frame: _Frame, raw: str, data: bytes) -> str:
    """By what only one market has; else linear, the largest."""
    if _INVERSE_NAME.match(raw):
        return "inverse"
    if "-" in raw or raw.endswith("PERP"):
        return _DERIVATIVE
    family = frame.topic.partition(".")[0]
    if family == "publicTrade":
        rows = _decode_trades(frame.data)
        return "spot" if rows and rows[0].i.isdigit() and not rows[0].L else _DERIVATIVE
    if family == "tickers":
        is_spot = _decode_ticker(frame.data).usdIndexPrice is not None
        return "spot" if is_spot else _DERIVATIVE
    if family == "orderbook":  # only spot puts the time between topic and type
        places = [data.find(key) for key in (b'"topic"', b'"ts"', b'"type"')]
        return "spot" if 0 <= places[0] < places[1] < places[2] else _DERIVATIVE
    if family == "kline":  # only spot begins with the type
        return "spot" if data.startswith(b'{"type"') else _DERIVATIVE
    return _DERIVATIVE


def _quote_of(name: str) -> str:
    return next((quote for quote in _BY_LENGTH if name.endswith(quote) and len(name) > len(quote)), "")


def _pair(name: str) -> str:
    quote = _quote_of(name)
    return f"{name[: -len(quote)]}_{quote}" if quote else name


def _last_friday(year: str, month: int) -> str:
    """Day on which a quarterly or monthly contract ends, YYMMDD."""
    full_year = 2000 + int(year)
    last = dt.date(full_year, month, calendar.monthrange(full_year, month)[1])
    friday = last - dt.timedelta(days=(last.weekday() - calendar.FRIDAY) % 7)
    return f"{friday:%y%m%d}"
