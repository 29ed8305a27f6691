"""Measures the clocks of the other hosts: the journal servers ask each other what time it is."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from actors.runtime.clock import Clock
from actors.runtime.puller import Puller
from protocol.clock_offset import OffsetFilter
from protocol.messages import Alert
from protocol.requests import Reply, Request
from protocol.topics import market_topic

VENUE: Final = "journal"
SYMBOL: Final = "CLOCK"
TOPIC: Final = market_topic(Alert.KIND, VENUE, SYMBOL)
STEP_NS: Final = 20_000_000
"""Wall and monotonic clock that have moved apart by so much between two questions: our clock was set."""


class Clocks:
    """What this host knows of the others' clocks.

    Args:
        lines: Host to the line to its journal server.
        clock: Ours.
    """

    def __init__(self, lines: Mapping[str, Puller], clock: Clock) -> None:
        self._lines = lines
        self._clock = clock
        self._filters = {host: OffsetFilter() for host in lines}
        self._waiting: set[str] = set()
        self._wall_minus_mono_ns = clock.now_ns() - clock.mono_ns()

    def ask(self) -> None:
        """Ask every host that owes no answer; call it every few seconds."""
        now_ns, mono_ns = self._clock.now_ns(), self._clock.mono_ns()
        if abs(now_ns - mono_ns - self._wall_minus_mono_ns) > STEP_NS:
            for one in self._filters.values():
                one.clear()
        self._wall_minus_mono_ns = now_ns - mono_ns
        for host, line in self._lines.items():
            if host not in self._waiting:
                self._waiting.add(host)
                line.ask(Request(op="ping"), functools.partial(self._answered, host, now_ns, mono_ns))

    def _answered(self, host: str, asked_ns: int, mono_ns: int, reply: Reply | None) -> None:
        self._waiting.discard(host)
        if reply is not None and reply.ok and reply.ts_ns:
            heard_mono_ns = self._clock.mono_ns()
            heard_ns = asked_ns + heard_mono_ns - mono_ns
            self._filters[host].add(asked_ns, reply.ts_ns, heard_ns, heard_mono_ns)

    def tick(self) -> None:
        """Give up answers that do not come."""
        for line in self._lines.values():
            line.tick()

    def told(self) -> dict[str, dict[str, Any]]:
        """Host to its `ClockOffset`, for the heartbeat; who has never answered is left out."""
        mono_ns = self._clock.mono_ns()
        known = {host: one.best(mono_ns) for host, one in self._filters.items()}
        return {host: msgspec.to_builtins(best) for host, best in known.items() if best is not None}

    def beyond(self, limit_s: float) -> dict[str, float]:
        """Host to its offset in seconds, of those that are surely further away than a limit."""
        return {
            host: row["offset_s"]
            for host, row in self.told().items()
            if abs(row["offset_s"]) - row["uncertainty_s"] > limit_s
        }


def clock_alarms(wrong: Mapping[str, float], before: Collection[str], here: str, ts_ns: int) -> list[Alert]:
    """Alerts to publish on TOPIC: once for each clock that has come to be wrong, once when it is right again.

    Args:
        wrong: Host to its offset in seconds, of those beyond the limit.
        before: Hosts that were beyond it at the last look.
        here: This host.
        ts_ns: Wall clock.
    """
    alerts = []
    for host in sorted({*wrong, *before}):
        if host in wrong and host not in before:
            ahead = "ahead of" if wrong[host] > 0 else "behind"
            text = (
                f"the clock of {host} is {abs(wrong[host]):.3f} s {ahead} that of {here}: ages and lags between them are"
                " wrong by so much; run chrony or timesyncd on both"
            )
            alerts.append(
                Alert(SYMBOL, VENUE, "clock_offset", "warning", ts_ns, text, {"offset_s": wrong[host]})
            )
        elif host not in wrong:
            text = f"the clocks of {host} and {here} agree again"
            alerts.append(Alert(SYMBOL, VENUE, "clock_offset", "info", ts_ns, text, {}))
    return alerts
