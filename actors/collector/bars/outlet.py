"""What is to be published, in its order, and what people are to know of it. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Final, NamedTuple

from actors.collector.bars.judging.judged import Judged
from actors.collector.bars.spending.breaker import Transition
from protocol.instruments import REST
from protocol.messages import Alert, Bar, Gap, Message, Verdict

MAX_SWITCHES: Final = 200
MAX_TOLD: Final = 20_000
"""Verdicts that are remembered, so that each is told once."""
BREAKER_RULE: Final = "provider_breaker"
DISAGREEMENT_RULE: Final = "provider_disagreement"


class Switch(NamedTuple):
    """Another provider gives the minutes of an instrument."""

    ts_ns: int
    symbol: str
    before: str
    after: str
    reason: str


class Outlet:
    """Gathers messages until they are taken."""

    def __init__(self, counters: collections.Counter[str]) -> None:
        self.counters = counters
        self.switches: collections.deque[Switch] = collections.deque(maxlen=MAX_SWITCHES)
        self._messages: list[Message] = []
        self._told: dict[tuple[object, ...], None] = {}

    def take(self) -> list[Message]:
        """Everything since the last time, in its order."""
        taken, self._messages = self._messages, []
        return taken

    def add(self, messages: Iterable[Bar | Gap | Alert]) -> None:
        """Publish messages."""
        self._messages += messages

    def judged(self, symbol: str, provider: str, found: Judged, now_ns: int) -> None:
        """Tell what became of a bar that was not taken as it came, once."""
        if found.verdict not in ("repair", "quarantine"):
            return
        sent = found.sent
        key = symbol, provider, sent.ts_open_ns, found.verdict, found.reasons
        if key in self._told:
            return
        self._told[key] = None
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        self.counters[f"bars_{found.verdict}"] += 1
        self._messages.append(
            Verdict(
                symbol, REST, now_ns, "1m", sent.ts_open_ns, provider, found.verdict, list(found.reasons),
                *map(_finite, (sent.open, sent.high, sent.low, sent.close, sent.volume or 0.0)),
            )
        )  # fmt: skip

    def switched(self, switch: Switch) -> None:
        """Tell that another provider gives the minutes."""
        self.counters["provider_switches"] += 1
        self.switches.append(switch)

    def breaker(self, change: Transition | None) -> None:
        """Tell that an endpoint of a provider was given up, or is back."""
        if change is None:
            return
        self.counters[f"breaker_{change.after}"] += 1
        if change.after == "half_open" or (change.before, change.after) == ("half_open", "open"):
            return  # a trial, and a trial that failed: no news
        severity = "warning" if change.after == "open" else "info"
        text = f"{change.provider} {change.endpoint}: {change.after}"
        if change.reason:
            text += f": {change.reason}"
        self._messages.append(
            Alert(change.provider.upper(), REST, BREAKER_RULE, severity, change.at_ns, text, {})
        )

    def disagreement(self, symbol: str, text: str, values: dict[str, float], now_ns: int) -> None:
        """Tell that providers say different things."""
        self.counters["provider_disagreements"] += 1
        self._messages.append(Alert(symbol, REST, DISAGREEMENT_RULE, "warning", now_ns, text, values))


def _finite(value: float) -> float:
    return value if value - value == 0.0 else 0.0
