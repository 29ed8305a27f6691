"""IG's REST answers, typed: sessions, errors, markets, candles. Pure.

Keys as in IG's REST reference (labs.ig.com) and in answers recorded by a public client. Only those that are read are
named. Times of `/prices` versions 1 and 2 are in the account's time zone, version 3 adds UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from actors.collector.outcomes import Reject
from protocol.errors import DECODE_ERRORS
from protocol.messages import Bar
from protocol.sessions import timeframe_ns

T = TypeVar("T")
Price = Annotated[float, Meta(gt=0, lt=1e12)]
Text = Annotated[str, Meta(max_length=2000)]
Count = Annotated[int, Meta(ge=0, le=2**53)]

TIMEFRAMES: Final = {
    "SECOND": "1s", "MINUTE": "1m", "MINUTE_2": "2m", "MINUTE_3": "3m", "MINUTE_5": "5m", "MINUTE_10": "10m",
    "MINUTE_15": "15m", "MINUTE_30": "30m", "HOUR": "1h", "HOUR_2": "2h", "HOUR_3": "3h", "HOUR_4": "4h", "DAY": "1d",
}  # fmt: skip
"""IG's resolutions to our timeframes."""
_FORMATS: Final = ("%Y/%m/%d %H:%M:%S", "%Y:%m:%d-%H:%M:%S")
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9._\-]{1,120}")


class OAuthToken(msgspec.Struct):
    """Of a version 3 login, and of its refresh."""

    access_token: Text
    refresh_token: Text
    expires_in: Annotated[int, Meta(gt=0, le=86_400)] = 60
    """Seconds; IG writes it as a text."""


class SessionBody(msgspec.Struct):
    """Of a login or of `GET /session`: version 2 says `currentAccountId`, the others `accountId`."""

    lightstreamerEndpoint: Text = ""  # noqa: N815 - the venue's name
    currentAccountId: Text = ""  # noqa: N815
    accountId: Text = ""  # noqa: N815
    timezoneOffset: Annotated[float, Meta(ge=-15, le=15)] = 0.0  # noqa: N815
    """Hours that the account is ahead of UTC, now: with summer time if there is."""
    oauthToken: OAuthToken | None = None  # noqa: N815

    @property
    def account(self) -> str:
        """Active account."""
        return self.currentAccountId or self.accountId


class ErrorBody(msgspec.Struct):
    """Of a refusal."""

    errorCode: str = ""  # noqa: N815


class Application(msgspec.Struct):
    """Of `/operations/application`: what the key may do."""

    allowanceApplicationOverall: Count = 60  # noqa: N815
    allowanceAccountOverall: Count = 30  # noqa: N815
    allowanceAccountHistoricalData: Count = 10_000  # noqa: N815
    concurrentSubscriptionsLimit: Count = 40  # noqa: N815


class MarketInstrument(msgspec.Struct):
    """Part of a market."""

    epic: Text
    onePipMeans: Text | None = None  # noqa: N815


class MarketSnapshot(msgspec.Struct):
    """Part of a market."""

    marketStatus: Text = ""  # noqa: N815
    bid: float | None = None
    offer: float | None = None
    scalingFactor: float | None = None  # noqa: N815
    decimalPlacesFactor: int | None = None  # noqa: N815
    delayTime: float = 0.0  # noqa: N815


class Market(msgspec.Struct):
    """Of `/markets/{epic}`."""

    instrument: MarketInstrument
    snapshot: MarketSnapshot


