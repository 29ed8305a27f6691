"""What `/symbols`, `/exchanges`, `/detectors`, `/storage` and `/api/signals` answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from actors.gateway.legacy.quotes import iso
from protocol.fleet import Venue
from protocol.instruments import Catalog
from protocol.message import BUY, SELL
from protocol.messages import Signal

DIRECTIONS: Final = {BUY: "BUY", SELL: "SELL"}
Details = Mapping[str, Mapping[str, Any]]
"""Actor to its newest full status; of one that is not alive it is empty."""
_STATUS_OF_ALL: Final = frozenset((
    "bus", "config_digest", "counters", "dropped", "epoch", "frames_in_per_s", "frames_out_per_s", "host", "journal",
    "kind", "lag_p50_s", "lag_p99_s", "name", "pid", "rss_bytes", "seq", "state", "uptime_s", "version",
))  # fmt: skip
"""What every actor's status has; the rest of a detector's is what its rules show."""


def symbols_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every symbol, configured or heard of.

    Args:
        rows: The hub's answer to `symbols`.
    """
    details = {
        name: {
            "venues": sorted({*row.get("mapped", ()), *row.get("venues", {})}),
            "kinds": sorted({kind for kinds in row.get("venues", {}).values() for kind in kinds}),
            "session": row.get("session", ""),
            "age_seconds": row.get("age_s"),
        }
        for name, row in rows.items()
    }
    return {"symbols": list(details), "count": len(details), "details": details}


def exchanges_of(
    venues: Iterable[tuple[Venue, bool]], catalog: Catalog, now_ns: int, mono_ns: int
) -> dict[str, Any]:
    """Every venue, configured or heard of: connected if one of its collectors is.

    Args:
        venues: Each with whether it is connected.
        catalog: Instruments.
        now_ns: Our clock.
        mono_ns: Our monotonic clock.
    """
    symbols: dict[str, list[str]] = {}
    for symbol in catalog.symbols:
        for venue in catalog.get(symbol).venues:
            symbols.setdefault(venue, []).append(symbol)
    heard: dict[str, list[tuple[Venue, bool]]] = {}
    for one, is_connected in venues:
        heard.setdefault(one.venue, []).append((one, is_connected))
    rows = []
    for name in sorted({*symbols, *heard}):
        found = heard.get(name, [])
        mark_ns = max((one.ts_event_ns for one, _ in found), default=0)
        connected = any(is_connected for _, is_connected in found)
        rows.append({
            "name": name,
            "connected": connected,
            "status": "connected" if connected else "disconnected" if found else "unknown",
            "symbols": symbols.get(name, []),
            "collectors": [
                {"name": one.publisher, "connected": is_connected, "silent_s": (mono_ns - one.heard_ns) / 1e9}
                for one, is_connected in found
            ],
            "last_update": iso(mark_ns) if mark_ns else None,
            "behind_s": (now_ns - mark_ns) / 1e9 if mark_ns else None,
        })  # fmt: skip
    return {"exchanges": rows, "count": len(rows)}


def detectors_of(names: Sequence[str], details: Details) -> dict[str, Any]:
    """Every detector of the topology, and what its rules show.

    Args:
        names: All of them.
        details: Full statuses of those that are alive.
    """
    rows = []
    for name in names:
        detail = details.get(name, {})
        rows.append({
            "name": name,
            "running": bool(detail),
            "enabled": True,
            "markets": detail.get("markets", 0),
            "rules": detail.get("rules", 0),
            "alerts": detail.get("counters", {}).get("alerts", 0),
            "detail": {key: value for key, value in detail.items() if key not in _STATUS_OF_ALL},
        })  # fmt: skip
    return {"detectors": rows, "count": len(rows)}


def storage_of(persistence: Details, journals: Details) -> dict[str, Any]:
    """What is stored, by the heartbeats of persistence and journal server; tells no address.

    Args:
        persistence: Full statuses of those that store; empty: it is not alive.
        journals: Of the journal servers.
    """
    targets = {
        f"{actor}:{target}": {key: value for key, value in row.items() if key != "trouble"}
        for actor, detail in persistence.items()
        for target, row in detail.get("targets", {}).items()
    }
    disk: Mapping[str, Any] = next((detail for detail in journals.values() if "disk" in detail), {})
    if not persistence:
        status = "disabled"
    elif not all(persistence.values()):
        status = "down"
    else:
        status = "degraded" if any(row.get("state") == "failed" for row in targets.values()) else "healthy"
    return {
        "status": status,
        "enabled": bool(persistence),
        "targets": targets,
        "rows": sum(int(row.get("rows") or 0) for row in targets.values()),
        "oldest_unflushed_s": max(
            (float(row.get("oldest_unflushed_s") or 0.0) for row in targets.values()), default=None
        ),
        "disk": {
            "state": disk.get("disk"),
            "used_share": disk.get("disk_used_share"),
            "free_bytes": disk.get("free_bytes"),
        },
        "journals": sorted(disk.get("journals") or ()),
    }


def signals_of(signals: Sequence[Signal]) -> dict[str, Any]:
    """The newest signals first.

    Args:
        signals: Oldest first, each once.
    """
    rows: list[dict[str, Any]] = []
    for signal in reversed(signals):
        row = signal.to_dict()
        row["direction"] = DIRECTIONS.get(signal.side, "NEUTRAL")
        row["timestamp"] = iso(signal.ts_event_ns)
        rows.append(row)
    return {"signals": rows, "count": len(rows)}


def config_of(common: Mapping[str, Any], own: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The whole configuration with our own section filled in; secrets are still in it.

    Args:
        common: The top level, `actors` among it.
        own: Our name.
        settings: Our section with every default.
    """
    return {**common, "actors": {**common["actors"], own: dict(settings)}}
