"""What every reader may rely on of the minutes of one instrument, checked message by message as they go out. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from actors.collector.bars.memory import MINUTE_NS
from protocol.messages import Bar, Gap, Message
from protocol.sessions import Session


class Laws:
    """Raises `AssertionError` at the first message that breaks a law.

    Args:
        session: Of the instrument.
        begin_ns: Nothing may be told of what was before.
        until_ns: The first minute is the one in market hours from here on, and a price is known;
            0: whichever comes first, with a price.
        is_counted: A filled gap says how many minutes were filled.
    """

    def __init__(
        self, session: Session, begin_ns: int = 0, until_ns: int = 0, *, is_counted: bool = True
    ) -> None:
        self.session = session
        self.newest: dict[int, Bar] = {}
        """Start of a minute to its newest revision."""
        self.states: collections.Counter[str] = collections.Counter()
        """State to the entries of the gap ledger."""
        self.running: list[Bar] = []
        self.skipped: list[Gap] = []
        self.gaps: dict[str, Gap] = {}
        """Newest entry of each gap."""
        self._is_known = until_ns > 0
        self._newest_ns = 0
        self._begin_ns = begin_ns
        self._next_ns = until_ns
        self._is_counted = is_counted
        self._missing: dict[str, set[int]] = {}
        self._filled: collections.Counter[str] = collections.Counter()
        self._begun: set[str] = set()
        """Gaps of which a minute went out."""
        self._retold: set[str] = set()
        self._open = ""
        self._ended_ns = 0
        """Start of the minute that ended the newest gap, and has to come next."""

    def take_all(self, messages: Iterable[Message]) -> None:
        """Check messages of one call."""
        for message in messages:
            self.take(message)
        self.settled()

    def take(self, message: Message) -> None:
        """Check one message; kinds other than bars and gaps are passed over."""
        if isinstance(message, Gap):
            self._gap(message)
        elif isinstance(message, Bar):
            self._bar(message)

    def restarted(self) -> None:
        """Another process goes on: it may tell once more which gaps there are, and owes no minute."""
        self._ended_ns = 0
        self._retold = set(self._missing)

    def settled(self) -> None:
        """Between two calls no ended gap lives on that misses nothing, and no announced minute is owed."""
        for gap_id, missing in self._missing.items():
            assert missing or gap_id == self._open, f"{gap_id} misses nothing and is not filled"
        assert not self._ended_ns, "a gap has ended, and the minute that ended it did not come"

    def starts(self, status: str) -> list[int]:
        """Starts of the minutes that have a status now."""
        return sorted(start_ns for start_ns, bar in self.newest.items() if bar.status == status)

    @property
    def missing(self) -> set[int]:
        """Starts of the minutes that are gaps now."""
        return set(self.starts("gap"))

    def _bar(self, bar: Bar) -> None:
        start_ns = bar.ts_open_ns
        assert bar.validate() == [], bar.validate()
        assert start_ns % MINUTE_NS == 0
        assert start_ns >= self._begin_ns, "a minute before the beginning"
        assert self.session.is_open(start_ns), f"a minute outside the session: {bar}"
        match bar.revision:
            case 0:
                self._show(bar)
            case 1:
                self._first(bar)
            case _:
                self._revise(bar)

    def _show(self, bar: Bar) -> None:
        assert bar.status in ("open", "stale")
        assert bar.ts_open_ns not in self.newest, "a running minute that has closed"
        self.running.append(bar)

    def _first(self, bar: Bar) -> None:
        start_ns = bar.ts_open_ns
        assert start_ns not in self.newest, f"a minute twice: {bar}"
        if self._next_ns:
            assert start_ns == self.session.next_open_ns(self._next_ns), f"not in order: {bar}"
        before = self.newest[self._newest_ns] if self.newest else None
        assert bar.status in ("closed", "quiet", "gap")
        if bar.status == "gap":
            assert self._open, f"a gap minute without a gap: {bar}"
            is_begun = self._open in self._begun
            assert is_begun or start_ns == self.gaps[self._open].from_ts_ns, "the gap begins elsewhere"
            self._begun.add(self._open)
            self._missing[self._open].add(start_ns)
            assert bar.coverage == 0.0
        else:
            assert not self._open, f"a gap is still open: {bar}"
            assert bar.coverage == 1.0
        if bar.status == "closed":
            assert bar.count >= 1
        elif before is None:
            assert self._is_known, f"a price out of nothing: {bar}"
        else:
            assert (bar.open, bar.close, bar.volume, bar.count) == (before.close, before.close, 0.0, 0)
        assert bar.status == "closed" or bar.reason, "nobody says why there is no bar"
        assert self._ended_ns in (0, start_ns), "another minute came than the one that ended the gap"
        self._ended_ns = 0
        self.newest[start_ns] = bar
        self._newest_ns, self._next_ns = start_ns, start_ns + MINUTE_NS

    def _revise(self, bar: Bar) -> None:
        known = self.newest[bar.ts_open_ns]
        assert bar.revision == known.revision + 1, f"{bar} after revision {known.revision}"
        assert _told(known) != _told(bar), f"a revision without a change: {bar}"
        assert bar.status in ("closed", "quiet")
        if known.status == "gap":
            for gap_id, missing in self._missing.items():  # in none of them: it was given up
                if bar.ts_open_ns in missing:
                    missing.remove(bar.ts_open_ns)
                    self._filled[gap_id] += 1
            if bar.status == "quiet":
                assert bar.close == known.close, "a quiet minute at another price than that before it"
        else:
            assert bar.status == "closed", f"a minute is taken back: {bar}"
        self.newest[bar.ts_open_ns] = bar

    def _gap(self, gap: Gap) -> None:
        assert (gap.kind, gap.venue, gap.from_id) == ("bar", "rest", gap.from_ts_ns // MINUTE_NS)
        assert gap.to_id == (gap.to_ts_ns // MINUTE_NS - 1 if gap.to_ts_ns else 0)
        known = self.gaps.get(gap.gap_id)
        if known is not None and known.state == gap.state and gap.gap_id in self._retold:
            assert (gap.from_ts_ns, gap.to_ts_ns) == (known.from_ts_ns, known.to_ts_ns)
            self._retold.remove(gap.gap_id)
            return
        self.states[gap.state] += 1
        match gap.state:
            case "open":
                assert known is None, f"{gap.gap_id} is told twice"
                assert not self._open, "a gap in a gap"
                assert gap.reason
                if self._next_ns:
                    assert gap.from_ts_ns == self.session.next_open_ns(self._next_ns)
                self._open = gap.gap_id
                self._missing[gap.gap_id] = set()
            case "filling":
                assert known is not None
                assert self._open == gap.gap_id
                assert gap.to_ts_ns
                self._open, self._ended_ns = "", gap.to_ts_ns
            case "filled":
                assert known is not None
                assert known.state == "filling"
                assert not self._missing.pop(gap.gap_id), f"{gap.gap_id} is not filled"
                assert not self._is_counted or gap.count == self._filled[gap.gap_id]
            case _:
                assert gap.state == "unfillable"
                assert gap.reason
                self._give_up(gap, known)
        self.gaps[gap.gap_id] = gap

    def _give_up(self, gap: Gap, known: Gap | None) -> None:
        if known is not None:
            assert known.state in ("open", "filling")
            self._missing.pop(gap.gap_id)
            return
        assert gap.from_ts_ns < gap.to_ts_ns
        self.skipped.append(gap)
        self._next_ns = gap.to_ts_ns


def _told(bar: Bar) -> tuple[object, ...]:
    return bar.open, bar.high, bar.low, bar.close, bar.volume, bar.status
