"""Which OKX market a recorded frame belongs to, from its instrument, its type, or the URL it came from. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from actors.collector.recorded.sniffing import Sniffed
from actors.collector.venue import Contract
from actors.collector.venues import okx_control as control
from actors.collector.venues import okx_frames as frames
from actors.collector.venues import okx_rest as rest
from protocol.errors import DECODE_ERRORS

_MARKET_OF_TYPE: Final = {
    "SPOT": "spot",
    "MARGIN": "spot",
    "SWAP": "swap",
    "FUTURES": "futures",
}
_CONTROL: Final = {"subscribe": "ack", "unsubscribe": "ack", "error": "error", "notice": "notice"}
_ACTIONS: Final = frozenset({"snapshot", "update"})
_OLD_MARKETS: Final = frozenset({"spot", "swap", "futures"})
_TYPE: Final = re.compile(r"[?&]instType=([A-Z]+)")
_ID: Final = re.compile(r"[?&]instId=([A-Za-z0-9_-]+)")
_BOOKS_URL: Final = "/market/books"
_NOT_IN_SYMBOLS: Final = re.compile(r"[^A-Z0-9_&-]")
_MAX_TYPE: Final = 32
_MAX_WORD: Final = 20
_LINEAR: Final = {
    "BTC": 0.01,
    "ETH": 0.1,
    "LTC": 1.0,
    "XRP": 100.0,
    "ADA": 100.0,
    "FIL": 0.1,
    "MINA": 1.0,
    "WNCG": 1.0,
}
"""Base asset to base units in one USDT contract, as the venue listed them in May 2022."""


class _Row(msgspec.Struct, gc=False):
    """What tells instruments from other answers."""

    instId: Any = ""  # noqa: N815 - the venue's name
    instType: Any = ""  # noqa: N815 - the venue's name
    tickSz: Any = None  # noqa: N815 - the venue's name


_decode_envelope: Final = frames.decoder(frames.Envelope)
_decode_rows: Final = frames.decoder(list[_Row])


class OkxSniffer:
    """See `actors.collector.recorded.sniffing.Sniffer`."""

    def sniff(self, data: bytes, address: str) -> Sniffed:
        """Look at one frame; anything unreadable is of the market of its address, and the reader will say why."""
        told = _market_of_url(address)
        if data == control.PONG:
            return Sniffed(told, "pong")
        try:
            envelope: frames.Envelope = _decode_envelope(data)
        except DECODE_ERRORS:
            return Sniffed(told, "")
        arg = envelope.arg
        if envelope.event or (arg is not None and arg.channel):
            return _frame(envelope, arg or frames.Arg(), told)
        if envelope.table:  # of the v3 API
            market = envelope.table.partition("/")[0]
            return Sniffed(market if market in _OLD_MARKETS else told, envelope.table[:_MAX_TYPE])
        return _rest_answer(envelope, address, told)

    def derived_symbol(self, market: str, raw: str) -> str:  # noqa: ARG002 - names say their market
        """`BTC-USDT` -> BTC_USDT, `BTC-USDT-SWAP` -> BTC_USDT.PERP, `BTC-USDT-261225` -> BTC_USDT.261225."""
        parts = [_word(part) for part in raw.upper().split("-", 2)]
        pair = "_".join(parts[:2])
        if len(parts) < 3:
            return pair
        return f"{pair}.{'PERP' if parts[2] == 'SWAP' else parts[2]}"

    def contract(self, market: str, raw: str) -> Contract | None:
        """Inverse ones are 100 USD of BTC and 10 of all others in every list seen; of linear ones a few are known."""
        if market == "spot":
            return None
        base, _, rest_of = raw.partition("-")
        quote = rest_of.partition("-")[0]
        if quote == "USD":
            return Contract(100.0 if base == "BTC" else 10.0, is_inverse=True)
        size = _LINEAR.get(base) if quote == "USDT" else None
        return Contract(size) if size else None


def _word(text: str) -> str:
    """Part of a name with nothing in it that a canonical one cannot have."""
    return _NOT_IN_SYMBOLS.sub("_", text[:_MAX_WORD]).lstrip("_&-") or "X"


def _frame(envelope: frames.Envelope, arg: frames.Arg, told: str) -> Sniffed:
    market = market_of(arg.instId) or _MARKET_OF_TYPE.get(arg.instType, "") or told
    if envelope.event:
        return Sniffed(market, _CONTROL.get(envelope.event, "event"), raw=arg.instId)
    stream_type = arg.channel[:_MAX_TYPE]
    if envelope.action in _ACTIONS:
        stream_type = f"{stream_type}/{envelope.action}"
    return Sniffed(market, stream_type, raw=arg.instId)


def _rest_answer(envelope: frames.Envelope, address: str, told: str) -> Sniffed:
    if _BOOKS_URL in address and (found := _ID.search(address)):
        return Sniffed(told, "snapshot", rest="snapshot", raw=found[1])
    try:
        rows: list[_Row] = _decode_rows(envelope.data) if bytes(envelope.data) else []
    except DECODE_ERRORS:
        rows = []
    row = rows[0] if rows else _Row()
    market = told or _MARKET_OF_TYPE.get(str(row.instType), "") or market_of(str(row.instId))
    if rest.INSTRUMENTS_PATH in address or (row.tickSz is not None and row.instId):
        return Sniffed(market, "instruments", rest="instruments")
    return Sniffed(market, "")


def _market_of_url(address: str) -> str:
    if found := _TYPE.search(address):
        return _MARKET_OF_TYPE.get(found[1], "")
    found = _ID.search(address)
    return market_of(found[1]) if found else ""


def market_of(raw: str) -> str:
    """Market of an `instId`; empty for options and anything else."""
    parts = raw.split("-")
    if len(parts) == 2 and all(parts):
        return "spot"
    if len(parts) != 3 or not all(parts):
        return ""
    if parts[2] == "SWAP":
        return "swap"
    return "futures" if len(parts[2]) == 6 and parts[2].isdigit() else ""
