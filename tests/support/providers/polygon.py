"""Massive, once Polygon: `v2/aggs`, numbers, pages that name the next one, no `results` where there are none. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import msgspec

from tests.support.providers.bending import STRAIGHT, Bend
from tests.support.providers.hashing import seed_of
from tests.support.providers.listings import Listing
from tests.support.providers.tape import Row, Traits
from tests.support.providers.voice import Params, Reply, Voice, json
from tests.support.providers.wording import number, utc_s

MINUTES: Final = {"minute": 1, "hour": 60}
MOST: Final = 50_000
_DEFAULT: Final = 5000
_PARTS: Final = 9
"""Of `/v2/aggs/ticker/T/range/1/minute/FROM/TO`."""
_OPTIONS: Final = ("adjusted", "sort", "limit")


class _Question(NamedTuple):
    ticker: str
    multiplier: int
    timespan: str
    first: str
    """Start, as it stands in the path."""
    last: str

    def path(self, first: str, last: str) -> str:
        """The same with other times."""
        ticker = quote(self.ticker, safe=":")
        return f"/v2/aggs/ticker/{ticker}/range/{self.multiplier}/{self.timespan}/{first}/{last}"


class Polygon(Voice):
    """Massive."""

    name = "polygon"
    usual = Traits(delay_s=3.0, offset_bp=0.1, reach_days=730.0)

    def answer(
        self, path: str, params: Params, headers: Mapping[str, str], now_ns: int, bend: Bend = STRAIGHT
    ) -> Reply:
        """A page of bars, or why there is none."""
        request_id = _request_id(path, *params.values(), now_ns)
        if not self.is_known(self.key_of(params, headers)):
            return self.bad_key()
        question = _question(path)
        if question is None:
            return Reply(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
        options = {name: params[name] for name in _OPTIONS if name in params} | _opened(
            params.get("cursor", "")
        )
        limit = options.get("limit", str(_DEFAULT))
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
            return _error(400, f"Limit must be between 1 and {MOST}, got {limit}")
        listing = self.listing(question.ticker)
        zone = ZoneInfo("America/New_York") if listing and listing.session == "us_equity" else UTC
        first_ms, last_ms = _ms(question.first, zone), _ms(question.last, zone, is_end=True)
        if first_ms is None or last_ms is None or last_ms < first_ms:
            return _error(400, "The parameter 'to' cannot be a time that occurs before 'from'")
        if first_ms < now_ns // 10**6 - self.traits.reach_days * 86_400_000:
            return self.no_plan()
        if listing is None:
            return json(200, self._page(question.ticker, options, [], 0, request_id))
        return self._bars(question, listing, options, (first_ms, last_ms), now_ns, bend, request_id)

    def _bars(
        self,
        question: _Question,
        asked: Listing,
        options: dict[str, str],
        times_ms: tuple[int, int],
        now_ns: int,
        bend: Bend,
        request_id: str,
    ) -> Reply:
        listing = bend.listing(self.market, self.name, asked)
        visible_ns = bend.visible_ns(self.tape.visible_ns(now_ns))
        limit = int(options.get("limit", _DEFAULT))
        first_s, end_s = -(-times_ms[0] // 1000), times_ms[1] // 1000 + 1
        is_descending = options.get("sort") == "desc"
        found = (self.tape.last if is_descending else self.tape.first)(
            listing, limit + 1, first_s, end_s, visible_ns
        )
        rows = found[-limit:] if is_descending else found[:limit]
        minutes = bend.minutes(question.multiplier * MINUTES[question.timespan])
        told = self.bent(bend, listing, rows, minutes)
        if is_descending:
            told.reverse()
        ticker = listing.raws["polygon"] if listing != asked else question.ticker
        page = self._page(ticker, options, [_result(listing, row) for row in told], len(rows), request_id)
        if len(found) > limit:
            if is_descending:
                path = question.path(str(times_ms[0]), str(rows[0].ts_s * 1000 - 1))
            else:
                path = question.path(str(rows[-1].ts_s * 1000 + 60_000), str(times_ms[1]))
            page["next_url"] = f"{self.traits.next_base}{path}?cursor={_closed(options)}"
        return json(200, page)

    def _page(
        self, ticker: str, options: Mapping[str, str], results: list[Any], base: int, request_id: str
    ) -> dict[str, Any]:
        page: dict[str, Any] = {
            "ticker": ticker,
            "queryCount": base,
            "resultsCount": len(results),
            "adjusted": options.get("adjusted", "true") != "false",
        }
        if results:
            page["results"] = results
        page["status"] = "DELAYED" if self.traits.is_delayed else "OK"
        page["request_id"] = request_id
        page["count"] = len(results)
        return page

    def raws(self, path: str, params: Params) -> list[str]:
        """One, of the path."""
        question = _question(path)
        return [question.ticker] if question else []

    def key_of(self, params: Params, headers: Mapping[str, str]) -> str:
        """`Authorization: Bearer KEY`, or a parameter."""
        kind, _, key = headers.get("authorization", "").partition(" ")
        return params.get("apiKey", "") or (key if kind.lower() == "bearer" else "")

    def over_limit(self, used: int, limit: int, per_s: float) -> Reply:
        """In JSON."""
        return _error(
            429,
            "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. "
            "https://massive.com/pricing",
        )

    def bad_key(self) -> Reply:
        """In `error`."""
        return _error(401, "Unknown API Key")

    def no_plan(self) -> Reply:
        """In `message`."""
        words = "You are not entitled to this data. Please upgrade your plan at https://massive.com/pricing"
        return json(403, {"status": "NOT_AUTHORIZED", "request_id": _request_id(words), "message": words})


def _question(path: str) -> _Question | None:
    parts = unquote(path).split("/")
    if len(parts) != _PARTS + 1 or parts[1:4] != ["v2", "aggs", "ticker"] or parts[5] != "range":
        return None
    multiplier, timespan = parts[6], parts[7]
    if timespan not in MINUTES or not (multiplier.isascii() and multiplier.isdigit() and int(multiplier)):
        return None
    return _Question(parts[4], int(multiplier), timespan, parts[8], parts[9])


def _ms(value: str, zone: Any, *, is_end: bool = False) -> int | None:
    """Milliseconds since 1970 of a date or of such milliseconds; the end of a day is in it."""
    if value.isascii() and value.isdigit():
        return int(value)
    found_s = utc_s(value, zone)
    if found_s is None:
        return None
    return found_s * 1000 + (86_400_000 - 1 if is_end else 0)


def _result(listing: Listing, row: Row) -> dict[str, Any]:
    """Of currencies the volume is the number of quotes; an index has none of it."""
    if listing.asset_class == "index":
        prices = {"o": row.open, "c": row.close, "h": row.high, "l": row.low}
        return {name: number(price) for name, price in prices.items()} | {"t": row.ts_s * 1000}
    middle = round((row.high + row.low + row.close) / 3, 4 if listing.price > 10 else 5)
    volume = float(row.trades) if listing.asset_class in ("fx", "metal") else row.volume
    return {
        "v": number(volume),
        "vw": number(middle),
        "o": number(row.open),
        "c": number(row.close),
        "h": number(row.high),
        "l": number(row.low),
        "t": row.ts_s * 1000,
        "n": row.trades,
    }


def _closed(options: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(dict(options))).decode().rstrip("=")


def _opened(cursor: str) -> dict[str, str]:
    """What the page before was asked with; an odd cursor is none."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=dict[str, str]) if raw else {}
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return {}


def _request_id(*words: object) -> str:
    return f"{seed_of(*words):016x}{seed_of('second half', *words):016x}"


def _error(status: int, words: str) -> Reply:
    return json(status, {"status": "ERROR", "request_id": _request_id(words), "error": words})
