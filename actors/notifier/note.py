"""What may be told somebody, whatever it comes from: signals, alerts, and what happens to the system. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from protocol.messages import BUY, Alert, Signal

Value = str | float | int
SEVERITIES: Final = ("info", "warning", "critical")
SYSTEM_VENUES: Final = ("journal", "guardian")
"""Alerts of these are about the system, not about a market."""
FIELDS: Final = {
    "signal": (
        "symbol", "venue", "strategy", "side", "entry", "stop", "target", "reward_risk", "confidence", "score",
        "state", "timeframe", "text", "reasons", "exit_price", "inputs", "time", "opened", "expires", "signal_id",
        "revision", "severity",
    ),
    "alert": ("symbol", "venue", "rule", "severity", "text", "values", "time"),
    "operator": ("rule", "symbol", "severity", "state", "text", "time"),
}  # fmt: skip
"""Kind to what its templates may name."""


class Note(NamedTuple):
    """One thing to tell."""

    kind: str
    """signal, alert, operator."""
    rule: str
    """Strategy, rule of the detector, or what an operator's alert is about."""
    symbol: str
    venue: str
    severity: str
    subject: str
    """The same in all revisions, and nothing else has it."""
    revision: int
    ts_event_ns: int
    created_ns: int
    """When it was published, our clock: its age counts from there."""
    dedup: str
    """Equal messages have this in common."""
    fields: Mapping[str, Value]
    state: str = ""
    confidence: float = 1.0
    score: float = 1.0


def rank_of(severity: str) -> int:
    """Place of a severity, 0 is the least; an unknown word is a warning."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1


def time_text(ts_ns: int) -> str:
    """UTC, to the second; empty for 0."""
    if not ts_ns:
        return ""
    try:
        return f"{datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return str(ts_ns)


def note_of_signal(signal: Signal, created_ns: int) -> Note:
    """A revision of a signal."""
    subject = (
        signal.signal_id
        or f"{signal.strategy}/{signal.venue}/{signal.symbol}/{signal.ts_opened_ns or signal.ts_event_ns}"
    )
    risk = abs(signal.entry - signal.stop)
    side = "BUY" if signal.side == BUY else "SELL"
    fields: dict[str, Value] = {
        "symbol": signal.symbol,
        "venue": signal.venue,
        "strategy": signal.strategy,
        "side": side,
        "entry": signal.entry,
        "stop": signal.stop,
        "target": signal.target,
        "reward_risk": round(abs(signal.target - signal.entry) / risk, 2) if risk else 0.0,
        "confidence": signal.confidence,
        "score": signal.score,
        "state": signal.state,
        "timeframe": signal.timeframe,
        "text": signal.text,
        "reasons": "; ".join(signal.reasons),
        "exit_price": signal.exit_price or "",
        "inputs": values_text(signal.inputs),
        "time": time_text(signal.ts_event_ns),
        "opened": time_text(signal.ts_opened_ns),
        "expires": time_text(signal.ts_expires_ns),
        "signal_id": signal.signal_id,
        "revision": signal.revision,
        "severity": "info",
    }
    return Note(
        "signal",
        signal.strategy,
        signal.symbol,
        signal.venue,
        "info",
        subject,
        signal.revision,
        signal.ts_event_ns,
        created_ns,
        f"signal|{signal.strategy}|{signal.venue}|{signal.symbol}|{side}",
        fields,
        signal.state,
        signal.confidence,
        signal.score,
    )


def note_of_alert(alert: Alert, created_ns: int) -> Note:
    """An alert of a detector; those about the system itself are an operator's."""
    is_market = alert.venue not in SYSTEM_VENUES
    kind = "alert" if is_market else "operator"
    fields: dict[str, Value] = {
        "symbol": alert.symbol,
        "venue": alert.venue,
        "rule": alert.rule,
        "severity": alert.severity,
        "state": "",
        "text": alert.text,
        "values": values_text(alert.values),
        "time": time_text(alert.ts_event_ns),
    }
    same = f"{kind}|{alert.rule}|{alert.venue}|{alert.symbol}"
    # a disk that goes from warning to critical within the time of equal messages is not the same thing
    dedup = same if is_market else f"{same}|{alert.severity}"
    return Note(
        kind,
        alert.rule,
        alert.symbol,
        alert.venue,
        alert.severity,
        f"{same}|{alert.ts_event_ns}",
        1,
        alert.ts_event_ns,
        created_ns,
        dedup,
        fields,
    )


def values_text(values: Mapping[str, float]) -> str:
    """Names and numbers in one line."""
    return ", ".join(f"{name} {value:.6g}" for name, value in values.items())
