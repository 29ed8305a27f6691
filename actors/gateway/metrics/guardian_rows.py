"""What a guardian tells of the actors in its care. Pure."""

from __future__ import annotations

from typing import Final

from actors.gateway.metrics.seen import Seen
from actors.gateway.metrics.sheet import Sheet
from actors.gateway.metrics.values import entries, mapping

KIND: Final = "guardian"


def put_guardian(sheet: Sheet, guardian: Seen) -> None:
    """Put one guardian down."""
    for name, told in entries(mapping(guardian.detail.get("programs"))):
        row = mapping(told)
        sheet.put("actor_restarts_total", row.get("restarts"), name, life=guardian.epoch)
        sheet.put("actor_hangs_total", row.get("hangs"), name, life=guardian.epoch)
        if guardian.is_up:
            sheet.put("actor_quarantined", row.get("state") == "QUARANTINED", name)
