"""Twelve Data: `time_series`, numbers as text, the unfinished bar as the newest one, errors with 200. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.support.providers.bending import STRAIGHT, Bend
from tests.support.providers.listings import Listing
from tests.support.providers.tape import Row, Traits
from tests.support.providers.voice import Params, Reply, Voice, json
from tests.support.providers.wording import local_times, text, utc_s

PATH: Final = "/time_series"
MINUTES: Final = {"1min": 1, "5min": 5, "15min": 15, "30min": 30, "45min": 45, "1h": 60}
MOST: Final = 5000
_DEFAULT: Final = 30
_UPGRADE: Final = "https://twelvedata.com/pricing"
_CURRENCIES: Final = {
    "EUR": "Euro",
    "USD": "US Dollar",
    "GBP": "British Pound",
    "JPY": "Japanese Yen",
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc",
    "NZD": "New Zealand Dollar",
    "XAU": "Gold Spot",
    "XAG": "Silver Spot",
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "XRP": "XRP",
}
_TYPES: Final = {"fx": "Physical Currency", "metal": "Precious Metal", "crypto": "Digital Currency"}


class _BadQuestion(Exception):
    """Code and words of a refusal."""


class TwelveData(Voice):
    """Twelve Data."""

    name = "twelvedata"
    usual = Traits(delay_s=2.0, offset_bp=0.2)

    def answer(
        self, path: str, params: Params, headers: Mapping[str, str], now_ns: int, bend: Bend = STRAIGHT
    ) -> Reply:
        """A series, several by their symbol, or why there is none."""
        if not self.is_known(self.key_of(params, headers)):
            return self.bad_key()
        if path != PATH:
            return self._refusal(404, "The API endpoint you are looking for was not found.")
        raws = self.raws(path, params)
        if len(raws) > 1:
            answers = {raw: self._try(raw, params, now_ns, bend) for raw in raws}
            return json(200, answers)
        answer = self._try(raws[0], params, now_ns, bend)
        return json(answer.get("code", 200) if self.traits.has_http_codes else 200, answer)

    def _try(self, raw: str, params: Params, now_ns: int, bend: Bend) -> dict[str, Any]:
        try:
            return self._series(raw, params, now_ns, bend)
        except _BadQuestion as fault:
            code, message = fault.args
            return {"code": code, "message": message, "status": "error"}

    def _series(self, raw: str, params: Params, now_ns: int, bend: Bend) -> dict[str, Any]:
        asked = self.listing(raw)
        if asked is None:
            raise _BadQuestion(404, "**symbol** not found")
        minutes = bend.minutes(_choice(params, "interval", MINUTES))
        listing = bend.listing(self.market, self.name, asked)
        zone = _zone(params, listing)
        size = _whole(params, "outputsize", _DEFAULT, 1, MOST)
        now_s = now_ns // 10**9
        from_s = _time(params, "start_date", zone)
        to_s = _time(params, "end_date", zone)
        if from_s is not None and "outputsize" not in params:
            size = MOST
        last_s = now_s if to_s is None else min(now_s, to_s + 1)
        first_s = now_s - round(self.traits.reach_days * 86_400) if from_s is None else from_s
        visible_ns = bend.visible_ns(self.tape.visible_ns(now_ns))
        rows = self.tape.last(listing, size * minutes, first_s, last_s, visible_ns)
        running = self.tape.running(listing, visible_ns)
        if running is not None and running.trades and first_s <= running.ts_s < last_s:
            rows.append(running)
        told = self.bent(bend, listing, rows, minutes)[-size:]
        if not told:
            raise _BadQuestion(
                400, "No data is available on the specified dates. Try setting different start/end dates."
            )
        if params.get("order", "desc").lower() != "asc":
            told.reverse()
        decimals = _whole(params, "dp", 5, 0, 11)
        return {
            "meta": _meta(listing, f"{minutes}min" if minutes < 60 else "1h"),
            "values": _values(listing, told, zone, decimals),
            "status": "ok",
        }

    def raws(self, path: str, params: Params) -> list[str]:
        """Several, with commas between them."""
        return params.get("symbol", "").split(",")

    def key_of(self, params: Params, headers: Mapping[str, str]) -> str:
        """A parameter, or `Authorization: apikey KEY`."""
        kind, _, key = headers.get("authorization", "").partition(" ")
        return params.get("apikey", "") or (key if kind.lower() == "apikey" else "")

    def cost(self, path: str, params: Params) -> int:
        """A credit for each symbol."""
        return len(self.raws(path, params))

    def told(self, used: int, limit: int) -> dict[str, str]:
        """Credits of this minute."""
        return {"api-credits-used": str(used), "api-credits-left": str(max(0, limit - used))}

    def over_limit(self, used: int, limit: int, per_s: float) -> Reply:
        """With 200."""
        span = "day" if per_s >= 86_400 else "minute"
        current = "day" if per_s >= 86_400 else "current minute"
        return self._refusal(
            429,
            f"You have run out of API credits for the {current}. {used} API credits were used, with the current "
            f"limit being {limit}. Wait for the next {span} or consider switching to a higher tier plan at {_UPGRADE}",
        )

    def bad_key(self) -> Reply:
        """With 200."""
        return self._refusal(401, "Invalid API key")

    def no_plan(self) -> Reply:
        """With 200."""
        return self._refusal(404, "**symbol** not available with your plan. Consider upgrading.")

    def _refusal(self, code: int, message: str) -> Reply:
        document = {"code": code, "message": message, "status": "error"}
        return json(code if self.traits.has_http_codes else 200, document)


def _choice(params: Params, name: str, allowed: Mapping[str, int]) -> int:
    value = params.get(name, "")
    if value not in allowed:
        words = f"Invalid **{name}** provided: {value}. Supported intervals: {', '.join(allowed)}"
        raise _BadQuestion(400, words)
    return allowed[value]


def _whole(params: Params, name: str, default: int, least: int, most: int) -> int:
    value = params.get(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise _BadQuestion(400, f"Invalid **{name}** provided: {value}. It is {least} to {most}")
    return int(value)


def _zone(params: Params, listing: Listing) -> tzinfo:
    name = params.get("timezone", "Exchange")
    if name == "Exchange":
        name = "America/New_York" if listing.session == "us_equity" else "UTC"
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise _BadQuestion(400, f"Invalid **timezone** provided: {name}") from None


def _time(params: Params, name: str, zone: tzinfo) -> int | None:
    if name not in params:
        return None
    found = utc_s(params[name], zone)
    if found is None:
        raise _BadQuestion(400, f"Invalid **{name}** provided: {params[name]}")
    return found


def _meta(listing: Listing, interval: str) -> dict[str, str]:
    meta = {"symbol": listing.raws["twelvedata"], "interval": interval}
    if listing.asset_class in _TYPES:
        meta["currency_base"] = _CURRENCIES[listing.base]
        meta["currency_quote"] = _CURRENCIES[listing.quote]
        if listing.asset_class == "crypto":
            meta["exchange"] = "Coinbase Pro"
        meta["type"] = _TYPES[listing.asset_class]
        return meta
    return meta | {
        "currency": listing.quote,
        "exchange_timezone": "America/New_York",
        "exchange": "NASDAQ",
        "mic_code": "XNGS",
        "type": "Common Stock" if listing.asset_class == "equity" else "Index",
    }


def _values(listing: Listing, rows: list[Row], zone: tzinfo, decimals: int) -> list[dict[str, str]]:
    values = []
    for time, row in zip(local_times((row.ts_s for row in rows), zone), rows, strict=True):
        value = {
            "datetime": time,
            "open": text(row.open, decimals),
            "high": text(row.high, decimals),
            "low": text(row.low, decimals),
            "close": text(row.close, decimals),
        }
        if listing.asset_class == "equity":
            value["volume"] = f"{row.volume:.0f}"
        values.append(value)
    return values
