"""Providers of bars over REST for people: circuit breakers, budgets, history, as their collector tells them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from protocol.instruments import BARS

WORDS: Final = {"half_open": "half open"}
"""States that are written in another way than they are spelled; the others are closed, open, resting."""
TITLES: Final = ("PROVIDER", "STATE", "CALLS", "NEXT", "FAILURES", "REASON")
_PER: Final = {1.0: "per s", 60.0: "per min", 3_600.0: "per h", 86_400.0: "per day"}
_WELL: Final = "closed"
_ORDER: Final = ("resting", "open", "half_open", _WELL)
"""The worst first."""


class ProviderRow(msgspec.Struct, kw_only=True):
    """State of one provider at one collector."""

    collector: str
    provider: str
    state: str
    """closed: it is asked; open: a breaker keeps it from being asked; half_open: one trial is under way; resting: it
    asked to be left alone, or its key is wrong."""
    calls: list[dict[str, float]] = []
    """Of each limit: used, calls (the limit), per_s."""
    next_s: float = 0.0
    """Seconds until it may be asked again; 0: it may."""
    failures: int = 0
    """In a row, of its worst endpoint."""
    reason: str = ""
    endpoints: dict[str, str] = {}
    """Endpoint to the state of its breaker."""


def provider_rows(statuses: Mapping[str, Mapping[str, Any] | None]) -> list[ProviderRow]:
    """A row for each provider of each collector that has some.

    Args:
        statuses: Actor to its status; None: it did not answer.
    """
    return [
        _row(actor, name, found)
        for actor, status in statuses.items()
        for name, found in _market(status).get("providers", {}).items()
    ]


def market_lines(statuses: Mapping[str, Mapping[str, Any] | None]) -> dict[str, str]:
    """Collector to one line: `20 instruments: history 43% (12 still loading), 2 backfills, 3 minutes missing, 1 stale`."""
    return {
        actor: _line(_market(status)) for actor, status in statuses.items() if "providers" in _market(status)
    }


def market_states(statuses: Mapping[str, Mapping[str, Any] | None]) -> dict[str, dict[str, Any]]:
    """Collector to the same for programs."""
    names = ("connected", "instruments", "stale", "minutes_missing", "history", "backfills", "switches")
    return {
        actor: {name: market[name] for name in names if name in market}
        for actor, status in statuses.items()
        if "providers" in (market := _market(status))
    }


def trouble(status: Mapping[str, Any]) -> str:
    """The worst thing about the providers of a collector, in a few words; empty if all are well."""
    rows = [row for row in provider_rows({"": status}) if row.state != _WELL]
    if not rows:
        return ""
    worst = min(rows, key=lambda row: (_ORDER.index(row.state), -row.next_s))
    others = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{_words(worst)}{others}"


def verdicts(status: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """For each provider of a collector: OK, WARN or FAIL, why, and what to do; FAIL only where nobody delivers."""
    bad = "WARN" if status.get("connected") else "FAIL"
    found = []
    for row in provider_rows({"": status}):
        if row.state == _WELL:
            found.append(("OK", f"{row.provider}: {budgets_text(row.calls)}, by the collector that runs", ""))
        else:
            found.append((bad, _words(row), "tapehub status; tapehub logs collector.rest --level warning"))
    return found


def cells(row: ProviderRow) -> list[str]:
    """A row of the table, as `TITLES` names it."""
    return [
        row.provider,
        WORDS.get(row.state, row.state),
        budgets_text(row.calls),
        f"in {clock_text(row.next_s)}" if row.next_s > 0 else "-",
        str(row.failures),
        row.reason or "-",
    ]


def budgets_text(limits: Sequence[Mapping[str, float]]) -> str:
    """What is used of each limit of a provider: `14/30 per min, 388/800 per day`."""
    return (
        ", ".join(f"{one['used']:.0f}/{one['calls']:.0f} {per_text(one['per_s'])}" for one in limits) or "-"
    )


def per_text(per_s: float) -> str:
    """The stretch of a limit in words: `per min`."""
    return _PER.get(per_s) or f"per {per_s:g} s"


def clock_text(seconds: float) -> str:
    """A length of time as `00:52`, `1:02:10`, `2d 04:10:00`; it is rounded up: it is waited for."""
    whole = -int(-seconds // 1)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour:02}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute:02}:{second:02}"


def _row(collector: str, name: str, found: Mapping[str, Any]) -> ProviderRow:
    breakers: Mapping[str, Mapping[str, Any]] = found.get("breakers", {})
    waits = [found.get("rests_s", 0.0), *(one["until_s"] for one in breakers.values())]
    reasons = [found.get("why", ""), *(one["reason"] for one in breakers.values())]
    return ProviderRow(
        collector=collector,
        provider=name,
        state=found["state"],
        calls=[{key: one[key] for key in ("used", "calls", "per_s")} for one in found.get("limits", [])],
        next_s=max(waits),
        failures=max((one["failures"] for one in breakers.values()), default=0),
        reason=next(filter(None, reasons), ""),
        endpoints={endpoint: one["state"] for endpoint, one in breakers.items()},
    )


def _market(status: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a collector of bars says of its one market; empty for everybody else."""
    markets = (status or {}).get("markets")
    if not isinstance(markets, Mapping):  # a detector counts its markets under the same name
        return {}
    found: Mapping[str, Any] = markets.get(BARS) or {}
    return found


def _line(market: Mapping[str, Any]) -> str:
    history = market["history"]
    parts = []
    loading = history["waiting"] + history["loading"]
    if loading:
        parts.append(f"history {int(100 * history['share'])}% ({loading} still loading)")
    parts += [
        counted(market["backfills"], "backfill"),
        f"{counted(market['minutes_missing'], 'minute')} missing",
        f"{market['stale']} stale",
    ]
    return f"{counted(market['instruments'], 'instrument')}: {', '.join(parts)}"


def counted(number: int, word: str) -> str:
    """A number and its word: `1 backfill`, `2,000 minutes`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _words(row: ProviderRow) -> str:
    wait = f", retry in {clock_text(row.next_s)}" if row.next_s > 0 else ""
    if row.state == "resting":
        return f"{row.provider} {row.reason}{wait}"
    state = WORDS.get(row.state, row.state)
    reason = row.reason.partition(f"{state}: ")[2] or row.reason
    return f"{row.provider} breaker {state}{f': {reason}' if reason else ''}{wait}"