class Sides(msgspec.Struct):
    """One price of a candle."""

    bid: Price | None = None
    ask: Price | None = None

    def mid(self, divisor: float) -> float | None:
        """Half-way between bid and ask, real; None where one of them is missing."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2.0 / divisor


class Candle(msgspec.Struct):
    """One candle."""

    snapshotTime: Text  # noqa: N815
    openPrice: Sides  # noqa: N815
    highPrice: Sides  # noqa: N815
    lowPrice: Sides  # noqa: N815
    closePrice: Sides  # noqa: N815
    snapshotTimeUTC: Text | None = None  # noqa: N815
    lastTradedVolume: Count | None = None  # noqa: N815
    """Ticks, not a size."""


class Allowance(msgspec.Struct):
    """Historical points: one per candle."""

    remainingAllowance: Count  # noqa: N815
    totalAllowance: Count  # noqa: N815
    allowanceExpiry: Count  # noqa: N815
    """Seconds until it is full again."""


class _Metadata(msgspec.Struct):
    allowance: Allowance | None = None


class PricesBody(msgspec.Struct):
    """Of `/prices`; the allowance of version 3 is one level down."""

    prices: list[Candle]
    allowance: Allowance | None = None
    metadata: _Metadata | None = None


class History(NamedTuple):
    """Candles of one answer."""

    bars: list[Bar]
    """Oldest first, of mid prices; volume is 0, `count` are ticks."""
    skipped: int
    """Candles without a bid or an ask."""
    allowance: Allowance | None


def decode(body: bytes, shape: type[T]) -> T | Reject:
    """A typed answer."""
    try:
        return msgspec.json.decode(body, type=shape, strict=False)
    except DECODE_ERRORS as fault:
        return Reject("invalid_rest_answer", f"{shape.__name__}: {fault}")


def error_code(body: bytes) -> str:
    """IG's word for what is wrong, safe to be logged; empty if the body does not say."""
    found = decode(body, ErrorBody)
    is_word = isinstance(found, ErrorBody) and _ERROR_CODE.fullmatch(found.errorCode)
    return found.errorCode if is_word and isinstance(found, ErrorBody) else ""


def parse_prices(
    venue: str, symbol: str, body: bytes, timeframe: str, divisor: float = 1.0, zone: tzinfo | None = None
) -> History | Reject:
    """Candles of `/prices`, any version.

    Args:
        venue: Name of the venue.
        symbol: Canonical symbol.
        body: The answer.
        timeframe: Ours; see `TIMEFRAMES`.
        divisor: Raw to real price.
        zone: The account's time zone, for answers without UTC (versions 1 and 2). Without it these are refused: an
            hour off looks like data. The offset of a login is that of today, not of last winter.
    """
    found = decode(body, PricesBody)
    if isinstance(found, Reject):
        return found
    bars: list[Bar] = []
    for candle in found.prices:
        open_ns = _open_ns(candle, zone)
        if isinstance(open_ns, Reject):
            return open_ns
        sides = (candle.openPrice, candle.highPrice, candle.lowPrice, candle.closePrice)
        prices = [side.mid(divisor) for side in sides]
        mids = [price for price in prices if price is not None]
        if len(mids) < 4:
            continue
        bar = _bar(venue, symbol, timeframe, open_ns, mids, candle.lastTradedVolume or 0)
        faults = bar.validate()
        if faults:
            return Reject("invalid_rest_answer", f"{symbol}: {faults[0]}")
        bars.append(bar)
    bars.sort(key=lambda bar: bar.ts_open_ns)
    allowance = found.allowance or (found.metadata.allowance if found.metadata else None)
    return History(bars, len(found.prices) - len(bars), allowance)


_LATEST_S: Final = 4_102_444_800
"""2100: a later time is rubbish."""


def _open_ns(candle: Candle, zone: tzinfo | None) -> int | Reject:
    """Begin of a candle."""
    text = candle.snapshotTimeUTC
    try:
        if text:
            begin = datetime.fromisoformat(text)
            begin = begin.replace(tzinfo=UTC) if begin.tzinfo is None else begin
        elif zone is None:
            return Reject(
                "local_time", f"{candle.snapshotTime} is in the account's time zone, which is not known"
            )
        else:
            begin = _local(candle.snapshotTime).replace(tzinfo=zone)
        seconds = int(begin.timestamp())
        if not 0 < seconds < _LATEST_S:
            raise ValueError("before 1970, or after 2100")
        return seconds * 1_000_000_000
    except (ValueError, OverflowError):
        return Reject("invalid_rest_answer", f"no time: {text or candle.snapshotTime}"[:200])


def _local(text: str) -> datetime:
    """`2020/10/12 21:50:00` (version 2) or `2020:09:01-05:00:00` (version 1)."""
    form = _FORMATS[0] if "/" in text else _FORMATS[1]
    return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the caller's


def _bar(venue: str, symbol: str, timeframe: str, open_ns: int, mids: Sequence[float], ticks: int) -> Bar:
    return Bar(
        symbol=symbol,
        venue=venue,
        timeframe=timeframe,
        ts_open_ns=open_ns,
        ts_event_ns=open_ns + timeframe_ns(timeframe),
        open=mids[0],
        high=max(
            mids
        ),  # the mid of two highs can be below that of open or close: they are of different moments
        low=min(mids),
        close=mids[3],
        volume=0.0,
        buy_volume=0.0,
        sell_volume=0.0,
        vwap=mids[3],
        count=ticks,
        status="closed",
        coverage=1.0,
        revision=0,
        source=venue,
    )
