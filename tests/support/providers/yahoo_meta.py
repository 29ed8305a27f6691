"""What Yahoo says of an instrument beside its bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.support.providers.calendars import calendar_named
from tests.support.providers.listings import Listing
from tests.support.providers.tape import Row

_DAY_S: Final = 86_400
_RANGES: Final = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")


class _Kind(NamedTuple):
    exchange: str
    exchange_title: str
    instrument_type: str
    zone: str
    first_trade_s: int


_KINDS: Final = {
    "fx": _Kind("CCY", "CCY", "CURRENCY", "Europe/London", 1_070_236_800),
    "metal": _Kind("CMX", "COMEX", "FUTURE", "America/New_York", 967_608_000),
    "index": _Kind("NIM", "Nasdaq GIDS", "INDEX", "America/New_York", 496_938_600),
    "equity": _Kind("NMS", "NasdaqGS", "EQUITY", "America/New_York", 345_479_400),
    "crypto": _Kind("CCC", "CCC", "CRYPTOCURRENCY", "UTC", 1_410_912_000),
}


def meta_of(listing: Listing, rows: Sequence[Row], trade_s: int) -> dict[str, Any]:
    """In the order in which it is recorded; `dataGranularity` is for the caller to fill.

    Args:
        listing: The instrument.
        rows: Its bars.
        trade_s: When something was traded last.
    """
    kind = _KINDS[listing.asset_class]
    traded = [row for row in rows if row.trades]
    digits = min(listing.decimals, 4)
    last = round(traded[-1].close if traded else listing.price, digits)
    high = round(max((row.high for row in traded), default=last), digits)
    low = round(min((row.low for row in traded), default=last), digits)
    before = round(traded[0].open if traded else listing.price, digits)
    local = datetime.fromtimestamp(trade_s, ZoneInfo(kind.zone))
    clock = {"timezone": local.tzname(), "gmtoffset": int(local.utcoffset().total_seconds())}  # type: ignore[union-attr]
    return {
        "currency": listing.quote,
        "symbol": listing.raws["yahoo"],
        "exchangeName": kind.exchange,
        "fullExchangeName": kind.exchange_title,
        "instrumentType": kind.instrument_type,
        "firstTradeDate": kind.first_trade_s,
        "regularMarketTime": trade_s,
        "hasPrePostMarketData": listing.asset_class == "equity",
        "gmtoffset": clock["gmtoffset"],
        "timezone": clock["timezone"],
        "exchangeTimezoneName": kind.zone,
        "regularMarketPrice": last,
        "fiftyTwoWeekHigh": round(listing.price * 1.2, digits),
        "fiftyTwoWeekLow": round(listing.price * 0.8, digits),
        "regularMarketDayHigh": high,
        "regularMarketDayLow": low,
        "regularMarketVolume": int(sum(row.volume for row in traded)),
        "longName": listing.title,
        "shortName": listing.title,
        "chartPreviousClose": before,
        "previousClose": before,
        "scale": 3,
        "priceHint": digits,
        "currentTradingPeriod": _periods(listing, trade_s, clock),
        "dataGranularity": "",
        "range": "",
        "validRanges": list(_RANGES),
    }


def _periods(listing: Listing, trade_s: int, clock: dict[str, Any]) -> dict[str, Any]:
    """Of the day: before, in and after regular hours."""
    if listing.session == "us_equity":
        start_s = calendar_named(listing.session).last_open(trade_s // 60) * 60
        times = (
            (start_s - 19_800, start_s),
            (start_s, start_s + 23_400),
            (start_s + 23_400, start_s + 37_800),
        )
    else:
        start_s = trade_s - (trade_s + clock["gmtoffset"]) % _DAY_S
        end_s = start_s + _DAY_S - 60
        times = ((start_s, start_s), (start_s, end_s), (end_s, end_s))
    return {
        name: {
            "timezone": clock["timezone"],
            "start": start,
            "end": end,
            "gmtoffset": clock["gmtoffset"],
        }
        for name, (start, end) in zip(("pre", "regular", "post"), times, strict=True)
    }
