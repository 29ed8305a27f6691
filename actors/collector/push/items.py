"""One pushed item to a tick, a bar or metrics, or to the reason why it is none. Pure.

Prices may be numbers or texts of numbers. `last`, `volume` and `flags` of a tick are taken and left out: a terminal's tick
says what the price was, and not each trade.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any, Final, NamedTuple

from actors.collector.push.body import offset_in
from actors.collector.push.flows import VALUES, FlowFault, PushedFlow, values_of, window_of
from actors.collector.push.showing import shown
from actors.collector.push.times import moment_of
from protocol.pushing import BAD_ITEM, BAD_PRICE, BAD_TIME, BAD_TIMEFRAME
from protocol.sessions import timeframe_ns

_INF: Final = float("inf")
_HIGHEST: Final = 1e12
_MASK: Final = 2**63 - 1
_TICK: Final = Struct("<qdd").pack
_BAR: Final = Struct("<dddddq").pack
_METATRADER: Final = re.compile(r"(?:PERIOD_)?(MN|[MHDW])([0-9]+)\Z")
_DAY_MINUTES: Final = 1440
_LONGEST_TIMEFRAME: Final = 8
"""Letters: what is read once is remembered, and zeros in front make ever new ones."""
_MOST_TICKS: Final = 1e12
_UNITS: Final = {"M": "m", "H": "h", "D": "d"}


class ItemFault(Exception):
    """Why an item is not taken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Tick(NamedTuple):
    """Best bid and ask at a moment."""

    name: str
    """Symbol as the source writes it."""
    ns: int
    is_utc: bool
    offset_s: Any
    """What it says its clock has over UTC; None: nothing."""
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    item_id: int
    """Its identity, where the source names one; 0: time and prices are it."""


class PushedBar(NamedTuple):
    """A candle that the source made."""

    name: str
    ns: int
    """Start."""
    is_utc: bool
    offset_s: Any
    timeframe: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    ticks: int
    """Ticks in it, 0: not said."""


def item_of(item: Any) -> Tick | PushedBar | PushedFlow:
    """What an item is.

    Raises:
        ItemFault: nothing that can be published.
    """
    if not isinstance(item, dict):
        raise ItemFault(BAD_ITEM, f"{type(item).__name__} is not a map with symbol, time and prices")
    name = item.get("symbol")
    if not isinstance(name, str) or not name.strip() or len(name) > 64:
        raise ItemFault(BAD_ITEM, f"symbol {shown(name)} is not a name")
    try:
        at = moment_of(item)
    except ValueError as fault:
        raise ItemFault(BAD_TIME, str(fault)) from None
    said = offset_in(item)
    if "timeframe" in item or "open" in item or "period" in item:
        return _bar(item, name.strip(), at.ns, at.is_utc, said)
    if VALUES in item:
        try:
            return PushedFlow(name.strip(), at.ns, at.is_utc, said, window_of(item), values_of(item))
        except FlowFault as fault:
            raise ItemFault(fault.code, fault.detail) from None
    bid, ask = price(item, "bid"), price(item, "ask")
    if ask < bid:
        raise ItemFault(BAD_PRICE, f"bid {bid!r} is above ask {ask!r}")
    item_id = item.get("id")
    return Tick(
        name.strip(), at.ns, at.is_utc, said, bid, ask,
        size(item, "bid_size") if "bid_size" in item else 0.0,
        size(item, "ask_size") if "ask_size" in item else 0.0,
        0 if item_id is None else number_of(item_id),
    )  # fmt: skip


def _bar(item: Mapping[str, Any], name: str, ns: int, is_utc: bool, said: Any) -> PushedBar:
    timeframe = timeframe_of(item.get("timeframe", item.get("period")))
    low, high = price(item, "low"), price(item, "high")
    first, last = price(item, "open"), price(item, "close")
    if not low <= first <= high or not low <= last <= high:
        raise ItemFault(
            BAD_PRICE, f"open {first!r} and close {last!r} do not lie within {low!r} and {high!r}"
        )
    volume = next((size(item, key) for key in ("real_volume", "volume") if item.get(key)), 0.0)
    count = _count(item, "tick_volume") if item.get("tick_volume") else 0
    return PushedBar(name, ns, is_utc, said, timeframe, first, high, low, last, volume, count)


def timeframe_of(value: Any) -> str:
    """A timeframe as we write it: `1m`; of `M1`, `PERIOD_H4`, or minutes as a number.

    Raises:
        ItemFault: it is none.
    """
    text = value if isinstance(value, str) else ""
    if type(value) is int and 0 < value <= _DAY_MINUTES:
        text = f"{value}m"
    named = _METATRADER.match(text)
    if named is not None and named[1] in _UNITS:
        text = f"{named[2]}{_UNITS[named[1]]}"
    try:
        length_ns = timeframe_ns(text if len(text) <= _LONGEST_TIMEFRAME else "")
    except ValueError:
        raise ItemFault(BAD_TIMEFRAME, f"timeframe {shown(value)} is not like 1m, M1 or PERIOD_H1") from None
    minutes, seconds = divmod(length_ns // 10**9, 60)
    if seconds:
        return f"{length_ns // 10**9}s"
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def price(item: Mapping[str, Any], key: str) -> float:
    """A price of an item.

    Raises:
        ItemFault: it is no positive number.
    """
    value = item.get(key)
    if type(value) is not float:
        value = _number(value)
    if not 0.0 < value < _HIGHEST:  # NaN too
        raise ItemFault(BAD_PRICE, f"{key} {shown(item.get(key))} is not a positive number")
    return value


def size(item: Mapping[str, Any], key: str) -> float:
    """A size or a count of an item.

    Raises:
        ItemFault: it is no number from 0.
    """
    value = _number(item.get(key))
    if not 0.0 <= value < _INF:
        raise ItemFault(BAD_PRICE, f"{key} {shown(item.get(key))} is not a number from 0")
    return value


def _count(item: Mapping[str, Any], key: str) -> int:
    found = size(item, key)
    if found > _MOST_TICKS:
        raise ItemFault(BAD_PRICE, f"{key} {shown(item.get(key))} is more ticks than a bar can have")
    return round(found)


def _number(value: Any) -> float:
    """A number, also as text; NaN where it is none."""
    if type(value) is float:
        return value
    try:
        if type(value) is int or (isinstance(value, str) and len(value) <= 40):
            return float(value)
    except (ValueError, OverflowError):
        pass
    return float("nan")


def number_of(item_id: Any) -> int:
    """An item's own id as a number from 1: itself where it is one, else of its text.

    Raises:
        ItemFault: it is neither a whole number from 1 nor a text.
    """
    if type(item_id) is int and 0 < item_id <= _MASK:
        return item_id
    if isinstance(item_id, str) and 0 < len(item_id) <= 128:
        return digest(item_id.encode("utf-8", "surrogatepass"))
    raise ItemFault(
        BAD_ITEM, f"id {shown(item_id)} is neither a number from 1 nor a text of at most 128 letters"
    )


def digest(data: bytes) -> int:
    """63 bits of a hash, never 0."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") & _MASK or 1


def tick_key(ns: int, bid: float, ask: float, item_id: int) -> int:
    """What makes a tick the same one again."""
    return item_id or digest(_TICK(ns, bid, ask))


def bar_key(prices: tuple[float, float, float, float], volume: float, count: int) -> int:
    """What a bar says, as a number."""
    return digest(_BAR(*prices, volume, count))
