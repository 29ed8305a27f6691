"""What bridges tell of their mirrors. Pure."""

from __future__ import annotations

from typing import Final

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.values import mapping

_COUNTERS: Final = ("messages", "bytes", "failures", "holes")


def put_bridge(sheet: Sheet, actor: Seen) -> None:
    """Put one bridge down; nothing of any other actor."""
    if actor.kind != "bridge":
        return
    mirror = mapping(actor.detail.get("mirror"))
    for name in _COUNTERS:
        sheet.put(f"bridge_{name}_total", mirror.get(name), actor.name, life=actor.epoch)
    if actor.is_up and mirror:
        sheet.put("bridge_mirroring", mirror.get("state") == "mirroring", actor.name)
        sheet.put("bridge_unconfirmed_messages", mirror.get("unconfirmed"), actor.name)
        sheet.put("bridge_oldest_unconfirmed_seconds", mirror.get("oldest_unconfirmed_s"), actor.name)
