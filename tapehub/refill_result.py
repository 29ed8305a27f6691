"""What a backfill has come to: per instrument, as a whole, and as an exit code. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from actors.collector.bars.judging.calendar import count_minutes
from protocol.sessions import Session
from tapehub.refill_plan import Piece, Span, expected_minutes, got_minutes

DONE: Final = "done"
MISSING: Final = "missing"
NO_DATA: Final = "no_data"
WORTH_TELLING_NS: Final = 1_200_000_000_000
"""The newest minutes are always left to the live looks."""


class Result(msgspec.Struct, kw_only=True):
    """One instrument."""

    symbol: str
    from_ns: int
    to_ns: int
    minutes: int
    """In market hours of what was wanted, up to what the collector fetches by itself."""
    missing: int
    floor_ns: int = 0
    """Nobody has bars before; 0: they go back far enough."""
    live_ns: int = 0
    """From here on the collector fetches by itself; 0: all of it was ordered."""
    provider: str = ""
    """Whose bars go back farthest."""

    @property
    def state(self) -> str:
        """done, missing or no_data."""
        if self.minutes and self.missing >= self.minutes:
            return NO_DATA
        return MISSING if self.missing else DONE

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**msgspec.structs.asdict(self), "state": self.state}

    def remarks(self, moment: Any) -> list[str]:
        """What a person should know besides the numbers; `moment` writes a time."""
        told = []
        if self.floor_ns:
            told.append(f"{self.symbol}: 1m bars go back to {moment(self.floor_ns)}, at {self.provider}")
        if self.live_ns and self.live_ns < self.to_ns - WORTH_TELLING_NS:
            told.append(f"{self.symbol}: from {moment(self.live_ns)} on its collector fetches it by itself")
        return told


def result_of(symbol: str, span: Span, session: Session, missing: int, provider: str) -> Result:
    """The result of one instrument."""
    live_ns = span.live_ns if span.live_ns and span.live_ns < span.to_ns else 0
    minutes = count_minutes(session, span.from_ns, span.end_ns) if span.from_ns < span.end_ns else 0
    return Result(
        symbol=symbol, from_ns=span.from_ns, to_ns=span.to_ns, minutes=minutes, missing=min(missing, minutes),
        floor_ns=span.floor_ns, live_ns=live_ns, provider=provider,
    )  # fmt: skip


def told_missing(
    span: Span, session: Session, pieces: Sequence[Piece], jobs: Sequence[Mapping[str, Any]]
) -> int:
    """Minutes that stay missing by what the collector has told: the store is not asked.

    Args:
        span: What was wanted of an instrument.
        session: Its calendar.
        pieces: What was ordered of it.
        jobs: Its backfills; one that was begun by somebody else may hold more.
    """
    beyond = count_minutes(session, span.from_ns, min(span.floor_ns, span.end_ns)) if span.floor_ns else 0
    return beyond + max(0, expected_minutes(session, pieces) - got_minutes(jobs))


def whole(results: Iterable[Result]) -> str:
    """done, missing or no_data of all instruments together."""
    every = list(results)
    if every and all(one.state == NO_DATA for one in every):
        return NO_DATA
    return DONE if all(one.state == DONE for one in every) else MISSING
