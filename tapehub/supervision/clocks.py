"""How far the clocks of the hosts are apart, as their journal servers measured it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

TITLES: Final = ("CLOCK OF", "SEEN FROM", "OFFSET", "+-", "THERE AND BACK", "")
_MS: Final = 1000.0


class ClockRow(msgspec.Struct, kw_only=True):
    """One clock, seen from another host."""

    host: str
    seen_from: str
    offset_s: float
    """Its clock minus that of `seen_from`, seconds."""
    uncertainty_s: float
    rtt_s: float
    limit_s: float

    @property
    def is_wrong(self) -> bool:
        """Whether it is surely beyond the limit."""
        return abs(self.offset_s) - self.uncertainty_s > self.limit_s


def clock_rows(statuses: Mapping[str, Mapping[str, Any] | None]) -> list[ClockRow]:
    """What all journal servers measured, in the order of the topology.

    Args:
        statuses: Actor to its status; None: it did not answer.
    """
    return [
        ClockRow(
            host=host,
            seen_from=str(status.get("of_host", "")),
            offset_s=row["offset_s"],
            uncertainty_s=row["uncertainty_s"],
            rtt_s=row["rtt_s"],
            limit_s=status.get("clock_limit_s", 0.0),
        )
        for status in statuses.values()
        if status
        for host, row in status.get("clocks", {}).items()
    ]


def cells(row: ClockRow) -> list[str]:
    """For the table."""
    return [
        row.host,
        row.seen_from,
        f"{row.offset_s * _MS:+.3f} ms",
        f"{row.uncertainty_s * _MS:.3f} ms",
        f"{row.rtt_s * _MS:.3f} ms",
        f"more than {row.limit_s:g} s: run chrony or timesyncd" if row.is_wrong else "",
    ]
