"""A provider's minute on its way to a message. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.providers.provider import ProviderBar
from protocol.instruments import REST
from protocol.messages import Bar

TIMEFRAME: Final = "1m"


class Candidate(NamedTuple):
    """A minute that may go out."""

    bar: ProviderBar
    provider: str
    recv_ns: int
    """When it was fetched."""
    is_adjusted: bool = False
    reason: str = ""
    """Why it is not as it was sent, empty if it is."""


def closed(symbol: str, found: Candidate, revision: int) -> Bar:
    """The message of a minute that is over."""
    end_ns = found.bar.ts_open_ns + MINUTE_NS
    return _bar(symbol, found, "closed", end_ns - 1, revision)


def running(symbol: str, found: Candidate, status: str) -> Bar:
    """The message of a minute that is not over: status open or stale."""
    end_ns = found.bar.ts_open_ns + MINUTE_NS
    event_ns = min(max(found.recv_ns, found.bar.ts_open_ns), end_ns - 1)
    return _bar(symbol, found, status, event_ns, 0)


def flat(
    symbol: str, start_ns: int, price: float, status: str, source: str, recv_ns: int, reason: str
) -> Bar:
    """The message of a minute without a bar: the close before, repeated.

    Args:
        symbol: Canonical.
        start_ns: Of the minute.
        price: Close before.
        status: `quiet` (nothing happened), `gap` (nobody could tell), `stale` (running, and nobody has anything newer).
        source: Whose close it is.
        recv_ns: When it was said that there is none.
        reason: Who said so, or why nobody could.
    """
    is_whole = status == "quiet"
    end_ns = start_ns + MINUTE_NS
    return Bar(
        symbol, REST, TIMEFRAME, start_ns, end_ns, price, price, price, price, 0.0, 0.0, 0.0, price, 0,
        status, 1.0 if is_whole else 0.0, 0 if status == "stale" else 1, source, ts_recv_ns=recv_ns,
        reason=reason,
    )  # fmt: skip


def _bar(symbol: str, found: Candidate, status: str, event_ns: int, revision: int) -> Bar:
    bar = found.bar
    volume = bar.volume or 0.0
    return Bar(
        symbol, REST, TIMEFRAME, bar.ts_open_ns, event_ns, bar.open, bar.high, bar.low, bar.close, volume,
        0.0, 0.0, _vwap(bar, volume), max(1, bar.count), status, 1.0, revision, found.provider,
        ts_recv_ns=found.recv_ns, is_adjusted=found.is_adjusted, reason=found.reason,
    )  # fmt: skip


def _vwap(bar: ProviderBar, volume: float) -> float:
    """As it was told; else the typical price, the usual stand-in where only bars are known; the close without volume."""
    if not volume:
        return bar.close
    found = bar.vwap if bar.vwap > 0.0 else (bar.high + bar.low + bar.close) / 3.0
    return min(max(found, bar.low), bar.high)


def is_other(known: Bar, fresh: Bar) -> bool:
    """Whether a later answer says something else of a minute."""
    return (known.open, known.high, known.low, known.close, known.volume, known.status) != (
        fresh.open, fresh.high, fresh.low, fresh.close, fresh.volume, fresh.status,
    )  # fmt: skip
