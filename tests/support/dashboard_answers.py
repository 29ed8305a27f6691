"""What the dashboard's false gateway answers: the contract's rows, of a market that is a function of time, and as its
switches say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from tests.support import dashboard_market as market

HOSTILE: Final = '<img src=x onerror="document.title=`broken`"> <script>document.title=`broken`</script>'
HOUR_NS: Final = 3600 * market.SECOND_NS


class State:
    """What the switches say."""

    def __init__(self) -> None:
        self.token = ""
        self.down: list[str] = []
        self.stale: list[str] = []
        self.is_silent = False
        self.is_refusing = False
        self.is_empty = False
        self.is_late = False
        self.alerted_ns = now_ns() // HOUR_NS * HOUR_NS
        self.holes: list[str] = []
        self.updates_per_s = 10.0
        self.extra = 0
        self.stream = "gateway.1-1"
        self.headlines = [
            "Fed holds rates, signals patience on cuts",
            HOSTILE,
            "BTC options open interest at a record",
        ]
        self.sockets: set[WebSocket] = set()
        self.seqs: dict[str, int] = {}

    def listings(self) -> list[market.Listing]:
        """What is traded now."""
        return [] if self.is_empty else market.listings(self.extra)

    def listing(self, symbol: str, venue: str = "") -> market.Listing | None:
        """One instrument, at the named or the first venue."""
        return next(
            (one for one in self.listings() if one.symbol == symbol and venue in ("", one.venue)), None
        )

    def state_of(self, one: market.Listing) -> str:
        """Freshness, in the hub's words."""
        if one.venue in self.down:
            return "venue_down"
        return "stale" if one.symbol in self.stale else "fresh"

    def row(self, one: market.Listing, now_ns: int) -> dict[str, Any]:
        """A quote with its age and state."""
        state = self.state_of(one)
        age_s = 0.1 if state == "fresh" else 42.0
        return {**market.quote(one, now_ns - round(age_s * 1e9)), "age_s": age_s, "state": state}

    def events(self, kind: str, now_ns: int) -> list[dict[str, Any]]:
        """News, alerts, signals or gaps, newest last."""
        if self.is_empty:
            return []
        minute = 60 * market.SECOND_NS
        if kind == "news":
            return [
                {"source": "coindesk", "news_id": str(n), "ts_event_ns": now_ns // minute * minute - (9 * (len(self.headlines) - n)) * minute,
                 "ts_recv_ns": now_ns, "title": title, "url": "https://example.test/a" if n % 2 == 0 else "javascript:alert(1)",
                 "symbols": ["BTC_USDT"] if n % 2 == 0 else []}
                for n, title in enumerate(self.headlines)
            ]  # fmt: skip
        if kind == "alerts":
            rules = (
                ("large_print", "warning", "one trade of 2.1M USDT"),
                ("spread_blowout", "critical", "spread 12x its median"),
                ("volume_surge", "info", "volume 4.2x the hour's mean"),
            )
            return [
                {"symbol": "BTC_USDT", "venue": "binance", "rule": rule, "severity": severity, "text": text,
                 "ts_event_ns": self.alerted_ns - (40 - 12 * n) * minute, "values": {"notional": 2.1e6}}
                for n, (rule, severity, text) in enumerate(rules)
            ]  # fmt: skip
        if kind == "signals":
            return [{"symbol": "BTC_USDT", "strategy": "breakout", "ts_event_ns": now_ns // (60 * minute) * 60 * minute - 20 * minute, "side": "buy", "entry": 91_200.0, "stop": 90_900.0, "target": 92_100.0, "confidence": 0.71, "inputs": {"rsi_14": 61.2}}]  # fmt: skip
        if kind == "gaps":
            first = now_ns // minute * minute - 33 * minute
            gap = {"gap_id": "collector.binance.1-7-1", "venue": "binance", "symbol": "BTC_USDT", "kind": "trade", "from_id": 10, "to_id": 90, "from_ts_ns": first, "to_ts_ns": first + 4 * minute, "cause": "disconnect", "state": "unfillable", "filled_by": "", "count": 0, "reason": "venue keeps no history"}  # fmt: skip
            return [gap, *({**gap, "gap_id": f"x-{venue}", "venue": venue, "from_ts_ns": now_ns - minute, "to_ts_ns": 0, "state": "open"} for venue in self.down)]  # fmt: skip
        return []


def now_ns() -> int:
    """Our clock."""
    return time.time_ns()


def many(data: Any, **more: Any) -> dict[str, Any]:
    """The envelope of many values."""
    return {
        "data": data,
        "next_cursor": None,
        "has_more": False,
        "age_s": 0.1,
        "state": "fresh",
        "ts_ns": now_ns(),
        **more,
    }


def problem(status: int, code: str, detail: str) -> JSONResponse:
    """A refusal."""
    body = {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def answer(state: State, path: str, query: Mapping[str, str]) -> Any:
    """What a GET below /api/v1 gets; None: nothing there."""
    now, name, _, rest = now_ns(), *path.partition("/")
    one = state.listing(rest.partition("/")[0], query.get("venue", "")) if rest else None
    limit = int(query.get("limit", 200))
    if name == "instruments":
        known: dict[str, dict[str, Any]] = {}
        for listing in market.listings(state.extra):
            row = known.setdefault(
                listing.symbol,
                {**listing._asdict(), "venues": {}, "aliases": [listing.symbol.replace("_", "")]},
            )
            row["venues"][listing.venue] = listing.symbol
        return many(list(known.values()))
    if name == "quotes":
        return many([state.row(listing, now) for listing in state.listings()], errors={})
    if name in ("news", "alerts", "signals", "gaps"):
        rows = state.events(name, now)
        return many(
            [row for row in rows if query.get("state", row.get("state", "")) == row.get("state", "")][-limit:]
        )
    if name == "venues":
        return many([{"venue": venue, "publisher": f"collector.{venue}.1", "is_connected": venue not in state.down, "watermark_ns": now, "behind_s": 0.01, "silent_s": 0.1} for venue in ("binance", "okx", "ig")])  # fmt: skip
    if name == "actors":
        return many(actors(state))
    if name == "topics":
        return many(
            [{"topic": topic} for topic in topics(state) if topic.startswith(query.get("prefix", ""))]
        )
    if name == "whoami":
        return {"name": "somebody", "scopes": ["read"]}
    return None if one is None else answer_of(state, one, name, query)


def answer_of(state: State, one: market.Listing, name: str, query: Mapping[str, str]) -> Any:
    """The same, of one instrument."""
    now, limit = now_ns(), int(query.get("limit", 200))
    if name == "bars":
        before = int(query.get("cursor", 0)) or int(query.get("to_ns", 0)) // market.SECOND_NS
        timeframe = query.get("tf", "1m")
        spare = len(state.holes) * market.DAY_S // market.TIMEFRAME_S[timeframe]
        rows = market.bars(one, timeframe, now, limit + spare, before)
        rows = [row for row in rows if market.day_of(row["ts_open_ns"]) not in state.holes][-limit:]
        cursor = str(rows[0]["ts_open_ns"] // market.SECOND_NS)
        return many(rows, next_cursor=cursor, has_more=True)
    if name == "history":
        rows = market.bars(one, query.get("tf", "1m"), now, limit, int(query["to_ns"]) // market.SECOND_NS)
        return many(list(market.features(one, query.get("tf", "1m"), rows)))
    if name == "profile":
        return {"data": market.footprint(one, now), "age_s": 0.1, "state": "fresh", "ts_ns": now}
    if name == "indicators":
        rows = market.bars(one, query.get("tf", "1m"), now, min(limit, 2000))
        return many(list(market.features(one, query.get("tf", "1m"), rows)))
    if name == "orderflow":
        back = range(min(limit, 3600) - 1, -1, -1)
        return many([market.flow(one, now - n * market.SECOND_NS) for n in back])
    if name == "trades":
        return many([market.trade(one, now - (limit - n) * 300_000_000, n) for n in range(limit)])
    if name == "book":
        return {
            "data": market.book(one, now, int(query.get("depth", 20))),
            "age_s": 0.1,
            "state": "fresh",
            "ts_ns": now,
        }
    return None


def topics(state: State) -> list[str]:
    """What the hub has heard: there is order flow of what is traded with sizes only."""
    found = [f"bar.binance.BTC_USDT.{timeframe}" for timeframe in market.TIMEFRAME_S]
    found.append("feature.binance.BTC_USDT.1m")
    crypto = [one for one in state.listings() if one.asset_class == "crypto"]
    return found + [f"footprint.{one.venue}.{one.symbol}.session" for one in crypto]


def actors(state: State) -> list[dict[str, Any]]:
    """Rows of /api/v1/actors."""
    return [
        {"name": name, "kind": name.partition(".")[0], "state": "RUNNING", "is_alive": True, "beat_age_s": 0.1, "pid": n, "epoch": 7,
         "lag_p99_s": 0.004 * (n + 1), "lag_p50_s": 0.001, "gaps_open": len(state.down), "frames_in_per_s": 812.0, "frames_out_per_s": 640.0}
        for n, name in enumerate(("collector.binance.1", "aggregator.1", "orderflow.1", "hub.1", "gateway.1"))
    ]  # fmt: skip


def late(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of three candles the newest and the oldest; every third is not said while it is the newest."""
    oldest, _, newest = rows
    return [oldest] if newest["ts_open_ns"] // market.SECOND_NS % 3 == 1 else [newest, oldest]


def message_of(
    state: State, channel: Mapping[str, Any], one: market.Listing, number: int
) -> list[dict[str, Any]]:
    """What one turn of a channel gives for one instrument."""
    now, name = now_ns(), channel["name"]
    if name == "quotes":
        return [market.quote(one, now)]
    if name == "trades":
        return [market.trade(one, now, number)]
    if name == "book":
        return [market.book(one, now, channel.get("depth", 20))]
    if name == "bars":
        timeframe = channel.get("timeframes", ["1m"])[0]
        return (
            late(market.bars(one, timeframe, now, 3))
            if state.is_late
            else market.bars(one, timeframe, now, 1)
        )
    if name == "features":
        timeframe = channel.get("timeframes", ["1m"])[0]
        return list(market.features(one, timeframe, market.bars(one, timeframe, now, 60)))[-1:]
    if name == "footprints":
        return [market.footprint(one, now)] if one.asset_class == "crypto" else []
    return [market.flow(one, now)] if name == "flow" else []
