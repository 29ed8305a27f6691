"""Yahoo: `v8/finance/chart`, columns with nulls, and the live quote as a last row that is not aligned. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from tests.support.providers.bending import STRAIGHT, Bend
from tests.support.providers.hashing import seed_of
from tests.support.providers.listings import Listing
from tests.support.providers.tape import Row, Traits
from tests.support.providers.voice import Params, Reply, Voice, json
from tests.support.providers.wording import single
from tests.support.providers.yahoo_meta import meta_of

PATH: Final = "/v8/finance/chart/"
MINUTES: Final = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60}
_RANGES: Final = {"1d": 1, "5d": 5, "1mo": 30}
_DAY_S: Final = 86_400
_LIVE_S: Final = 120
"""A question that ends so long before the live quote is answered without it."""
_COLUMNS: Final = ("open", "volume", "close", "low", "high")
"""Their order differs from answer to answer."""
_JSON: Final = {"Content-Type": "application/json;charset=utf-8", "Cache-Control": "public, max-age=10"}
_MANNERS: Final = ("python", "httpx", "curl", "go-http")


class Yahoo(Voice):
    """Yahoo."""

    name = "yahoo"
    needs_key = False
    usual = Traits(delay_s=1.0, offset_bp=0.0, reach_days=30.0)

    def answer(
        self, path: str, params: Params, headers: Mapping[str, str], now_ns: int, bend: Bend = STRAIGHT
    ) -> Reply:
        """A chart, or why there is none."""
        agent = headers.get("user-agent", "").lower()
        if not agent or agent.startswith(_MANNERS):
            return _text(429, "Too Many Requests")
        listing = self.listing(unquote(path).removeprefix(PATH)) if path.startswith(PATH) else None
        if listing is None:
            return _error(404, "Not Found", "No data found, symbol may be delisted")
        interval = params.get("interval", "1d")
        if interval not in MINUTES:
            allowed = ", ".join(MINUTES)
            return _error(
                422,
                "Unprocessable Entity",
                f"Invalid input - interval={interval} is not supported. Valid intervals: [{allowed}]",
            )
        now_s = now_ns // 10**9
        try:
            from_s, to_s = _range(params, now_s)
        except (ValueError, KeyError):
            return _error(400, "Bad Request", "Invalid input - start date cannot be after end date.")
        if too_far := self._too_far(interval, from_s, to_s, now_s):
            return _error(422, "Unprocessable Entity", too_far)
        return self._chart(listing, interval, (from_s, to_s), now_ns, bend)

    def _too_far(self, interval: str, from_s: int, to_s: int, now_s: int) -> str:
        asked = f"{interval} data not available for startTime={from_s} and endTime={to_s}."
        if interval == "1m" and to_s - from_s > 8 * _DAY_S:
            return f"{asked} Only 8 days worth of 1m granularity data are allowed to be fetched per request."
        if from_s < now_s - self.traits.reach_days * _DAY_S:
            return f"{asked} The requested range must be within the last {self.traits.reach_days:g} days."
        return ""

    def _chart(
        self, asked: Listing, interval: str, times_s: tuple[int, int], now_ns: int, bend: Bend
    ) -> Reply:
        listing = bend.listing(self.market, self.name, asked)
        minutes = bend.minutes(MINUTES[interval])
        visible_ns = bend.visible_ns(self.tape.visible_ns(now_ns))
        trade_s = self.tape.last_trade_s(listing, visible_ns)
        rows = self.tape.rows(listing, *times_s, visible_ns)
        live = None
        if times_s[0] <= trade_s <= times_s[1] + _LIVE_S and not bend.is_empty:
            live = self._live(listing, trade_s, visible_ns)
            running = self.tape.running(listing, visible_ns)
            if running is not None and times_s[0] <= running.ts_s < times_s[1]:
                rows.append(running)
        told = self.bent(bend, listing, rows, minutes)
        if live is not None:
            told.append(live)
        meta = meta_of(listing, rows, trade_s)
        meta["dataGranularity"] = interval if minutes == MINUTES[interval] else f"{minutes}m"
        result: dict[str, Any] = {"meta": meta}
        if told:
            result["timestamp"] = [row.ts_s for row in told]
        result["indicators"] = {"quote": [_columns(listing, told) if told else {}]}
        return json(200, {"chart": {"result": [result], "error": None}}, _JSON)

    def _live(self, listing: Listing, trade_s: int, visible_ns: int) -> Row | None:
        """The live quote: a row of one price."""
        running = self.tape.running(listing, visible_ns)
        if running is None:
            before = self.tape.last(listing, 1, trade_s - _DAY_S, trade_s, visible_ns)
            running = before[0] if before else None
        if running is None:
            return None
        price = running.close
        return Row(trade_s, price, price, price, price, 0.0, 1)

    def raws(self, path: str, params: Params) -> list[str]:
        """One, of the path."""
        return [unquote(path).removeprefix(PATH)]

    def over_limit(self, used: int, limit: int, per_s: float) -> Reply:
        """In plain text."""
        return _text(429, "Edge: Too Many Requests" if used > limit else "Too Many Requests")

    def bad_key(self) -> Reply:
        """It has no keys, but may want a crumb."""
        error = {"code": "Unauthorized", "description": "Invalid Crumb"}
        return json(401, {"finance": {"result": None, "error": error}}, _JSON)

    def no_plan(self) -> Reply:
        """It has none."""
        raise ValueError("yahoo has no plans: play this fault for a provider that has")

    def page_of_html(self) -> Reply:
        """Maintenance."""
        return Reply(
            200,
            {"Content-Type": "text/html"},
            b"<!DOCTYPE html><html><head><title>Yahoo</title></head><body>Will be right back...</body></html>",
        )


def _range(params: Params, now_s: int) -> tuple[int, int]:
    """Seconds since 1970 of a question.

    Raises:
        ValueError: no numbers, or the end is before the start.
        KeyError: no range that is known.
    """
    if "period1" in params:
        from_s, to_s = int(params["period1"]), int(params.get("period2", now_s))
        if to_s < from_s:
            raise ValueError("ends before it starts")
        return from_s, to_s
    return now_s - _RANGES[params.get("range", "1d")] * _DAY_S, now_s


def _columns(listing: Listing, rows: list[Row]) -> dict[str, list[Any]]:
    """Prices as numbers of 32 bits, nulls where nothing was traded."""
    turn = seed_of(listing.symbol) % len(_COLUMNS)
    columns: dict[str, list[Any]] = {}
    for name in _COLUMNS[turn:] + _COLUMNS[:turn]:
        values: list[Any]
        if name == "volume":
            in_dollars = listing.asset_class == "crypto"
            values = [int(row.volume * row.open if in_dollars else row.volume) for row in rows]
        else:
            values = list(single([getattr(row, name) for row in rows]))
        columns[name] = [value if row.trades else None for row, value in zip(rows, values, strict=True)]
    return columns


def _error(status: int, code: str, description: str) -> Reply:
    error = {"code": code, "description": description}
    return json(status, {"chart": {"result": None, "error": error}}, _JSON)


def _text(status: int, text: str) -> Reply:
    return Reply(status, {"Content-Type": "text/plain"}, text.encode())
