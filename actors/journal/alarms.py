"""What a round of housekeeping is worth telling everybody: a disk that fills up, records that had to go unstored. Pure."""

from __future__ import annotations

from typing import Final

from actors.journal.housekeeping import Round
from protocol.journal.retention import Fullness, Reason
from protocol.messages import Alert
from protocol.topics import market_topic

VENUE: Final = "journal"
SYMBOL: Final = "DISK"
TOPIC: Final = market_topic(Alert.KIND, VENUE, SYMBOL)
_SEVERITIES: Final = {
    Fullness.OK: "info",
    Fullness.WARN: "warning",
    Fullness.LOW: "warning",
    Fullness.CRITICAL: "critical",
}
_TEXTS: Final = {
    Fullness.OK: "there is room again",
    Fullness.WARN: "it fills up: make room, or lower min_age_s of the journal server",
    Fullness.LOW: "journal segments that all consumers have stored go early now",
    Fullness.CRITICAL: "journal segments that all consumers have stored go at once now; make room, or publishers"
    " will have to do without their journals",
}


def alarms(before: Fullness, found: Round, ts_ns: int) -> list[Alert]:
    """Alerts to publish on TOPIC after a round.

    Args:
        before: How full the disk was in the round before.
        found: The round.
        ts_ns: Wall clock.
    """
    alerts = []
    if found.fullness is not before:
        used = found.room.used_share
        text = f"the journals' disk is {used:.0%} full: {_TEXTS[found.fullness]}"
        values = {"used_share": used, "free_bytes": float(found.room.free_bytes)}
        alerts.append(_alert("journal_disk", _SEVERITIES[found.fullness], text, values, ts_ns))
    unstored = [(publisher, one) for publisher, one in found.deleted if one.reason is Reason.UNSTORED]
    for publisher in sorted({publisher for publisher, _ in unstored}):
        gone = [one for name, one in unstored if name == publisher]
        last = gone[-1].name
        text = (
            f"the journal of {publisher} is longer than max_bytes_per_publisher: {len(gone)} segments up to"
            f" {last.epoch}/{last.first_seq} are gone although a durable consumer has not stored them"
        )
        values = {"segments": float(len(gone)), "bytes": float(sum(one.size for one in gone))}
        alerts.append(_alert("journal_unstored", "critical", text, values, ts_ns))
    return alerts


def _alert(rule: str, severity: str, text: str, values: dict[str, float], ts_ns: int) -> Alert:
    return Alert(SYMBOL, VENUE, rule, severity, ts_ns, text, values)
