"""One question of the last minutes to each local provider, and the plainest reading of its answer."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import Delivery, World

NOW_S: Final = int(datetime(2026, 11, 20, 15, 30, 35, tzinfo=UTC).timestamp())
"""A Friday at half past ten in New York."""
NOW_NS: Final = NOW_S * 10**9
MINUTES: Final = 40
HEADERS: Final = {"user-agent": "Mozilla/5.0"}
PROVIDERS: Final = ("yahoo", "alphavantage", "twelvedata", "polygon")


class Call(NamedTuple):
    """Path and parameters."""

    path: str
    params: dict[str, str]


class Bar(NamedTuple):
    """One bar; prices as they stand there."""

    ts_s: int
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


def call(provider: str, raw: str, minutes: int = MINUTES, now_s: int = NOW_S, key: str = TEST_KEY) -> Call:
    """The last minutes of an instrument."""
    from_s = now_s - now_s % 60 - 60 * minutes
    match provider:
        case "yahoo":
            return Call(
                f"/v8/finance/chart/{raw}", {"interval": "1m", "period1": str(from_s), "period2": str(now_s)}
            )
        case "alphavantage":
            params = {"interval": "1min", "outputsize": "compact", "apikey": key}
            if "/" in raw:
                base, quote = raw.split("/")
                return Call(
                    "/query", {"function": "FX_INTRADAY", "from_symbol": base, "to_symbol": quote, **params}
                )
            return Call("/query", {"function": "TIME_SERIES_INTRADAY", "symbol": raw, **params})
        case "twelvedata":
            begin, end = (
                f"{datetime.fromtimestamp(ts_s, UTC):%Y-%m-%d %H:%M:%S}" for ts_s in (from_s, now_s)
            )
            times = {
                "start_date": begin,
                "end_date": end,
                "timezone": "UTC",
                "order": "asc",
                "outputsize": "5000",
            }
            return Call("/time_series", {"symbol": raw, "interval": "1min", **times, "apikey": key})
        case _:
            path = f"/v2/aggs/ticker/{raw}/range/1/minute/{from_s * 1000}/{now_s * 1000}"
            return Call(path, {"adjusted": "true", "sort": "asc", "limit": "50000", "apiKey": key})


def answer(world: World, provider: str, symbol: str, **options: Any) -> Delivery:
    """Ask for the last minutes of a canonical symbol."""
    raw = world.market.listings[symbol].raws[provider]
    return world.answer(provider, *call(provider, raw, **options), HEADERS, NOW_NS)


def bars(provider: str, body: bytes) -> list[Bar]:
    """All rows but those of nulls, oldest first, two of one time both."""
    match provider:
        case "yahoo":
            (result,) = json.loads(body)["chart"]["result"]
            quote = result["indicators"]["quote"][0]
            columns = [quote.get(name, []) for name in ("open", "high", "low", "close", "volume")]
            rows = zip(result.get("timestamp", []), *columns, strict=True)
            return [Bar(*row) for row in rows if row[1] is not None]
        case "alphavantage":
            document = json.loads(body, object_pairs_hook=list)
            (_, meta), (_, series) = document
            zone = ZoneInfo(dict(meta).get("7. Time Zone") or dict(meta)["6. Time Zone"])
            found = [
                Bar(_s(time, zone), *[value for _, value in row], *([None] if len(row) == 4 else []))
                for time, row in series
            ]
            return found[::-1]
        case "twelvedata":
            document = json.loads(body)
            return [
                Bar(
                    _s(row["datetime"], ZoneInfo("UTC")),
                    *[row[n] for n in Bar._fields[1:5]],
                    row.get("volume"),
                )
                for row in document.get("values", [])
            ]
        case _:
            results = json.loads(body).get("results", [])
            return [Bar(r["t"] // 1000, r["o"], r["h"], r["l"], r["c"], r.get("v")) for r in results]


def finished(provider: str, body: bytes) -> list[Bar]:
    """Without the running minute and the live quote."""
    return [bar for bar in bars(provider, body) if bar.ts_s % 60 == 0 and bar.ts_s + 60 <= NOW_S]


def words(body: bytes) -> str:
    """All text of a body, in small letters."""
    return re.sub(r"\s+", " ", body.decode()).lower()


def _s(text: str, zone: ZoneInfo) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
