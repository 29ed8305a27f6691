"""Venues by their watermarks, and whom requests are sent to: breakers and budgets, as collectors tell them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from protocol.fleet import Fleet
from protocol.instruments import BARS

CLOSED: Final = "closed"
OPEN: Final = "open"
_ORDER: Final = (OPEN, "half_open", CLOSED)
"""The worst first."""
_WINDOWS: Final = {1.0: "1s", 60.0: "1m", 3_600.0: "1h", 86_400.0: "1d"}


def venue_rows(fleet: Fleet, now_ns: int, mono_ns: int) -> list[dict[str, Any]]:
    """A row per venue and publisher.

    Args:
        fleet: Who was heard.
        now_ns: Wall clock.
        mono_ns: Monotonic clock.
    """
    return [
        {
            "venue": venue.venue,
            "publisher": venue.publisher,
            "is_connected": fleet.is_connected(venue, mono_ns),
            "watermark_ns": venue.ts_event_ns,
            "behind_s": round((now_ns - venue.ts_event_ns) / 1e9, 3) if venue.ts_event_ns else None,
            "silent_s": round((mono_ns - venue.heard_ns) / 1e9, 3),
        }
        for venue in fleet.venues()
    ]


def provider_rows(statuses: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """A row per provider and collector, and one per market of an exchange, from (actor, full status)."""
    found = []
    for actor, status in statuses:
        for market, told in _markets(status).items():
            if market == BARS:
                found += [_provider(actor, name, one) for name, one in told.get("providers", {}).items()]
            elif told.get("budgets") and told.get("symbols"):
                found.append(_exchange(actor, f"{status.get('venue', '')} {market}".strip(), told))
    return found


def worst(status: Mapping[str, Any]) -> str:
    """The worst thing about the providers of a collector, in a few words; empty if all are well."""
    if "markets" not in status:
        return ""
    rows = [row for row in provider_rows([("", status)]) if row["state"] != CLOSED]
    if not rows:
        return ""
    first = min(rows, key=lambda row: (_ORDER.index(row["state"]), -row["next_s"]))
    wait = f", asked again in {first['next_s']:.0f} s" if first["next_s"] > 0 else ""
    others = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{first['provider']}: {first['reason'] or first['state'].replace('_', ' ')}{wait}{others}"


def _markets(status: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    markets = status.get("markets")
    return (
        markets if isinstance(markets, Mapping) else {}
    )  # a detector counts its markets under the same name


def _provider(actor: str, name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    breakers: Mapping[str, Mapping[str, Any]] = told.get("breakers", {})
    waits = [told.get("rests_s", 0.0), *(one["until_s"] for one in breakers.values())]
    reasons = [told.get("why", ""), *(one["reason"] for one in breakers.values())]
    state = told.get("state", CLOSED)
    return {
        "actor": actor,
        "provider": name,
        "state": state
        if state in _ORDER
        else OPEN,  # resting: it asked to be left alone, or its key is wrong
        "failures": max((one["failures"] for one in breakers.values()), default=0),
        "next_s": round(max(waits), 3),
        "calls": [
            {"window": _window(one["per_s"]), "used": one["used"], "limit": one["calls"]}
            for one in told.get("limits", [])
        ],
        "reason": next(filter(None, reasons), ""),
    }


def _exchange(actor: str, name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """An exchange has no breaker: it says itself when it wants no requests, and then they wait."""
    return {
        "actor": actor,
        "provider": name,
        "state": CLOSED,
        "failures": 0,
        "next_s": 0.0,
        "calls": [
            {"window": f"{_window(one['window_s'])} {what}", "used": one["used"], "limit": one["limit"]}
            for what, one in told["budgets"].items()
        ],
        "reason": str(told.get("waits_for", "")),
    }


def _window(per_s: float) -> str:
    return _WINDOWS.get(per_s) or f"{per_s:g}s"
