"""Gaps of quotes: when they begin, what ends them. A closed market has none. Pure but for what it publishes.

interrupt   the stream has stopped, in market hours
recovered   the server went on where it had stopped: filled
end         the next word of a new session: unfillable, nobody repeats quotes
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.collector.gaps import RESTART, Gaps
from actors.collector.ig.epic_tape import EpicTape
from actors.collector.outbox import Outbox
from protocol.messages import Gap, Quote

QUOTES_LOST: Final = "a venue does not repeat quotes"
MARGIN_NS: Final = 1_000_000_000
"""What happened so shortly before the last watermark may not have reached us before the end."""


class QuoteGaps:
    """The collector's ledger, as far as quotes of one feed are concerned.

    Args:
        gaps: The ledger.
        outbox: Takes the announcements.
    """

    def __init__(self, gaps: Gaps, outbox: Outbox) -> None:
        self._gaps = gaps
        self._outbox = outbox

    def interrupt(self, tape: EpicTape, at_ns: int, now_ns: int, cause: str, reason: str) -> None:
        """Quotes have stopped; one without any quote so far has no gap.

        Args:
            tape: Whose.
            at_ns: Event time from which on nothing is known.
            now_ns: Wall clock, for the calendar: a gap begins at the opening at the earliest.
            cause: `disconnect` or `silence`.
            reason: For people.
        """
        span = tape.calendar.span(now_ns)
        if tape.is_interrupted or not tape.newest_ns or not span.is_open:
            return
        tape.is_interrupted = True
        tape.is_recoverable = cause == "disconnect"
        from_ns = max(at_ns, tape.newest_ns, span.start_ns)
        self._announce(self._gaps.interrupt(tape.symbol, Quote.KIND, from_ns, 0, cause, reason))

    def recovered(self, tape: EpicTape, at_ns: int) -> None:
        """The same session goes on, without a loss."""
        if tape.is_interrupted and tape.is_recoverable:
            tape.is_interrupted = False
            self._announce(self._gaps.settle(tape.symbol, Quote.KIND, at_ns))

    def end(self, tape: EpicTape, at_ns: int) -> None:
        """The epic is heard of again."""
        if tape.is_interrupted:
            tape.is_interrupted = False
            self._announce(self._gaps.give_up(tape.symbol, Quote.KIND, at_ns, QUOTES_LOST))

    def hole(self, tape: EpicTape, to_ns: int) -> None:
        """The snapshot of a new subscription shows that quotes were missed, while the session was well."""
        reason = "one epic was silent"
        self._announce(self._gaps.hole(tape.symbol, Quote.KIND, (0, 0), tape.newest_ns, to_ns, reason))

    def forget(self, symbol: str, at_ns: int) -> None:
        """Nobody wants it any more."""
        self._announce(self._gaps.give_up(symbol, Quote.KIND, at_ns, "unsubscribed"))

    def resume(
        self, tape: EpicTape, quote_ns: int, reached_ns: int, now_ns: int, open_gaps: Iterable[Gap]
    ) -> None:
        """A new process: what came since the one before is missing, if the market traded.

        Args:
            tape: Whose.
            quote_ns: Event time of the newest quote that was published.
            reached_ns: Newest watermark.
            now_ns: Wall clock.
            open_gaps: Of this symbol, without an end.
        """
        mine = [gap for gap in open_gaps if gap.kind == Quote.KIND]
        self._gaps.resume_from(mine, ())
        tape.newest_ns = quote_ns
        from_ns = max(reached_ns - MARGIN_NS, quote_ns)
        if mine or tape.calendar.open_time_ns(from_ns, now_ns):
            tape.is_interrupted, tape.is_recoverable = True, False
            self._announce(self._gaps.interrupt(tape.symbol, Quote.KIND, from_ns, 0, RESTART))

    def _announce(self, gap: Gap | None) -> None:
        if gap is not None:
            self._outbox.add(gap)
