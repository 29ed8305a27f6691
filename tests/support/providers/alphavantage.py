"""Alpha Vantage: objects keyed by local time, the newest first, all numbers as text, all failures with 200. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.support.providers.bending import STRAIGHT, Bend
from tests.support.providers.listings import Listing
from tests.support.providers.tape import Row, Traits, traded
from tests.support.providers.voice import Params, Reply, Voice, json
from tests.support.providers.wording import local_times, text

PATH: Final = "/query"
MINUTES: Final = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "60min": 60}
COMPACT: Final = 100
_FULL_DAYS: Final = 30
_PREMIUM: Final = "https://www.alphavantage.co/premium/"
_MONTH: Final = re.compile(r"(\d{4})-(\d\d)\Z")
_COLUMNS: Final = ("1. open", "2. high", "3. low", "4. close")


class _Question(NamedTuple):
    listing: Listing
    interval: str
    size: str
    month: str
    is_fx: bool

    @property
    def zone(self) -> tzinfo:
        return UTC if self.is_fx else ZoneInfo("America/New_York")


class AlphaVantage(Voice):
    """Alpha Vantage."""

    name = "alphavantage"
    usual = Traits(delay_s=3.0, offset_bp=0.3)

    def answer(
        self, path: str, params: Params, headers: Mapping[str, str], now_ns: int, bend: Bend = STRAIGHT
    ) -> Reply:
        """A series, or why there is none."""
        if not self.is_known(self.key_of(params, headers)):
            return self.bad_key()
        question = self._question(params) if path == PATH else None
        if question is None:
            function = params.get("function", "")
            return _said(
                "Error Message",
                "Invalid API call. Please retry or visit the documentation "
                f"(https://www.alphavantage.co/documentation/) for {function}.",
            )
        listing = bend.listing(self.market, self.name, question.listing)
        minutes = bend.minutes(MINUTES[question.interval])
        rows = self._rows(question._replace(listing=listing), minutes, now_ns, bend)
        told = self.bent(bend, listing, rows, minutes)
        if question.size == "compact":
            told = told[-COMPACT:]
        return _series(question._replace(listing=listing, interval=f"{minutes}min"), told)

    def _question(self, params: Params) -> _Question | None:
        is_fx = params.get("function") == "FX_INTRADAY"
        if not is_fx and params.get("function") != "TIME_SERIES_INTRADAY":
            return None
        listing = self.listing(self.raws(PATH, params)[0])
        size, interval = params.get("outputsize", "compact"), params.get("interval", "")
        month = "" if is_fx else params.get("month", "")
        if listing is None or interval not in MINUTES or size not in ("compact", "full"):
            return None
        if (listing.asset_class in ("fx", "metal")) != is_fx or (month and not _MONTH.match(month)):
            return None
        return _Question(listing, interval, size, month, is_fx)

    def _rows(self, question: _Question, minutes: int, now_ns: int, bend: Bend) -> list[Row]:
        visible_ns = bend.visible_ns(self.tape.visible_ns(now_ns))
        now_s = now_ns // 10**9
        if question.month:
            from_s, to_s = _month_s(question.month, question.zone)
        else:
            from_s, to_s = now_s - _FULL_DAYS * 86_400, now_s
        if question.size == "compact":
            return self.tape.last(question.listing, COMPACT * minutes, from_s, to_s, visible_ns)
        return traded(self.tape.rows(question.listing, from_s, to_s, visible_ns))

    def raws(self, path: str, params: Params) -> list[str]:
        """One: a share, or a pair with a slash."""
        if "from_symbol" in params:
            return [f"{params['from_symbol']}/{params.get('to_symbol', '')}"]
        return [params.get("symbol", "")]

    def over_limit(self, used: int, limit: int, per_s: float) -> Reply:
        """With 200, in two sorts of words."""
        if per_s >= 86_400:
            return _said(
                "Information",
                "We have detected your API key and our standard API rate limit is "
                f"{limit} requests per day. Please subscribe to any of the premium plans at {_PREMIUM} "
                "to instantly remove all daily rate limits.",
            )
        if per_s >= 60:
            return _said(
                "Note",
                "Thank you for using Alpha Vantage! Our standard API call frequency is "
                f"{limit} calls per minute. Please visit {_PREMIUM} if you would like to target a higher frequency.",
            )
        return _said(
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly "
            f"({limit} request per second). You may subscribe to any of the premium plans at {_PREMIUM} to lift the "
            "free key rate limit (25 requests per day), raise the per-second burst limit, and instantly unlock all "
            "premium endpoints",
        )

    def bad_key(self) -> Reply:
        """With 200."""
        return _said(
            "Error Message",
            "the parameter apikey is invalid or missing. Please claim your free API key on "
            "(https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds.",
        )

    def no_plan(self) -> Reply:
        """With 200."""
        return _said(
            "Information",
            "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium "
            f"plans at {_PREMIUM} to instantly unlock all premium endpoints",
        )


def _said(kind: str, words: str) -> Reply:
    return json(200, {kind: words})


def _month_s(month: str, zone: tzinfo) -> tuple[int, int]:
    """Start and end of `2026-10`, in seconds since 1970."""
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=zone)
    end = (start + timedelta(days=32)).replace(day=1)
    return int(start.timestamp()), int(end.timestamp())


def _series(question: _Question, rows: list[Row]) -> Reply:
    """Written by hand, as it is recorded: four blanks, and a time may come twice."""
    listing, interval = question.listing, question.interval
    times = local_times((row.ts_s for row in rows), question.zone)
    size = "Compact" if question.size == "compact" else "Full size"
    newest = times[-1] if times else ""
    zone = "UTC" if question.is_fx else "US/Eastern"
    if question.is_fx:
        names = [
            "Information",
            "From Symbol",
            "To Symbol",
            "Last Refreshed",
            "Interval",
            "Output Size",
            "Time Zone",
        ]
        values = [
            f"FX Intraday ({interval}) Time Series",
            listing.base,
            listing.quote,
            newest,
            interval,
            size,
            zone,
        ]
    else:
        names = ["Information", "Symbol", "Last Refreshed", "Interval", "Output Size", "Time Zone"]
        raw = listing.raws["alphavantage"]
        values = [f"Intraday ({interval}) prices and volumes", raw, newest, interval, size, zone]
    meta = [f'"{n}. {name}": "{value}"' for n, (name, value) in enumerate(zip(names, values, strict=True), 1)]
    decimals = max(4, listing.decimals)
    bars = [
        _bar(time, row, decimals, has_volume=not question.is_fx)
        for time, row in zip(times, rows, strict=True)
    ]
    bars.reverse()
    title = f"Time Series {'FX ' if question.is_fx else ''}({interval})"
    inner = ",\n        ".join(meta)
    series = "{\n        " + ",\n        ".join(bars) + "\n    }" if bars else "{}"
    body = f'{{\n    "Meta Data": {{\n        {inner}\n    }},\n    "{title}": {series}\n}}'
    return Reply(200, {"Content-Type": "application/json"}, body.encode())


def _bar(time: str, row: Row, decimals: int, *, has_volume: bool) -> str:
    prices = zip(_COLUMNS, row[1:5], strict=True)
    fields = [f'"{name}": "{text(price, decimals)}"' for name, price in prices]
    if has_volume:
        fields.append(f'"5. volume": "{row.volume:.0f}"')
    inside = ",\n            ".join(fields)
    return f'"{time}": {{\n            {inside}\n        }}'
