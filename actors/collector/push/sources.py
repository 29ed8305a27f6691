"""Who pushes: whether a source is there, how far its time has come, and the gaps of its silence. Pure, time is an argument.

A gap begins where a source stopped in the hours of a market, and ends with its next request. It stays unfillable: whether
the source kept what it could not send is not known; what it sends late is published all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from actors.collector.gaps import RESTART, Gaps
from actors.collector.market_clock import MarketClock
from actors.collector.push.memory import SourceState
from actors.collector.push.rhythm import Rhythm
from protocol.instruments import Catalog
from protocol.messages import Gap, Quote, Watermark
from protocol.pushing import venue_of
from protocol.sessions import session_named

SILENCE: Final = "silence"
REASON: Final = "what a source did not send is not known"


class Source:
    """One source.

    Args:
        name: Of it.
        state: What is remembered.
        rhythm: How often it sends.
        gaps: Its own ledger.
        catalog: Instruments, for their market hours.
        hold_back_ns: How far the watermark stays behind.
    """

    def __init__(
        self, name: str, state: SourceState, rhythm: Rhythm, gaps: Gaps, catalog: Catalog, hold_back_ns: int
    ) -> None:
        self.name = name
        self.venue = venue_of(name)
        self.state = state
        self.rhythm = rhythm
        self.requests = self.accepted = self.duplicates = self.rejected = 0
        self._gaps = gaps
        self._catalog = catalog
        self._hold_back_ns = hold_back_ns
        self._clock = MarketClock()
        self._alive_ns = state.newest_ns
        """Its time when it was heard last."""
        self._is_silent = False
        gaps.resume_from(state.gaps.values(), ())

    def resume(self, mono_ns: int) -> Iterator[Gap]:
        """A new process: what came since the one before is not known until the source is heard."""
        if self.state.newest_ns:
            self._clock.saw(self.state.newest_ns, mono_ns)
            self._is_silent = True
            yield from self._interrupt(RESTART, self.state.newest_ns)

    def heard(self, newest_ns: int, mono_ns: int) -> None:
        """A request has come; its newest tick is of this time, 0: it had none."""
        self.requests += 1
        self.rhythm.heard(mono_ns)
        if newest_ns:
            self._clock.saw(newest_ns, mono_ns)
        self._alive_ns = self._clock.reached(mono_ns)

    def back(self) -> Iterator[Gap]:
        """Before what a request brings is published: gaps of the silence end."""
        if self._is_silent:
            self._is_silent = False
            for symbol in list(self.state.gaps):
                gap = self._gaps.give_up(symbol, Quote.KIND, self._alive_ns, REASON)
                if gap is not None:
                    yield gap

    def sweep(self, now_ns: int, mono_ns: int) -> Iterator[Gap]:
        """Call it each second: a gap begins for each market that is open while the source is silent."""
        if self.rhythm.is_there(mono_ns) or not self.state.newest_ns:
            return
        self._is_silent = True
        for symbol in self.state.ticks:
            span = session_named(self._catalog.get(symbol).session).span(now_ns)
            if span.is_open and symbol not in self.state.gaps:
                yield from self._interrupt(SILENCE, max(self._alive_ns, span.start_ns), symbol)

    def _interrupt(self, cause: str, from_ns: int, only: str = "") -> Iterator[Gap]:
        for symbol, ticks in self.state.ticks.items():
            if ticks.newest_ns and only in ("", symbol) and symbol in self._catalog:
                gap = self._gaps.interrupt(symbol, Quote.KIND, max(from_ns, ticks.newest_ns), 0, cause)
                if gap is not None:
                    yield gap

    def mark(self, publisher: str, mono_ns: int) -> Watermark | None:
        """How far its time has come; None before its first tick."""
        reached_ns = self._clock.reached(mono_ns) - self._hold_back_ns
        if not self._clock.has_begun:
            return None
        return Watermark(publisher, self.venue, reached_ns, self.rhythm.is_there(mono_ns))

    def note(self, accepted: int, duplicates: int, rejected: int) -> None:
        """Count items."""
        self.accepted += accepted
        self.duplicates += duplicates
        self.rejected += rejected

    def describe(self, mono_ns: int) -> dict[str, Any]:
        """For people."""
        heard_ns = self.rhythm.heard_ns
        offset = self.state.offset
        return {
            "connected": self.rhythm.is_there(mono_ns),
            "heard_age_s": round((mono_ns - heard_ns) / 1e9, 1) if heard_ns else None,
            "silent_after_s": round(self.rhythm.patience_s, 1),
            "gmt_offset_s": offset.offset_s if offset.is_known else None,
            "symbols": len(self.state.ticks.keys() | self.state.bars.keys()),
            "requests": self.requests,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
        }
